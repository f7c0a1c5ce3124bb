//! `cargo xtask bench crossing`: calls between Go and C, goroutines and channels, and how near to the limit a call is.

mod catalogue;
mod disassembly;
mod limit;

use std::process::{Command, ExitCode};

use anyhow::Result;

use super::peer::{self, Options, programs, report, results::Results};
use crate::repo::Repo;
use crate::sh;
pub use catalogue::SUITE;

/// Prints every instruction of the way there and back.
const DISASSEMBLE: &str = "--disassemble";

pub fn command(repo: &Repo, args: &[&str]) -> Result<ExitCode> {
    let options = Options::parse(&SUITE, &[DISASSEMBLE], args)?;
    let limit = programs::limit(repo, &peer::work(repo, &SUITE)?)?;
    let mut limits = Results::default();
    let measured = peer::measure(repo, &SUITE, &options, || {
        let mut command = Command::new(&limit);
        command.args(["-benchtime", &options.benchtime.to_string()]);
        limits.add(&sh::run(&mut command)?.stdout);
        Ok(())
    })?;
    print!("{}", report::table(&measured, &options.benchmarks));
    print!("{}", limit::table(&measured, &limits));
    let whole = options.flags.iter().any(|flag| flag == DISASSEMBLE);
    print!("{}", disassembly::text(&measured.program, whole)?);
    print!("{}", report::reasons(&options.benchmarks));
    Ok(ExitCode::SUCCESS)
}
