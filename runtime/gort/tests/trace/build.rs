//! The program whose crossings are known, and what is needed to look at it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::building::{archive, compile_both, here, link, out, tool};

/// The program, made once.
pub fn known() -> &'static Path {
    static KNOWN: OnceLock<PathBuf> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let program = out("known");
        let objects = compile_both(&source(), &["-O2", "-g"], "known");
        link(&objects, &archive(), &[], &program);
        program
    })
}

/// What it is made of.
pub fn source() -> PathBuf {
    here().join("tests/trace/known.c")
}

/// A function's bytes in the program's file.
pub fn linked(function: &str) -> Vec<String> {
    let mut objdump = Command::new("objdump");
    objdump.args(["-d", "-w", &format!("--disassemble={function}")]);
    let text = tool(objdump.arg(known()));
    let instructions = text.lines().filter_map(|line| {
        let mut columns = line.split('\t');
        columns.next()?.trim().strip_suffix(':')?;
        columns.next()
    });
    let bytes = instructions.flat_map(str::split_whitespace);
    bytes.map(str::to_owned).collect()
}
