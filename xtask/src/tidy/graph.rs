//! The crate graph: data flows downwards.

use super::Rule;
use super::manifests::{Dependency, Package};

/// The compiler's crates in the order in which data flows: each uses only what stands before it.
const CRATES: &[&str] = &[
    "source", "syntax", "types", "abi", "cdecl", "stubs", "ir", "codegen", "driver",
];

/// The runtime's, likewise.
const RUNTIME: &[&str] = &["stack", "sched", "heap", "bridge", "gort"];

/// Stand outside: they use what they please, and nothing uses them.
const OUTSIDE: &[&str] = &["xtask", "tests", "fuzz"];

/// Where compiler and runtime meet.
const SHARED: &str = "crates/abi";

/// External crates with an edge of their own: who alone may use them.
const GUARDED: &[(&str, &str)] = &[
    ("clang-sys", "crates/cdecl"),
    ("clang", "crates/cdecl"),
    ("inkwell", "crates/codegen"),
    ("llvm-sys", "crates/codegen"),
];

pub fn order(packages: &[Package]) -> Rule {
    let mut broken = Vec::new();
    for package in packages {
        if OUTSIDE.contains(&package.place.as_str()) {
            continue;
        }
        if rank(&package.place).is_none() {
            broken.push(format!(
                "{} is not on the map (xtask/src/tidy/graph.rs)",
                package.place
            ));
        }
        let uses = package.dependencies.iter().filter_map(place);
        // Its own tests may want another of its features.
        let others = uses.filter(|used| *used != package.place);
        let wrong = others.filter(|used| !may_use(&package.place, used));
        broken.extend(wrong.map(|used| format!("{} uses {used}", package.place)));
    }
    Rule::new("a crate uses only what stands above it", broken)
}

pub fn guarded(packages: &[Package]) -> Rule {
    let mut broken = Vec::new();
    for package in packages {
        for (guarded, owner) in GUARDED {
            let uses = package
                .dependencies
                .iter()
                .any(|used| used.name == *guarded);
            if uses && package.place != *owner {
                broken.push(format!(
                    "{} uses {guarded}, which belongs to {owner}",
                    package.place
                ));
            }
        }
    }
    Rule::new("libclang is cdecl's alone, LLVM is codegen's alone", broken)
}

fn place(dependency: &Dependency) -> Option<&str> {
    dependency.place.as_deref()
}

fn may_use(user: &str, used: &str) -> bool {
    match (rank(user), rank(used)) {
        (Some((column, place)), Some((same, above))) if column == same => above < place,
        (Some(("runtime", _)), _) => used == SHARED,
        _ => false,
    }
}

/// The column that a crate stands in, and how far down.
fn rank(place: &str) -> Option<(&str, usize)> {
    let (column, name) = place.split_once('/')?;
    let order = match column {
        "crates" => CRATES,
        "runtime" => RUNTIME,
        _ => return None,
    };
    let at = order.iter().position(|crate_| *crate_ == name)?;
    Some((column, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_flows_downwards() {
        assert!(may_use("crates/driver", "crates/source"));
        assert!(may_use("runtime/bridge", "runtime/stack"));
        assert!(may_use("runtime/stack", "crates/abi"));
        assert!(!may_use("crates/source", "crates/syntax"));
        assert!(!may_use("crates/driver", "runtime/gort"));
        assert!(!may_use("runtime/gort", "crates/syntax"));
        assert!(!may_use("crates/stubs", "crates/unheard-of"));
    }
}
