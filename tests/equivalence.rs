//! Official and crosscall declare the same: every run of cgo over Go's own cgo suites, parts of its standard library and real
//! packages, done by both and compared. Accepted differences stand in `known_differences.txt`.
//!
//! `CROSSCALL_CANDIDATE=official` compares the official generator with itself: the comparison must be clean.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crosscall_tests::cases::{self, Group};
use crosscall_tests::compare::{self, Difference, Pair};
use crosscall_tests::known::Known;
use crosscall_tests::mimic;
use crosscall_tests::replay::{Generator, Run};
use crosscall_tests::toolchain::{self, Toolchain};

/// Differences shown of a group; all of them are in a file beside its records.
const SHOWN: usize = 30;

fn main() -> ExitCode {
    let groups = cases::groups().into_iter();
    mimic::run(
        groups
            .map(|group| mimic::trial(group.label(), move |toolchain| check(toolchain, &group)))
            .collect(),
    )
}

fn candidate(toolchain: &Toolchain) -> Result<Generator, String> {
    match std::env::var("CROSSCALL_CANDIDATE").as_deref() {
        Ok("official") => Ok(Generator::official(toolchain.cgo())),
        _ => Ok(Generator::crosscall(toolchain::crosscall()?)),
    }
}

fn check(toolchain: &Toolchain, group: &Group) -> Result<(), String> {
    let scratch = mimic::scratch(env!("CARGO_TARGET_TMPDIR"), "equivalence");
    let recorder = PathBuf::from(env!("CARGO_BIN_EXE_crosscall-recorder"));
    let calls = group.calls(toolchain, &recorder, &scratch)?;
    let generator = candidate(toolchain)?;
    let mut runs: Vec<Run> = Vec::new();
    for call in &calls {
        runs.push(generator.replay(call, &call.record.join(generator.name).join("objdir"))?);
    }
    let time: f64 = runs.iter().map(|run| run.time.as_secs_f64()).sum();
    eprintln!("{}: {} took {time:.1} s", group.label(), generator.name);
    let case = |name: String| format!("{}/{name}", group.label());
    let pairs: Vec<Pair<'_>> = calls
        .iter()
        .zip(&runs)
        .map(|(call, run)| Pair {
            case: case(call.name()),
            call,
            run,
        })
        .collect();
    let differences = compare::compare(toolchain, &scratch, &pairs)?;
    report(group, &scratch, calls.len(), differences)
}

/// Fails for each difference that is not accepted, and for each accepted one that did not occur.
fn report(
    group: &Group,
    scratch: &Path,
    runs: usize,
    differences: Vec<Difference>,
) -> Result<(), String> {
    let known = Known::of_group(&group.label())?;
    let new: Vec<&Difference> = differences
        .iter()
        .filter(|difference| !known.accepts(difference))
        .collect();
    let stale = known.unused();
    let all: String = differences
        .iter()
        .map(|difference| format!("{difference}\n"))
        .collect();
    let file = scratch.join(format!(
        "{}.differences.txt",
        group.label().replace('/', "-")
    ));
    fs::write(&file, all).map_err(|err| format!("{}: {err}", file.display()))?;
    let accepted = differences.len() - new.len();
    eprintln!(
        "{}: {runs} runs, {} new differences, {accepted} accepted",
        group.label(),
        new.len()
    );
    if new.is_empty() && stale.is_empty() {
        return Ok(());
    }
    let mut text = format!("{} differences, all in {}\n", new.len(), file.display());
    for difference in new.iter().take(SHOWN) {
        text.push_str(&format!("{difference}\n"));
    }
    for entry in stale {
        text.push_str(&format!(
            "known_differences.txt:{}: no longer occurs: {} {}\n",
            entry.line, entry.case, entry.name
        ));
    }
    Err(text)
}
