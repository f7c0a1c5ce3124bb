//! Where things are: the checkout, what is built from it, and what is kept outside it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub struct Repo {
    pub root: PathBuf,
    /// Cargo's target directory; everything generated lives in it.
    pub target: PathBuf,
    /// Kept between checkouts: toolchains and results of the official tool.
    pub cache: PathBuf,
}

impl Repo {
    pub fn find() -> Result<Repo> {
        let xtask =
            env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&xtask)
            .parent()
            .context("xtask lies inside the workspace")?;
        let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        Ok(Repo {
            root: root.to_owned(),
            target: root.join(target),
            cache: cache_home()?.join("crosscall"),
        })
    }

    /// A directory of its own for one command, below the target directory.
    pub fn work(&self, name: &str) -> PathBuf {
        self.target.join(name)
    }
}

fn cache_home() -> Result<PathBuf> {
    if let Some(dir) = env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()) {
        return Ok(dir.into());
    }
    let home = env::home_dir().context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(home.join(".cache"))
}
