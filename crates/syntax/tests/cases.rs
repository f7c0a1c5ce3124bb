//! Cases as files.
//!
//! `cases/trees/*.go` have no errors; their dumps stand beside them as `.tree` (`CROSSCALL_BLESS=1` rewrites them).
//!
//! `cases/errors/*.go` mark every error: `/* ERROR "regexp" */` follows the token at whose first byte the error is,
//! `/* ERROR +2 "regexp" */` the one two bytes into which it is, `/* ERROR END "regexp" */` the one at whose end it is, and
//! `/* ERROR EOF "regexp" */` stands for the end of the file. A missing error fails, and so does one that is not marked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use regex::Regex;
use syntax::{Lexer, Mode, Tok, dump, parse_file};

fn main() {
    let args = Arguments::from_args();
    let mut trials = Vec::new();
    type Check = fn(&Path) -> Result<(), Failed>;
    for (dir, check) in [("errors", check_errors as Check), ("trees", check_tree)] {
        for path in files(dir) {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let name = format!("{dir}::{}", stem.unwrap_or("?"));
            trials.push(Trial::test(name, move || check(&path)));
        }
    }
    libtest_mimic::run(&args, trials).exit();
}

fn files(dir: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<PathBuf> = std::fs::read_dir(root.join(dir))
        .expect("the directory of the cases")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ext| ext == "go"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no cases in {dir}");
    files
}

fn check_tree(path: &Path) -> Result<(), Failed> {
    let parsed = parse_file(&std::fs::read(path)?, Mode::FULL);
    if let Some(error) = parsed.errors.first() {
        return Err(format!("unexpected error: {error:?}").into());
    }
    let got = dump(&parsed.file);
    let golden = path.with_extension("tree");
    if std::env::var_os("CROSSCALL_BLESS").is_some_and(|bless| bless == "1") {
        std::fs::write(&golden, got)?;
        return Ok(());
    }
    let want = std::fs::read_to_string(&golden)?;
    match want
        .lines()
        .zip(got.lines())
        .position(|(want, got)| want != got)
    {
        None if want == got => Ok(()),
        line => Err(format!(
            "{} differs at line {line:?}; CROSSCALL_BLESS=1 rewrites it",
            golden.display()
        )
        .into()),
    }
}

fn check_errors(path: &Path) -> Result<(), Failed> {
    let text = std::fs::read(path)?;
    let mut expected = expected_errors(&text)?;
    let parsed = parse_file(&text, Mode::FULL);
    let mut problems = Vec::new();
    for error in &parsed.errors {
        let place = parsed.lines.line_col(error.span.start);
        let shown = format!("{}:{}: {}", place.line, place.col, error.message);
        match expected.remove(&error.span.start) {
            Some(regex) if regex.is_match(&error.message) => {}
            Some(regex) => problems.push(format!("{shown} does not match {regex}")),
            None => problems.push(format!("{shown} is not marked")),
        }
    }
    for (pos, regex) in expected {
        let place = parsed.lines.line_col(pos);
        problems.push(format!("{}:{}: no error {regex}", place.line, place.col));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems.join("\n").into()),
    }
}

fn expected_errors(text: &[u8]) -> Result<BTreeMap<u32, Regex>, Failed> {
    let mark = Regex::new(r#"(?s)^/\* ERROR (?:(\+\d+|END|EOF) )?"(.*)" \*/$"#)?;
    let mut expected = BTreeMap::new();
    let mut lexer = Lexer::new(text);
    let mut previous = lexer.scan();
    let mut token = previous;
    while token.kind != Tok::Eof {
        let comment = std::str::from_utf8(&text[token.span.range()]).unwrap_or("");
        match mark.captures(comment) {
            Some(captures) if token.kind == Tok::Comment => {
                let pos = match captures.get(1).map(|how| how.as_str()) {
                    None => previous.span.start,
                    Some("END") => previous.span.end,
                    Some("EOF") => text.len() as u32,
                    Some(delta) => previous.span.start + delta[1..].parse::<u32>()?,
                };
                expected.insert(pos, Regex::new(&captures[2])?);
            }
            _ if token.kind == Tok::Comment || token.implicit => {}
            _ => previous = token,
        }
        token = lexer.scan();
    }
    Ok(expected)
}
