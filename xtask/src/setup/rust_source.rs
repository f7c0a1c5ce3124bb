//! The sources of Rust's standard library: the thread sanitizer must see through it, so it is built anew for it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::sh;

pub fn ensure() -> Result<()> {
    if library()?.is_dir() {
        return Ok(());
    }
    eprintln!("  installing rust-src");
    sh::run(Command::new("rustup").args(["component", "add", "rust-src"]))
        .context("the component rust-src is needed and could not be installed")?;
    let library = library()?;
    ensure!(library.is_dir(), "rustup left no {}", library.display());
    Ok(())
}

fn library() -> Result<PathBuf> {
    let sysroot = sh::run(Command::new("rustc").args(["--print", "sysroot"]))?.stdout;
    Ok(PathBuf::from(sysroot.trim()).join("lib/rustlib/src/rust/library"))
}
