//! The program whose crossings are known, and what is needed to look at it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::building::{archive, clang_as_go, tool};

pub fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn out(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The program, made once.
pub fn known() -> &'static Path {
    static KNOWN: OnceLock<PathBuf> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let include = here().join("include");
        let go = compile_go(&include, &out("known.go.o"));
        let c = out("known.c.o");
        let mut gcc = Command::new("gcc");
        gcc.args(["-O2", "-g", "-Wall", "-Werror", "-I"])
            .arg(&include);
        gcc.arg("-c").arg(source()).arg("-o").arg(&c);
        tool(&mut gcc);
        let program = out("known");
        let mut link = Command::new("gcc");
        link.args([&go, &c, &archive()]).arg("-o").arg(&program);
        tool(link.args(["-Wl,-z,now", "-pthread", "-lm", "-ldl"]));
        program
    })
}

fn source() -> PathBuf {
    here().join("tests/trace/known.c")
}

pub fn compile_go(include: &Path, object: &Path) -> PathBuf {
    let mut clang = clang_as_go();
    clang.args(["-O2", "-g", "-Wall", "-Werror", "-I"]);
    clang.arg(include).arg("-c").arg(source());
    tool(clang.arg("-o").arg(object));
    object.to_owned()
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
