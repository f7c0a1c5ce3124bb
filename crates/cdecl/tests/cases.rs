//! Data-driven tests: each `tests/cases/NAME.c` is resolved for every target whose compiler is installed.
//!
//! Three things are checked, each a test of its own:
//!
//! - `golden`: the answers are those in `tests/cases/TARGET/NAME.txt` (`CROSSCALL_BLESS=1` rewrites them);
//! - `layout`: the C compiler agrees with every size, offset, type and value claimed ([`layout`]);
//! - `kinds`: official cgo's five probes, given to the C compiler, classify the names alike ([`kinds`]).
//!
//! A case begins with comment lines: `// names: a; b` (may repeat), `// flags: -DX -I include`,
//! `// targets: amd64 386` (all where absent), `// golden: no` (answers that depend on the system's headers).
//! Tests whose compiler is missing are shown as ignored, with the compiler's name.

#[path = "support/case.rs"]
mod case;
#[path = "support/kinds.rs"]
mod kinds;
#[path = "support/layout.rs"]
mod layout;

use libtest_mimic::{Arguments, Failed, Trial};

use case::{Case, TARGETS, Target};

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for target in &TARGETS {
        for case in Case::all().into_iter().filter(|case| case.is_for(target)) {
            let missing = target.missing();
            let mut add = |what: &str, test: fn(&Case, &Target) -> Result<(), Failed>| {
                let case = case.clone();
                let note = missing
                    .map(|name| format!(" ({name} is not installed)"))
                    .unwrap_or_default();
                let name = format!("{what}/{}/{}{note}", target.name, case.name);
                trials.push(
                    Trial::test(name, move || test(&case, target))
                        .with_ignored_flag(missing.is_some()),
                );
            };
            if case.golden && target.golden {
                add("golden", golden);
            }
            add("layout", layout::check);
            add("kinds", kinds::check);
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn golden(case: &Case, target: &Target) -> Result<(), Failed> {
    let unit = case.resolve(target)?;
    let dump = unit.dump(&case.names);
    let path = Case::directory()
        .join(target.name)
        .join(format!("{}.txt", case.name));
    if std::env::var_os("CROSSCALL_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a parent"))?;
        std::fs::write(&path, dump)?;
        return Ok(());
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let differences: Vec<String> = diff(&expected, &dump);
    match differences.is_empty() {
        true => Ok(()),
        false => Err(format!("{}:\n{}", path.display(), differences.join("\n")).into()),
    }
}

/// The lines that only one of the two has.
fn diff(expected: &str, actual: &str) -> Vec<String> {
    let only = |a: &str, b: &str, mark: &str| -> Vec<String> {
        a.lines()
            .filter(|line| !b.lines().any(|other| other == *line))
            .map(|line| format!("{mark} {line}"))
            .collect()
    };
    let mut lines = only(expected, actual, "-");
    lines.extend(only(actual, expected, "+"));
    if lines.is_empty() && expected != actual {
        lines.push("the order of lines differs".into());
    }
    lines
}
