//! The whole build of one package: everything that it imports is in the cache, the package itself is not. Each run has a copy of
//! that cache, and copying is not measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::subject::Place;
use super::{Bench, Pairs, Tool};
use crate::measure::measure;
use crate::sh;

pub fn whole(bench: &Bench, place: &Place, cc: &str) -> Result<Pairs> {
    for tool in Tool::BOTH {
        prebuilt(bench, place, tool, cc)?;
    }
    bench.in_turn(|tool| {
        let cache = fresh(bench, place, tool, cc)?;
        let mut build = go(bench, tool, &cache, cc);
        build.args(["build", "-o", "/dev/null", place.package]);
        measure(build.current_dir(&place.dir), &bench.work)
    })
}

/// The go command of one contender.
pub fn go(bench: &Bench, tool: Tool, cache: &Path, cc: &str) -> Command {
    let mut command = match tool {
        Tool::Official => bench.go.command(cache),
        Tool::Crosscall => bench.crosscall.command(&bench.go, cache),
    };
    command.env("CC", cc);
    command
}

/// A cache that holds what the package imports, and not the package.
pub fn fresh(bench: &Bench, place: &Place, tool: Tool, cc: &str) -> Result<PathBuf> {
    let seed = prebuilt(bench, place, tool, cc)?;
    let cache = bench.work.join("gocache");
    if cache.exists() {
        fs::remove_dir_all(&cache)?;
    }
    let mut copy = Command::new("cp");
    sh::run(copy.args(["-r", "--reflink=auto"]).arg(seed).arg(&cache))?;
    Ok(cache)
}

fn prebuilt(bench: &Bench, place: &Place, tool: Tool, cc: &str) -> Result<PathBuf> {
    let name = format!("seed-{}-{}-{cc}", place.import_path, tool.name());
    let seed = bench.work.join(name);
    if seed.exists() {
        return Ok(seed);
    }
    let mut list = go(bench, Tool::Official, &seed, cc);
    list.args(["list", "-deps", place.package]);
    let imports = sh::run(list.current_dir(&place.dir))?.stdout;
    let imports = imports
        .lines()
        .filter(|name| *name != place.import_path && *name != "unsafe");
    let imports: Vec<&str> = imports.collect();
    ensure!(!imports.is_empty(), "{} imports nothing", place.import_path);
    let mut build = go(bench, tool, &seed, cc);
    build.arg("build").args(imports);
    sh::run(build.current_dir(&place.dir)).context("what the package imports does not build")?;
    Ok(seed)
}
