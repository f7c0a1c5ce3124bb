//! The user's C compiler: where it is found, and how it is run.

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output};

use super::target::Target;
use crate::failure::{Failure, Result};
use crate::text::quoting::quote;
use crate::text::{errno, quoted};

/// `CC`, else `GCC`, else the default for the target, split into words.
///
/// # Errors
/// There must be such a program.
pub fn command(target: &Target) -> Result<Vec<String>> {
    let chosen = ["CC", "GCC"]
        .iter()
        .filter_map(|name| env::var(name).ok())
        .find(|value| !value.is_empty());
    let chosen = chosen.unwrap_or_else(|| target.default_cc().to_owned());
    let words = quoted::split(&chosen).map_err(Failure::cgo)?;
    let Some(program) = words.first() else {
        return Err(Failure::cgo("CC not set and no default found"));
    };
    find_program(program).map_err(|why| {
        let program = quote(program);
        Failure::cgo(format!(
            "C compiler {program} not found: exec: {program}: {why}"
        ))
    })?;
    Ok(words)
}

/// Looks where `exec` will.
pub fn find_program(program: &str) -> std::result::Result<std::path::PathBuf, String> {
    if program.contains('/') {
        return executable(Path::new(program)).map(|()| program.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|dir| dir.join(program))
        .find(|candidate| executable(candidate).is_ok())
        .ok_or_else(|| "executable file not found in $PATH".to_owned())
}

fn executable(path: &Path) -> std::result::Result<(), String> {
    let meta = path
        .metadata()
        .map_err(|err| errno::message("stat", path, &err))?;
    if meta.is_dir() {
        return Err("is a directory".to_owned());
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o111 == 0 {
        return Err("permission denied".to_owned());
    }
    Ok(())
}

/// Runs the preprocessor over `source` for the macros that it defines (`-E -dM`).
///
/// Some compilers have trouble with standard input: the text goes through a file. `-I .` stands in for the directory that
/// quoted includes are looked up in first.
pub fn defines(compiler: &cdecl::Compiler, source: &str) -> io::Result<Output> {
    let mut file = tempfile::Builder::new().suffix(".c").tempfile()?;
    file.write_all(source.as_bytes())?;
    let (program, own) = compiler.command.split_first().expect("a compiler");
    Command::new(program)
        .args(own)
        .args(["-E", "-dM"])
        .args(&compiler.flags)
        .arg(file.path())
        .current_dir(&compiler.dir)
        .env("LANG", "en_US.UTF-8")
        .env("LC_ALL", "C")
        .env("TERM", "dumb")
        .output()
}
