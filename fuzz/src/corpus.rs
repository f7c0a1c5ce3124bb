//! What mutations start from: this repository's own cgo programs, inputs made to be deep, and, where `CROSSCALL_GOROOT` names the
//! official toolchain, Go's own suites and standard library.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// A Go file and where it comes from.
#[derive(Clone, Debug)]
pub struct Seed {
    pub path: PathBuf,
    pub text: Vec<u8>,
}

/// Packages whose files have the most varied syntax.
const STANDARD: &[&str] = &[
    "go/parser/testdata",
    "internal/types/testdata",
    "strconv",
    "net",
    "reflect",
    "text/template",
];

/// The corpus. With `cgo_only`, files that import C alone.
pub fn load(cgo_only: bool) -> Vec<Seed> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("fuzz/ is a member of a workspace");
    let mut roots = vec![
        here.join("tests/programs"),
        here.join("crates/stubs/tests"),
        here.join("crates/syntax/tests"),
    ];
    if let Some(goroot) = env::var_os("CROSSCALL_GOROOT") {
        let src = PathBuf::from(goroot).join("src");
        roots.push(src.join("cmd/cgo/internal"));
        if !cgo_only {
            roots.extend(STANDARD.iter().map(|package| src.join(package)));
        }
    }
    let mut seeds = Vec::new();
    for root in roots {
        gather(&root, &mut seeds);
    }
    seeds.retain(|seed| seed.text.len() < 60_000 && (!cgo_only || imports_c(&seed.text)));
    seeds
}

fn imports_c(text: &[u8]) -> bool {
    text.windows(3).any(|window| window == b"\"C\"")
}

fn gather(dir: &Path, seeds: &mut Vec<Seed>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            gather(&path, seeds);
        } else if path.extension().is_some_and(|ext| ext == "go") {
            seeds.extend(fs::read(&path).map(|text| Seed { path, text }));
        }
    }
}

/// Inputs deeper or longer than anybody writes: each must be answered, by a tree or by an error.
pub fn deep(depth: usize) -> Vec<(String, Vec<u8>)> {
    let wrap = |name: &str, open: &str, middle: &str, close: &str| {
        let body = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
        let file = format!(
            "package p\n\n// int x;\nimport \"C\"\n\nfunc f() {{\n\t_ = {body}\n\t_ = C.x\n}}\n"
        );
        (format!("{name} {depth}"), file.into_bytes())
    };
    let preamble = |name: &str, c: String| {
        let file = format!("package p\n\n/*\n{c}\n*/\nimport \"C\"\n\nvar _ = C.x\n");
        (format!("{name} {depth}"), file.into_bytes())
    };
    vec![
        wrap("parentheses", "(", "1", ")"),
        wrap("open parentheses", "(", "1", ""),
        wrap("unary minus", "-", "1", ""),
        wrap("pointers", "*", "p", ""),
        wrap("calls", "f(", "1", ")"),
        wrap("C calls", "C.f(", "1", ")"),
        wrap("selectors", "", "a", ".a"),
        wrap("C selectors", "", "C.x", ".a"),
        wrap("indexes", "a[", "1", "]"),
        wrap("functions", "func() {", "", "}"),
        wrap("composite literals", "T{", "1", "}"),
        wrap("slices", "[]", "int", "{}"),
        wrap("structs", "struct{a ", "int", "}"),
        wrap("sums", "1+", "1", ""),
        wrap("blocks", "func() { {", "", "} }"),
        wrap("channels", "make(<-chan ", "int", ")"),
        preamble(
            "C parentheses",
            format!(
                "enum {{ x = {}1{} }};",
                "(".repeat(depth),
                ")".repeat(depth)
            ),
        ),
        preamble("C pointers", format!("int {}x;", "*".repeat(depth))),
        preamble(
            "C structs",
            format!(
                "{} int a; {} x;",
                "struct {".repeat(depth),
                "} y;".repeat(depth.saturating_sub(1)) + "}"
            ),
        ),
        preamble(
            "C lines",
            (0..depth)
                .map(|n| format!("int y{n};\n"))
                .collect::<String>(),
        ),
        preamble("cgo lines", "#cgo CFLAGS: -DX\n".repeat(depth) + "int x;"),
        preamble(
            "cgo line",
            format!("#cgo CFLAGS: {}\nint x;", "-DX ".repeat(depth)),
        ),
    ]
}
