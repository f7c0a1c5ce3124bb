//! Rust and compiled Go in one program, with C between: panics and Goexits that pass from one to the other. `mixed/go_side.c` is compiled like Go
//! and like C, `mixed/rust_side.rs` is an example that is a static library; each case runs in a process of its own.

mod building;
mod cases;

use std::path::PathBuf;
use std::process::Command;

use building::{compile_both, here, link, out, tool};
use cases::{Case, End};
use libtest_mimic::{Arguments, Trial};

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
    libtest_mimic::run(&arguments, CASES.iter().map(trial).collect()).exit();
}

fn trial(&(name, status, says): &(&str, i32, &[&str])) -> Trial {
    let mut program = Command::new(out("mixed"));
    program.env_remove("GOTRACEBACK");
    let mut case = Case::new(name);
    case.end = End::Exit(status);
    case.stderr = says.iter().map(|&text| text.to_owned()).collect();
    case.trial(name.to_owned(), program)
}

fn build() {
    let source = here().join("tests/mixed/go_side.c");
    let objects = compile_both(&source, &["-O2", "-g"], "mixed");
    link(&objects, &rust_side(), &[], &out("mixed"));
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
