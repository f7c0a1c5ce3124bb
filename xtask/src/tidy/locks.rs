//! The runtime's locks leave `errno` alone, since C may be in the middle of a call.

use super::Rule;
use super::sources::Sources;

/// Where the standard library's becomes one that does.
const HOME: &str = "runtime/stack/src/sync.rs";

pub fn unnoticed(sources: &Sources) -> Rule {
    let mut broken = Vec::new();
    for file in sources.rust() {
        let runtime = file.path.starts_with("runtime/") && file.path.contains("/src/");
        if runtime && file.path != HOME && !file.path.ends_with("/tests.rs") {
            let wrong = file.code().filter(|(_, line)| is_loud(line));
            broken.extend(wrong.map(|(number, line)| file.at(number, line)));
        }
    }
    Rule::new("the runtime's locks are those of stack::sync", broken)
}

fn is_loud(line: &str) -> bool {
    line.contains("std::sync::") && line.contains("Mutex")
}

#[cfg(test)]
mod tests {
    use super::is_loud;

    #[test]
    fn std_s_locks_are_found() {
        assert!(is_loud("use std::sync::{Arc, Mutex};"));
        assert!(is_loud("fn lock() -> std::sync::MutexGuard<'static, u8> {"));
        assert!(!is_loud("use std::sync::{Once, OnceLock};"));
        assert!(!is_loud("use stack::sync::Mutex;"));
    }
}
