//! The three ways in which a suite is run, and one run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::catalogue::{Generates, Suite};
use super::outcome::Outcome;
use crate::crosscall::Crosscall;
use crate::sh;
use crate::toolchain::{Toolchain, path_with};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Official,
    /// `GOFLAGS=-toolexec=crosscall`, which child builds inherit.
    Toolexec,
    /// The `go` of a shadow GOROOT, whose cgo tool is crosscall.
    Shadow,
}

impl Way {
    pub const ALL: [Way; 3] = [Way::Official, Way::Toolexec, Way::Shadow];

    pub fn name(self) -> &'static str {
        match self {
            Way::Official => "official",
            Way::Toolexec => "toolexec",
            Way::Shadow => "shadow",
        }
    }

    /// Whether crosscall's generator is expected in its own log after such a run.
    pub fn must_generate(self, suite: &Suite) -> bool {
        match (self, suite.generates) {
            (Way::Official, _) | (_, Generates::Perhaps) => false,
            (_, Generates::Always) => true,
            (way, Generates::ByTool) => way == Way::Shadow,
        }
    }
}

/// One way, prepared: its GOROOT and its cache.
pub struct Prepared<'a> {
    pub way: Way,
    pub crosscall: Option<&'a Crosscall>,
    pub go: &'a Toolchain,
    goroot: PathBuf,
    work: PathBuf,
}

impl<'a> Prepared<'a> {
    /// Crosscall's caches start as copies of the official one: what has no C in it is the same, and what has is keyed by the
    /// generator's version, so that it is generated anew in every run.
    pub fn new(
        way: Way,
        work: &Path,
        go: &'a Toolchain,
        crosscall: Option<&'a Crosscall>,
    ) -> Result<Self> {
        let mut prepared = Prepared {
            way,
            crosscall,
            go,
            goroot: go.goroot.clone(),
            work: work.to_owned(),
        };
        fs::create_dir_all(prepared.cache())?;
        if way != Way::Official {
            prepared.copy_official_cache()?;
        }
        if way == Way::Shadow {
            prepared.goroot = work.join("goroot");
            prepared.make_shadow()?;
        }
        Ok(prepared)
    }

    fn cache(&self) -> PathBuf {
        self.work.join(format!("gocache-{}", self.way.name()))
    }

    fn copy_official_cache(&self) -> Result<()> {
        let official = self.work.join("gocache-official");
        fs::remove_dir_all(self.cache())?;
        if !official.is_dir() {
            return Ok(fs::create_dir_all(self.cache())?);
        }
        let mut copy = Command::new("cp");
        copy.args(["-r", "--reflink=auto"]);
        sh::run(copy.arg(official).arg(self.cache()))?;
        Ok(())
    }

    fn make_shadow(&self) -> Result<()> {
        if self.goroot.exists() {
            fs::remove_dir_all(&self.goroot)?;
        }
        let crosscall = self.crosscall.context("a shadow GOROOT needs crosscall")?;
        let mut command = crosscall.command(self.go, &self.cache());
        sh::run(command.arg("goroot").arg(&self.goroot))?;
        Ok(())
    }

    pub fn run(&self, suite: &Suite) -> Result<Outcome> {
        let log = self
            .work
            .join(format!("{}-{}.trace", suite.name, self.way.name()));
        let _ = fs::remove_file(&log);
        let mut go = self.go_test(suite)?;
        go.env("CROSSCALL_TRACE_FILE", &log);
        let (output, time) = sh::output(&mut go)?;
        let events = String::from_utf8_lossy(&output.stdout);
        fs::write(log.with_extension("json"), events.as_bytes())?;
        let mut outcome = Outcome::read(&events);
        if !output.status.success() && !outcome.broken {
            outcome.broken = true;
        }
        if outcome.broken {
            let complaint = String::from_utf8_lossy(&output.stderr);
            outcome
                .said
                .entry(String::new())
                .or_default()
                .push_str(&complaint);
        }
        outcome.time = time;
        outcome.generated = generated(&log);
        Ok(outcome)
    }

    fn go_test(&self, suite: &Suite) -> Result<Command> {
        let mut go = Command::new(self.goroot.join("bin/go"));
        self.go.surround(&mut go, &self.cache());
        go.env("PATH", path_with(&self.goroot.join("bin")));
        if let Some(cc) = suite.cc {
            go.env("CC", cc);
        }
        if self.way == Way::Toolexec {
            let crosscall = self.crosscall.context("toolexec needs crosscall")?;
            go.env(
                "GOFLAGS",
                format!("'-toolexec={}'", crosscall.binary.display()),
            );
        }
        go.args(["test", "-json", "-count=1"]);
        go.arg(format!("./cmd/cgo/internal/{}", suite.package));
        // PWD as a shell would have it: a shadow GOROOT is full of links, and the go command must see the path through them.
        let src = self.goroot.join("src");
        go.env("PWD", &src).current_dir(src);
        Ok(go)
    }
}

/// Crosscall's account: a line `cgo IMPORTPATH PID MS` for each time that stubs were generated.
fn generated(log: &Path) -> usize {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().filter(|line| line.starts_with("cgo ")).count()
}
