//! The driver beside the official toolchain that `CROSSCALL_GOROOT` names: same flags, same messages, same imports; shadow
//! GOROOTs; the go command in front of us. Without a toolchain each test is reported as ignored, by name.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};
use support::{Said, clean, crosscall, goroot, official, run, write};

fn main() {
    let args = Arguments::from_args();
    let root = goroot();
    let mut trials = Vec::new();
    for (name, case) in MESSAGES {
        trials.push(trial(format!("messages::{name}"), &root, move |root| {
            same_message(root, *case)
        }));
    }
    for path in binaries(root.as_deref()) {
        let name = path.display().to_string();
        trials.push(trial(format!("dynimport::{name}"), &root, move |root| {
            same_imports(root, &path)
        }));
    }
    for (name, compiler) in CROSS {
        let found = works(compiler).then(|| root.clone()).flatten();
        trials.push(trial(
            format!("dynimport::compiled::{name}"),
            &found,
            move |root| compiled_imports(root, compiler),
        ));
    }
    let whole: &[(&str, Test)] = &[
        ("dynimport_mach_o", mach_o_imports),
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

fn trial(
    name: String,
    root: &Option<PathBuf>,
    test: impl Fn(&Path) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    match root.clone() {
        Some(root) => Trial::test(name, move || test(&root)),
        None => Trial::test(
            name,
            || Err("CROSSCALL_GOROOT names no Go toolchain".into()),
        )
        .with_ignored_flag(true),
    }
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

fn in_both(root: &Path, prepare: impl Fn(&mut Command)) -> (Said, Said) {
    let mut theirs = clean(Command::new(official(root)));
    let mut ours = crosscall();
    ours.arg(official(root));
    prepare(&mut theirs);
    prepare(&mut ours);
    (run(theirs), run(ours))
}

fn same(theirs: &Said, ours: &Said) -> Result<(), Failed> {
    if theirs == ours {
        return Ok(());
    }
    Err(format!("official: {theirs:#?}\ncrosscall: {ours:#?}").into())
}

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

/// Executables and libraries of this machine and of the toolchain's own tests, for whatever they were made.
fn binaries(root: Option<&Path>) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = ["/bin/sh", "/bin/ls", "/usr/bin/gcc"]
        .map(PathBuf::from)
        .into();
    let libraries = inside(Path::new("/usr/lib/x86_64-linux-gnu"));
    let step = libraries.len().div_ceil(40).max(1);
    found.extend(libraries.into_iter().step_by(step));
    if let Some(root) = root {
        found.push(root.join("bin/go"));
        for package in ["debug/elf", "debug/pe", "internal/xcoff"] {
            found.extend(inside(&root.join("src").join(package).join("testdata")));
        }
    }
    found.retain(|path| path.is_file());
    found
}

fn inside(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.is_file() && is_binary(path));
    paths.sort();
    paths
}

fn is_binary(path: &Path) -> bool {
    let name = path.to_string_lossy();
    let no_binary = [".c", ".a", ".o", ".gz", ".py", ".conf"]
        .iter()
        .any(|end| name.ends_with(end));
    !no_binary && !name.contains("bigar")
}

fn same_imports(root: &Path, path: &Path) -> Result<(), Failed> {
    for flags in [&[][..], &["-dynlinker", "-dynpackage", "other"]] {
        let (theirs, ours) = in_both(root, |command| {
            command.arg("-dynimport").arg(path).args(flags);
        });
        if theirs.code == Some(0) || ours.code == Some(0) {
            same(&theirs, &ours)?;
        } else if theirs.stderr != ours.stderr {
            // The official tool has printed the package clause by then; we print nothing.
            same(&theirs, &ours)?;
        }
    }
    Ok(())
}

/// Compilers for other platforms, used where they are installed.
const CROSS: &[(&str, &[&str])] = &[
    ("windows_amd64", &["x86_64-w64-mingw32-gcc"]),
    ("windows_amd64_dll", &["x86_64-w64-mingw32-gcc", "-shared"]),
    ("windows_386", &["i686-w64-mingw32-gcc"]),
    ("linux_arm64", &["aarch64-linux-gnu-gcc"]),
    ("linux_386", &["gcc", "-m32"]),
    ("linux_amd64_static", &["gcc", "-static"]),
    ("linux_amd64_pie", &["gcc", "-pie"]),
    ("linux_amd64_shared", &["gcc", "-shared", "-fPIC"]),
];

const C_PROGRAM: &str = "#include <math.h>\n#include <stdio.h>\nextern int maybe(void) __attribute__((weak));\n\
    int main(int argc, char **argv) { if (&maybe) maybe(); return printf(\"%f\", sin(argc)); }\n";

fn compile(compiler: &[&str], dir: &Path) -> bool {
    write(dir, &[("main.c", C_PROGRAM)]);
    let mut command = clean(Command::new(compiler[0]));
    command.current_dir(dir).args(&compiler[1..]);
    command.args(["-fno-builtin", "-o", "main.out", "main.c", "-lm"]);
    command.output().is_ok_and(|output| output.status.success())
}

fn works(compiler: &[&str]) -> bool {
    tempfile::tempdir().is_ok_and(|dir| compile(compiler, dir.path()))
}

fn compiled_imports(root: &Path, compiler: &[&str]) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    ensure(compile(compiler, dir.path()), "compiles")?;
    same_imports(root, &dir.path().join("main.out"))
}

/// The toolchain keeps these in base64, away from virus scanners.
fn mach_o_imports(root: &Path) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let mut seen = 0;
    for entry in fs::read_dir(root.join("src/debug/macho/testdata"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "base64") {
            let binary = dir.path().join(path.file_stem().expect("a name"));
            fs::write(&binary, base64(&fs::read(&path)?))?;
            same_imports(root, &binary)?;
            seen += 1;
        }
    }
    ensure(seen > 5, "there are such files")
}

fn base64(text: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text
        .iter()
        .filter_map(|byte| DIGITS.iter().position(|digit| digit == byte))
    {
        (bits, count) = (bits << 6 | digit as u32, count + 6);
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
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

fn go(path: &Path, dir: &Path) -> Command {
    let mut command = clean(Command::new(path));
    command
        .current_dir(dir)
        .env("GOENV", "off")
        .env("GOTOOLCHAIN", "local");
    command
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

fn ensure(holds: bool, what: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.into()) }
}
