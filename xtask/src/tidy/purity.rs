//! Crates that do no I/O: they are given text and give text back.

use super::Rule;
use super::sources::Sources;

const PURE: &[&str] = &["source", "syntax", "types", "stubs", "ir"];

const FORBIDDEN: &[&str] = &["fs", "process", "net", "env"];

pub fn no_io(sources: &Sources) -> Rule {
    let mut broken = Vec::new();
    for file in sources.rust() {
        let pure = PURE
            .iter()
            .any(|name| file.path.starts_with(&format!("crates/{name}/src/")));
        let lines = file.code().filter(|_| pure);
        let wrong = lines.filter_map(|(number, line)| Some((number, used(line)?)));
        broken.extend(wrong.map(|(number, module)| file.at(number, &format!("std::{module}"))));
    }
    Rule::new("source, syntax, types, stubs and ir do no I/O", broken)
}

/// The forbidden module that a line of code names, alone or in `std::{…}`.
fn used(line: &str) -> Option<&'static str> {
    let behind = line.split("std::").skip(1);
    let names = behind.flat_map(|rest| match rest.strip_prefix('{') {
        Some(list) => list.split('}').next().unwrap_or(list).split(',').collect(),
        None => vec![rest],
    });
    let first_word = |name: &str| {
        let word = name.trim_start();
        let end = word.find(|c: char| !c.is_alphanumeric() && c != '_');
        word[..end.unwrap_or(word.len())].to_owned()
    };
    let words: Vec<String> = names.map(first_word).collect();
    FORBIDDEN
        .iter()
        .copied()
        .find(|module| words.iter().any(|word| word == module))
}

#[cfg(test)]
mod tests {
    use super::used;

    #[test]
    fn modules_are_found_in_every_form() {
        assert_eq!(used("use std::fs;"), Some("fs"));
        assert_eq!(used("let home = std::env::var(name);"), Some("env"));
        assert_eq!(used("use std::{fmt, process::Command};"), Some("process"));
        assert_eq!(used("use std::{collections::HashMap, fmt};"), None);
        assert_eq!(used("use std::network;"), None);
    }
}
