//! What is fuzzed. A target panics when something is wrong with the answer; running through is all that it promises otherwise.

use std::env;
use std::path::PathBuf;

use stubs::{Input, Options};
use syntax::Mode;

/// A name for the command line and what to do with one input.
pub struct Target {
    pub name: &'static str,
    /// The corpus is files that import C.
    pub cgo_only: bool,
    pub run: fn(&[u8]),
}

pub const TARGETS: &[Target] = &[
    Target {
        name: "go",
        cgo_only: false,
        run: parse_go,
    },
    Target {
        name: "collect",
        cgo_only: true,
        run: collect,
    },
    Target {
        name: "generate",
        cgo_only: true,
        run: generate,
    },
];

pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Parses, walks and prints a Go file.
fn parse_go(text: &[u8]) {
    let parsed = syntax::parse_file(text, Mode::FULL);
    for error in &parsed.errors {
        let end = error.span.end as usize;
        assert!(
            error.span.start <= error.span.end && end <= text.len() + 1,
            "an error outside the file: {error:?}"
        );
    }
    let dump = syntax::dump(&parsed.file);
    assert!(!dump.is_empty());
    let quick = Mode {
        imports_only: true,
        ..Mode::FULL
    };
    syntax::parse_file(text, quick);
}

fn options() -> Options {
    Options {
        goos: "linux".into(),
        goarch: "amd64".into(),
        ptr_size: 8,
        int_size: 8,
        import_path: "fuzz".into(),
        import_runtime_cgo: true,
        import_syscall: true,
        ldflags: Vec::new(),
        tsan: false,
        msan: false,
        godefs: false,
        args: vec!["cgo".into()],
        c_prefix: "_123456789abc".into(),
    }
}

/// Reads a Go file for its references to C.
fn collect(text: &[u8]) {
    let input = Input {
        path: "/fuzz/input.go".into(),
        text: text.to_vec(),
    };
    let collected = stubs::collect(input, &options());
    if collected.diagnostics.is_empty() {
        assert!(
            collected.names.iter().all(|name| !name.is_empty()),
            "an empty C name"
        );
    }
}

/// The whole way from a Go file to the stubs. What is written must be Go again.
fn generate(text: &[u8]) {
    let options = options();
    let input = Input {
        path: "/fuzz/input.go".into(),
        text: text.to_vec(),
    };
    let collected = stubs::collect(input, &options);
    if !collected.diagnostics.is_empty() {
        return;
    }
    let compiler = cdecl::Compiler {
        command: vec!["gcc".into()],
        goos: "linux".into(),
        goarch: "amd64".into(),
        flags: vec!["-m64".into()],
        dir: env::temp_dir()
            .canonicalize()
            .unwrap_or_else(|_| PathBuf::from("/")),
    };
    let Ok(unit) = cdecl::resolve(&compiler, &collected.c_source, &collected.names) else {
        return;
    };
    assert_eq!(
        unit.answers.len(),
        collected.names.len(),
        "an answer for each name"
    );
    let generated = stubs::generate(&options, vec![(collected, unit)]);
    if !generated.diagnostics.is_empty() {
        assert!(generated.outputs.is_empty(), "outputs beside an error");
        return;
    }
    for output in generated
        .outputs
        .iter()
        .filter(|output| output.name.ends_with(".go"))
    {
        let parsed = syntax::parse_file(output.text.as_bytes(), Mode::FULL);
        assert!(
            parsed.errors.is_empty(),
            "{}: {:?}\n{}",
            output.name,
            parsed.errors,
            output.text
        );
    }
}
