//! The parser against `go/parser`, over every Go file of a toolchain's source tree, testdata included.
//!
//! `CROSSCALL_GOROOT` names the toolchain. Without it the test is reported as ignored; run it then with `--ignored` to see it
//! fail.

#[path = "support/mod.rs"]
mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use libtest_mimic::{Arguments, Failed, Trial};
use source::SourceFile;
use syntax::{Mode, dump, parse_source};

use support::{Random, mutate};

const VARIABLE: &str = "CROSSCALL_GOROOT";
const MUTATIONS: usize = 4000;

fn main() {
    let args = Arguments::from_args();
    let goroot = std::env::var_os(VARIABLE).map(PathBuf::from);
    let missing = goroot.is_none();
    let mut trials = Vec::new();
    type Compare = fn(&Path, bool) -> Result<(), Failed>;
    let tests: [(&str, Compare, bool); 4] = [
        ("toolchain_sources", compare_tree, false),
        ("toolchain_sources_all_errors", compare_tree, true),
        ("mutations", compare_mutations, false),
        ("mutations_all_errors", compare_mutations, true),
    ];
    for (name, compare, all_errors) in tests {
        let goroot = goroot.clone();
        let name = match missing {
            true => format!("{name} (needs {VARIABLE}=the root of a Go toolchain)"),
            false => name.to_string(),
        };
        let trial = Trial::test(name, move || match goroot {
            Some(goroot) => compare(&goroot, all_errors),
            None => Err(format!("{VARIABLE} is not set").into()),
        });
        trials.push(trial.with_ignored_flag(missing));
    }
    libtest_mimic::run(&args, trials).exit();
}

fn compare_tree(goroot: &Path, all_errors: bool) -> Result<(), Failed> {
    let mut names = Vec::new();
    collect(&goroot.join("src"), &mut names)?;
    names.sort();
    compare(goroot, &names, all_errors)
}

/// Damaged files, so that recovery from errors is compared too.
fn compare_mutations(goroot: &Path, all_errors: bool) -> Result<(), Failed> {
    let mut sources = Vec::new();
    for dir in [
        "go/parser/testdata",
        "internal/types/testdata/check",
        "internal/types/testdata/fixedbugs",
        "cmd/compile/internal/syntax/testdata",
        "cmd/gofmt/testdata",
        "container",
        "errors",
    ] {
        collect(&goroot.join("src").join(dir), &mut sources)?;
    }
    sources.sort();
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutations-{all_errors}"));
    std::fs::create_dir_all(&dir)?;
    let mut names = Vec::new();
    let mut random = Random::new(if all_errors { 2 } else { 1 });
    for i in 0..MUTATIONS {
        let text = std::fs::read(&sources[random.below(sources.len())])?;
        let name = dir.join(format!("{i}.go"));
        std::fs::write(&name, mutate(&text, &mut random))?;
        names.extend(name.to_str().map(str::to_string));
    }
    compare(goroot, &names, all_errors)
}

fn compare(goroot: &Path, names: &[String], all_errors: bool) -> Result<(), Failed> {
    let official = run_go_parser(goroot, names, all_errors)?;
    if official.len() != names.len() || names.len() < 1000 {
        return Err(format!("{} reports for {} files", official.len(), names.len()).into());
    }
    let mut differences = Vec::new();
    let mut with_errors = 0;
    for (name, want) in names.iter().zip(&official) {
        let got = report(name, all_errors)?;
        with_errors += usize::from(want.split('\t').nth(2) != Some("0"));
        if got != *want {
            differences.push(format!("  go/parser {want}\n  ours      {got}"));
        }
    }
    let count = names.len();
    println!(
        "{count} files, {with_errors} of them with errors, {} differ",
        differences.len()
    );
    if differences.is_empty() {
        return Ok(());
    }
    let total = differences.len();
    differences.truncate(40);
    Err(format!(
        "{total} of {count} files differ:\n{}",
        differences.join("\n")
    )
    .into())
}

/// Go sources: `.go` files, and the parser's own test data in files of other names.
fn collect(dir: &Path, names: &mut Vec<String>) -> Result<(), Failed> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, names)?;
            continue;
        }
        let is_go = path.extension().is_some_and(|ext| {
            ["go", "src", "go2", "input", "golden"]
                .iter()
                .any(|go| ext == *go)
        });
        if let (true, Some(name)) = (is_go, path.to_str()) {
            names.push(name.to_string());
        }
    }
    Ok(())
}

fn run_go_parser(goroot: &Path, names: &[String], all_errors: bool) -> Result<Vec<String>, Failed> {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let binary = temporary.join("goparser");
    static BUILDING: Mutex<()> = Mutex::new(());
    let building = BUILDING.lock();
    let built = Command::new(goroot.join("bin/go"))
        .args(["build", "-o"])
        .arg(&binary)
        .arg(".")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goparser"))
        .env("GOROOT", goroot)
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "")
        .env("GOWORK", "off")
        .env("GOCACHE", temporary.join("gocache"))
        .status()?;
    if !built.success() {
        return Err(format!("go build: {built}").into());
    }
    drop(building);
    let mut child = Command::new(&binary)
        .args(all_errors.then_some("-all"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or("no stdin")?;
    let list = names.join("\n");
    let writer = std::thread::spawn(move || stdin.write_all(list.as_bytes()));
    let output = child.wait_with_output()?;
    writer.join().map_err(|_| "the writer panicked")??;
    if !output.status.success() {
        return Err(format!("goparser: {}", output.status).into());
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().map(str::to_string).collect())
}

/// One line in the form of the Go program.
fn report(name: &str, all_errors: bool) -> Result<String, Failed> {
    let mut file = SourceFile::new(name, std::fs::read(name)?);
    let mode = Mode {
        all_errors,
        ..Mode::FULL
    };
    let parsed = parse_source(&mut file, mode);
    let hash = match parsed.errors.is_empty() {
        true => fnv1a(dump(&parsed.file).as_bytes()),
        false => fnv1a(b""),
    };
    let mut line = format!("{name}\t{hash:016x}\t{}", parsed.errors.len());
    let shown = if all_errors { usize::MAX } else { 1 };
    for error in parsed.errors.iter().take(shown) {
        let place = file.presumed(error.span.start);
        line.push_str(&format!("\t{place}: {}", quote(&error.message)));
    }
    Ok(line)
}

fn quote(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'\\' | 0..=0x1f | 0x7f.. => format!("\\{byte:02x}"),
        _ => char::from(byte).to_string(),
    };
    text.bytes().map(escape).collect()
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
