//! The programs that are measured: the official toolchain's test binary of `bench/peer`, and the same benchmarks on crosscall's runtime.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::catalogue::Suite;
use crate::crosscall::cargo;
use crate::repo::Repo;
use crate::sh;
use crate::toolchain::Toolchain;

/// What stands in for compiled Go. Frames that end with a call are kept, as Go keeps them.
const GO_SIDE: &[&str] = &[
    "-std=gnu11",
    "-O2",
    "-fsplit-stack",
    "-fno-omit-frame-pointer",
    "-fno-optimize-sibling-calls",
    "-DGORT_GO_TEXT",
];

/// As cgo compiles C.
const C_SIDE: &[&str] = &["-std=gnu11", "-O2"];

/// What measures crosscall's side, with a `c` and a `go` of its own, like a suite.
const HARNESS: &str = "harness";

/// The program that measures what a crossing must cost at least, and what it has in common with the suite's.
const LIMIT: &[&str] = &[
    "crossing/c/limit.c",
    "crossing/c/limit.S",
    "crossing/c/leaf.c",
    "crossing/c/crossing.c",
    "harness/c/bench.c",
];

/// Symbols are bound at the start: a goroutine's stack is too small for the dynamic linker.
const LINK: &[&str] = &["-Wl,-z,now", "-pthread", "-lm", "-ldl"];

pub fn official(repo: &Repo, go: &Toolchain, work: &Path) -> Result<PathBuf> {
    let binary = work.join("official");
    let mut test = go.command(&work.join("gocache"));
    test.env("CGO_ENABLED", "1").env("CC", "gcc");
    test.args(["test", "-c", "-o"]).arg(&binary);
    sh::run(test.current_dir(repo.root.join("bench/peer")))
        .context("the official side does not build")?;
    Ok(binary)
}

/// crosscall's side.
pub fn crosscall(repo: &Repo, suite: &Suite, work: &Path) -> Result<PathBuf> {
    let archive = runtime(repo)?;
    let objects = &objects(work)?;
    let mut link = Command::new("gcc");
    for part in [HARNESS, suite.name] {
        for file in sources(repo, &format!("{part}/go"))? {
            link.arg(compile(repo, &file, "clang-19", GO_SIDE, objects)?);
        }
        for file in sources(repo, &format!("{part}/c"))? {
            // The limit's own belong to another program.
            if !LIMIT[..2].iter().any(|own| file.ends_with(own)) {
                link.arg(compile(repo, &file, "gcc", C_SIDE, objects)?);
            }
        }
    }
    let binary = work.join("crosscall");
    sh::run(link.arg(archive).args(LINK).arg("-o").arg(&binary))?;
    Ok(binary)
}

/// The limit of crossings.
pub fn limit(repo: &Repo, work: &Path) -> Result<PathBuf> {
    let objects = &objects(work)?;
    let mut link = Command::new("gcc");
    for name in LIMIT {
        let file = repo.root.join("bench").join(name);
        link.arg(compile(repo, &file, "gcc", C_SIDE, objects)?);
    }
    let binary = work.join("limit");
    sh::run(link.arg("-o").arg(&binary))?;
    Ok(binary)
}

/// `libgort.a`.
fn runtime(repo: &Repo) -> Result<PathBuf> {
    let mut cargo = cargo(repo);
    cargo.args(["build", "--release", "--quiet"]);
    cargo.args(["--package", "gort", "--features", "archive"]);
    sh::stream(&mut cargo).context("the runtime does not build")?;
    let archive = repo.target.join("release/libgort.a");
    ensure!(archive.is_file(), "the build left no {}", archive.display());
    Ok(archive)
}

fn objects(work: &Path) -> Result<PathBuf> {
    let objects = work.join("objects");
    fs::create_dir_all(&objects)?;
    Ok(objects)
}

/// The C files of a directory of `bench`, in the order of their names.
fn sources(repo: &Repo, directory: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(repo.root.join("bench").join(directory))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "c") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn compile(repo: &Repo, file: &Path, cc: &str, flags: &[&str], objects: &Path) -> Result<PathBuf> {
    let bench = repo.root.join("bench");
    let name = file.strip_prefix(&bench)?.to_string_lossy();
    let object = objects.join(format!("{}.o", name.replace('/', "_")));
    let mut command = Command::new(cc);
    command.args(["-Wall", "-Wextra", "-Werror"]).args(flags);
    let beside = file.with_file_name("../c");
    let include = repo.root.join("runtime/gort/include");
    for directory in [&beside, &bench.join("harness/c"), &include] {
        command.arg("-I").arg(directory);
    }
    sh::run(command.arg("-c").arg(file).arg("-o").arg(&object))?;
    Ok(object)
}
