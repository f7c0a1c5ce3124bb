//! `cargo xtask demo`: both directions of the crossing, built and run before the reader's eyes, and the text in between.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::crosscall::{Crosscall, cargo};
use crate::examples::{Done, Examples, FORMS, INTERMEDIATES};
use crate::repo::Repo;
use crate::setup::{self, Needs};
use crate::sh;
use crate::target::HERE;
use crate::term::{self, done, note, quote, section};

pub fn command(repo: &Repo, _: &[&str]) -> Result<ExitCode> {
    let start = Instant::now();
    term::title("crosscall: Go and C, in both directions");

    section("1  What is needed");
    let ready = setup::ensure(repo, Needs::Demo)?;
    done(
        &format!(
            "Go {}, a C compiler and libclang are here",
            ready.go.version
        ),
        ready.time,
    );
    let (crosscall, time) = Crosscall::build(repo)?;
    done("crosscall is built", time);

    let work = repo.work("demo");
    let examples = Examples::prepare(repo, &work, &crosscall, &ready.go, &HERE)?;
    section("2  C that uses Go: examples/sum as a static library");
    show(&examples.sum_archive()?);
    section("3  C that uses Go: examples/sum as a shared library");
    show(&examples.sum_shared()?);
    section("4  What is generated in between");
    intermediates(&examples)?;
    for (number, form) in (5..).zip(FORMS) {
        section(&format!("{number}  Go that uses C: examples/uses-c/{form}"));
        show(&examples.uses_c(form)?);
    }

    section("8  The runtime: C's qsort asks goroutines how to sort");
    show(&[runtime_example(repo, &work)?]);
    section("9  Where each argument lives");
    show(&[conventions(&crosscall)?]);

    println!();
    done(
        &format!("everything ran; it is left in {}", short(&work)),
        start.elapsed(),
    );
    Ok(ExitCode::SUCCESS)
}

/// `runtime/gort/examples/sort.rs`, built and run, with a trace of what crosses.
fn runtime_example(repo: &Repo, work: &Path) -> Result<Done> {
    let trace = work.join("crossings.json");
    let mut command = cargo(repo);
    command.args(["run", "--quiet", "--package", "gort", "--example", "sort"]);
    command.env("GORT_TRACE", &trace);
    let ran = sh::run(&mut command).context("runtime/gort/examples/sort")?;
    ensure!(trace.exists(), "the runtime left no trace");
    Ok(Done {
        what: "runtime/gort/examples/sort: built and run, every crossing traced".to_owned(),
        time: ran.time,
        output: ran.stdout + &ran.stderr,
    })
}

fn conventions(crosscall: &Crosscall) -> Result<Done> {
    const DECLARATION: &str = "struct point { double x, y; }; long f(struct point, int, char *)";
    let mut command = Command::new(&crosscall.binary);
    let ran = sh::run(command.args(["abi", DECLARATION]))?;
    Ok(Done {
        what: format!("crosscall abi '{DECLARATION}'"),
        time: ran.time,
        output: ran.stdout,
    })
}

fn show(steps: &[Done]) {
    for step in steps {
        done(&step.what, step.time);
        quote(&step.output);
    }
}

fn intermediates(examples: &Examples) -> Result<()> {
    let (generated, dir) = examples.sum_intermediates()?;
    done(&generated.what, generated.time);
    for (name, role) in INTERMEDIATES {
        let file = dir.join(name);
        let size = fs::metadata(&file)
            .with_context(|| format!("the generator left no {name}"))?
            .len();
        ensure!(size > 0, "{name} is empty");
        println!("    {name:<16} {size:>6} bytes  {}", term::dim(role));
    }
    note(&format!("to read them: {}", short(&dir)));
    Ok(())
}

/// A path as seen from the current directory.
fn short(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
}
