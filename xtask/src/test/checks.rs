//! The steps that other commands do the work for.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use super::Context;
use super::tally::{Harness, Tally};
use crate::crosscall::cargo;
use crate::sh;
use crate::suites;
use crate::term;
use crate::tidy;

pub fn fmt(context: &Context) -> Result<Tally> {
    one(cargo(context.repo).args(["fmt", "--all", "--check"]))
}

pub fn clippy(context: &Context) -> Result<Tally> {
    let mut command = cargo(context.repo);
    command.args(["clippy", "--quiet", "--workspace", "--all-targets"]);
    one(command.args(["--", "-D", "warnings"]))
}

fn one(command: &mut Command) -> Result<Tally> {
    let mut tally = Tally::default();
    match sh::stream(command) {
        Ok(_) => tally.pass(),
        Err(error) => tally.fail(&sh::line(command), &format!("{error:#}")),
    }
    Ok(tally)
}

pub fn tidy(context: &Context) -> Result<Tally> {
    let mut tally = Tally::default();
    for rule in tidy::check(context.repo)? {
        rule.notes.iter().for_each(|note| term::note(note));
        match rule.broken.as_slice() {
            [] => tally.pass(),
            broken => tally.fail(rule.name, &broken.join("\n")),
        }
    }
    Ok(tally)
}

/// The package of the tests that need Go, C compilers and real packages.
const PROOFS: &str = "crosscall-tests";

pub fn crates(context: &Context) -> Result<Tally> {
    cargo_test(context, &["--workspace", "--exclude", PROOFS])
}

pub fn proofs(context: &Context) -> Result<Tally> {
    context.crosscall()?;
    cargo_test(context, &["--package", PROOFS])
}

/// Tests under cargo, shown as they run. They find the official toolchain in `CROSSCALL_GOROOT`, the binary in `CROSSCALL_BIN`.
fn cargo_test(context: &Context, packages: &[&str]) -> Result<Tally> {
    let mut command = cargo(context.repo);
    command
        .args(["test", "--quiet", "--no-fail-fast"])
        .args(packages);
    command.env("CROSSCALL_GOROOT", &context.ready.go.goroot);
    if let Some(crosscall) = &context.crosscall {
        command.env("CROSSCALL_BIN", &crosscall.binary);
    }
    let mut tally = Tally::default();
    counted(&mut command, &mut tally)?;
    Ok(tally)
}

/// Runs what prints results as Rust's test harness does, shows them as they come and counts them.
pub fn counted(command: &mut Command, tally: &mut Tally) -> Result<()> {
    let mut harness = Harness::new(tally, sh::line(command));
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo test did not start")?;
    let stdout = child.stdout.take().context("stdout is piped")?;
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        harness.line(&line);
        println!("{line}");
    }
    harness.end(child.wait()?.success());
    Ok(())
}

pub fn suites(context: &Context) -> Result<Tally> {
    let verdict = suites::for_test(context.repo, &context.ready.go, context.crosscall()?)?;
    println!("\n{}", verdict.table);
    let mut tally = Tally {
        passed: verdict.passed,
        ..Tally::default()
    };
    for complaint in &verdict.complaints {
        let (what, why) = complaint.split_once('\n').unwrap_or((complaint, ""));
        tally.fail(what, why);
    }
    Ok(tally)
}
