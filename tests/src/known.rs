//! `known_differences.txt`: every difference that is accepted, with the reason. One that no longer occurs is an error as a new one is.
//!
//! A line is `case | what | name | reason`; `*` in the first three stands for any text. Empty lines and lines that begin with `#`
//! say nothing.

use std::cell::Cell;
use std::fs;

use crate::compare::Difference;
use crate::toolchain::workspace;

/// An accepted difference.
#[derive(Clone, Debug)]
pub struct Entry {
    pub line: usize,
    pub case: String,
    pub what: String,
    pub name: String,
    pub reason: String,
    used: Cell<bool>,
}

/// The accepted differences of one group.
#[derive(Debug)]
pub struct Known {
    entries: Vec<Entry>,
}

impl Known {
    /// The entries of the table that speak of the cases of `group` (`name/goarch`).
    pub fn of_group(group: &str) -> Result<Known, String> {
        let path = workspace().join("tests/known_differences.txt");
        let text = fs::read_to_string(&path).map_err(|err| format!("{}: {err}", path.display()))?;
        Known::parse(&text, group)
    }

    /// As [`Known::of_group`], from the table's text.
    pub fn parse(text: &str, group: &str) -> Result<Known, String> {
        let mut entries = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let entry = entry(index + 1, line)?;
            if concerns(&entry.case, group) {
                entries.push(entry);
            }
        }
        Ok(Known { entries })
    }

    /// Whether the difference is accepted. Every entry that says so counts as used.
    pub fn accepts(&self, difference: &Difference) -> bool {
        let matches = |entry: &&Entry| {
            glob(&entry.case, &difference.case)
                && glob(&entry.what, &difference.what)
                && glob(&entry.name, &difference.name)
        };
        let mut accepted = false;
        for entry in self.entries.iter().filter(matches) {
            entry.used.set(true);
            accepted = true;
        }
        accepted
    }

    /// Entries that accepted nothing.
    pub fn unused(&self) -> Vec<&Entry> {
        self.entries
            .iter()
            .filter(|entry| !entry.used.get())
            .collect()
    }
}

fn entry(line: usize, text: &str) -> Result<Entry, String> {
    let parts: Vec<&str> = text.splitn(4, " | ").map(str::trim).collect();
    match parts[..] {
        [case, what, name, reason] if !reason.is_empty() => Ok(Entry {
            line,
            case: case.to_string(),
            what: what.to_string(),
            name: name.to_string(),
            reason: reason.to_string(),
            used: Cell::new(false),
        }),
        _ => Err(format!(
            "known_differences.txt:{line}: not `case | what | name | reason`"
        )),
    }
}

/// Whether a case of the pattern can be in the group: its first two parts agree.
fn concerns(case: &str, group: &str) -> bool {
    let head: Vec<&str> = case.splitn(3, '/').take(2).collect();
    glob(&head.join("/"), group) || case == "*"
}

/// Whether `text` is `pattern`, in which `*` stands for any text.
pub fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(head) else {
        return false;
    };
    (0..=rest.len())
        .filter(|at| rest.is_char_boundary(*at))
        .any(|at| glob(tail, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(case: &str, name: &str) -> Difference {
        let text = String::from;
        Difference {
            case: text(case),
            what: text("missing"),
            name: text(name),
            official: text("x"),
            candidate: String::new(),
        }
    }

    #[test]
    fn accepts_and_tells_what_is_stale() {
        let table = "# comment\n\na/*/p | missing | _Cfunc_* | why\na/amd64/q | missing | x | gone\nb/386/p | extra | y | other\n";
        let known = Known::parse(table, "a/amd64").unwrap();
        assert!(known.accepts(&difference("a/amd64/p", "_Cfunc_f")));
        assert!(!known.accepts(&difference("a/amd64/p", "_Ctype_f")));
        let stale: Vec<usize> = known.unused().iter().map(|entry| entry.line).collect();
        assert_eq!(stale, [4]);
    }

    #[test]
    fn a_line_without_reason_is_an_error() {
        assert!(Known::parse("a/amd64/p | missing | x |", "a/amd64").is_err());
    }
}
