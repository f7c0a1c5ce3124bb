//! The programs that are measured: the official toolchain's test binary of `bench/peer`, the same benchmarks on crosscall's runtime,
//! and the limit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::crosscall::cargo;
use crate::repo::Repo;
use crate::sh;
use crate::toolchain::Toolchain;

pub struct Programs {
    pub official: PathBuf,
    pub crosscall: PathBuf,
    pub limit: PathBuf,
}

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

const LIMIT: &[&str] = &["limit.c", "limit.S", "leaf.c", "bench.c"];

/// Symbols are bound at the start: a goroutine's stack is too small for the dynamic linker.
const LINK: &[&str] = &["-Wl,-z,now", "-pthread", "-lm", "-ldl"];

pub fn build(repo: &Repo, go: &Toolchain, work: &Path) -> Result<Programs> {
    Ok(Programs {
        official: official(repo, go, work)?,
        crosscall: crosscall(repo, work)?,
        limit: limit(repo, work)?,
    })
}

fn official(repo: &Repo, go: &Toolchain, work: &Path) -> Result<PathBuf> {
    let binary = work.join("official");
    let mut test = go.command(&work.join("gocache"));
    test.env("CGO_ENABLED", "1").env("CC", "gcc");
    test.args(["test", "-c", "-o"]).arg(&binary);
    sh::run(test.current_dir(repo.root.join("bench/peer")))
        .context("the official side does not build")?;
    Ok(binary)
}

/// crosscall's side.
pub fn crosscall(repo: &Repo, work: &Path) -> Result<PathBuf> {
    let archive = runtime(repo)?;
    let objects = &objects(work)?;
    let mut link = Command::new("gcc");
    for file in sources(repo, "go")? {
        link.arg(compile(repo, &file, "clang-19", GO_SIDE, objects)?);
    }
    for file in sources(repo, "c")? {
        let alone = ["limit.c", "limit.S"]
            .iter()
            .any(|name| file.ends_with(name));
        if !alone {
            link.arg(compile(repo, &file, "gcc", C_SIDE, objects)?);
        }
    }
    let binary = work.join("crosscall");
    sh::run(link.arg(archive).args(LINK).arg("-o").arg(&binary))?;
    Ok(binary)
}

fn limit(repo: &Repo, work: &Path) -> Result<PathBuf> {
    let objects = &objects(work)?;
    let mut link = Command::new("gcc");
    for name in LIMIT {
        let file = repo.root.join("bench/crossing/c").join(name);
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

/// The C files of one side, in the order of their names.
fn sources(repo: &Repo, side: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(repo.root.join("bench/crossing").join(side))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "c") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn compile(repo: &Repo, file: &Path, cc: &str, flags: &[&str], objects: &Path) -> Result<PathBuf> {
    let crossing = repo.root.join("bench/crossing");
    let name = file.strip_prefix(&crossing)?.to_string_lossy();
    let object = objects.join(format!("{}.o", name.replace('/', "_")));
    let mut command = Command::new(cc);
    command.args(["-Wall", "-Wextra", "-Werror"]).args(flags);
    for directory in [crossing.join("c"), repo.root.join("runtime/gort/include")] {
        command.arg("-I").arg(directory);
    }
    sh::run(command.arg("-c").arg(file).arg("-o").arg(&object))?;
    Ok(object)
}
