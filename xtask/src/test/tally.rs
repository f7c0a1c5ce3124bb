//! How many tests passed and failed, and the failures' own words: said when they happen, and kept for the end.

use std::collections::VecDeque;

use crate::term;

#[derive(Default)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub failures: Vec<Failure>,
}

/// One or more of a program's tests.
pub struct Failure {
    /// The test, or the command whose tests they are.
    pub what: String,
    pub why: String,
}

impl Tally {
    pub fn pass(&mut self) {
        self.passed += 1;
    }

    pub fn fail(&mut self, what: &str, why: &str) {
        self.failed += 1;
        let failure = Failure {
            what: what.to_owned(),
            why: why.to_owned(),
        };
        failure.show();
        self.failures.push(failure);
    }

    /// Counts a line such as `test result: ok. 12 passed; 0 failed; …`, which every Rust test harness prints.
    fn count_line(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        let number = |word: &str| {
            let part = result.split([';', '.']).find(|part| part.ends_with(word))?;
            part.trim().split(' ').next()?.parse::<usize>().ok()
        };
        self.passed += number(" passed").unwrap_or(0);
        self.failed += number(" failed").unwrap_or(0);
    }
}

impl Failure {
    pub fn show(&self) {
        println!("  {} {}", term::red("✗"), self.what);
        term::quote(&self.why);
    }
}

/// So many lines of a program's output are kept.
const KEPT: usize = 80;

/// What Rust's test harnesses print, line by line, for a tally.
pub struct Harness<'a> {
    tally: &'a mut Tally,
    /// What is run.
    command: String,
    /// Failures before.
    failed: usize,
    /// Of one program: the last of what it said, of its failures if it has come to them.
    said: VecDeque<String>,
    failures: bool,
}

impl<'a> Harness<'a> {
    pub fn new(tally: &'a mut Tally, command: String) -> Self {
        Self {
            failed: tally.failed,
            tally,
            command,
            said: VecDeque::new(),
            failures: false,
        }
    }

    pub fn line(&mut self, line: &str) {
        let failed = self.tally.failed;
        self.tally.count_line(line);
        if self.tally.failed > failed {
            self.keep();
        }
        match line {
            // A first time before what the failures said, a second time before their names.
            "failures:" if !self.failures => {
                self.failures = true;
                self.said.clear();
            }
            "failures:" => {}
            _ if line.starts_with("test result: ") => {
                self.failures = false;
                self.said.clear();
            }
            _ => self.said.push_back(line.to_owned()),
        }
        if self.said.len() > KEPT {
            self.said.pop_front();
        }
    }

    /// All has been said. A command that does not succeed though none of its tests failed has failed itself.
    pub fn end(mut self, success: bool) {
        if !success && self.tally.failed == self.failed {
            self.tally.failed += 1;
            self.said
                .push_back("something did not build, or ended early".to_owned());
            self.keep();
        }
    }

    fn keep(&mut self) {
        let lines: Vec<String> = self.said.drain(..).collect();
        self.tally.failures.push(Failure {
            what: self.command.clone(),
            why: lines.join("\n"),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str], success: bool) -> Tally {
        let mut tally = Tally::default();
        let mut harness = Harness::new(&mut tally, "cargo test".to_owned());
        lines.iter().for_each(|line| harness.line(line));
        harness.end(success);
        tally
    }

    #[test]
    fn a_harness_result_is_counted_and_its_failures_kept() {
        let tally = heard(
            &[
                "running 3 tests",
                "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
                "running 5 tests",
                "failures:",
                "---- one stdout ----",
                "it was 2",
                "failures:",
                "    one",
                "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out",
            ],
            false,
        );
        assert_eq!((tally.passed, tally.failed), (14, 3));
        let [failure] = tally.failures.as_slice() else {
            panic!("{} failures", tally.failures.len());
        };
        assert_eq!(failure.why, "---- one stdout ----\nit was 2\n    one");
    }

    #[test]
    fn an_early_end_is_a_failure() {
        let tally = heard(&["running 3 tests", "test one ... ok"], false);
        assert_eq!((tally.passed, tally.failed), (0, 1));
        assert!(tally.failures[0].why.starts_with("running 3 tests\n"));
    }
}
