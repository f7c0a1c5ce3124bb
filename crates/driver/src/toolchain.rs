//! The Go toolchain behind a run, and the identity that the go command's build cache knows us by.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use sha2::{Digest, Sha256};

use crate::failure::{Failure, Result};
use crate::goroot;
use crate::text::errno;
use crate::text::response::Dialect;

/// Environment variables that can change what the generator writes and that the go command doesn't count among its inputs.
pub const BEHAVIOUR_VARIABLES: &[&str] = &[
    "GCC",
    "GCCGO",
    "CPATH",
    "C_INCLUDE_PATH",
    "GCC_EXEC_PREFIX",
    "COMPILER_PATH",
    "SDKROOT",
    "SYSROOT",
    "CCC_OVERRIDE_OPTIONS",
    "CLANG_CONFIG_FILE_SYSTEM_DIR",
    "CLANG_CONFIG_FILE_USER_DIR",
    "CROSSCALL_LIBCLANG",
    "LIBCLANG_PATH",
];

/// The rest of crosscall's variables: they change what is shown, run or recorded, never what is generated.
#[cfg(test)]
const NEUTRAL_VARIABLES: &[&str] = &[
    "CROSSCALL_GO",
    "CROSSCALL_LOG",
    "CROSSCALL_TRACE_FILE",
    ASKED,
];

/// Set for the tool that is asked for its version: when that tool is us under another name, it must not ask itself again.
const ASKED: &str = "CROSSCALL_ASKED";

pub struct Toolchain {
    /// The official cgo in whose place we run, where the go command has named it.
    tool: Option<PathBuf>,
}

impl Toolchain {
    /// The toolchain whose cgo stands at `tool`: the go command runs `crosscall TOOL ARGUMENTS`, or `TOOL` is a link to us in
    /// a shadow GOROOT.
    pub fn of_tool(tool: &Path) -> Toolchain {
        let tool = goroot::official_tool(tool).unwrap_or_else(|| tool.to_owned());
        Toolchain { tool: Some(tool) }
    }

    /// The toolchain that the environment leads to.
    pub fn of_environment() -> Toolchain {
        Toolchain { tool: None }
    }

    /// How this toolchain's go command writes response files.
    pub fn response_dialect(&self) -> Dialect {
        match self.version().as_deref().ok().and_then(minor_version) {
            Some(minor) if minor <= 26 => Dialect::Lines,
            _ => Dialect::Gcc,
        }
    }

    /// The line that `cgo -V` prints; `-V=full` adds who we are.
    ///
    /// The go command takes the whole line as the tool's identity (for a development version, only a last field `buildID=…`),
    /// so everything that can change our output must change the line.
    pub fn cgo_version(&self, full: bool) -> Result<String> {
        let line = match self.official_line(full) {
            Some(line) => line,
            None => format!("cgo version {}", self.version()?),
        };
        if !full {
            return Ok(line);
        }
        let own = format!("crosscall-{}+{}", env!("CARGO_PKG_VERSION"), identity());
        Ok(match line.rsplit_once(" buildID=") {
            Some((line, id)) => format!("{line} {own} buildID={id}+{own}"),
            None => format!("{line} {own}"),
        })
    }

    /// What the official tool says of itself. A tool that turns out to be ourselves has nothing to say.
    fn official_line(&self, full: bool) -> Option<String> {
        let tool = self.tool.as_ref()?;
        if env::var_os(ASKED).is_some() {
            return None;
        }
        let flag = if full { "-V=full" } else { "-V" };
        let output = Command::new(tool).arg(flag).env(ASKED, "1").output().ok()?;
        let line = String::from_utf8(output.stdout).ok()?;
        let line = line.trim().to_owned();
        (output.status.success() && line.starts_with("cgo version ")).then_some(line)
    }

    /// `go1.27.3`.
    fn version(&self) -> Result<String> {
        let beside_tool = self.tool.as_ref().and_then(|tool| tool.ancestors().nth(4));
        let roots = beside_tool.map(Path::to_owned).into_iter().chain(
            env::var_os("GOROOT")
                .filter(|root| !root.is_empty())
                .map(PathBuf::from),
        );
        for root in roots {
            let text = fs::read_to_string(root.join("VERSION")).unwrap_or_default();
            if let Some(version) = text.lines().next().filter(|line| !line.is_empty()) {
                return Ok(version.to_owned());
            }
        }
        go_env("GOVERSION")
    }
}

/// Twelve of go1.12.3.
pub fn minor_version(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("go1.")?;
    let end = rest.find(|c: char| !c.is_ascii_digit());
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

/// A hash over our sources (`build.rs`) and the variables that change behaviour.
pub fn identity() -> String {
    let mut hash = Sha256::new_with_prefix(env!("CROSSCALL_SOURCE_HASH"));
    for name in BEHAVIOUR_VARIABLES {
        if let Some(value) = env::var_os(name) {
            hash.update([0]);
            hash.update(name);
            hash.update("=");
            hash.update(value.as_encoded_bytes());
        }
    }
    let bytes = hash.finalize();
    bytes[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The go command: `$CROSSCALL_GO`, else the `go` in `PATH`.
pub fn go() -> Command {
    Command::new(go_program())
}

pub fn go_program() -> PathBuf {
    let chosen = env::var_os("CROSSCALL_GO").filter(|path| !path.is_empty());
    chosen.map_or_else(|| PathBuf::from("go"), PathBuf::from)
}

/// One answer of `go env`.
pub fn go_env(name: &str) -> Result<String> {
    let program = go_program();
    let output = go().args(["env", name]).output().map_err(|err| {
        let why = errno::message("exec", &program, &err);
        Failure::own(format!(
            "{why}\ninstall Go, or say where it is: CROSSCALL_GO=/path/to/go"
        ))
    })?;
    if !output.status.success() {
        return Err(Failure::raw(String::from_utf8_lossy(&output.stderr), 1));
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end_matches(['\n', '\r'])
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_versions() {
        assert_eq!(minor_version("go1.27.3"), Some(27));
        assert_eq!(minor_version("go1.26"), Some(26));
        assert_eq!(minor_version("go1.28rc1"), Some(28));
        assert_eq!(minor_version("devel go1.28-abc"), None);
    }

    /// A variable that somebody adds and forgets here would poison build caches.
    #[test]
    fn every_variable_is_accounted_for() {
        let mut files = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))];
        while let Some(path) = files.pop() {
            if path.is_dir() {
                let entries = fs::read_dir(&path).expect("readable").flatten();
                let entries = entries.filter(|entry| entry.file_name() != "tests");
                files.extend(entries.map(|entry| entry.path()));
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            for rest in text.split("\"CROSSCALL_").skip(1) {
                let end = rest.find(|c: char| !(c.is_ascii_uppercase() || c == '_'));
                let name = format!("CROSSCALL_{}", &rest[..end.unwrap_or(rest.len())]);
                let known = BEHAVIOUR_VARIABLES.iter().chain(NEUTRAL_VARIABLES);
                let known = known.chain(&[
                    "CROSSCALL_BLESS",
                    "CROSSCALL_GOROOT",
                    "CROSSCALL_SOURCE_HASH",
                    "CROSSCALL_",
                ]);
                let path = path.display();
                assert!(
                    known.into_iter().any(|known| *known == name),
                    "{path}: {name} is in no table"
                );
            }
        }
    }
}
