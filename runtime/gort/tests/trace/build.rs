//! The program whose crossings are known, and what is needed to look at it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

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
        link.args([&go, &c, &library()]).arg("-o").arg(&program);
        tool(link.args(["-Wl,-z,now", "-pthread", "-lm", "-ldl"]));
        program
    })
}

fn source() -> PathBuf {
    here().join("tests/trace/known.c")
}

pub fn compile_go(include: &Path, object: &Path) -> PathBuf {
    let mut clang = Command::new("clang-19");
    clang.args([
        "-fsplit-stack",
        "-fno-omit-frame-pointer",
        "-fno-optimize-sibling-calls",
    ]);
    clang.args(["-DGORT_GO_TEXT", "-O2", "-g", "-Wall", "-Werror", "-I"]);
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

pub fn tool(command: &mut Command) -> String {
    let done = command
        .output()
        .unwrap_or_else(|why| panic!("{command:?}: {why}"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}\n{said}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// `libgort.a`, which cargo has built beside this test.
fn library() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    let deps = test.parent().expect("a file has a directory");
    let built = |directory: &Path| {
        let entries = fs::read_dir(directory).expect("a directory of cargo's");
        let archives = entries
            .filter_map(|entry| entry.ok()?.path().into())
            .filter(|path: &PathBuf| {
                let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
                name.is_some_and(|n| n.starts_with("libgort") && n.ends_with(".a"))
            });
        archives.max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok())
    };
    built(deps)
        .or_else(|| built(deps.parent()?))
        .expect("cargo has built libgort.a")
}
