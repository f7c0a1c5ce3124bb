//! The runtime's tests beyond those that cargo runs anyway: under a model checker, optimised, under sanitizers, and for a while.
//! What there is to run is found by listing `runtime/*/tests`:
//!
//! - `model_*.rs`: all interleavings of a few threads (loom), built with `--cfg loom`;
//! - `stress_*.rs`: tests that go on for `CROSSCALL_STRESS_SECONDS`;
//! - everything else: ordinary tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::Context;
use super::checks::counted;
use super::tally::Tally;
use crate::bench::{crossing, heap, peer};
use crate::crosscall::cargo;
use crate::sh;
use crate::term;

/// A crate of the runtime's, and the files in its `tests`.
struct Crate {
    package: String,
    tests: Vec<String>,
}

/// A sanitizer, what the runtime is built with for it, and what cannot work under it.
struct Sanitizer {
    name: &'static str,
    flags: &'static str,
    cargo: &'static [&'static str],
    options: (&'static str, &'static str),
    skip: &'static [&'static str],
}

const SANITIZERS: &[Sanitizer] = &[
    // Of stacks it would have to be told whenever a frame is left by another way than returning; it looks after the heap and statics.
    // The runtime tells faults apart itself.
    Sanitizer {
        name: "address",
        flags: "-Zsanitizer=address -Cllvm-args=-asan-stack=0",
        cargo: &[],
        options: (
            "ASAN_OPTIONS",
            "detect_leaks=0:handle_segv=0:handle_sigbus=0:use_sigaltstack=0",
        ),
        // qsort, whose frame it looks for, is the sanitizer's own.
        skip: &["deadlock_below_c"],
    },
    // It must see through the standard library, and is told of goroutines' stacks.
    Sanitizer {
        name: "thread",
        flags: "-Zsanitizer=thread --cfg gort_tsan",
        cargo: &["-Zbuild-std"],
        options: ("TSAN_OPTIONS", "halt_on_error=1"),
        skip: &[
            // Its own thread is one that may yet call Go, so that no deadlock is final.
            "deadlock",
            "main_goexits",
            // A dying program looks for names, and so allocates, in a signal's handler: it reports each time that it does.
            "a_fault_in_c_ends_the_program",
            "a_fault_of_a_rust_goroutine_ends_the_program",
            // A stack that overflows in C overflows in the sanitizer's code.
            "c_without_stack_is_told_so_on_its_own_thread",
        ],
    },
];

/// Tests that link programs with the archive, which would lack the sanitizer's own runtime, or measure the memory of the process, of which
/// the sanitizer takes the most.
const NOT_SANITIZED: &[&str] = &[
    "c_programs",
    "guests",
    "rust_and_go",
    "refusals",
    "trace",
    "mappings",
    "million",
];

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// A test that hangs must not keep the others from being counted.
const LIMIT_SECONDS: &str = "1200";

const STRESS_SECONDS: &str = "10";

pub fn runtime(context: &Context) -> Result<Tally> {
    let crates = find(&context.repo.root.join("runtime"))?;
    let mut tally = Tally::default();
    let parts: &[(&str, Part)] = &[
        ("models", models),
        ("optimised", optimised),
        ("harassed", harassed),
        ("sanitizers", sanitizers),
        ("stress", stress),
        ("benchmarks", benchmarks),
    ];
    for (name, part) in parts {
        term::note(name);
        let start = Instant::now();
        if let Err(error) = part(context, &crates, &mut tally) {
            tally.fail(name, &format!("{error:#}"));
        }
        term::done(name, start.elapsed());
    }
    Ok(tally)
}

type Part = fn(&Context, &[Crate], &mut Tally) -> Result<()>;

fn find(runtime: &Path) -> Result<Vec<Crate>> {
    let mut crates = Vec::new();
    for dir in listed(runtime)? {
        let Ok(manifest) = fs::read_to_string(dir.join("Cargo.toml")) else {
            continue;
        };
        let package = package(&manifest).with_context(|| format!("{}: no name", dir.display()))?;
        let files = listed(&dir.join("tests")).unwrap_or_default();
        let files = files
            .iter()
            .filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
        crates.push(Crate {
            package: package.to_owned(),
            tests: files
                .filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()))
                .collect(),
        });
    }
    Ok(crates)
}

fn listed(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir)? {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}

fn package(manifest: &str) -> Option<&str> {
    let name = manifest
        .lines()
        .find_map(|line| line.strip_prefix("name = \""))?;
    name.strip_suffix('"')
}

fn models(context: &Context, crates: &[Crate], tally: &mut Tally) -> Result<()> {
    for (package, test) in of_kind(crates, "model_") {
        let mut cargo = apart(context, "loom");
        cargo.env("RUSTFLAGS", "--cfg loom");
        tests_of(&mut cargo, package).arg("--release");
        run(cargo.args(["--test", test]), tally)?;
    }
    Ok(())
}

/// As users have it: other instructions, other interleavings than in the crates' own step. Test programs look for the archive that was built
/// with them, which must not be the one that ends at a panic.
fn optimised(context: &Context, crates: &[Crate], tally: &mut Tally) -> Result<()> {
    for Crate { package, .. } in crates {
        let mut cargo = apart(context, "optimised");
        tests_of(&mut cargo, package).arg("--release");
        run(&mut cargo, tally)?;
    }
    Ok(())
}

/// The same programs, interrupted all the time, with a collection at every allocation, freed memory overwritten, and the whole heap looked through
/// between the collector's phases.
const HARASSED: &str = "preempt,gcstress,poison,checkheap";

fn harassed(context: &Context, _: &[Crate], tally: &mut Tally) -> Result<()> {
    let mut cargo = apart(context, "optimised");
    cargo.env("GORT_DEBUG", HARASSED);
    tests_of(&mut cargo, "gort").arg("--release");
    run(&mut cargo, tally)
}

fn sanitizers(context: &Context, crates: &[Crate], tally: &mut Tally) -> Result<()> {
    for sanitizer in SANITIZERS {
        for Crate { package, tests } in crates {
            let mut cargo = apart(context, sanitizer.name);
            // Sanitizers are nightly's; the compiler is the same one.
            cargo.env("RUSTC_BOOTSTRAP", "1");
            cargo.env("RUSTFLAGS", sanitizer.flags);
            cargo.env(sanitizer.options.0, sanitizer.options.1);
            tests_of(&mut cargo, package).args(["--target", TARGET]);
            cargo.args(sanitizer.cargo).arg("--lib");
            let tests = tests.iter().map(String::as_str);
            for test in tests.filter(|name| !NOT_SANITIZED.contains(name)) {
                cargo.args(["--test", test]);
            }
            cargo.arg("--");
            for test in sanitizer.skip {
                cargo.args(["--skip", test]);
            }
            run(&mut cargo, tally)?;
        }
    }
    Ok(())
}

fn stress(context: &Context, crates: &[Crate], tally: &mut Tally) -> Result<()> {
    for (package, test) in of_kind(crates, "stress_") {
        let mut cargo = cargo(context.repo);
        cargo.env("CROSSCALL_STRESS_SECONDS", STRESS_SECONDS);
        tests_of(&mut cargo, package).arg("--release");
        run(cargo.args(["--test", test]), tally)?;
    }
    Ok(())
}

/// The benchmarks do what they say, each for a moment. How fast is no test's business.
fn benchmarks(context: &Context, _: &[Crate], tally: &mut Tally) -> Result<()> {
    let mut all = peer::once(context.repo, &crossing::SUITE)?;
    all.extend(peer::once(context.repo, &heap::SUITE)?);
    for benchmark in all {
        match sh::run(&mut bounded(&benchmark, "60")) {
            Ok(ran) if ran.stdout.starts_with("Benchmark") => tally.pass(),
            Ok(ran) => tally.fail(&sh::line(&benchmark), &ran.stdout),
            Err(error) => tally.fail(&sh::line(&benchmark), &format!("{error:#}")),
        }
    }
    Ok(())
}

fn of_kind<'a>(crates: &'a [Crate], kind: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    crates.iter().flat_map(move |one| {
        let tests = one.tests.iter().filter(move |name| name.starts_with(kind));
        tests.map(|name| (one.package.as_str(), name.as_str()))
    })
}

/// Cargo with a target directory for flags that would have everything else built anew.
fn apart(context: &Context, flags: &str) -> Command {
    let mut cargo = cargo(context.repo);
    cargo.env("CARGO_TARGET_DIR", context.repo.work(flags));
    cargo
}

/// `cargo test` of one package, all of it whatever fails.
fn tests_of<'a>(cargo: &'a mut Command, package: &str) -> &'a mut Command {
    cargo.args(["test", "--quiet", "--no-fail-fast", "--package", package])
}

fn run(cargo: &mut Command, tally: &mut Tally) -> Result<()> {
    counted(&mut bounded(cargo, LIMIT_SECONDS), tally)
}

/// The command with an end, whatever happens.
fn bounded(command: &Command, seconds: &str) -> Command {
    let mut bounded = Command::new("timeout");
    bounded.args(["--kill-after", "10", seconds]);
    bounded.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bounded.env(name, value),
            None => bounded.env_remove(name),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        bounded.current_dir(dir);
    }
    bounded
}
