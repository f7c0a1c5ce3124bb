//! System errors in Go's words: `open x.go: no such file or directory`.

use std::io;
use std::path::Path;

/// The message of an `os.PathError`.
pub fn message(op: &str, path: impl AsRef<Path>, err: &io::Error) -> String {
    format!("{op} {}: {}", path.as_ref().display(), cause(err))
}

/// The C library's text without Rust's number, in lower case as Go's own table has it.
pub fn cause(err: &io::Error) -> String {
    let text = err.to_string();
    let text = text
        .split_once(" (os error")
        .map_or(text.as_str(), |(text, _)| text);
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_go_words() {
        let err = std::fs::read("/no/such/file").unwrap_err();
        assert_eq!(
            message("open", "/no/such/file", &err),
            "open /no/such/file: no such file or directory"
        );
    }
}
