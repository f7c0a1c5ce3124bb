//! Nothing names a directory of the machine that it was written on.

use super::Rule;
use super::sources::Sources;

/// In two halves, so that this file keeps its own rule.
const MACHINE: &[(&str, &str)] = &[
    ("/work", "/"),
    ("/tmp", "/w/"),
    ("/root", "/"),
    ("/home", "/"),
];

pub fn portable(sources: &Sources) -> Rule {
    let paths: Vec<String> = MACHINE.iter().map(|(a, b)| format!("{a}{b}")).collect();
    let mut broken = Vec::new();
    for file in &sources.files {
        for (number, line) in (1..).zip(file.text.lines()) {
            if paths.iter().any(|path| names(line, path)) {
                broken.push(file.at(number, line.trim()));
            }
        }
    }
    Rule::new("no directory of one machine is named", broken)
}

/// Whether `path` begins an absolute path here; as the middle of a longer one it is harmless.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-}/$".contains(c))
    })
}
