//! One run of cgo by the go command, written down so that it can be had again: what it was given and what the official generator
//! made of it. `src/bin/recorder.rs` writes these; `replay` and the tests read them.
//!
//! A record is a directory: `call.json`, `stdout`, `stderr`, `inputs/` (what lay in the object directory before the run, such as the
//! Go files that SWIG writes) and `official/` (what lay there after it).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Where the recorder writes.
pub const OUT: &str = "CROSSCALL_RECORD_OUT";
/// Import paths, joined by `:`, of packages whose runs are not recorded.
pub const SKIP: &str = "CROSSCALL_RECORD_SKIP";
/// Becomes part of the tool's version, so that the go command runs cgo again for every new value.
pub const SESSION: &str = "CROSSCALL_RECORD_SESSION";

/// As the recorder's first argument: it is to stand in for the C compiler that the other arguments name. What the go command itself
/// compiles it makes empty (minutes of sqlite's C tell nothing about stubs); what cgo asks is answered by the compiler.
pub const QUICK_CC: &str = "--quick-cc";

/// The environment of a run as far as a generator may look at it.
const ENVIRONMENT: &[&str] = &[
    "CC",
    "CGO_CFLAGS",
    "CGO_ENABLED",
    "CGO_LDFLAGS",
    "CXX",
    "GOARCH",
    "GOOS",
    "GOROOT",
    "HOME",
    "LANG",
    "PATH",
    "PWD",
    "TERM",
    "TMPDIR",
    "TOOLEXEC_IMPORTPATH",
];

/// A recorded run.
#[derive(Clone, Debug)]
pub struct Call {
    /// The record's own directory.
    pub record: PathBuf,
    pub cwd: PathBuf,
    /// Arguments after the tool's name.
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
    /// The object directory of the run, without a slash at the end.
    pub objdir: String,
    pub exit: i32,
}

impl Call {
    /// The run that this process has been asked to do in cgo's place.
    pub fn current(record: PathBuf, args: Vec<String>) -> std::io::Result<Call> {
        let mut env: BTreeMap<String, String> = ENVIRONMENT
            .iter()
            .filter_map(|name| Some((name.to_string(), std::env::var(name).ok()?)))
            .collect();
        if let Some(compiler) = env.get_mut("CC")
            && let Some((_, real)) = compiler.split_once(QUICK_CC)
        {
            *compiler = real.trim_start().to_string();
        }
        let objdir = objdir(&args).unwrap_or_default();
        let cwd = std::env::current_dir()?;
        Ok(Call {
            record,
            cwd,
            args,
            env,
            objdir,
            exit: 0,
        })
    }

    pub fn write(&self) -> std::io::Result<()> {
        let call = json!({
            "cwd": self.cwd.to_string_lossy(),
            "args": self.args,
            "env": self.env,
            "objdir": self.objdir,
            "exit": self.exit,
        });
        fs::write(self.record.join("call.json"), format!("{call:#}\n"))
    }

    pub fn read(record: &Path) -> Result<Call, String> {
        let path = record.join("call.json");
        let text = fs::read_to_string(&path).map_err(|err| format!("{}: {err}", path.display()))?;
        let call: Value =
            serde_json::from_str(&text).map_err(|err| format!("{}: {err}", path.display()))?;
        let text = |name: &str| call[name].as_str().unwrap_or_default().to_string();
        let list = call["args"].as_array().cloned().unwrap_or_default();
        let env = call["env"].as_object().cloned().unwrap_or_default();
        Ok(Call {
            record: record.to_path_buf(),
            cwd: text("cwd").into(),
            args: list
                .iter()
                .filter_map(|arg| arg.as_str().map(String::from))
                .collect(),
            env: env
                .iter()
                .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_string())))
                .collect(),
            objdir: text("objdir"),
            exit: call["exit"].as_i64().unwrap_or(-1) as i32,
        })
    }

    /// Every record in `dir`, in the order of their names.
    pub fn read_all(dir: &Path) -> Result<Vec<Call>, String> {
        let mut records: Vec<PathBuf> = fs::read_dir(dir)
            .map_err(|err| format!("{}: {err}", dir.display()))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.join("call.json").is_file())
            .collect();
        records.sort();
        let mut calls = records
            .iter()
            .map(|record| Call::read(record))
            .collect::<Result<Vec<_>, _>>()?;
        calls.sort_by_key(Call::name);
        Ok(calls)
    }

    pub fn official(&self) -> PathBuf {
        self.record.join("official")
    }

    pub fn inputs(&self) -> PathBuf {
        self.record.join("inputs")
    }

    pub fn stderr(&self) -> String {
        let text = fs::read(self.record.join("stderr")).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Whether this is the run that reads the linked objects instead of Go files.
    pub fn is_dynimport(&self) -> bool {
        self.args.iter().any(|arg| arg == "-dynimport")
    }

    /// The value after `flag`.
    pub fn flag(&self, flag: &str) -> Option<&str> {
        flag_value(&self.args, flag)
    }

    /// The Go files of the run.
    pub fn files(&self) -> &[String] {
        let count = self
            .args
            .iter()
            .rev()
            .take_while(|arg| arg.ends_with(".go"))
            .count();
        &self.args[self.args.len() - count..]
    }

    /// The C compiler's flags: what stands between `--` and the files.
    pub fn cflags(&self) -> &[String] {
        let end = self.args.len() - self.files().len();
        match self.args.iter().position(|arg| arg == "--") {
            Some(dashes) if dashes < end => &self.args[dashes + 1..end],
            _ => &[],
        }
    }

    /// What to call the run: its import path, or directory and first file of a program given by its files.
    pub fn name(&self) -> String {
        if let Some(package) = self.flag("-dynpackage") {
            let path = self
                .env
                .get("TOOLEXEC_IMPORTPATH")
                .map_or(package, String::as_str);
            return format!("{path} (dynimport)");
        }
        match self.flag("-importpath") {
            Some("command-line-arguments") | None => self.name_by_file(),
            Some(path) => path.to_string(),
        }
    }

    fn name_by_file(&self) -> String {
        let file = self.files().first().map(Path::new);
        let stem = file.and_then(|file| file.file_stem()).unwrap_or_default();
        let dir = self.cwd.file_name().unwrap_or_default();
        format!("{}/{}", dir.to_string_lossy(), stem.to_string_lossy())
    }
}

fn flag_value<'a>(args: &'a [String], flag: &str) -> Option<&'a str> {
    let at = args.iter().position(|arg| arg == flag)?;
    args.get(at + 1).map(String::as_str)
}

fn objdir(args: &[String]) -> Option<String> {
    let dir = match flag_value(args, "-objdir") {
        Some(dir) => dir.to_string(),
        None => {
            let object = Path::new(flag_value(args, "-dynimport")?);
            object.parent()?.to_string_lossy().into_owned()
        }
    };
    Some(dir.trim_end_matches('/').to_string())
}
