//! How many tests passed and failed, and the failures' own words, said when they happen.

use crate::term;

#[derive(Default)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
}

impl Tally {
    pub fn pass(&mut self) {
        self.passed += 1;
    }

    pub fn fail(&mut self, what: &str, why: &str) {
        self.failed += 1;
        println!("  {} {what}", term::red("✗"));
        term::quote(why);
    }

    /// Counts a line such as `test result: ok. 12 passed; 0 failed; …`, which every Rust test harness prints.
    pub fn count_line(&mut self, line: &str) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harness_result_is_counted() {
        let mut tally = Tally::default();
        tally.count_line("running 3 tests");
        tally.count_line("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        tally.count_line(
            "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out",
        );
        assert_eq!((tally.passed, tally.failed), (14, 3));
    }
}
