//! Tests in processes of their own: those that end theirs, or take from it what others need too.
//!
//! The process is this program once more, which runs the case before its `main`: on the main thread, with no other thread around.

use std::env;
use std::process::{Command, Output};

const CASE: &str = "STACK_TEST_CASE";

/// A case by its name. It ends its process with a status that is not zero, or panics, or returns when all is well.
pub type Case = (&'static str, fn());

/// Runs a case in a new process.
pub fn run(case: &str) -> Output {
    command(case).output().unwrap()
}

/// What runs a case.
pub fn command(case: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.env(CASE, case);
    command
}

/// Runs a case that must return.
#[allow(dead_code)]
pub fn check(case: &str) {
    let output = run(case);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{case}: {}: {text}", output.status);
}

/// Runs the case that this process was made for, if it was. To be called from `.init_array`.
pub fn before_main(cases: &[Case]) {
    if let Some(name) = env::var_os(CASE) {
        let (_, case) = cases
            .iter()
            .find(|case| name == case.0)
            .expect("a case of that name");
        case();
        std::process::exit(0);
    }
}
