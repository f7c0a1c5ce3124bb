//! Compares what two generators made of the same run: the declarations (by `tests/gotypes`), the exported C prototypes, the set of
//! files, and for runs that fail the messages.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::record::Call;
use crate::replay::Run;
use crate::toolchain::{Toolchain, workspace};
use crate::{cases, headers, messages};

/// One thing on which two generators disagree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Group, architecture and name of the run.
    pub case: String,
    /// `missing`, `extra`, `different`; `file`, `prototype`, `syntax`; `exit`, `line`, `message`.
    pub what: String,
    pub name: String,
    pub official: String,
    pub candidate: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} | {} | {}", self.case, self.what, self.name)?;
        write!(
            f,
            "\n    official:  {}\n    candidate: {}",
            indented(&self.official),
            indented(&self.candidate)
        )
    }
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n               ")
}

/// A run with the candidate's answer to it.
pub struct Pair<'a> {
    pub case: String,
    pub call: &'a Call,
    pub run: &'a Run,
}

impl Pair<'_> {
    fn difference(
        &self,
        what: &str,
        name: impl Into<String>,
        official: &str,
        candidate: &str,
    ) -> Difference {
        Difference {
            case: self.case.clone(),
            what: what.to_string(),
            name: name.into(),
            official: official.to_string(),
            candidate: candidate.to_string(),
        }
    }
}

/// Everything on which the official records and the candidate's runs disagree.
pub fn compare(
    toolchain: &Toolchain,
    scratch: &Path,
    pairs: &[Pair<'_>],
) -> Result<Vec<Difference>, String> {
    let mut found = Vec::new();
    let mut succeeded = Vec::new();
    for pair in pairs {
        if pair.call.exit != pair.run.exit {
            let status = |exit: i32, text: &str| format!("{exit}\n{text}");
            let official = status(pair.call.exit, &pair.call.stderr());
            found.push(pair.difference(
                "exit",
                "status",
                &official,
                &status(pair.run.exit, &pair.run.stderr),
            ));
            if pair.call.exit == 0 {
                continue;
            }
        }
        if pair.call.exit != 0 {
            found.extend(failed(pair));
        } else if pair.call.is_dynimport() {
            found.extend(dynimport(pair));
        } else {
            succeeded.push(pair);
        }
    }
    found.extend(declarations(toolchain, scratch, &succeeded)?);
    for pair in succeeded {
        found.extend(files(pair));
        let differences = headers::compare(pair.call, &pair.run.dir)?;
        found.extend(
            differences
                .into_iter()
                .map(|(what, name, a, b)| pair.difference(what, name, &a, &b)),
        );
    }
    Ok(found)
}

fn failed(pair: &Pair<'_>) -> Vec<Difference> {
    let official = messages::parse(&pair.call.stderr());
    let candidate = messages::parse(&pair.run.stderr);
    let mut found: Vec<Difference> = messages::compare(&official, &candidate)
        .into_iter()
        .map(|(what, place, a, b)| pair.difference(what, place, &a, &b))
        .collect();
    found.extend(
        files(pair)
            .into_iter()
            .filter(|difference| difference.candidate == "extra"),
    );
    found
}

fn dynimport(pair: &Pair<'_>) -> Vec<Difference> {
    let read = |dir: &Path| -> BTreeSet<String> {
        let text = std::fs::read_to_string(dir.join("_cgo_import.go")).unwrap_or_default();
        text.lines()
            .filter(|line| !line.starts_with("// "))
            .map(String::from)
            .collect()
    };
    let (official, candidate) = (read(&pair.call.official()), read(&pair.run.dir));
    let missing = official
        .difference(&candidate)
        .map(|line| pair.difference("missing", line, line, ""));
    let extra = candidate
        .difference(&official)
        .map(|line| pair.difference("extra", line, "", line));
    missing.chain(extra).collect()
}

/// The files that the go command goes on with.
fn files(pair: &Pair<'_>) -> Vec<Difference> {
    let names = |dir: &Path| -> BTreeSet<String> {
        let name = |path: PathBuf| {
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        cases::outputs(dir).into_iter().map(name).collect()
    };
    let (official, candidate) = (names(&pair.call.official()), names(&pair.run.dir));
    let missing = official
        .difference(&candidate)
        .map(|name| pair.difference("file", name, "written", "missing"));
    let extra = candidate
        .difference(&official)
        .map(|name| pair.difference("file", name, "none", "extra"));
    missing.chain(extra).collect()
}

/// What the Go declarations of each side mean, compared by `tests/gotypes`.
fn declarations(
    toolchain: &Toolchain,
    scratch: &Path,
    pairs: &[&Pair<'_>],
) -> Result<Vec<Difference>, String> {
    let request: Vec<Value> = pairs
        .iter()
        .map(|pair| {
            json!({
                "Name": pair.case,
                "GOARCH": pair.call.env.get("GOARCH").map_or("amd64", String::as_str),
                "Official": pair.call.official().to_string_lossy(),
                "Candidate": pair.run.dir.to_string_lossy(),
            })
        })
        .collect();
    let mut child = Command::new(gotypes(toolchain, scratch)?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|err| format!("gotypes: {err}"))?;
    let mut stdin = child.stdin.take().expect("piped");
    stdin
        .write_all(Value::Array(request).to_string().as_bytes())
        .map_err(|err| format!("gotypes: {err}"))?;
    drop(stdin);
    let output = child
        .wait_with_output()
        .map_err(|err| format!("gotypes: {err}"))?;
    let answer: Value =
        serde_json::from_slice(&output.stdout).map_err(|err| format!("gotypes: {err}"))?;
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_string();
    let differences = answer.as_array().into_iter().flatten();
    Ok(differences
        .map(|value| Difference {
            case: text(value, "Case"),
            what: text(value, "What"),
            name: text(value, "Name"),
            official: text(value, "Official"),
            candidate: text(value, "Candidate"),
        })
        .collect())
}

/// The comparator, built when it is first asked for.
fn gotypes(toolchain: &Toolchain, scratch: &Path) -> Result<PathBuf, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            let binary = scratch.join("gotypes");
            let mut build = toolchain.go();
            build
                .args(["build", "-o"])
                .arg(&binary)
                .arg(".")
                .current_dir(workspace().join("tests/gotypes"))
                .env("GOCACHE", scratch.join("gocache"));
            let output = build.output().map_err(|err| format!("go build: {err}"))?;
            if output.status.success() {
                Ok(binary)
            } else {
                Err(format!(
                    "go build gotypes: {}",
                    String::from_utf8_lossy(&output.stderr)
                ))
            }
        })
        .clone()
}
