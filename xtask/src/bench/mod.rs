//! `cargo xtask bench`: crosscall beside the official tool, in turn on the same machine. Results are told, never judged: no test
//! fails for a time.

mod cgo;
pub mod crossing;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::repo::Repo;

pub fn command(repo: &Repo, args: &[&str]) -> Result<ExitCode> {
    match args.split_first() {
        Some((&"cgo", rest)) => cgo::command(repo, rest),
        Some((&"crossing", rest)) => crossing::command(repo, rest),
        _ => bail!(
            "bench cgo [NAME…] [CC…] [--runs N] or bench crossing [NAME…] [--runs N] [--benchtime SECONDS] [--disassemble]"
        ),
    }
}
