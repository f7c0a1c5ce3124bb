//! The official tool's results, kept outside the checkout: they change with the toolchain and the machine, not with our work.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use serde_json::{Value, json};

use super::catalogue::Suite;
use super::outcome::Outcome;
use crate::repo::Repo;
use crate::sh;
use crate::toolchain::Toolchain;

pub struct Kept {
    dir: PathBuf,
    machine: String,
}

impl Kept {
    pub fn new(repo: &Repo, go: &Toolchain) -> Kept {
        Kept {
            dir: repo
                .cache
                .join("official")
                .join(format!("go{}", go.version)),
            machine: machine(),
        }
    }

    /// The last results for this suite, if they come from this machine as it is now.
    pub fn load(&self, suite: &Suite) -> Option<Outcome> {
        let text = fs::read_to_string(self.file(suite)).ok()?;
        let value: Value = serde_json::from_str(&text).ok()?;
        if value["machine"].as_str() != Some(&self.machine) {
            return None;
        }
        Outcome::from_json(&value["outcome"]).ok()
    }

    pub fn save(&self, suite: &Suite, outcome: &Outcome) -> Result<()> {
        fs::create_dir_all(&self.dir)?;
        let value = json!({ "machine": self.machine, "outcome": outcome.to_json() });
        Ok(fs::write(self.file(suite), format!("{value:#}\n"))?)
    }

    fn file(&self, suite: &Suite) -> PathBuf {
        self.dir.join(format!("{}.json", suite.name))
    }
}

/// What the results depend on besides the toolchain: the kernel, the compilers, and which machine it is.
fn machine() -> String {
    let first_line = |program: &str, args: &[&str]| {
        let output = sh::output(Command::new(program).args(args));
        let text = output.map(|(output, _)| String::from_utf8_lossy(&output.stdout).into_owned());
        text.unwrap_or_default()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    [
        id.trim().to_owned(),
        first_line("uname", &["-srm"]),
        first_line("gcc", &["--version"]),
        first_line("clang-19", &["--version"]),
        first_line("gfortran", &["--version"]),
        first_line("swig", &["-swiglib"]),
    ]
    .join("; ")
}
