//! `cargo xtask bench crossing`: calls between Go and C, goroutines and channels, on the official runtime and on crosscall's in turn.

mod catalogue;
mod disassembly;
mod programs;
mod report;
mod results;

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

use crate::repo::Repo;
use crate::setup::{self, Needs};
use crate::sh;
use catalogue::{BENCHMARKS, Benchmark};
use programs::Programs;
use results::Results;

struct Options {
    benchmarks: Vec<&'static Benchmark>,
    runs: usize,
    /// How long one benchmark is to run, in seconds.
    benchtime: f64,
    disassemble: bool,
}

/// All runs of both sides.
struct Measured {
    go: String,
    runs: usize,
    official: Results,
    crosscall: Results,
    limit: Results,
}

pub fn command(repo: &Repo, args: &[&str]) -> Result<ExitCode> {
    let options = Options::parse(args)?;
    let ready = setup::ensure(repo, Needs::Crossing)?;
    let work = repo.work("bench-crossing");
    fs::create_dir_all(&work)?;
    let programs = programs::build(repo, &ready.go, &work)?;
    let measured = measure(&programs, &options, ready.go.version)?;
    print!("{}", report::table(&measured, &options.benchmarks));
    print!("{}", report::limits(&measured));
    let listing = disassembly::text(&programs.crosscall, options.disassemble)?;
    print!("{listing}");
    print!("{}", report::reasons(&options.benchmarks));
    Ok(ExitCode::SUCCESS)
}

/// Each benchmark of crosscall's side, for a moment only.
pub fn once(repo: &Repo) -> Result<Vec<Command>> {
    let work = repo.work("bench-crossing");
    let program = programs::crosscall(repo, &work)?;
    let once = |benchmark: &Benchmark| {
        let mut command = Command::new(&program);
        command.args(["-benchtime", "0.001", benchmark.name]);
        command
    };
    Ok(BENCHMARKS.iter().map(once).collect())
}

impl Options {
    fn parse(args: &[&str]) -> Result<Options> {
        let mut options = Options {
            benchmarks: Vec::new(),
            runs: 5,
            benchtime: 0.5,
            disassemble: false,
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
                "--disassemble" => options.disassemble = true,
                name => options.benchmarks.push(find(name)?),
            }
        }
        ensure!(options.runs > 0, "--runs takes a number from 1 on");
        if options.benchmarks.is_empty() {
            options.benchmarks = BENCHMARKS.iter().collect();
        }
        Ok(options)
    }
}

fn find(name: &str) -> Result<&'static Benchmark> {
    let found = BENCHMARKS.iter().find(|benchmark| benchmark.name == name);
    let Some(found) = found else {
        let all: Vec<&str> = BENCHMARKS.iter().map(|benchmark| benchmark.name).collect();
        bail!("no benchmark `{name}`; there are {}", all.join(", "));
    };
    Ok(found)
}

/// Runs one side after the other, as often as asked for, so that a change in the machine's speed meets both.
fn measure(programs: &Programs, options: &Options, go: String) -> Result<Measured> {
    let mut measured = Measured {
        go,
        runs: options.runs,
        official: Results::default(),
        crosscall: Results::default(),
        limit: Results::default(),
    };
    for run in 1..=options.runs {
        eprintln!("run {run} of {}", options.runs);
        // One benchmark at a time, so that each has its like next to it.
        for benchmark in &options.benchmarks {
            let official = &mut official(programs, options, benchmark.name);
            measured.official.add(&sh::run(official)?.stdout);
            let crosscall = &mut crosscall(programs, options, benchmark.name);
            measured.crosscall.add(&sh::run(crosscall)?.stdout);
        }
        let mut limit = Command::new(&programs.limit);
        limit.args(["-benchtime", &options.benchtime.to_string()]);
        measured.limit.add(&sh::run(&mut limit)?.stdout);
    }
    Ok(measured)
}

fn official(programs: &Programs, options: &Options, name: &str) -> Command {
    let mut command = Command::new(&programs.official);
    command.args([
        "-test.run",
        "^$",
        "-test.bench",
        &format!("^Benchmark{name}$"),
    ]);
    command.args(["-test.benchtime", &format!("{}s", options.benchtime)]);
    command
}

fn crosscall(programs: &Programs, options: &Options, name: &str) -> Command {
    let mut command = Command::new(&programs.crosscall);
    command.args(["-benchtime", &options.benchtime.to_string(), name]);
    command
}
