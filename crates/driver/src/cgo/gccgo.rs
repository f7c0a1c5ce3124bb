//! Which gccgo the stubs are for, and how it spells symbols.

use std::env;
use std::io::Write;
use std::process::Command;

use stubs::{Gccgo, MANGLING_PROBE, Mangling};

use super::compiler::find_program;
use super::flags::Flags;
use crate::failure::{Failure, Result};
use crate::text::errno;
use crate::text::quoting::quote;

/// What `-gccgo` asks for, if it is given.
///
/// # Errors
/// There must be a gccgo, and it must spell symbols in a way that is known.
pub fn wanted(flags: &Flags) -> Result<Option<Gccgo>> {
    // Definitions have no symbols.
    if !flags.gccgo || flags.godefs {
        return Ok(None);
    }
    Ok(Some(Gccgo {
        mangling: mangling(&command()?)?,
        package_path: flags.gccgopkgpath.clone(),
        prefix: flags.gccgoprefix.clone(),
        define_incomplete: flags.gccgo_define_cgoincomplete,
    }))
}

/// `GCCGO`, else the `gccgo` in `PATH`.
fn command() -> Result<String> {
    let chosen = env::var("GCCGO").unwrap_or_default();
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    let found = find_program("gccgo")
        .map_err(|why| Failure::cgo(format!("unable to locate gccgo: exec: \"gccgo\": {why}")))?;
    Ok(found.to_string_lossy().into_owned())
}

/// Has a small package compiled, and looks at the assembly: there is no option that tells.
fn mangling(command: &str) -> Result<Mangling> {
    let fail = |err: std::io::Error| Failure::cgo(errno::cause(&err));
    let mut file = tempfile::Builder::new()
        .suffix("_gccgo_manglechck.go")
        .tempfile()
        .map_err(fail)?;
    file.write_all(MANGLING_PROBE.as_bytes()).map_err(fail)?;

    if !command.contains('/') {
        find_program(command)
            .map_err(|why| Failure::cgo(format!("exec: {}: {why}", quote(command))))?;
    }
    let output = Command::new(command)
        .args(["-S", "-o", "-"])
        .arg(file.path())
        .output()
        .map_err(|err| Failure::cgo(errno::message("fork/exec", command, &err)))?;
    if !output.status.success() {
        let status = output.status.to_string();
        let status = status.replacen("exit status:", "exit status", 1);
        return Err(Failure::cgo(status));
    }
    Mangling::of_assembly(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| Failure::cgo(format!("{command}: unrecognized mangling scheme")))
}
