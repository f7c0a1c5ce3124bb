//! Whole programs through `go build -toolexec=crosscall`, and the paths that end up in them. The go command is that of
//! `CROSSCALL_GOROOT`; here libclang is needed too.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Arguments, Failed};
use support::{clean, crosscall, ensure, go, goroot, in_both, official, run, same, trial, write};

fn main() {
    let args = Arguments::from_args();
    let root = goroot();
    let trials = vec![
        trial("build_modes".to_owned(), &root, build_modes),
        trial("trimmed_paths".to_owned(), &root, trimmed_paths),
    ];
    libtest_mimic::run(&args, trials).exit();
}

const BOTH_WAYS: &str = "package main

// #include <stdlib.h>
// #define ANSWER 42
// typedef struct { int a; double b; } pair;
// extern int triple(int);
// static pair both(int a) { pair p = {triple(a), a / 2.0}; return p; }
import \"C\"

import (
\t\"fmt\"
\t\"unsafe\"
)

//export triple
func triple(n C.int) C.int { return 3 * n }

//export Answer
func Answer() C.int { return C.ANSWER }

func main() {
\ts := C.CString(\"text\")
\tdefer C.free(unsafe.Pointer(s))
\tp := C.both(5)
\tfmt.Println(p.a, p.b, C.GoString(s), Answer())
}
";

const C_MAIN: &str = "#include <stdio.h>
#include \"out.h\"
int main(void) { printf(\"%d %d\\n\", Answer(), triple(4)); return 0; }
";

/// A program that goes from Go to C and back, and the same package for C programs, through `go build -toolexec=crosscall`.
fn build_modes(root: &Path) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path().canonicalize()?;
    write(
        &dir,
        &[
            ("go.mod", "module m\n\ngo 1.26\n"),
            ("main.go", BOTH_WAYS),
            ("c/main.c", C_MAIN),
        ],
    );
    let trace = dir.join("trace");
    let build = |mode: &str, out: &str| {
        let mut build = go(&root.join("bin/go"), &dir);
        build.env("CROSSCALL_TRACE_FILE", &trace);
        build
            .arg("build")
            .arg(format!("-toolexec={}", env!("CARGO_BIN_EXE_crosscall")));
        build.args(["-buildvcs=false", "-buildmode", mode, "-o", out, "."]);
        let said = run(build);
        ensure(said.code == Some(0), &said.stderr)
    };
    let cc = |args: &[&str]| {
        let mut cc = clean(Command::new("cc"));
        cc.current_dir(&dir)
            .args(["-I.", "-o", "c.out", "c/main.c"])
            .args(args);
        let said = run(cc);
        ensure(said.code == Some(0), &said.stderr)?;
        Ok::<_, Failed>(run(Command::new(dir.join("c.out"))).stdout)
    };
    build("exe", "go.out")?;
    ensure(
        run(Command::new(dir.join("go.out"))).stdout == "15 2.5 text 42\n",
        "exe",
    )?;
    build("c-archive", "out.a")?;
    ensure(cc(&["out.a", "-lpthread"])? == "42 12\n", "c-archive")?;
    build("c-shared", "out.so")?;
    ensure(
        cc(&[&dir.join("out.so").to_string_lossy()])? == "42 12\n",
        "c-shared",
    )?;
    let trace = fs::read_to_string(trace)?;
    ensure(trace.lines().any(|line| line.starts_with("cgo m ")), &trace)
}

/// Line directives and messages show paths as `-trimpath` rewrites them.
fn trimmed_paths(root: &Path) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path().canonicalize()?;
    let wrong = "package p\n\n// int f(void);\nimport \"C\"\n\nvar _ = C.g()\n";
    write(
        &dir,
        &[
            (
                "p/x.go",
                "package p\n\n// int f(void);\nimport \"C\"\n\nvar F = C.f()\n",
            ),
            ("p/wrong.go", wrong),
        ],
    );
    let shown = dir.to_string_lossy();
    for rewrites in [
        "".to_owned(),
        shown.to_string(),
        format!("{shown}/p=>m;/x"),
        format!("/y;{shown}=>./n"),
    ] {
        let prepare = |command: &mut Command, args: &[&str]| {
            command
                .current_dir(dir.join("p"))
                .arg("-trimpath")
                .arg(&rewrites)
                .args(args);
        };
        let (theirs, ours) = in_both(root, |command| prepare(command, &["wrong.go"]));
        ensure(theirs.stderr.contains("wrong.go:6:9: "), &theirs.stderr)?;
        same(&theirs, &ours)?;
        let (theirs, ours) = (dir.join("theirs"), dir.join("ours"));
        let mut official = clean(Command::new(official(root)));
        prepare(
            &mut official,
            &["-objdir", &theirs.to_string_lossy(), "x.go"],
        );
        let mut own = crosscall();
        own.arg("cgo");
        prepare(&mut own, &["-objdir", &ours.to_string_lossy(), "x.go"]);
        ensure(
            run(official).code == Some(0) && run(own).code == Some(0),
            "both generate",
        )?;
        let directives = |dir: &Path| -> Result<Vec<String>, Failed> {
            let text = fs::read_to_string(dir.join("x.cgo1.go"))?;
            let lines = text.lines().filter(|line| line.starts_with("//line"));
            Ok(lines.map(str::to_owned).collect())
        };
        let (theirs, ours) = (directives(&theirs)?, directives(&ours)?);
        ensure(
            !ours.is_empty() && ours[0] == theirs[0],
            &format!("{theirs:?} {ours:?}"),
        )?;
    }
    Ok(())
}
