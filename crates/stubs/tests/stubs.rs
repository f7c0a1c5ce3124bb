//! Go files and the stubs that come of them.
//!
//! `cases/x.go` is generated from, and what is particular to it in the outputs is compared with
//! `cases/x.golden` (`CROSSCALL_BLESS=1` rewrites it). A first line `// -godefs`, `// -gccgo` or
//! `// -gccgo_define_cgoincomplete` stands for that flag. `errors/x.go` has to be refused: each error is
//! announced by a comment `/* ERROR "text" */` right before the token that it is reported at, and no
//! other may occur; an error that belongs to no token is announced by `/* ERROR AT NONE "text" */`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use libtest_mimic::{Arguments, Failed, Trial};
use source::{LineTable, Place};
use stubs::{Gccgo, Generated, Input, Mangling, Options, collect, generate, generate_for_gccgo};

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut trials = Vec::new();
    for (dir, check) in [
        ("cases", check_golden as fn(&Path) -> Result<(), Failed>),
        ("errors", check_errors),
    ] {
        for path in go_files(&root.join(dir)) {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            trials.push(Trial::test(format!("{dir}::{name}"), move || check(&path)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn go_files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .expect("the cases are part of the project")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "go"))
        .collect();
    files.sort();
    files
}

fn run(path: &Path, text: &[u8]) -> Generated {
    let options = Options {
        goos: "linux".to_string(),
        goarch: "amd64".to_string(),
        ptr_size: 8,
        int_size: 8,
        import_path: String::new(),
        import_runtime_cgo: true,
        import_syscall: true,
        ldflags: vec!["-lm".to_string()],
        tsan: false,
        msan: false,
        godefs: text.starts_with(b"// -godefs"),
        args: vec!["cgo".to_string(), "-godefs".to_string()],
        c_prefix: "_123456789abc".to_string(),
    };
    let input = Input {
        path: path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into(),
        text: text.to_vec(),
    };
    let collected = collect(input, &options);
    if !collected.diagnostics.is_empty() {
        return Generated {
            diagnostics: collected.diagnostics,
            ..Generated::default()
        };
    }
    let compiler = cdecl::Compiler {
        command: vec!["gcc".to_string()],
        goos: "linux".to_string(),
        goarch: "amd64".to_string(),
        flags: vec!["-m64".to_string()],
        dir: env::temp_dir(),
    };
    let unit = cdecl::resolve(&compiler, &collected.c_source, &collected.names)
        .expect("the C code of the cases is right");
    let files = vec![(collected, unit)];
    if !text.starts_with(b"// -gccgo") {
        return generate(&options, files);
    }
    let gccgo = Gccgo {
        mangling: Mangling::V3,
        package_path: "example.com/p".to_string(),
        prefix: String::new(),
        define_incomplete: text.starts_with(b"// -gccgo_define_cgoincomplete"),
    };
    generate_for_gccgo(&gccgo, &options, files)
}

fn check_golden(path: &Path) -> Result<(), Failed> {
    let text = fs::read(path)?;
    let generated = run(path, &text);
    if !generated.diagnostics.is_empty() {
        return Err(format!("{:#?}", generated.diagnostics).into());
    }
    let mut shown = generated.godefs.clone();
    for output in &generated.outputs {
        let _ = write!(
            shown,
            "==== {}\n{}",
            output.name,
            particular(&output.name, &output.text)
        );
    }
    let golden = path.with_extension("golden");
    if env::var_os("CROSSCALL_BLESS").is_some() {
        fs::write(&golden, &shown)?;
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    if expected == shown {
        return Ok(());
    }
    let differing = shown
        .lines()
        .zip(expected.lines())
        .position(|(shown, expected)| shown != expected)
        .unwrap_or_else(|| shown.lines().count().min(expected.lines().count()));
    Err(format!(
        "differs from {} at line {}:\n  now: {}\n  was: {}",
        golden.display(),
        differing + 1,
        shown.lines().nth(differing).unwrap_or("(end)"),
        expected.lines().nth(differing).unwrap_or("(end)"),
    )
    .into())
}

/// The last line of what generated Go code for Go's own compiler has in front of the types.
const GC_PROLOG_END: &str = "func _Cgo_no_callback(bool)\n";

/// What an output has beyond the text that is the same for all packages.
fn particular<'a>(name: &str, text: &'a str) -> &'a str {
    let after = match name {
        "_cgo_gotypes.go" if text.contains(GC_PROLOG_END) => GC_PROLOG_END,
        "_cgo_export.c" => "#define _cgo_msan_write(addr, sz)\n",
        "_cgo_export.h" => "extern \"C\" {\n#endif\n",
        "_cgo_main.c" => "void _cgo_reginit(void) { }\n",
        _ if name.ends_with(".cgo2.c") => "#define _cgo_msan_write(addr, sz)\n",
        _ => return text,
    };
    text.split_once(after).map_or(text, |(_, rest)| rest)
}

fn check_errors(path: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(path)?;
    let lines = LineTable::of_text(text.as_bytes());
    let mut expected = Vec::new();
    for (start, _) in text.match_indices("/* ERROR ") {
        let rest = &text[start..];
        let (comment, rest) = rest.split_once("*/").ok_or("unfinished comment")?;
        let message = comment.split('"').nth(1).ok_or("no message")?;
        let place = if comment.contains("AT NONE") {
            None
        } else {
            let token = text.len() - rest.trim_start().len();
            Some(lines.line_col(token as u32))
        };
        expected.push((place, message.to_string()));
    }
    let mut wrong = String::new();
    for diagnostic in run(path, text.as_bytes()).diagnostics {
        let place = match &diagnostic.place {
            Place::Presumed(presumed) => Some((presumed.line, presumed.col)),
            _ => None,
        };
        let found = expected.iter().position(|(at, message)| {
            at.map(|at| (at.line, at.col)) == place && diagnostic.message.contains(message)
        });
        match found {
            Some(index) => drop(expected.swap_remove(index)),
            None => {
                let _ = writeln!(wrong, "not expected: {:?} {}", place, diagnostic.message);
            }
        }
    }
    for (place, message) in expected {
        let _ = writeln!(wrong, "not reported: {place:?} {message}");
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.into())
    }
}
