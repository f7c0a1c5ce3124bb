//! Runs a generator once more as it was recorded, into a directory of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::record::Call;

/// A generator: a program and the arguments that come before those of `go tool cgo`.
#[derive(Clone, Debug)]
pub struct Generator {
    pub name: &'static str,
    pub program: PathBuf,
    pub arguments: Vec<String>,
}

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    pub dir: PathBuf,
    pub exit: i32,
    pub stdout: String,
    /// With the object directory spelled `$OBJDIR`.
    pub stderr: String,
    pub time: Duration,
}

impl Generator {
    pub fn official(cgo: PathBuf) -> Generator {
        Generator {
            name: "official",
            program: cgo,
            arguments: Vec::new(),
        }
    }

    pub fn crosscall(binary: PathBuf) -> Generator {
        Generator {
            name: "crosscall",
            program: binary,
            arguments: vec!["cgo".to_string()],
        }
    }

    /// The program, ready for the arguments of `go tool cgo`.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        command
    }

    /// Does `call` again. The outputs go to `dir`, which is emptied first.
    pub fn replay(&self, call: &Call, dir: &Path) -> Result<Run, String> {
        prepare(call, dir).map_err(|err| format!("{}: {err}", dir.display()))?;
        let objdir = dir.to_string_lossy().into_owned();
        let mut command = self.command();
        command
            .args(
                call.args
                    .iter()
                    .map(|arg| relocate(arg, &call.objdir, &objdir)),
            )
            .current_dir(&call.cwd)
            .env_clear()
            .envs(&call.env)
            .stdin(Stdio::null());
        let start = Instant::now();
        let output = command
            .output()
            .map_err(|err| format!("{}: {err}", self.program.display()))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Run {
            dir: dir.to_path_buf(),
            exit: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr).replace(&objdir, "$OBJDIR"),
            time: start.elapsed(),
        })
    }
}

/// An argument of a recorded run, with the new object directory in the old one's place.
pub fn relocate(arg: &str, from: &str, to: &str) -> String {
    if from.is_empty() {
        arg.to_string()
    } else {
        arg.replace(from, to)
    }
}

fn prepare(call: &Call, dir: &Path) -> std::io::Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir_all(dir)?;
    for entry in fs::read_dir(call.inputs())? {
        let path = entry?.path();
        fs::copy(&path, dir.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}
