//! The `crosscall` binary from outside, where no Go toolchain is needed.

mod support;

use std::fs;
use std::time::Duration;

use support::{contents, crosscall, run, write};

/// A package that asks nothing of C: the generator needs no libclang for it.
fn plain_package(files: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for n in 0..files {
        let text = format!(
            "package p\n\n// int c{n};\nimport \"C\"\n\nfunc F{n}() int {{ return {n} }}\n"
        );
        write(dir.path(), &[(&format!("f{n}.go"), &text)]);
    }
    dir
}

fn generate(dir: &tempfile::TempDir, files: usize) -> std::process::Command {
    let mut command = crosscall();
    command
        .current_dir(dir.path())
        .args(["cgo", "-objdir", "obj", "--"]);
    command.args((0..files).map(|n| format!("f{n}.go")));
    command
}

#[test]
fn help_and_mistakes() {
    let help = run({
        let mut command = crosscall();
        command.arg("help");
        command
    });
    assert_eq!(help.code, Some(0));
    assert!(help.stdout.contains("crosscall goroot DIR"));
    for (args, code, text) in [
        (&[][..], 2, "usage:"),
        (&["bild"], 2, "crosscall bild: unknown command"),
        (&["check", "./..."], 1, "not there yet"),
        (&["goroot"], 2, "usage: crosscall goroot DIR"),
    ] {
        let mut command = crosscall();
        command.args(args);
        let said = run(command);
        assert_eq!(said.code, Some(code), "{args:?}");
        assert!(said.stderr.contains(text), "{args:?}: {}", said.stderr);
        assert_eq!(said.stdout, "", "{args:?}");
    }
}

/// The generator asks gccgo one thing: how it spells symbols. No Go code is compiled here.
#[test]
fn gccgo_is_asked_for_its_symbols() {
    use std::os::unix::fs::PermissionsExt;
    let dir = plain_package(1);
    let gccgo = dir.path().join("bin/gccgo");
    let script = |symbol: &str| {
        let text = format!("#!/bin/sh\necho 'call {symbol}'\n");
        write(dir.path(), &[("bin/gccgo", &text)]);
        fs::set_permissions(&gccgo, fs::Permissions::from_mode(0o755)).expect("executable");
    };
    let generate = || {
        let mut command = crosscall();
        command.current_dir(dir.path()).env("CC", "/bin/sh");
        command.env("PATH", dir.path().join("bin"));
        command.args([
            "cgo",
            "-objdir",
            "obj",
            "-gccgo",
            "-gccgoprefix=a/b",
            "f0.go",
        ]);
        run(command)
    };
    let said = generate();
    let why = "cgo: unable to locate gccgo: exec: \"gccgo\": executable file not found in $PATH\n";
    assert_eq!((said.code, said.stderr.as_str()), (Some(2), why));

    script("go.lufer");
    let said = generate();
    let why = "unrecognized mangling scheme\n";
    assert!(said.stderr.ends_with(why), "{}", said.stderr);
    assert!(contents(&dir.path().join("obj")).is_empty());

    for (symbol, prefix) in [
        ("go.l__ufer.Run", "\"a_b.p."),
        ("go.l..u00e4ufer.Run", "\"a..z2fb.p."),
        ("go_0l_u00e4ufer.Run", "\"a_1b.p."),
    ] {
        script(symbol);
        let said = generate();
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        let defun = &contents(&dir.path().join("obj"))["_cgo_defun.c"];
        let defun = String::from_utf8_lossy(defun);
        assert!(defun.contains(prefix), "{defun}");
    }
}

#[test]
fn other_tools_are_executed_as_they_are() {
    let mut command = crosscall();
    command.args(["/bin/sh", "-c", "echo out; echo err >&2; exit 7"]);
    let said = run(command);
    assert_eq!(
        (said.code, said.stdout.as_str(), said.stderr.as_str()),
        (Some(7), "out\n", "err\n")
    );
    let mut command = crosscall();
    command.args(["--toolexec", "env", "X=1", "--", "/bin/sh", "-c", "echo $X"]);
    assert_eq!(run(command).stdout, "1\n");
    let mut command = crosscall();
    command.arg("/no/such/tool");
    let said = run(command);
    assert_eq!(
        said.stderr,
        "crosscall: exec /no/such/tool: no such file or directory\n"
    );
}

#[test]
fn a_failure_leaves_nothing() {
    let dir = plain_package(1);
    write(
        dir.path(),
        &[("bad.go", "package p\n\nimport \"C\"\n\nfunc {\n")],
    );
    let mut command = generate(&dir, 1);
    command.arg("bad.go");
    let said = run(command);
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    assert!(said.stderr.contains("bad.go:5:6: "), "{}", said.stderr);
    assert!(contents(&dir.path().join("obj")).is_empty());
}

#[test]
fn the_object_directory_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = plain_package(1);
    assert_eq!(run(generate(&dir, 1)).code, Some(0));
    let mode = fs::metadata(dir.path().join("obj"))
        .expect("made")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn one_trace_line_for_a_run() {
    let dir = plain_package(1);
    let trace = dir.path().join("trace");
    for _ in 0..2 {
        let mut command = generate(&dir, 1);
        command.env("CROSSCALL_TRACE_FILE", &trace);
        assert_eq!(run(command).code, Some(0));
    }
    let text = fs::read_to_string(trace).expect("written");
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(
        (lines[0][0], lines[0][1], lines[0].len()),
        ("cgo", "-", 4),
        "{text}"
    );
}

/// Killed at any moment, a run leaves finished files or none, apart from temporary ones that nobody takes for outputs.
#[test]
fn killed_half_way() {
    const FILES: usize = 40;
    let dir = plain_package(FILES);
    assert_eq!(run(generate(&dir, FILES)).code, Some(0));
    let obj = dir.path().join("obj");
    let finished = contents(&obj);
    assert!(finished.len() > FILES);
    for step in 0..30 {
        fs::remove_dir_all(&obj).expect("removed");
        let mut child = generate(&dir, FILES).spawn().expect("started");
        std::thread::sleep(Duration::from_micros(step * 700));
        child.kill().expect("killed");
        child.wait().expect("waited for");
        for (name, text) in contents(&obj) {
            let temporary = name.starts_with(".crosscall-");
            assert!(
                temporary || finished.get(&name) == Some(&text),
                "{name} is half-written"
            );
        }
        fs::create_dir_all(&obj).expect("made");
    }
}

#[test]
fn the_doctor_speaks_of_everything() {
    let mut command = crosscall();
    command.arg("doctor");
    let said = run(command);
    for what in ["go ", "C compiler", "libclang", "pkg-config", "linux/arm64"] {
        assert!(said.stdout.contains(what), "{what}: {}", said.stdout);
    }
    let mut without_go = crosscall();
    without_go.arg("doctor").env("CROSSCALL_GO", "/no/such/go");
    let said = run(without_go);
    assert_eq!(said.code, Some(1), "{}", said.stdout);
    assert!(said.stdout.contains("NO  go"), "{}", said.stdout);
}
