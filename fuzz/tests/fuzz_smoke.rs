//! A short run of every fuzz target, and inputs that are deeper than anybody writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crosscall_fuzz::corpus;
use crosscall_fuzz::targets;
use crosscall_fuzz::watch;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_crosscall-fuzz"))
}

fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("fuzz")
        .join(name);
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Ten seconds, or `CROSSCALL_FUZZ_SECONDS`.
fn fuzz(target: &str) {
    let seconds = std::env::var("CROSSCALL_FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10);
    let target = targets::find(target).unwrap();
    let report = watch::watch(
        program(),
        target,
        1,
        Duration::from_secs(seconds),
        &scratch(target.name),
    )
    .unwrap();
    eprintln!("{}: {} inputs", target.name, report.inputs);
    assert!(report.finds.is_empty(), "{:#?}", report.finds);
    assert!(report.inputs > 10, "only {} inputs", report.inputs);
}

#[test]
fn go_parser() {
    fuzz("go");
}

#[test]
fn preambles() {
    fuzz("collect");
}

#[test]
fn whole_generator() {
    fuzz("generate");
}

#[test]
fn deep_inputs() {
    let dir = scratch("deep");
    let mut failures = Vec::new();
    for depth in [100, 1_000, 20_000, 200_000] {
        for (name, text) in corpus::deep(depth) {
            let file = dir.join(format!("{}.go", name.replace(' ', "-")));
            fs::write(&file, text).unwrap();
            for target in ["go", "collect", "generate"] {
                // libclang recurses over C types, and no guard of ours stands in between.
                let is_deep_type = depth > 1_000 && name.starts_with("C pointers");
                if target == "generate" && (depth > 20_000 || is_deep_type) {
                    continue;
                }
                if let Err(why) = run(target, &file) {
                    failures.push(format!("{target} {name}: {why}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Runs the target on one file in a process of its own.
fn run(target: &str, file: &Path) -> Result<(), String> {
    let mut child = Command::new(program())
        .arg(target)
        .arg(file)
        .stderr(Stdio::null())
        .spawn()
        .map_err(|err| err.to_string())?;
    let start = Instant::now();
    loop {
        match child.try_wait().map_err(|err| err.to_string())? {
            Some(status) => return outcome(status),
            None if start.elapsed() > Duration::from_secs(30) => {
                child.kill().map_err(|err| err.to_string())?;
                child.wait().map_err(|err| err.to_string())?;
                return Err("hangs".to_string());
            }
            None => sleep(Duration::from_millis(5)),
        }
    }
}

fn outcome(status: ExitStatus) -> Result<(), String> {
    if status.success() {
        Ok(())
    } else {
        Err(status.to_string())
    }
}
