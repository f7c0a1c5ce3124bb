//! Time and memory of one command. A helper process runs it, so that "largest child so far" means this command's own processes.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

use crate::sh;

/// The helper's name on our own command line: `measure FILE PROGRAM ARGS…`.
pub const COMMAND: &str = "__measure";

#[derive(Clone, Copy)]
pub struct Measured {
    pub wall: Duration,
    /// User and system time of the command and of all that it waited for.
    pub cpu: Duration,
    /// Resident memory, in KiB, of the largest single process among them.
    pub peak_kib: i64,
}

/// Runs `command` and measures it; its output is kept for the error message.
pub fn measure(command: &Command, scratch: &Path) -> Result<Measured> {
    let report = scratch.join("measured.json");
    let mut helper = Command::new(env::current_exe()?);
    helper.arg(COMMAND).arg(&report);
    helper.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => helper.env(name, value),
            None => helper.env_remove(name),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        helper.current_dir(dir);
    }
    sh::run(&mut helper)?;
    let report: Value = serde_json::from_slice(&fs::read(&report)?)?;
    let number = |name: &str| report[name].as_i64().context("a measure is missing");
    Ok(Measured {
        wall: Duration::from_micros(number("wall_us")?.try_into()?),
        cpu: Duration::from_micros(number("cpu_us")?.try_into()?),
        peak_kib: number("peak_kib")?,
    })
}

/// The helper's side.
pub fn command(args: &[String]) -> Result<ExitCode> {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    ensure!(args.len() >= 2, "{COMMAND} FILE PROGRAM ARGS…");
    let start = Instant::now();
    let status = Command::new(&args[1]).args(&args[2..]).status()?;
    let wall = start.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    let report = json!({
        "wall_us": u64::try_from(wall.as_micros())?,
        "cpu_us": micros(usage.user_time()) + micros(usage.system_time()),
        "peak_kib": usage.max_rss(),
    });
    fs::write(&args[0], report.to_string())?;
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    Ok(ExitCode::from(code.map_or(1, |code| code as u8)))
}
