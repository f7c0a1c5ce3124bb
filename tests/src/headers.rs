//! The C side of the stubs: what a user's C code sees in `_cgo_export.h` must mean the same, and what the generator wrote must
//! compile.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::record::Call;
use crate::replay::relocate;

/// Kind, name, official and candidate's text of a difference.
type Found = (&'static str, String, String, String);

/// Compares the exported prototypes and checks the candidate's C files.
pub fn compare(call: &Call, candidate: &Path) -> Result<Vec<Found>, String> {
    let mut found = prototypes(call, candidate)?;
    for path in crate::cases::outputs(candidate) {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if !name.ends_with(".c") {
            continue;
        }
        let complaint = check_syntax(call, candidate, &path)?;
        // Flags that only the official output's compiler run would object to as well are no difference.
        if !complaint.is_empty()
            && check_syntax(call, &call.official(), &call.official().join(&name))?.is_empty()
        {
            found.push(("syntax", name, String::new(), complaint));
        }
    }
    Ok(found)
}

/// The C compiler's complaints about one file, compiled as the go command would; none: it is right.
fn check_syntax(call: &Call, objdir: &Path, file: &Path) -> Result<String, String> {
    let compiler = call.env.get("CC").map_or("gcc", String::as_str);
    let mut words = compiler.split_whitespace();
    let mut gcc = Command::new(words.next().unwrap_or("gcc"));
    gcc.args(words)
        .args(machine(call))
        .args(["-fsyntax-only", "-fPIC", "-pthread", "-I", "."])
        .args(
            call.cflags()
                .iter()
                .map(|flag| relocate(flag, &call.objdir, &objdir.to_string_lossy())),
        )
        .arg(file)
        .current_dir(&call.cwd)
        .env_clear()
        .envs(&call.env)
        .env("LC_ALL", "C");
    let output = gcc.output().map_err(|err| format!("{compiler}: {err}"))?;
    if output.status.success() {
        return Ok(String::new());
    }
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

fn machine(call: &Call) -> &'static [&'static str] {
    match call.env.get("GOARCH").map(String::as_str) {
        Some("386") => &["-m32"],
        Some("amd64") => &["-m64"],
        _ => &[],
    }
}

/// The declarations of a header, as they are written behind its boilerplate.
#[derive(Debug, Default, PartialEq, Eq)]
struct Declarations {
    /// `extern` declarations by the name that they declare.
    functions: BTreeMap<String, String>,
    /// `struct F_return { … }` by tag.
    results: BTreeMap<String, String>,
}

fn prototypes(call: &Call, candidate: &Path) -> Result<Vec<Found>, String> {
    let header = |dir: &Path| fs::read_to_string(dir.join("_cgo_export.h")).unwrap_or_default();
    let official = declarations(&header(&call.official()));
    let other = declarations(&header(candidate));
    let mut found = differing_names(&official.functions, &other.functions);
    found.extend(differing_names(&official.results, &other.results));
    for (tag, text) in &official.results {
        if other.results.get(tag).is_some_and(|same| same != text) {
            found.push((
                "prototype",
                tag.clone(),
                text.clone(),
                other.results[tag].clone(),
            ));
        }
    }
    for (name, text) in &official.functions {
        let Some(second) = other.functions.get(name) else {
            continue;
        };
        if text != second && !compatible(call, candidate, second)? {
            found.push(("prototype", name.clone(), text.clone(), second.clone()));
        }
    }
    Ok(found)
}

fn differing_names(
    official: &BTreeMap<String, String>,
    other: &BTreeMap<String, String>,
) -> Vec<Found> {
    let names: BTreeSet<&String> = official.keys().chain(other.keys()).collect();
    let is_in_one = |name: &&&String| official.contains_key(**name) != other.contains_key(**name);
    let text = |side: &BTreeMap<String, String>, name: &String| {
        side.get(name).cloned().unwrap_or_default()
    };
    names
        .iter()
        .filter(is_in_one)
        .map(|name| {
            (
                "prototype",
                name.to_string(),
                text(official, name),
                text(other, name),
            )
        })
        .collect()
}

/// Lets the C compiler say whether a declaration agrees with the official header.
fn compatible(call: &Call, candidate: &Path, declaration: &str) -> Result<bool, String> {
    let header = call.official().join("_cgo_export.h");
    let source = candidate.join("compatible.c");
    let text = format!("#include \"{}\"\n{declaration}\n", header.display());
    fs::write(&source, text).map_err(|err| format!("{}: {err}", source.display()))?;
    let complaint = check_syntax(call, &call.official(), &source)?;
    fs::remove_file(&source).map_err(|err| format!("{}: {err}", source.display()))?;
    Ok(complaint.is_empty())
}

/// What a header declares after its last `extern "C" {`.
fn declarations(header: &str) -> Declarations {
    let Some(start) = header.rfind("extern \"C\" {") else {
        return Declarations::default();
    };
    let body = without_comments(&header[start + "extern \"C\" {".len()..]);
    let code: Vec<&str> = body
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect();
    let words: Vec<&str> = code
        .iter()
        .flat_map(|line| line.split_whitespace())
        .collect();
    let code = words.join(" ");
    let mut found = Declarations::default();
    for statement in statements(&code) {
        if let Some((tag, _)) = statement
            .strip_prefix("struct ")
            .and_then(|rest| rest.split_once(" {"))
        {
            found.results.insert(tag.to_string(), statement.to_string());
        } else if let Some(name) = declared_name(statement) {
            found
                .functions
                .insert(name.to_string(), format!("{statement};"));
        }
    }
    found
}

fn declared_name(statement: &str) -> Option<&str> {
    let (before, _) = statement
        .split_once('(')
        .filter(|_| statement.starts_with("extern "))?;
    let before = match before.trim_end().strip_suffix("__declspec") {
        Some(_) => statement.split_once(") ")?.1.split_once('(')?.0,
        None => before,
    };
    before.trim_end().rsplit([' ', '*']).next()
}

/// The text between semicolons outside of braces.
fn statements(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut depth, mut start) = (0usize, 0);
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ';' if depth == 0 => {
                found.push(code[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

fn without_comments(code: &str) -> String {
    let mut rest = code;
    let mut kept = String::new();
    while let Some(at) = rest.find("/*").into_iter().chain(rest.find("//")).min() {
        kept.push_str(&rest[..at]);
        let end = if rest[at..].starts_with("/*") {
            "*/"
        } else {
            "\n"
        };
        rest = match rest[at + 2..].find(end) {
            Some(length) => &rest[at + 2 + length + if end == "*/" { 2 } else { 0 }..],
            None => "",
        };
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_header() {
        let header = "extern \"C\" {\n#endif\n/* extern int no(void); */\nstruct F_return {\n\tGoInt r0;\n};\n// doc\n\
                      extern struct F_return F(int *p);\nextern char* G(void);\n#ifdef __cplusplus\n}\n#endif\n";
        let found = declarations(header);
        assert_eq!(found.functions.keys().collect::<Vec<_>>(), ["F", "G"]);
        assert_eq!(found.results["F_return"], "struct F_return { GoInt r0; }");
        assert_eq!(found.functions["G"], "extern char* G(void);");
    }
}
