//! The crates' manifests as cargo understands them, and what each of them must say.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Rule;
use super::sources::Sources;
use crate::crosscall::cargo;
use crate::repo::Repo;
use crate::sh;

pub struct Package {
    /// As in `crates/stubs`.
    pub place: String,
    /// What it needs, whatever for: build scripts and tests included.
    pub dependencies: Vec<Dependency>,
    licence: bool,
    rust_version: bool,
    lints: bool,
}

pub struct Dependency {
    pub name: String,
    /// The place of a crate of ours.
    pub place: Option<String>,
}

pub fn packages(repo: &Repo) -> Result<Vec<Package>> {
    let mut command = cargo(repo);
    command.args([
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]);
    let metadata: Value = serde_json::from_str(&sh::run(&mut command)?.stdout)?;
    let packages = metadata["packages"].as_array();
    packages
        .context("cargo metadata lists packages")?
        .iter()
        .map(|package| read(repo, package))
        .collect()
}

fn read(repo: &Repo, package: &Value) -> Result<Package> {
    let manifest = Path::new(
        package["manifest_path"]
            .as_str()
            .context("a package has a manifest")?,
    );
    let place = |dir: &Path| {
        let inside = dir.strip_prefix(&repo.root).unwrap_or(dir);
        inside.to_string_lossy().into_owned()
    };
    let dependency = |dependency: &Value| Dependency {
        name: dependency["name"].as_str().unwrap_or_default().to_owned(),
        place: dependency["path"].as_str().map(|dir| place(Path::new(dir))),
    };
    let text = std::fs::read_to_string(manifest)?;
    let dependencies = package["dependencies"].as_array();
    Ok(Package {
        place: place(
            manifest
                .parent()
                .context("a manifest lies in a directory")?,
        ),
        dependencies: dependencies.into_iter().flatten().map(dependency).collect(),
        licence: package["license"].is_string(),
        rust_version: package["rust_version"].is_string(),
        lints: text.contains("[lints]\nworkspace = true") || lints_of_its_own(&text),
    })
}

/// The runtime's crates are unsafe through and through; what the workspace denies besides, they deny themselves, and more.
fn lints_of_its_own(manifest: &str) -> bool {
    let wanted = [
        "unused_must_use",
        "unsafe_op_in_unsafe_fn",
        "undocumented_unsafe_blocks",
    ];
    let denied = |name| manifest.contains(&format!("{name} = \"deny\""));
    wanted.iter().all(denied)
}

pub fn complete(packages: &[Package], sources: &Sources) -> Rule {
    let mut broken = Vec::new();
    for package in packages {
        let fields = [
            (package.licence, "license"),
            (package.rust_version, "rust-version"),
            (package.lints, "[lints] workspace = true, or all of them"),
        ];
        let missing = fields.iter().filter(|(there, _)| !there);
        broken
            .extend(missing.map(|(_, field)| format!("{}/Cargo.toml: no {field}", package.place)));
    }
    for file in ["LICENSE-MIT", "LICENSE-APACHE"] {
        if !sources.has(file) {
            broken.push(format!("there is no {file}"));
        }
    }
    Rule::new(
        "manifests name the licence, the Rust version and the lints",
        broken,
    )
}
