//! The list of known differences from the official tool. That each of them still occurs, the differential test checks; here it is
//! that each says what it is and why it is accepted.

use super::Rule;
use super::sources::Sources;

/// `known_differences.txt`, wherever it stands: lines of `case | what | name | reason`; `#` begins a comment.
const LIST: &str = "known_differences.txt";

pub fn explained(sources: &Sources) -> Rule {
    let mut broken = Vec::new();
    for list in sources
        .files
        .iter()
        .filter(|file| file.path.ends_with(LIST))
    {
        for (number, line) in (1..).zip(list.text.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let fields: Vec<&str> = line.split('|').map(str::trim).collect();
            if fields.len() != 4 || fields.iter().any(|field| field.is_empty()) {
                broken.push(list.at(number, "not `case | what | name | reason`"));
            }
        }
    }
    Rule::new("known differences are explained", broken)
}
