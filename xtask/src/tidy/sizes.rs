//! A file is one idea: about 400 lines, reviewed at 1,000.

use super::Rule;
use super::sources::{Source, Sources};

const NOTED: usize = 400;
const LIMIT: usize = 1000;

/// First line of what a program wrote: nobody reads it through.
const GENERATED: &str = "@generated";

pub fn readable(sources: &Sources) -> Rule {
    let written = |file: &&Source| {
        !file
            .text
            .lines()
            .next()
            .is_some_and(|line| line.contains(GENERATED))
    };
    let lines = |file: &Source| (file.path.clone(), file.text.lines().count());
    let files: Vec<(String, usize)> = sources.rust().filter(written).map(lines).collect();
    let list = |from: usize, to: usize| {
        let long = files
            .iter()
            .filter(move |(_, lines)| (from..to).contains(lines));
        long.map(|(path, lines)| format!("{path}: {lines} lines"))
            .collect()
    };
    let name = "a file is one idea";
    Rule {
        name,
        notes: list(NOTED + 1, LIMIT + 1),
        broken: list(LIMIT + 1, usize::MAX),
    }
}
