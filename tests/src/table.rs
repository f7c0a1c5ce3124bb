//! `packages.toml`: the real packages that prove crosscall, with what each needs from the system.

use std::fs;
use std::path::PathBuf;

use crate::toolchain::workspace;

/// One entry of the table.
#[derive(Clone, Debug)]
pub struct Package {
    pub name: String,
    /// The directory under `packages/` whose `go.mod` pins it.
    module: String,
    /// Takes minutes: run on request only.
    pub slow: bool,
    /// Import paths whose tests are run.
    pub test: Vec<String>,
    /// Patterns of the packages whose stubs are compared.
    pub stubs: Vec<String>,
    /// Flags for `go test`.
    pub flags: Vec<String>,
    /// Environment for `go test`.
    pub env: Vec<(String, String)>,
    /// A program that the tests need in the path.
    pub wrapper: Vec<String>,
}

impl Package {
    /// Where the go command runs: the module of ours that pins the package, or the standard library.
    pub fn dir(&self) -> Option<PathBuf> {
        let dir = workspace().join("tests/packages").join(&self.module);
        dir.join("go.mod").is_file().then_some(dir)
    }
}

/// The table, in its own order.
pub fn packages() -> Vec<Package> {
    let path = workspace().join("tests/packages.toml");
    let text = fs::read_to_string(&path).expect("packages.toml is part of the repository");
    let table: toml::Table = text.parse().expect("packages.toml is TOML");
    let entries = table["package"].as_array().expect("[[package]]");
    entries.iter().map(read).collect()
}

fn read(entry: &toml::Value) -> Package {
    let list = |key: &str| -> Vec<String> {
        let values = entry.get(key).and_then(toml::Value::as_array);
        values
            .into_iter()
            .flatten()
            .filter_map(|value| value.as_str().map(String::from))
            .collect()
    };
    let env = entry.get("env").and_then(toml::Value::as_table);
    let name = entry["name"].as_str().expect("a package has a name");
    let test = list("test");
    let stubs = list("stubs");
    Package {
        module: entry
            .get("module")
            .and_then(toml::Value::as_str)
            .unwrap_or(name)
            .to_string(),
        slow: entry
            .get("slow")
            .and_then(toml::Value::as_bool)
            .unwrap_or(false),
        name: name.to_string(),
        stubs: if stubs.is_empty() {
            test.clone()
        } else {
            stubs
        },
        test,
        flags: list("flags"),
        env: env
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_string())))
            .collect(),
        wrapper: list("wrapper"),
    }
}
