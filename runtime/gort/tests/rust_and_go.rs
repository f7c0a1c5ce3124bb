//! Rust and compiled Go in one program, with C between: panics and Goexits that pass from one to the other. `mixed/go_side.c` is compiled like Go
//! and like C, `mixed/rust_side.rs` is an example that is a static library; each case runs in a process of its own.

mod building;

use std::path::{Path, PathBuf};
use std::process::Command;

use building::{clang_as_go, tool};
use libtest_mimic::{Arguments, Failed, Trial};

/// What runs, its exit status, and what it says at least.
const CASES: &[(&str, i32, &[&str])] = &[
    ("go_recovers_from_rust", 0, &[]),
    ("a_panic_of_go_passes_rust", 0, &[]),
    ("rust_catches_what_go_panics", 0, &[]),
    ("goexit_passes_rust", 0, &[]),
    ("rust_has_stack_on_small_goroutines", 0, &[]),
    ("rust_program", 0, &[]),
    (
        "rust_program_that_ends",
        2,
        &[
            "panic: main.Code(-7)\n\ngoroutine 1 [running]:",
            "go_go_side",
        ],
    ),
    (
        "nobody_recovers_from_rust",
        2,
        &["panic: from Rust\n\ngoroutine 1 [running", "go_main"],
    ),
    (
        "nobody_recovers_from_go_below_rust",
        2,
        &["panic: send on closed channel\n\ngoroutine 1 [running"],
    ),
    (
        "rust_on_a_strange_thread",
        2,
        &[
            "panic: from Rust\n",
            "would cross a C frame that no Go called",
        ],
    ),
];

fn main() {
    let arguments = Arguments::from_args();
    if !arguments.list {
        build();
    }
    let trial = |&(name, status, says): &'static (&str, i32, &[&str])| {
        Trial::test(name, move || check(name, status, says))
    };
    libtest_mimic::run(&arguments, CASES.iter().map(trial).collect()).exit();
}

fn check(name: &str, status: i32, says: &[&str]) -> Result<(), Failed> {
    let output = Command::new(out("mixed"))
        .arg(name)
        .env_remove("GOTRACEBACK")
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let missing: Vec<_> = says.iter().filter(|text| !said.contains(**text)).collect();
    match output.status.code() == Some(status) && missing.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "{}, should be {status}; missing: {missing:?}\n{said}",
            output.status
        )
        .into()),
    }
}

fn out(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn build() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let include = here.join("include");
    let source = here.join("tests/mixed/go_side.c");
    let (go, c) = (out("mixed.go.o"), out("mixed.c.o"));
    let mut clang = clang_as_go();
    clang.args(["-O2", "-g", "-Wall", "-Werror", "-I"]);
    clang
        .arg(&include)
        .arg("-c")
        .arg(&source)
        .arg("-o")
        .arg(&go);
    tool(&mut clang);
    let mut gcc = Command::new("gcc");
    gcc.args(["-O2", "-g", "-Wall", "-Werror", "-I"])
        .arg(&include);
    gcc.arg("-c").arg(&source).arg("-o").arg(&c);
    tool(&mut gcc);
    let mut link = Command::new("gcc");
    link.args([&go, &c, &rust_side()])
        .arg("-o")
        .arg(out("mixed"));
    link.args(["-Wl,-z,now", "-pthread", "-lm", "-ldl"]);
    tool(&mut link);
}

/// The static library of the example, which cargo has built already when it was asked for all tests.
fn rust_side() -> PathBuf {
    // TARGET/PROFILE/deps/this
    let test = std::env::current_exe().expect("a test has a file");
    let profile = test.ancestors().nth(2).expect("it lies in deps");
    let target = profile.parent().expect("it lies in a target directory");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "-q", "-p", "gort", "--example", "rust_side"]);
    cargo.arg("--target-dir").arg(target);
    // Not the release profile, in which panics end the program at once.
    let library = match cfg!(debug_assertions) {
        true => target.join("debug/examples/librust_side.a"),
        false => {
            cargo.args([
                "--profile",
                "release",
                "--config",
                "profile.release.panic='unwind'",
            ]);
            target.join("release/examples/librust_side.a")
        }
    };
    tool(&mut cargo);
    library
}
