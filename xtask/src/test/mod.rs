//! `cargo xtask test`: everything that must hold, one step after the other, whatever the ones before came to. The end repeats
//! what failed; the last line says how many tests passed and failed in all.

mod checks;
mod matrix;
mod runtime;
mod tally;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};

use crate::crosscall::Crosscall;
use crate::repo::Repo;
use crate::setup::{self, Needs, Ready};
use crate::term;
use tally::Tally;

/// What the steps work with. The binary is there unless its build failed, which is a step's failure like any other.
struct Context<'a> {
    repo: &'a Repo,
    ready: Ready,
    crosscall: Option<Crosscall>,
}

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn(&Context) -> Result<Tally>,
}

const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        what: "the code is formatted",
        run: checks::fmt,
    },
    Step {
        name: "clippy",
        what: "the code has no lints",
        run: checks::clippy,
    },
    Step {
        name: "tidy",
        what: "the rules of the house",
        run: checks::tidy,
    },
    Step {
        name: "cargo",
        what: "the crates' own tests",
        run: checks::crates,
    },
    Step {
        name: "proofs",
        what: "stubs and packages, against the official tool",
        run: checks::proofs,
    },
    Step {
        name: "runtime",
        what: "the runtime: model-checked, optimised, under sanitizers, for a while",
        run: runtime::runtime,
    },
    Step {
        name: "examples",
        what: "the examples, on every target, with both Go releases",
        run: matrix::examples,
    },
    Step {
        name: "suites",
        what: "Go's own cgo suites, against the official tool",
        run: checks::suites,
    },
];

struct Finished {
    name: &'static str,
    tally: Tally,
    time: Duration,
}

pub fn command(repo: &Repo, args: &[&str]) -> Result<ExitCode> {
    let start = Instant::now();
    let steps = chosen(args)?;
    term::section("setup: what the steps need");
    let ready = setup::ensure(repo, Needs::Test)?;
    let crosscall = match Crosscall::build(repo) {
        Ok((crosscall, time)) => {
            term::done("crosscall is built", time);
            Some(crosscall)
        }
        Err(error) => {
            println!("  {} {error:#}", term::red("✗"));
            None
        }
    };
    let context = Context {
        repo,
        ready,
        crosscall,
    };
    let finished: Vec<Finished> = steps.iter().map(|step| run(step, &context)).collect();
    Ok(summary(&finished, start.elapsed()))
}

fn chosen(args: &[&str]) -> Result<Vec<&'static Step>> {
    if args.is_empty() {
        return Ok(STEPS.iter().collect());
    }
    let find = |name: &&str| {
        let all: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        let step = STEPS.iter().find(|step| step.name == *name);
        step.ok_or_else(|| anyhow!("no step `{name}`; there are {}", all.join(", ")))
    };
    args.iter().map(find).collect()
}

fn run(step: &Step, context: &Context) -> Finished {
    term::section(&format!("{}: {}", step.name, step.what));
    let start = Instant::now();
    let tally = (step.run)(context).unwrap_or_else(|error| {
        let mut tally = Tally::default();
        tally.fail(step.name, &format!("{error:#}"));
        tally
    });
    let name = step.name;
    let time = start.elapsed();
    term::done(
        &format!("{name}: {} passed, {} failed", tally.passed, tally.failed),
        time,
    );
    Finished { name, tally, time }
}

fn summary(finished: &[Finished], time: Duration) -> ExitCode {
    term::section("summary");
    let row = |name: &str, passed: usize, failed: usize, time| {
        let cells = [
            name.to_owned(),
            passed.to_string(),
            failed.to_string(),
            term::seconds(time),
        ];
        cells.to_vec()
    };
    let passed = finished.iter().map(|step| step.tally.passed).sum();
    let failed = finished.iter().map(|step| step.tally.failed).sum();
    let mut rows = vec![
        ["step", "passed", "failed", "time"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let each = |step: &Finished| row(step.name, step.tally.passed, step.tally.failed, step.time);
    rows.extend(finished.iter().map(each));
    rows.push(row("in all, with setup", passed, failed, time));
    let failures: Vec<_> = finished
        .iter()
        .flat_map(|step| &step.tally.failures)
        .collect();
    failures.iter().for_each(|failure| failure.show());
    print!("{}", term::table(&rows));
    println!("{passed} passed, {failed} failed");
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

impl Context<'_> {
    fn crosscall(&self) -> Result<&Crosscall> {
        match &self.crosscall {
            Some(crosscall) => Ok(crosscall),
            None => bail!("crosscall was not built"),
        }
    }
}
