//! Benchmarks that two sides have by the same names: the official runtime and crosscall's, in turn.

pub mod catalogue;
pub mod programs;
pub mod report;
pub mod results;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::repo::Repo;
use crate::setup::{self, Needs};
use crate::sh;
use catalogue::{Benchmark, Suite};
use results::Results;

/// What the command line asks for.
pub struct Options {
    pub benchmarks: Vec<&'static Benchmark>,
    pub runs: usize,
    /// How long one benchmark is to run, in seconds.
    pub benchtime: f64,
    /// Whatever else begins with `--`.
    pub flags: Vec<String>,
}

/// All runs of both sides.
pub struct Measured {
    pub go: String,
    pub runs: usize,
    pub official: Results,
    pub crosscall: Results,
    /// Crosscall's program.
    pub program: PathBuf,
}

/// Builds both sides, and runs one after the other, as often as asked for, so that a change in the machine's speed meets both. `beside` is run once
/// in each turn.
pub fn measure(
    repo: &Repo,
    suite: &Suite,
    options: &Options,
    mut beside: impl FnMut() -> Result<()>,
) -> Result<Measured> {
    let ready = setup::ensure(repo, Needs::Crossing)?;
    let work = work(repo, suite)?;
    let official = programs::official(repo, &ready.go, &work)?;
    let program = programs::crosscall(repo, suite, &work)?;
    let mut measured = Measured {
        go: ready.go.version,
        runs: options.runs,
        official: Results::default(),
        crosscall: Results::default(),
        program,
    };
    for run in 1..=options.runs {
        eprintln!("run {run} of {}", options.runs);
        // One benchmark at a time, so that each has its like next to it.
        for benchmark in &options.benchmarks {
            let mut command = Command::new(&official);
            command.args(["-test.run", "^$", "-test.bench"]);
            command.arg(format!("^Benchmark{}$", benchmark.name));
            command.args(["-test.benchtime", &format!("{}s", options.benchtime)]);
            measured.official.add(&sh::run(&mut command)?.stdout);
            let mut command = Command::new(&measured.program);
            command.args(["-benchtime", &options.benchtime.to_string()]);
            let crosscall = sh::run(command.arg(benchmark.name))?;
            measured.crosscall.add(&crosscall.stdout);
        }
        beside()?;
    }
    Ok(measured)
}

/// Where a suite's programs are built.
pub fn work(repo: &Repo, suite: &Suite) -> Result<PathBuf> {
    let work = repo.work(&format!("bench-{}", suite.name));
    fs::create_dir_all(&work)?;
    Ok(work)
}

/// Each benchmark of crosscall's side, for a moment only.
pub fn once(repo: &Repo, suite: &Suite) -> Result<Vec<Command>> {
    let program = programs::crosscall(repo, suite, &work(repo, suite)?)?;
    let once = |benchmark: &Benchmark| {
        let mut command = Command::new(&program);
        command.args(["-benchtime", "0.001", benchmark.name]);
        command
    };
    Ok(suite.benchmarks.iter().map(once).collect())
}

impl Options {
    /// `flags` are those that the suite has of its own.
    pub fn parse(suite: &Suite, flags: &[&str], args: &[&str]) -> Result<Options> {
        let mut options = Options {
            benchmarks: Vec::new(),
            runs: 5,
            benchtime: 0.5,
            flags: Vec::new(),
        };
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            let mut number = || rest.next().with_context(|| format!("{arg} takes a number"));
            match *arg {
                "--runs" => options.runs = number()?.parse().context("--runs takes a number")?,
                "--benchtime" => {
                    let seconds = number()?.parse();
                    options.benchtime = seconds.context("--benchtime takes seconds")?;
                }
                flag if flags.contains(&flag) => options.flags.push(flag.to_owned()),
                name => options.benchmarks.push(find(suite, name)?),
            }
        }
        ensure!(options.runs > 0, "--runs takes a number from 1 on");
        if options.benchmarks.is_empty() {
            options.benchmarks = suite.benchmarks.iter().collect();
        }
        Ok(options)
    }
}

fn find(suite: &Suite, name: &str) -> Result<&'static Benchmark> {
    let found = suite.benchmarks.iter().find(|one| one.name == name);
    let Some(found) = found else {
        let all: Vec<&str> = suite.benchmarks.iter().map(|one| one.name).collect();
        bail!("no benchmark `{name}`; there are {}", all.join(", "));
    };
    Ok(found)
}
