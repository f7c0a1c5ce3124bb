//! `crosscall cgo -dynimport` beside the official tool that `CROSSCALL_GOROOT` names, byte for byte, over executables and
//! libraries of every format.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Arguments, Failed};
use support::{clean, ensure, goroot, in_both, same, trial, write};

fn main() {
    let args = Arguments::from_args();
    let root = goroot();
    let mut trials = vec![trial("mach_o".to_owned(), &root, mach_o_imports)];
    for path in binaries(root.as_deref()) {
        let name = path.display().to_string();
        trials.push(trial(name, &root, move |root| same_imports(root, &path)));
    }
    for (name, compiler) in CROSS {
        let found = works(compiler).then(|| root.clone()).flatten();
        trials.push(trial(format!("compiled::{name}"), &found, move |root| {
            compiled_imports(root, compiler)
        }));
    }
    libtest_mimic::run(&args, trials).exit();
}

/// Executables and libraries of this machine and of the toolchain's own tests, for whatever they were made.
fn binaries(root: Option<&Path>) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = ["/bin/sh", "/bin/ls", "/usr/bin/gcc"]
        .map(PathBuf::from)
        .into();
    let libraries = inside(Path::new("/usr/lib/x86_64-linux-gnu"));
    let step = libraries.len().div_ceil(40).max(1);
    found.extend(libraries.into_iter().step_by(step));
    if let Some(root) = root {
        found.push(root.join("bin/go"));
        for package in ["debug/elf", "debug/pe", "internal/xcoff"] {
            found.extend(inside(&root.join("src").join(package).join("testdata")));
        }
    }
    found.retain(|path| path.is_file());
    found
}

fn inside(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.is_file() && is_binary(path));
    paths.sort();
    paths
}

fn is_binary(path: &Path) -> bool {
    let name = path.to_string_lossy();
    let no_binary = [".c", ".a", ".o", ".gz", ".py", ".conf"]
        .iter()
        .any(|end| name.ends_with(end));
    !no_binary && !name.contains("bigar")
}

fn same_imports(root: &Path, path: &Path) -> Result<(), Failed> {
    for flags in [&[][..], &["-dynlinker", "-dynpackage", "other"]] {
        let (theirs, ours) = in_both(root, |command| {
            command.arg("-dynimport").arg(path).args(flags);
        });
        if theirs.code == Some(0) || ours.code == Some(0) {
            same(&theirs, &ours)?;
        } else if theirs.stderr != ours.stderr {
            // The official tool has printed the package clause by then; we print nothing.
            same(&theirs, &ours)?;
        }
    }
    Ok(())
}

/// Compilers for other platforms, used where they are installed.
const CROSS: &[(&str, &[&str])] = &[
    ("windows_amd64", &["x86_64-w64-mingw32-gcc"]),
    ("windows_amd64_dll", &["x86_64-w64-mingw32-gcc", "-shared"]),
    ("windows_386", &["i686-w64-mingw32-gcc"]),
    ("linux_arm64", &["aarch64-linux-gnu-gcc"]),
    ("linux_386", &["gcc", "-m32"]),
    ("linux_amd64_static", &["gcc", "-static"]),
    ("linux_amd64_pie", &["gcc", "-pie"]),
    ("linux_amd64_shared", &["gcc", "-shared", "-fPIC"]),
];

const C_PROGRAM: &str = "#include <math.h>\n#include <stdio.h>\nextern int maybe(void) __attribute__((weak));\n\
    int main(int argc, char **argv) { if (&maybe) maybe(); return printf(\"%f\", sin(argc)); }\n";

fn compile(compiler: &[&str], dir: &Path) -> bool {
    write(dir, &[("main.c", C_PROGRAM)]);
    let mut command = clean(Command::new(compiler[0]));
    command.current_dir(dir).args(&compiler[1..]);
    command.args(["-fno-builtin", "-o", "main.out", "main.c", "-lm"]);
    command.output().is_ok_and(|output| output.status.success())
}

fn works(compiler: &[&str]) -> bool {
    tempfile::tempdir().is_ok_and(|dir| compile(compiler, dir.path()))
}

fn compiled_imports(root: &Path, compiler: &[&str]) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    ensure(compile(compiler, dir.path()), "compiles")?;
    same_imports(root, &dir.path().join("main.out"))
}

/// The toolchain keeps these in base64, away from virus scanners.
fn mach_o_imports(root: &Path) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let mut seen = 0;
    for entry in fs::read_dir(root.join("src/debug/macho/testdata"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "base64") {
            let binary = dir.path().join(path.file_stem().expect("a name"));
            fs::write(&binary, base64(&fs::read(&path)?))?;
            same_imports(root, &binary)?;
            seen += 1;
        }
    }
    ensure(seen > 5, "there are such files")
}

fn base64(text: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text
        .iter()
        .filter_map(|byte| DIGITS.iter().position(|digit| digit == byte))
    {
        (bits, count) = (bits << 6 | digit as u32, count + 6);
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}
