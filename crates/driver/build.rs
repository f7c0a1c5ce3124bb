//! Embeds a hash of the workspace's sources into the binary: the part of the tool's identity by which the go command's cache
//! knows that the generator has changed (`src/toolid.rs`). Hashing sources here is cheaper than hashing the executable on
//! every run, and two builds of the same sources share their cache entries.

use std::path::{Path, PathBuf};
use std::{env, fs};

use sha2::{Digest, Sha256};

fn main() {
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let mut files = Vec::new();
    for root in roots(&package) {
        println!("cargo::rerun-if-changed={}", root.display());
        list(&root, &mut files);
    }
    files.sort();

    let mut hash = Sha256::new();
    for file in &files {
        let text = fs::read(file).unwrap_or_default();
        let name = file.strip_prefix(package.join("../..")).unwrap_or(file);
        hash.update(name.to_string_lossy().as_bytes());
        hash.update([0]);
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(&text);
    }
    for setting in ["PROFILE", "OPT_LEVEL", "TARGET", "CARGO_ENCODED_RUSTFLAGS"] {
        hash.update(env::var(setting).unwrap_or_default());
        hash.update([0]);
    }
    let hex: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    println!("cargo::rustc-env=CROSSCALL_SOURCE_HASH={hex}");
}

/// What can change behaviour: every crate, and the versions of what they depend on. Outside the workspace, this package alone.
fn roots(package: &Path) -> Vec<PathBuf> {
    let lock = package.join("../../Cargo.lock");
    if lock.is_file() {
        vec![package.join(".."), lock]
    } else {
        vec![package.join("src")]
    }
}

/// Rust sources, manifests and included text; tests and their data don't change the tool.
fn list(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
        return;
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let skipped =
            name.to_string_lossy().starts_with('.') || name == "tests" || name == "target";
        if !skipped {
            list(&entry.path(), files);
        }
    }
}
