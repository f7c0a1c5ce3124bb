//! Response files: an argument `@file` stands for the arguments in that file. The go command writes one when a command line
//! grows too long, in a form that changed between releases: Go 1.26 writes one argument a line with `\n` and `\\` escaped,
//! Go 1.27 follows gcc.

use std::fs;

use super::errno;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Up to Go 1.26.
    Lines,
    /// From Go 1.27.
    Gcc,
}

/// Replaces each `@file`, also those within such files. `dialect` is asked at most once, where there is such an argument.
///
/// # Errors
/// The message for a file that can't be read.
pub fn expand(args: Vec<String>, dialect: impl FnOnce() -> Dialect) -> Result<Vec<String>, String> {
    if !args.iter().any(|arg| arg.starts_with('@')) {
        return Ok(args);
    }
    let mut out = Vec::new();
    expand_into(&mut out, args, dialect(), 0)?;
    Ok(out)
}

fn expand_into(
    out: &mut Vec<String>,
    args: Vec<String>,
    dialect: Dialect,
    depth: usize,
) -> Result<(), String> {
    for arg in args {
        let Some(path) = arg.strip_prefix('@') else {
            out.push(arg);
            continue;
        };
        if depth > 100 {
            return Err(format!("response file {path} includes itself"));
        }
        let text = fs::read(path).map_err(|err| errno::message("open", path, &err))?;
        let inner = parse(&String::from_utf8_lossy(&text), dialect);
        expand_into(out, inner, dialect, depth + 1)?;
    }
    Ok(())
}

fn parse(text: &str, dialect: Dialect) -> Vec<String> {
    match dialect {
        Dialect::Lines => parse_lines(text),
        Dialect::Gcc => parse_gcc(text),
    }
}

fn parse_lines(text: &str) -> Vec<String> {
    let text = text.replace('\r', "");
    let unescape = |line: &str| {
        let mut out = String::new();
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => out.extend(chars.next().map(|c| if c == 'n' { '\n' } else { c })),
                c => out.push(c),
            }
        }
        out
    };
    text.trim().split('\n').map(unescape).collect()
}

fn parse_gcc(text: &str) -> Vec<String> {
    let mut args = Vec::new();
    let mut arg: Option<String> = None;
    let mut quote = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => arg.get_or_insert_default().push(c),
            (_, '\\') => {
                if let Some(after) = continuation(rest) {
                    rest = after;
                } else if let Some((c, after)) = escaped(rest, quote.is_some()) {
                    arg.get_or_insert_default().push(c);
                    rest = after;
                } else if quote.is_some() {
                    arg.get_or_insert_default().push('\\');
                }
            }
            (Some(_), c) => arg.get_or_insert_default().push(c),
            (None, ' ' | '\t' | '\n' | '\r') => args.extend(arg.take()),
            (None, '\'' | '"') => {
                quote = Some(c);
                arg.get_or_insert_default();
            }
            (None, c) => arg.get_or_insert_default().push(c),
        }
    }
    args.extend(arg);
    args
}

/// After a backslash: what follows a line break.
fn continuation(rest: &str) -> Option<&str> {
    rest.strip_prefix('\n')
        .or_else(|| rest.strip_prefix("\r\n"))
}

/// After a backslash: the character it stands for. Within double quotes only some are escaped.
fn escaped(rest: &str, in_quotes: bool) -> Option<(char, &str)> {
    let c = rest.chars().next()?;
    let applies = !in_quotes || matches!(c, '\\' | '"' | '$' | '`');
    applies.then(|| (c, &rest[c.len_utf8()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gcc_dialect() {
        for (text, want) in [
            ("", &[][..]),
            ("a b\n\tc\r\n", &["a", "b", "c"]),
            (
                r#"'a \b' "c\"d\\\$\`\x" e\ f \g"#,
                &["a \\b", "c\"d\\$`\\x", "e f", "g"],
            ),
            ("'' \"\" x''y", &["", "", "xy"]),
            ("a\\\nb \"c\\\r\nd\" \\", &["ab", "cd"]),
            ("'open end", &["open end"]),
        ] {
            assert_eq!(parse_gcc(text), want, "{text:?}");
        }
    }

    #[test]
    fn line_dialect() {
        assert_eq!(parse_lines("a b\r\nc\\nd\\\\e\n\n"), ["a b", "c\nd\\e"]);
    }
}
