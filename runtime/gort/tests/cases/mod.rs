//! Cases: what a program does when it is told a name, and how that is judged. What stands before a case in C is described in `c/case.h`.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use libtest_mimic::{Failed, Trial};

use crate::building::{out, wait};

/// What a case is to do.
#[derive(Clone)]
pub struct Case {
    pub name: String,
    /// A `C_CASE`.
    #[allow(dead_code, reason = "most programs have but one kind")]
    pub in_c: bool,
    pub end: End,
    stdout: Vec<String>,
    pub stderr: Vec<String>,
    /// Parts of standard error in this order.
    dump: Vec<String>,
    env: Vec<(String, String)>,
    release: bool,
}

/// How a case's process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Exit(i32),
    Signal(i32),
}

impl Case {
    /// It exits with 0.
    pub fn new(name: &str) -> Case {
        Case {
            name: name.to_owned(),
            in_c: false,
            end: End::Exit(0),
            stdout: Vec::new(),
            stderr: Vec::new(),
            dump: Vec::new(),
            env: Vec::new(),
            release: false,
        }
    }

    /// The cases of a source, each with what stands before it.
    #[allow(dead_code, reason = "one of the tests has a table of them")]
    pub fn read(text: &str) -> Vec<Case> {
        let mut cases = Vec::new();
        let mut notes: Vec<&str> = Vec::new();
        for line in text.lines() {
            if let Some(note) = line.strip_prefix("// ") {
                notes.push(note);
                continue;
            }
            let in_c = line.starts_with("C_CASE(");
            let named = line
                .strip_prefix("C_CASE(")
                .or_else(|| line.strip_prefix("CASE("));
            if let Some((name, _)) = named.and_then(|rest| rest.split_once(')')) {
                let mut case = Case::new(name);
                case.in_c = in_c;
                notes.iter().for_each(|note| case.note(note));
                cases.push(case);
            }
            notes.clear();
        }
        cases
    }

    fn note(&mut self, note: &str) {
        match note.split_once(' ').unwrap_or((note, "")) {
            ("exit", status) => self.end = End::Exit(status.parse().expect("a status")),
            ("signal", number) => self.end = End::Signal(number.parse().expect("a signal")),
            ("then", text) => self.dump.push(text.to_owned()),
            ("stdout", text) => self.stdout.push(text.to_owned()),
            ("stderr", text) => self.stderr.push(text.to_owned()),
            ("env", pair) => {
                let (name, value) = pair.split_once('=').expect("NAME=VALUE");
                self.env.push((name.to_owned(), value.to_owned()));
            }
            ("release", _) => self.release = true,
            _ => panic!("{}: what is {note:?}?", self.name),
        }
    }

    /// The test of that name: the program runs the case, in a process of its own.
    pub fn trial(self, name: String, mut program: Command) -> Trial {
        program.arg(&self.name).env_remove("GOMAXPROCS");
        program.envs(self.env.iter().map(|(name, value)| (name, value)));
        let ignored = self.release && cfg!(debug_assertions);
        let log = name.replace(' ', ".");
        Trial::test(name, move || self.run(program, &log)).with_ignored_flag(ignored)
    }

    /// Runs it; its output, if it didn't do what it is to do.
    fn run(&self, mut program: Command, log: &str) -> Result<(), Failed> {
        // To files: whoever reads pipes must not wait for what a case leaves behind.
        let [out_log, error_log] = ["out", "err"].map(|stream| out(&format!("{log}.{stream}")));
        program.stdin(Stdio::null());
        program.stdout(File::create(&out_log)?);
        program.stderr(File::create(&error_log)?);
        let begin = Instant::now();
        let status = wait(&mut program.spawn()?)?;
        let took = begin.elapsed();
        let read =
            |path: &Path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let (said, errors) = (read(&out_log)?, read(&error_log)?);
        let missing = self.missing(&said, &errors);
        if status.is_some_and(|status| ended(status) == Some(self.end)) && missing.is_empty() {
            return Ok(());
        }
        let how = status.map_or("did not end".to_owned(), |status| status.to_string());
        let end = self.end;
        Err(format!(
            "{how} after {took:?}, should be {end:?}; missing: {missing:?}\n--- stdout\n{}--- stderr\n{}",
            shortened(&said),
            shortened(&errors)
        )
        .into())
    }

    /// What it is to say and hasn't.
    fn missing(&self, said: &str, errors: &str) -> Vec<&String> {
        let mut missing: Vec<_> = self.stdout.iter().filter(|t| !said.contains(*t)).collect();
        missing.extend(self.stderr.iter().filter(|t| !errors.contains(*t)));
        let mut rest = errors;
        for text in &self.dump {
            match rest.split_once(text) {
                Some((_, behind)) => rest = behind,
                None => missing.push(text),
            }
        }
        missing
    }
}

fn ended(status: ExitStatus) -> Option<End> {
    let exit = status.code().map(End::Exit);
    exit.or_else(|| status.signal().map(End::Signal))
}

/// The first and the last of much.
fn shortened(text: &str) -> String {
    const LINES: usize = 60;
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= 2 * LINES {
        return text.to_owned();
    }
    let (first, last) = (&lines[..LINES], &lines[lines.len() - LINES..]);
    format!("{}\n…\n{}\n", first.join("\n"), last.join("\n"))
}
