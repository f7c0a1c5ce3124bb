//! What a model checker is to see must come from the one module that it replaces.

use super::Rule;
use super::sources::{Source, Sources};

const SCHED: &str = "runtime/sched/src/";

/// In front of a module that no model contains.
const UNMODELLED: &str = "#[cfg(not(loom))]";

const REPLACED: &[&str] = &["atomic", "Mutex", "Condvar", "RwLock"];

pub fn replaceable(sources: &Sources) -> Rule {
    let root = sources.files.iter();
    let root = root.filter(|file| file.path == format!("{SCHED}lib.rs"));
    let modelled: Vec<&str> = root.flat_map(modelled).collect();
    let mut broken = Vec::new();
    for file in sources.rust() {
        let module = file.path.strip_prefix(SCHED).map(module);
        let seen = module.is_some_and(|module| modelled.contains(&module));
        if seen && !file.path.ends_with("/tests.rs") {
            let wrong = file.code().filter(|(_, line)| bypasses(line));
            broken.extend(wrong.map(|(number, line)| file.at(number, line)));
        }
    }
    Rule::new(
        "what is model-checked takes its atomics and locks from sched::sync",
        broken,
    )
}

/// The modules that lib.rs has in models, but for the one that all the others take from.
fn modelled(root: &Source) -> impl Iterator<Item = &str> {
    let mut left_out = false;
    root.text.lines().map(str::trim).filter_map(move |line| {
        let words = line.strip_prefix("pub ").unwrap_or(line);
        let name = words
            .strip_prefix("mod ")
            .and_then(|name| name.strip_suffix(';'));
        let found = name.filter(|name| !left_out && *name != "sync");
        // Other attributes may stand between. A file elsewhere is the model's own.
        left_out =
            line == UNMODELLED || line.starts_with("#[path") || left_out && line.starts_with('#');
        found
    })
}

/// `chan` for `chan.rs` and for `chan/queue.rs`.
fn module(path: &str) -> &str {
    let end = path.find(['/', '.']).unwrap_or(path.len());
    &path[..end]
}

fn bypasses(line: &str) -> bool {
    let std = line.contains("std::sync::") || line.contains("core::sync::");
    std && REPLACED.iter().any(|name| line.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_a_model_is_known() {
        let text = "pub mod runq;\n#[cfg(not(loom))]\n#[path = \"x.rs\"]\npub mod fault;\n#[cfg(loom)]\n#[path = \"model/g.rs\"]\nmod g;\nmod wait;\n";
        let root = Source {
            path: String::new(),
            text: text.to_owned(),
        };
        assert_eq!(modelled(&root).collect::<Vec<_>>(), ["runq", "wait"]);
    }

    #[test]
    fn std_s_atomics_are_found() {
        assert!(bypasses("use std::sync::atomic::AtomicU32;"));
        assert!(bypasses("use std::sync::{Arc, Mutex};"));
        assert!(!bypasses("use std::sync::Arc;"));
        assert!(!bypasses("use crate::sync::atomic::AtomicU32;"));
        assert_eq!(
            (module("chan.rs"), module("chan/queue.rs")),
            ("chan", "chan")
        );
    }
}
