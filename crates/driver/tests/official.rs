//! The driver beside the official toolchain that `CROSSCALL_GOROOT` names: same flags, same messages, same imports; shadow
//! GOROOTs; the go command in front of us. Without a toolchain each test is reported as ignored, by name.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Arguments, Failed};
use support::{crosscall, ensure, go, goroot, in_both, official, run, same, trial, write};

fn main() {
    let args = Arguments::from_args();
    let root = goroot();
    let mut trials = Vec::new();
    for (name, case) in MESSAGES {
        trials.push(trial(format!("messages::{name}"), &root, move |root| {
            same_message(root, *case)
        }));
    }
    let whole: &[(&str, Test)] = &[
        ("version_line", version_line),
        ("response_files", response_files),
        ("shadow_goroot", shadow_goroot),
        ("shadow_goroot_keeps_off", shadow_goroot_keeps_off),
        ("go_command", go_command),
        ("cache_key_follows_the_environment", cache_key),
    ];
    for (name, test) in whole {
        trials.push(trial((*name).to_owned(), &root, test));
    }
    libtest_mimic::run(&args, trials).exit();
}

type Test = fn(&Path) -> Result<(), Failed>;

/// Command lines as the shell would split them, with the environment in front.
type Case = (
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

const MESSAGES: &[(&str, Case)] = &[
    ("no_arguments", (&[], &[])),
    ("help", (&[], &["-h"])),
    ("long_help", (&[], &["--help"])),
    ("unknown_flag", (&[], &["-x"])),
    ("unknown_flag_with_value", (&[], &["--x=1", "x.go"])),
    ("flag_before_error", (&[], &["-objdir", "o", "-y"])),
    ("three_dashes", (&[], &["---x"])),
    ("equals_first", (&[], &["-=x"])),
    ("bad_bool", (&[], &["-dynlinker=maybe"])),
    ("missing_value", (&[], &["-objdir"])),
    ("no_go_files", (&[], &["--", "-O2"])),
    ("go_file_not_last", (&[], &["x.go", "y"])),
    ("no_such_file", (&[], &["nope.go"])),
    (
        "no_such_file_in_srcdir",
        (&[], &["-srcdir", "d/../e", "nope.go"]),
    ),
    ("directory", (&[], &["d.go"])),
    (
        "incomplete_without_gccgo",
        (&[], &["-gccgo_define_cgoincomplete", "x.go"]),
    ),
    (
        "no_such_gccgo",
        (&[("GCCGO", "no-such-gccgo")], &["-gccgo", "x.go"]),
    ),
    (
        "no_such_gccgo_by_path",
        (&[("GCCGO", "./no/gccgo")], &["-gccgo", "x.go"]),
    ),
    (
        "gccgo_is_a_directory",
        (&[("GCCGO", "/etc")], &["-gccgo", "x.go"]),
    ),
    ("gccgo_fails", (&[("GCCGO", "false")], &["-gccgo", "x.go"])),
    (
        "gccgo_mangles_strangely",
        (&[("GCCGO", "true")], &["-gccgo", "x.go"]),
    ),
    ("open_quote_in_ldflags", (&[], &["-ldflags", "'a", "x.go"])),
    (
        "open_escape_in_ldflags",
        (&[], &["-ldflags", "a\\", "x.go"]),
    ),
    (
        "open_quote_in_environment",
        (&[("CGO_LDFLAGS", "\"")], &["x.go"]),
    ),
    ("newline_in_path", (&[], &["new\nline.go"])),
    (
        "no_such_compiler",
        (&[("CC", "no-such-cc -m64")], &["x.go"]),
    ),
    (
        "no_such_compiler_by_path",
        (&[("CC", "./no/cc")], &["x.go"]),
    ),
    ("compiler_is_a_directory", (&[("CC", "/etc")], &["x.go"])),
    (
        "compiler_is_no_program",
        (&[("CC", "/etc/passwd")], &["x.go"]),
    ),
    (
        "compiler_in_gcc_variable",
        (&[("GCC", "no-such-gcc")], &["x.go"]),
    ),
    ("compiler_quote", (&[("CC", "'gcc")], &["x.go"])),
    ("compiler_blank", (&[("CC", " ")], &["x.go"])),
    ("unknown_architecture", (&[("GOARCH", "pdp11")], &["x.go"])),
    (
        "bad_gomips",
        (&[("GOARCH", "mips"), ("GOMIPS", "x")], &["x.go"]),
    ),
    (
        "dynimport_to_nowhere",
        (&[], &["-dynimport", "/bin/sh", "-dynout", "/no/where"]),
    ),
];

fn same_message(root: &Path, (environment, args): Case) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let text = "package p\n\nimport \"C\"\n";
    write(dir.path(), &[("x.go", text), ("new\nline.go", text)]);
    fs::create_dir(dir.path().join("d.go"))?;
    let (theirs, ours) = in_both(root, |command| {
        command
            .current_dir(dir.path())
            .envs(environment.iter().copied())
            .args(args);
    });
    same(&theirs, &ours)
}

fn version_line(root: &Path) -> Result<(), Failed> {
    let (theirs, ours) = in_both(root, |command| {
        command.arg("-V");
    });
    same(&theirs, &ours)?;
    let (theirs, ours) = in_both(root, |command| {
        command.arg("-V=full");
    });
    let line = theirs.stdout.trim_end().to_owned() + " crosscall-";
    ensure(ours.stdout.starts_with(&line), &ours.stdout)?;
    ensure(ours.stdout.split_whitespace().count() >= 4, &ours.stdout)
}

fn cache_key(root: &Path) -> Result<(), Failed> {
    let line = |name: &str, value: &str| {
        let mut command = crosscall();
        command.arg(official(root)).arg("-V=full").env(name, value);
        run(command).stdout
    };
    let usual = line("X", "");
    ensure(
        usual == line("CROSSCALL_TRACE_FILE", "/dev/null"),
        "a trace changes nothing",
    )?;
    ensure(usual != line("GCC", "gcc-13"), "another compiler")?;
    ensure(usual != line("CPATH", "/opt/include"), "other headers")
}

/// Each release's own form of response files.
fn response_files(root: &Path) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    write(
        dir.path(),
        &[
            ("lines", "-dynimport\n/bin/sh\n-dynpackage\na b\n"),
            (
                "quotes",
                "-dynimport /bin/sh -dynpackage 'a b' \"-dynlinker\"\n",
            ),
            ("nested", "@lines\n"),
        ],
    );
    for file in ["@lines", "@quotes", "@nested"] {
        let (theirs, ours) = in_both(root, |command| {
            command.current_dir(dir.path()).arg(file);
        });
        same(&theirs, &ours)?;
    }
    Ok(())
}

fn shadow_goroot(root: &Path) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let shadow = dir.path().canonicalize()?.join("go root");
    for _ in 0..2 {
        let mut command = crosscall();
        command
            .env("CROSSCALL_GO", root.join("bin/go"))
            .arg("goroot")
            .arg(&shadow);
        let said = run(command);
        ensure(said.code == Some(0), &said.stderr)?;
    }
    let shadow_go = shadow.join("bin/go");
    let ask = |args: &[&str]| {
        let mut command = go(&shadow_go, dir.path());
        command.args(args);
        run(command).stdout
    };
    ensure(
        ask(&["env", "GOROOT"]).trim_end() == shadow.to_string_lossy(),
        "env GOROOT",
    )?;
    let version = fs::read_to_string(root.join("VERSION"))?;
    let version = version.lines().next().unwrap_or_default();
    let line = ask(&["tool", "cgo", "-V=full"]);
    ensure(
        line.starts_with(&format!("cgo version {version} crosscall-")),
        &line,
    )?;
    let real = run({
        let mut command = go(&root.join("bin/go"), dir.path());
        command.args(["list", "std", "cmd"]);
        command
    });
    ensure(
        ask(&["list", "std", "cmd"]) == real.stdout,
        "std and cmd are all there",
    )?;
    let inside = shadow.join("src/os/user");
    let mut command = go(&shadow_go, &inside);
    command
        .env("PWD", &inside)
        .args(["list", "-f", "{{.ImportPath}} {{.Goroot}}", "."]);
    ensure(
        run(command).stdout == "os/user true\n",
        "a package of the tree, from within",
    )
}

fn shadow_goroot_keeps_off(root: &Path) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    write(dir.path(), &[("precious", "text")]);
    for target in [dir.path().to_owned(), root.join("shadow")] {
        let mut command = crosscall();
        command
            .env("CROSSCALL_GO", root.join("bin/go"))
            .arg("goroot")
            .arg(&target);
        let said = run(command);
        ensure(
            said.code == Some(1),
            &format!("{}: {}", target.display(), said.stderr),
        )?;
    }
    ensure(fs::read_dir(dir.path())?.count() == 1, "nothing was added")
}

/// `crosscall build` puts us behind the go command, keeps the user's flags, and works from a path with a space.
fn go_command(root: &Path) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path().canonicalize()?;
    let spaced = dir.join("my bin");
    fs::create_dir(&spaced)?;
    let own = spaced.join("crosscall");
    fs::copy(env!("CARGO_BIN_EXE_crosscall"), &own)?;
    write(
        &dir,
        &[
            ("m/go.mod", "module m\n\ngo 1.26\n"),
            (
                "m/main.go",
                "package main\n\nimport \"C\"\n\nvar v string\n\nfunc main() { println(v) }\n",
            ),
        ],
    );
    let program = dir.join("m/out");
    let mut build = go(&own, &dir.join("m"));
    build
        .env("CROSSCALL_GO", root.join("bin/go"))
        .env("GOFLAGS", "-buildvcs=false '-ldflags=-X main.v=kept -s'")
        .args(["build", "-toolexec=env WRAPPED=1", "-o"])
        .arg(&program);
    let said = run(build);
    ensure(said.code == Some(0), &said.stderr)?;
    let said = run(Command::new(&program));
    ensure(said.stderr == "kept\n", &said.stderr)?;
    let mut env = go(&own, &dir.join("m"));
    env.env("CROSSCALL_GO", root.join("bin/go"))
        .args(["env", "GOFLAGS"]);
    let flags = run(env).stdout;
    ensure(
        flags.contains(&format!("-toolexec='{}'", own.display())),
        &flags,
    )
}
