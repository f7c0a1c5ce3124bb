//! `cargo xtask bench`: crosscall beside the official tool, in turn on the same machine. Results are told, never judged: no test
//! fails for a time.

mod cgo;
pub mod crossing;
pub mod heap;
pub mod peer;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::repo::Repo;

pub fn command(repo: &Repo, args: &[&str]) -> Result<ExitCode> {
    match args.split_first() {
        Some((&"cgo", rest)) => cgo::command(repo, rest),
        Some((&"crossing", rest)) => crossing::command(repo, rest),
        Some((&"heap", rest)) => heap::command(repo, rest),
        _ => bail!(
            "bench cgo [NAME…] [CC…] [--runs N], bench crossing [NAME…] [--runs N] [--benchtime SECONDS] [--disassemble], \
             or bench heap [NAME…] [--runs N] [--benchtime SECONDS]"
        ),
    }
}
