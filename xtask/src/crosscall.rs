//! The `crosscall` binary: built here, or another one given by `CROSSCALL_BIN` (a stand-in, an older build).

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::repo::Repo;
use crate::sh;
use crate::toolchain::Toolchain;

pub struct Crosscall {
    pub binary: PathBuf,
}

impl Crosscall {
    pub fn build(repo: &Repo) -> Result<(Crosscall, Duration)> {
        let start = Instant::now();
        if let Some(binary) = env::var_os("CROSSCALL_BIN") {
            let binary = PathBuf::from(binary);
            ensure!(
                binary.is_file(),
                "CROSSCALL_BIN: no file {}",
                binary.display()
            );
            return Ok((Crosscall { binary }, start.elapsed()));
        }
        let mut cargo = cargo(repo);
        cargo.args(["build", "--release", "--package", "crosscall-driver"]);
        sh::stream(cargo.arg("--quiet")).context("crosscall does not build")?;
        let binary = repo.target.join("release/crosscall");
        ensure!(binary.is_file(), "the build left no {}", binary.display());
        Ok((Crosscall { binary }, start.elapsed()))
    }

    /// `crosscall …`, in front of this toolchain.
    pub fn command(&self, go: &Toolchain, cache: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        go.surround(&mut command, cache);
        command.env("CROSSCALL_GO", go.go());
        command
    }
}

/// The cargo that runs this program, in the workspace.
pub fn cargo(repo: &Repo) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(&repo.root);
    for (name, _) in env::vars_os() {
        // Set for this program's own run; they would make cargo rebuild what reads them.
        if name.to_string_lossy().starts_with("CARGO_PKG_")
            || name == "CARGO_MANIFEST_DIR"
            || name == "CARGO_MANIFEST_PATH"
        {
            command.env_remove(name);
        }
    }
    command
}
