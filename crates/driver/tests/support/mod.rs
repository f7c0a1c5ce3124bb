//! What the driver's tests share: both tools, a scratch directory, and what a run leaves behind.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use libtest_mimic::{Failed, Trial};

/// The `crosscall` under test.
pub fn crosscall() -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_crosscall")))
}

/// Free of what the caller's environment would change.
pub fn clean(mut command: Command) -> Command {
    for name in [
        "CC",
        "GCC",
        "GCCGO",
        "GOOS",
        "GOARCH",
        "GOFLAGS",
        "GOROOT",
        "CGO_LDFLAGS",
        "CROSSCALL_LOG",
        "CROSSCALL_TRACE_FILE",
        "CROSSCALL_GO",
        "PWD",
    ] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// The tree that `CROSSCALL_GOROOT` names.
pub fn goroot() -> Option<PathBuf> {
    env::var_os("CROSSCALL_GOROOT")
        .map(PathBuf::from)
        .filter(|root| root.join("VERSION").is_file())
}

/// The official generator of that tree.
pub fn official(goroot: &Path) -> PathBuf {
    let arch = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    goroot.join(format!("pkg/tool/{}_{arch}/cgo", env::consts::OS))
}

/// What a run prints, and how it exits.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

pub fn run(mut command: Command) -> Said {
    let output = command
        .output()
        .unwrap_or_else(|err| panic!("{command:?}: {err}"));
    Said {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Names and contents of the files in a directory; empty where there is none.
pub fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap_or_default())
        })
        .collect()
}

/// Writes files, their directories too.
pub fn write(dir: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().expect("inside dir")).expect("a directory");
        fs::write(path, text).expect("written");
    }
}

/// A test that needs the official toolchain at `root`.
pub fn trial(
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

/// The official generator and ours in its place, prepared alike.
pub fn in_both(root: &Path, prepare: impl Fn(&mut Command)) -> (Said, Said) {
    let mut theirs = clean(Command::new(official(root)));
    let mut ours = crosscall();
    ours.arg(official(root));
    prepare(&mut theirs);
    prepare(&mut ours);
    (run(theirs), run(ours))
}

pub fn same(theirs: &Said, ours: &Said) -> Result<(), Failed> {
    if theirs == ours {
        return Ok(());
    }
    Err(format!("official: {theirs:#?}\ncrosscall: {ours:#?}").into())
}

pub fn ensure(holds: bool, what: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.into()) }
}

/// The go command at `path`, run in `dir`.
pub fn go(path: &Path, dir: &Path) -> Command {
    let mut command = clean(Command::new(path));
    command
        .current_dir(dir)
        .env("GOENV", "off")
        .env("GOTOOLCHAIN", "local");
    command
}
