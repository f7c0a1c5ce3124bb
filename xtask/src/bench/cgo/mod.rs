//! `cargo xtask bench cgo`: what generating stubs costs, alone and within whole builds, for crosscall and for the official tool in
//! turn on the same machine.

mod build;
mod generator;
mod markdown;
mod subject;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};

use crate::crosscall::Crosscall;
use crate::measure::Measured;
use crate::repo::Repo;
use crate::setup::{self, Needs};
use crate::toolchain::Toolchain;
use markdown::Line;
use subject::{SUBJECTS, Subject};

const COMPILERS: &[&str] = &["gcc", "clang-19"];

/// Both contenders, and the place where they are measured.
struct Bench {
    crosscall: Crosscall,
    go: Toolchain,
    work: PathBuf,
    runs: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tool {
    Official,
    Crosscall,
}

impl Tool {
    const BOTH: [Tool; 2] = [Tool::Official, Tool::Crosscall];

    fn name(self) -> &'static str {
        match self {
            Tool::Official => "official",
            Tool::Crosscall => "crosscall",
        }
    }
}

struct Options {
    subjects: Vec<&'static Subject>,
    compilers: Vec<&'static str>,
    runs: usize,
}

pub fn command(repo: &Repo, args: &[&str]) -> Result<ExitCode> {
    let options = Options::parse(args)?;
    let ready = setup::ensure(repo, Needs::Bench)?;
    let (crosscall, _) = Crosscall::build(repo)?;
    let work = repo.work("bench");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;
    let bench = Bench {
        crosscall,
        go: ready.go,
        work,
        runs: options.runs,
    };
    let lines = bench.lines(repo, &options)?;
    print!("{}", markdown::table(&bench.go, bench.runs, &lines));
    fs::remove_dir_all(&bench.work)?;
    Ok(ExitCode::SUCCESS)
}

impl Options {
    fn parse(args: &[&str]) -> Result<Options> {
        let mut options = Options {
            subjects: Vec::new(),
            compilers: Vec::new(),
            runs: 5,
        };
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            if *arg == "--runs" {
                let runs = rest.next().context("--runs takes a number")?;
                options.runs = runs.parse().context("--runs takes a number")?;
            } else if let Some(compiler) = COMPILERS.iter().find(|name| *name == arg) {
                options.compilers.push(compiler);
            } else if let Some(subject) = SUBJECTS.iter().find(|subject| subject.name == *arg) {
                options.subjects.push(subject);
            } else {
                bail!("bench cgo [gtk|net|sum…] [gcc|clang-19…] [--runs N], not `{arg}`");
            }
        }
        ensure!(options.runs > 0, "--runs takes a number from 1 on");
        if options.subjects.is_empty() {
            options.subjects = SUBJECTS.iter().collect();
        }
        if options.compilers.is_empty() {
            options.compilers = COMPILERS.to_vec();
        }
        Ok(options)
    }
}

impl Bench {
    fn lines(&self, repo: &Repo, options: &Options) -> Result<Vec<Line>> {
        let mut lines = Vec::new();
        for cc in &options.compilers {
            for subject in &options.subjects {
                let place = subject.place(repo, self)?;
                eprintln!("{} with CC={cc}", subject.name);
                let line = |step: &str, pairs| Line::new(subject.name, cc, step, pairs);
                let steps = generator::recorded(self, &place, cc)?;
                lines.push(line("stubs", generator::stubs(self, &steps)?));
                lines.push(line("imports", generator::imports(self, &steps)?));
                lines.push(line("build", build::whole(self, &place, cc)?));
            }
        }
        Ok(lines)
    }

    /// Measures both tools in turn, as often as asked for, so that a change in the machine's speed meets both.
    fn in_turn(&self, mut one: impl FnMut(Tool) -> Result<Measured>) -> Result<Pairs> {
        let mut pairs = Pairs::default();
        for _ in 0..self.runs {
            pairs.official.push(one(Tool::Official)?);
            pairs.crosscall.push(one(Tool::Crosscall)?);
        }
        Ok(pairs)
    }
}

/// The runs of both tools.
#[derive(Default)]
struct Pairs {
    official: Vec<Measured>,
    crosscall: Vec<Measured>,
}
