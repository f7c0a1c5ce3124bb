//! Running other programs: quietly with their output kept, or visibly; a failure names the command and shows what it said.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    pub time: Duration,
}

/// Runs with the output kept; it is shown when the command fails.
pub fn run(command: &mut Command) -> Result<Ran> {
    let (output, time) = output(command)?;
    if !output.status.success() {
        let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        let text = String::from_utf8_lossy(&text);
        bail!("{} ({})\n{}", line(command), output.status, tail(&text, 60));
    }
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ran {
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        time,
    })
}

/// Runs with the output kept, whatever the exit status.
pub fn output(command: &mut Command) -> Result<(Output, Duration)> {
    let start = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| not_started(command))?;
    Ok((output, start.elapsed()))
}

/// Runs with the output shown as it comes.
pub fn stream(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let status = command.status().with_context(|| not_started(command))?;
    if !status.success() {
        bail!("{} ({status})", line(command));
    }
    Ok(start.elapsed())
}

/// Whether a program of this name can be started.
pub fn exists(program: &str) -> bool {
    let started = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    !matches!(started, Err(error) if error.kind() == ErrorKind::NotFound)
}

/// The command as a user would type it.
pub fn line(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_=+./,:@%^".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn not_started(command: &Command) -> String {
    format!(
        "could not start {}",
        command.get_program().to_string_lossy()
    )
}

/// The last lines, indented.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    let from = all.len().saturating_sub(lines);
    let kept: Vec<String> = all[from..]
        .iter()
        .map(|line| format!("    {line}"))
        .collect();
    kept.join("\n")
}
