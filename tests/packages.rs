//! Real packages pass the same of their own tests with crosscall as with the official tool: `packages.toml` says which.

use std::path::Path;
use std::process::{Command, ExitCode};

use crosscall_tests::gotest::{self, Outcomes};
use crosscall_tests::table::{self, Package};
use crosscall_tests::toolchain::{self, Toolchain};
use crosscall_tests::{mimic, record};

fn main() -> ExitCode {
    let trials = table::packages().into_iter().map(|package| {
        let is_slow = package.slow;
        let trial = mimic::trial(package.name.clone(), move |toolchain| {
            check(toolchain, &package)
        });
        trial.with_ignored_flag(is_slow)
    });
    mimic::run(trials.collect())
}

fn check(toolchain: &Toolchain, package: &Package) -> Result<(), String> {
    let crosscall = toolchain::crosscall()?;
    let scratch = mimic::scratch(env!("CARGO_TARGET_TMPDIR"), "packages");
    let (official, _) = gotest::run(&mut go_test(toolchain, package, &scratch, None))?;
    let (candidate, log) =
        gotest::run(&mut go_test(toolchain, package, &scratch, Some(&crosscall)))?;
    eprintln!(
        "{}: official {}, crosscall {}",
        package.name,
        summary(&official),
        summary(&candidate)
    );
    if !official.values().any(|outcome| outcome == "pass") {
        return Err("not run: no test passes with the official tool".to_string());
    }
    let differences = gotest::differences(&official, &candidate);
    if differences.is_empty() {
        return Ok(());
    }
    let last: Vec<&str> = log.lines().rev().take(60).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    Err(format!(
        "{}\n\nwith crosscall:\n{}",
        differences.join("\n"),
        last.join("\n")
    ))
}

/// `go test` over the package, with crosscall behind it or without.
fn go_test(
    toolchain: &Toolchain,
    package: &Package,
    scratch: &Path,
    crosscall: Option<&Path>,
) -> Command {
    let mut go = toolchain.go();
    go.env("GOCACHE", scratch.join("gocache"))
        .env("GOFLAGS", "-buildvcs=false");
    if let Some(crosscall) = crosscall {
        // GOFLAGS reaches the builds that tests start themselves as well.
        go.env(
            "GOFLAGS",
            format!("-buildvcs=false '-toolexec={}'", crosscall.display()),
        );
    }
    go.args(["test", "-json", "-count=1"])
        .args(&package.flags)
        .args(&package.test);
    go.envs(package.env.iter().map(|(key, value)| (key, value)));
    go.env_remove(record::OUT);
    let dir = package.dir().unwrap_or_else(|| toolchain.src());
    match package.wrapper.split_first() {
        None => {
            go.current_dir(dir);
            go
        }
        Some((wrapper, words)) => {
            let mut command = Command::new(wrapper);
            command
                .args(words)
                .arg(go.get_program())
                .args(go.get_args())
                .current_dir(dir);
            for (key, value) in go.get_envs() {
                match value {
                    Some(value) => command.env(key, value),
                    None => command.env_remove(key),
                };
            }
            command
        }
    }
}

fn summary(outcomes: &Outcomes) -> String {
    let count = |wanted: &str| {
        outcomes
            .values()
            .filter(|outcome| *outcome == wanted)
            .count()
    };
    format!(
        "{} passed, {} failed, {} skipped",
        count("pass"),
        count("fail"),
        count("skip")
    )
}
