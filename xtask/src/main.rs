//! The project's own chores: `cargo xtask setup`, `demo`, `test`, `suites`, `bench`, `tidy`, `bless`. It builds with nothing
//! but Rust, so that the first command after a checkout can be one of these; what else is needed it installs.

mod bench;
mod bless;
mod crosscall;
mod demo;
mod examples;
mod measure;
mod repo;
mod setup;
mod sh;
mod suites;
mod target;
mod term;
mod test;
mod tidy;
mod toolchain;

use std::env;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::repo::Repo;

const USAGE: &str = "\
cargo xtask <command>

  setup [demo|test|bench]   install what is missing (everything that the tests need, unless told otherwise)
  demo                      C that uses Go, Go that uses C, and what is generated in between
  test                      everything that must hold: checks, tests, examples on every target, Go's own suites
  suites [NAME…]            Go's own cgo suites: official tool and crosscall side by side
         --official-only    only what the official tool does
         --json             the numbers, for another program
  bench cgo [--runs N]      generating stubs and whole builds, against the official tool
  bench crossing [NAME…]    calls between Go and C, goroutines, channels: against the official runtime
         --runs N           runs of each side (5)
         --benchtime S      seconds for each benchmark in a run (0.5)
         --disassemble      with the whole way of a call, instruction by instruction
  bench heap [NAME…]        allocation, collection, handles, strings: the same
  tidy                      the rules of the house
  bless                     rewrite the tests' expectations
";

fn main() -> ExitCode {
    match dispatch() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\n{} {error:#}", term::red("error:"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> Result<ExitCode> {
    let args: Vec<String> = env::args().skip(1).collect();
    let rest: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    let repo = Repo::find()?;
    match args.first().map(String::as_str) {
        Some("setup") => setup::command(&repo, &rest),
        Some("demo") => demo::command(&repo, &rest),
        Some("test") => test::command(&repo, &rest),
        Some("suites") => suites::command(&repo, &rest),
        Some("bench") => bench::command(&repo, &rest),
        Some("tidy") => tidy::command(&repo, &rest),
        Some("bless") => bless::command(&repo, &rest),
        Some(measure::COMMAND) => measure::command(&args[1..]),
        None | Some("help" | "-h" | "--help") => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        Some(other) => bail!("no command `{other}`\n\n{USAGE}"),
    }
}
