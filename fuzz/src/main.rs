//! `crosscall-fuzz TARGET --seconds N [--seed S]`: fuzzes. `crosscall-fuzz TARGET FILE…`: runs the target on files, to see a find again.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use crosscall_fuzz::targets::{self, TARGETS, Target};
use crosscall_fuzz::watch;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match run(&args) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("crosscall-fuzz: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &[String]) -> Result<ExitCode, String> {
    if args.first().is_some_and(|arg| arg == "worker") {
        return worker(&args[1..]);
    }
    let target = target(args)?;
    let seed = number(args, "--seed")?.unwrap_or(1);
    match number(args, "--seconds")? {
        Some(seconds) => fuzz(target, seed, Duration::from_secs(seconds)),
        None => again(target, &args[1..]),
    }
}

fn target(args: &[String]) -> Result<&'static Target, String> {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let usage = format!(
        "usage: crosscall-fuzz {} --seconds N [--seed S] | FILES",
        names.join("|")
    );
    args.first()
        .and_then(|name| targets::find(name))
        .ok_or(usage)
}

fn value<'a>(args: &'a [String], flag: &str) -> Option<&'a String> {
    args.get(args.iter().position(|arg| arg == flag)? + 1)
}

fn number(args: &[String], flag: &str) -> Result<Option<u64>, String> {
    value(args, flag)
        .map(|text| text.parse().map_err(|err| format!("{flag}: {err}")))
        .transpose()
}

fn fuzz(target: &Target, seed: u64, time: Duration) -> Result<ExitCode, String> {
    let program = env::current_exe().map_err(|err| err.to_string())?;
    let dir = env::temp_dir().join("crosscall-fuzz");
    let report = watch::watch(&program, target, seed, time, &dir).map_err(|err| err.to_string())?;
    println!(
        "{}: {} inputs, {} finds",
        target.name,
        report.inputs,
        report.finds.len()
    );
    for find in &report.finds {
        println!("{}: {}", find.input.display(), find.why);
    }
    Ok(if report.finds.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn again(target: &Target, files: &[String]) -> Result<ExitCode, String> {
    for file in files {
        let text = fs::read(file).map_err(|err| format!("{file}: {err}"))?;
        (target.run)(&text);
    }
    Ok(ExitCode::SUCCESS)
}

fn worker(args: &[String]) -> Result<ExitCode, String> {
    let target = target(args)?;
    let seed = number(args, "--seed")?.unwrap_or(1);
    let time = Duration::from_millis(number(args, "--milliseconds")?.unwrap_or(0));
    let current = value(args, "--current")
        .map(PathBuf::from)
        .ok_or("worker: --current FILE")?;
    let count =
        watch::work(target, seed, time, Path::new(&current)).map_err(|err| err.to_string())?;
    println!("{count}");
    Ok(ExitCode::SUCCESS)
}
