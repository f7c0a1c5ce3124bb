//! `cargo xtask bless`: runs the tests with leave to rewrite what they expect.

use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::crosscall::cargo;
use crate::repo::Repo;
use crate::setup::{self, Needs};
use crate::sh;

pub fn command(repo: &Repo, args: &[&str]) -> Result<ExitCode> {
    let ready = setup::ensure(repo, Needs::Test)?;
    let mut tests = cargo(repo);
    tests.args(["test", "--workspace"]).args(args);
    tests
        .env("CROSSCALL_BLESS", "1")
        .env("CROSSCALL_GOROOT", &ready.go.goroot);
    sh::stream(&mut tests)?;
    println!("\nwhat changed:");
    let mut git = std::process::Command::new("git");
    git.args(["status", "--short", "tests", "crates"])
        .current_dir(&repo.root);
    ensure!(git.status()?.success(), "git status failed");
    Ok(ExitCode::SUCCESS)
}
