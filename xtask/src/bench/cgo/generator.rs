//! The generator alone, by the command lines that the go command uses: they are taken from a real build (`go build -x -work`), whose
//! work directory is kept for them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::build::{fresh, go};
use super::subject::Place;
use super::{Bench, Pairs, Tool};
use crate::measure::{Measured, measure};
use crate::sh;

/// One package's cgo commands, as lines for a shell.
pub struct Recorded {
    /// The value of `$WORK` in them.
    work: PathBuf,
    cc: String,
    stubs: Step,
    imports: Step,
}

struct Step {
    dir: PathBuf,
    line: String,
}

pub fn recorded(bench: &Bench, place: &Place, cc: &str) -> Result<Recorded> {
    let temporary = bench.work.join("kept");
    if temporary.exists() {
        fs::remove_dir_all(&temporary)?;
    }
    fs::create_dir_all(&temporary)?;
    let cache = fresh(bench, place, Tool::Official, cc)?;
    let mut build = go(bench, Tool::Official, &cache, cc);
    build.env("GOTMPDIR", &temporary);
    build.args(["build", "-x", "-work", "-o", "/dev/null", place.package]);
    let (output, _) = sh::output(build.current_dir(&place.dir))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{}\n{}", sh::line(&build), sh::tail(&log, 30));
    }
    read(&log, place, cc)
}

/// Finds the commands in the log; a `cd` holds for what follows it.
fn read(log: &str, place: &Place, cc: &str) -> Result<Recorded> {
    let work = log.lines().find_map(|line| line.strip_prefix("WORK="));
    let work = PathBuf::from(work.context("the build tells no work directory")?);
    let mut dir = place.dir.clone();
    let (mut stubs, mut imports) = (None, None);
    let import_path = format!(" -importpath {} ", place.import_path);
    for line in log.lines() {
        if let Some(to) = line.strip_prefix("cd ") {
            dir = to.replacen("$WORK", &work.to_string_lossy(), 1).into();
        }
        let step = || Step {
            dir: dir.clone(),
            line: line.to_owned(),
        };
        if line.contains("/cgo -objdir $WORK/") && line.contains(&import_path) {
            stubs = Some(step());
        } else if line.contains("/cgo -dynpackage ") && stubs.is_some() && imports.is_none() {
            imports = Some(step());
        }
    }
    Ok(Recorded {
        work,
        cc: cc.to_owned(),
        stubs: stubs.context("the build ran no cgo")?,
        imports: imports.context("the build ran no cgo -dynimport")?,
    })
}

/// From C names to Go and C text.
pub fn stubs(bench: &Bench, recorded: &Recorded) -> Result<Pairs> {
    bench.in_turn(|tool| run(bench, recorded, &recorded.stubs, tool))
}

/// The dynamic symbols of the linked C code, as Go pragmas.
pub fn imports(bench: &Bench, recorded: &Recorded) -> Result<Pairs> {
    bench.in_turn(|tool| run(bench, recorded, &recorded.imports, tool))
}

fn run(bench: &Bench, recorded: &Recorded, step: &Step, tool: Tool) -> Result<Measured> {
    let official = bench.go.goroot.join("pkg/tool/linux_amd64/cgo");
    let official = official.to_string_lossy();
    let line = match tool {
        Tool::Official => step.line.clone(),
        // As -toolexec would have it: our name in front of the official tool's.
        Tool::Crosscall => {
            let ours = format!("'{}' {official}", bench.crosscall.binary.display());
            step.line.replacen(&*official, &ours, 1)
        }
    };
    let mut shell = Command::new("bash");
    bench.go.surround(&mut shell, &bench.work.join("gocache"));
    shell
        .args(["-c", &line])
        .current_dir(&step.dir)
        .env("PWD", &step.dir)
        .env("WORK", &recorded.work)
        .env("CC", &recorded.cc)
        .env("CGO_ENABLED", "1");
    measure(&shell, &bench.work)
}
