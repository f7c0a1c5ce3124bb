use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::repo::Repo;

pub fn command(_: &Repo, _: &[&str]) -> Result<ExitCode> {
    bail!("not yet")
}
