//! An official Go toolchain, and the environment in which its commands give the same results on every machine.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Clone)]
pub struct Toolchain {
    /// As in `1.27.3`.
    pub version: String,
    pub goroot: PathBuf,
}

/// What a user may have set that would change what is built.
const CLEARED: &[&str] = &[
    "GOROOT",
    "GOFLAGS",
    "GOOS",
    "GOARCH",
    "GOAMD64",
    "GOEXPERIMENT",
    "GO111MODULE",
    "GOWORK",
    "CC",
    "CXX",
    "AR",
    "FC",
    "CGO_ENABLED",
    "CGO_CFLAGS",
    "CGO_CPPFLAGS",
    "CGO_CXXFLAGS",
    "CGO_FFLAGS",
    "CGO_LDFLAGS",
    "PKG_CONFIG",
];

impl Toolchain {
    pub fn go(&self) -> PathBuf {
        self.goroot.join("bin/go")
    }

    /// `go …` of this toolchain.
    pub fn command(&self, cache: &Path) -> Command {
        let mut command = Command::new(self.go());
        self.surround(&mut command, cache);
        command
    }

    /// The environment for a command that uses this toolchain: its `go` first in PATH, nothing inherited that changes results.
    pub fn surround(&self, command: &mut Command, cache: &Path) {
        for name in CLEARED {
            command.env_remove(name);
        }
        command
            .env("GOTOOLCHAIN", "local")
            .env("GOCACHE", cache)
            .env("PATH", path_with(&self.goroot.join("bin")));
    }
}

/// PATH with one more directory in front.
pub fn path_with(first: &Path) -> OsString {
    let mut path = first.as_os_str().to_owned();
    if let Some(old) = env::var_os("PATH") {
        path.push(":");
        path.push(old);
    }
    path
}
