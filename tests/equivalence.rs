//! Official and crosscall declare the same: every run of cgo over Go's own cgo suites, parts of its standard library and real
//! packages, done by both and compared. Accepted differences stand in `known_differences.txt`.
//!
//! `CROSSCALL_CANDIDATE=official` compares the official generator with itself: the comparison must be clean.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crosscall_tests::cases::{self, Arch, Group};
use crosscall_tests::compare::{self, Difference, Pair};
use crosscall_tests::known::Known;
use crosscall_tests::mimic;
use crosscall_tests::replay::{Generator, Run};
use crosscall_tests::toolchain::{self, Toolchain};

/// Differences shown of a group; all of them are in a file beside its records.
const SHOWN: usize = 30;

fn main() -> ExitCode {
    let groups = cases::groups().into_iter();
    let mut trials: Vec<_> = groups
        .map(|group| {
            let is_slow = group.slow;
            let trial = mimic::trial(group.label(), move |toolchain| check(toolchain, &group));
            trial.with_ignored_flag(is_slow)
        })
        .collect();
    for arch in [cases::AMD64, cases::I386, cases::ARM64] {
        let label = format!("testgodefs/{}", arch.goarch);
        trials.push(mimic::trial(label, move |toolchain| {
            godefs(toolchain, arch)
        }));
    }
    trials.push(mimic::trial(
        "every_input_of_the_suites_is_compared",
        everything,
    ));
    mimic::run(trials)
}

/// No file that imports C is left out by mistake.
fn everything(toolchain: &Toolchain) -> Result<(), String> {
    let scratch = mimic::scratch(env!("CARGO_TARGET_TMPDIR"), "equivalence");
    let recorder = PathBuf::from(env!("CARGO_BIN_EXE_crosscall-recorder"));
    let mut calls = Vec::new();
    let groups = cases::groups().into_iter();
    for group in groups.filter(|group| group.is_suite() && group.arch.goarch == "amd64") {
        calls.extend(group.calls(toolchain, &recorder, &scratch)?);
    }
    let unread = cases::unread(toolchain, &scratch, &calls);
    if unread.is_empty() {
        Ok(())
    } else {
        Err(format!("not compared: {}", unread.join(" ")))
    }
}

/// `-godefs` prints a Go file: word for word the official one, whose columns are not aligned.
fn godefs(toolchain: &Toolchain, arch: Arch) -> Result<(), String> {
    let generator = candidate(toolchain)?;
    let official = Generator::official(toolchain.cgo());
    let dir = toolchain.src().join("cmd/cgo/internal/testgodefs/testdata");
    // The generated file quotes the command, so both get the same object directory.
    let objdir =
        mimic::scratch(env!("CARGO_TARGET_TMPDIR"), "equivalence/godefs").join(arch.goarch);
    let files = cases::go_files(&dir).into_iter();
    let mut different = Vec::new();
    for file in files.filter(|file| cases::uses_cgo(file)) {
        let print = |generator: &Generator| -> Result<String, String> {
            let mut command = generator.command();
            command
                .arg("-objdir")
                .arg(&objdir)
                .args(["-godefs", "--"])
                .arg(&file)
                .envs(arch.env.iter().copied());
            command
                .env("GOARCH", arch.goarch)
                .env("GOOS", "linux")
                .current_dir(&dir);
            let output = command.output().map_err(|err| err.to_string())?;
            Ok(String::from_utf8_lossy(&output.stdout).into_owned()
                + &String::from_utf8_lossy(&output.stderr))
        };
        let (wanted, got) = (print(&official)?, print(&generator)?);
        if wanted.is_empty() {
            return Err(format!(
                "not run: the official tool prints nothing for {}",
                file.display()
            ));
        }
        if wanted.split_whitespace().ne(got.split_whitespace()) {
            different.push(format!(
                "{}\nofficial:\n{wanted}\ncandidate:\n{got}",
                file.display()
            ));
        }
    }
    if different.is_empty() {
        Ok(())
    } else {
        Err(different.join("\n\n"))
    }
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
