//! Where the two tools are: the official Go toolchain and the `crosscall` binary under test.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The release whose behaviour is the specification.
pub const RELEASE: &str = "go1.27.3";

/// The official toolchain.
#[derive(Clone, Debug)]
pub struct Toolchain {
    pub goroot: PathBuf,
}

impl Toolchain {
    /// The toolchain that `CROSSCALL_GOROOT` names, or why there is none.
    pub fn find() -> Result<Toolchain, String> {
        let goroot = env::var_os("CROSSCALL_GOROOT")
            .map(PathBuf::from)
            .ok_or_else(|| format!("not run: CROSSCALL_GOROOT does not name a {RELEASE} tree"))?;
        let version = fs::read_to_string(goroot.join("VERSION"))
            .map_err(|err| format!("not run: CROSSCALL_GOROOT: VERSION: {err}"))?;
        if version.lines().next() != Some(RELEASE) {
            let found = version.lines().next().unwrap_or("nothing");
            return Err(format!(
                "not run: CROSSCALL_GOROOT holds {found}, not {RELEASE}"
            ));
        }
        Ok(Toolchain { goroot })
    }

    /// The go command, free of what the caller's environment would change about it.
    pub fn go(&self) -> Command {
        let bin = self.goroot.join("bin");
        let mut path = bin.clone().into_os_string();
        path.push(":");
        path.push(env::var_os("PATH").unwrap_or_default());
        let mut go = Command::new(bin.join("go"));
        go.env("PATH", path)
            .env("GOROOT", &self.goroot)
            .env("GOTOOLCHAIN", "local")
            .env("GOENV", "off")
            .env("GOFLAGS", "-buildvcs=false")
            .env("GOWORK", "off")
            .env("CGO_ENABLED", "1");
        for name in ["GOOS", "GOARCH", "CC", "CXX", "CGO_CFLAGS", "CGO_LDFLAGS"] {
            go.env_remove(name);
        }
        go
    }

    /// The official generator.
    pub fn cgo(&self) -> PathBuf {
        let arch = match env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        self.goroot
            .join(format!("pkg/tool/{}_{arch}/cgo", env::consts::OS))
    }

    pub fn src(&self) -> PathBuf {
        self.goroot.join("src")
    }
}

/// The `crosscall` binary: `CROSSCALL_BIN`, or this workspace's, built when it is first asked for.
pub fn crosscall() -> Result<PathBuf, String> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOUND.get_or_init(find_crosscall).clone()
}

fn find_crosscall() -> Result<PathBuf, String> {
    if let Some(path) = env::var_os("CROSSCALL_BIN") {
        let path = PathBuf::from(path);
        return path
            .canonicalize()
            .map_err(|err| format!("CROSSCALL_BIN: {}: {err}", path.display()));
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .args(["build", "--quiet", "--package", "crosscall-driver"])
        .current_dir(workspace());
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let output = build
        .output()
        .map_err(|err| format!("cargo build: {err}"))?;
    if !output.status.success() {
        return Err(format!(
            "cargo build: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let profile = profile_dir()?;
    Ok(profile.join("crosscall"))
}

/// Where this build's binaries are: the parent of the `deps` directory that a test runs from.
pub fn profile_dir() -> Result<PathBuf, String> {
    let exe = env::current_exe().map_err(|err| err.to_string())?;
    let dir = exe.parent().ok_or("no parent directory")?;
    let dir = if dir.ends_with("deps") {
        dir.parent().unwrap_or(dir)
    } else {
        dir
    };
    Ok(dir.to_path_buf())
}

/// The root of this repository.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ is a member of a workspace")
}
