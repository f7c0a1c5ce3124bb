//! The instructions of a call between Go and C, from the very program that was measured.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::sh;

/// Out and back: what every call runs through.
const SHORT: &[&str] = &["call_leaf", "go_leaf"];

/// And the way into Go.
const LONG: &[&str] = &["call_go", "goLeaf", "gort_callback", "leaf_in_go"];

pub fn text(program: &Path, whole: bool) -> Result<String> {
    let more: &[&str] = if whole { LONG } else { &[] };
    let mut text = "\nThe way of a call, from the program that was measured:\n\n```\n".to_owned();
    for symbol in SHORT.iter().chain(more) {
        text += &function(program, symbol)?;
    }
    Ok(text + "```\n")
}

fn function(program: &Path, symbol: &str) -> Result<String> {
    let mut objdump = Command::new("objdump");
    objdump.args(["-d", "--no-show-raw-insn", "-M", "intel"]);
    objdump.arg(format!("--disassemble={symbol}")).arg(program);
    let listing = sh::run(&mut objdump)?.stdout;
    let head = format!("<{symbol}>:");
    let body = listing.lines().skip_while(|line| !line.ends_with(&head));
    // Padding up to the next function is no part of this one.
    let body: Vec<&str> = body.take_while(|line| !line.is_empty()).collect();
    let end = body
        .iter()
        .rposition(|line| !padding(line))
        .map_or(0, |at| at + 1);
    Ok(body[..end].join("\n") + "\n")
}

fn padding(line: &str) -> bool {
    let instruction = line.split('\t').nth(1).unwrap_or("").trim();
    ["nop", "cs nop", "data16", "xchg   ax,ax", "int3"]
        .iter()
        .any(|word| instruction.starts_with(word))
}
