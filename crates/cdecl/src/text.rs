//! C text: macro definitions and literals, as far as they must be read here.

/// The replacement text of the object-like macro `name`, whose definition in `text` has the name at
/// `offset`: comments and line splices gone, white space at the ends trimmed. `None` for a function-like
/// macro, or if the name is not there.
pub fn definition(text: &[u8], offset: usize, name: &str) -> Option<String> {
    let rest = text.get(offset..)?.strip_prefix(name.as_bytes())?;
    if rest.first() == Some(&b'(') {
        return None;
    }
    let mut out = Vec::new();
    let mut i = 0;
    let mut quote = None;
    while let Some(&byte) = rest.get(i) {
        let pair = rest.get(i + 1).copied();
        i += 1;
        match (byte, pair) {
            (b'\\', Some(b'\n')) => i += 1,
            (b'\\', Some(b'\r')) if rest.get(i + 1) == Some(&b'\n') => i += 2,
            (b'\n' | b'\r', _) => break,
            (b'\\', Some(escaped)) if quote.is_some() => {
                out.extend([byte, escaped]);
                i += 1;
            }
            (b'/', Some(b'/')) if quote.is_none() => break,
            (b'/', Some(b'*')) if quote.is_none() => {
                out.push(b' ');
                i = rest[i + 1..]
                    .windows(2)
                    .position(|end| end == b"*/")
                    .map_or(rest.len(), |at| i + 1 + at + 2);
            }
            (b'"' | b'\'', _) => {
                quote = match quote {
                    None => Some(byte),
                    Some(open) if open == byte => None,
                    open => open,
                };
                out.push(byte);
            }
            _ => out.push(byte),
        }
    }
    Some(String::from_utf8_lossy(&out).trim().to_owned())
}

/// Whether `source` itself may define or undefine a macro with one of these names. Errs on the side of yes.
pub fn touches_macros(source: &str, names: &[&str]) -> bool {
    if source.contains("pop_macro") || source.contains("??=") || source.contains("%:") {
        return true;
    }
    let touched = |line: &str| {
        let directive = line.trim_start().strip_prefix('#')?.trim_start();
        let rest = directive
            .strip_prefix("define")
            .or_else(|| directive.strip_prefix("undef"))?;
        let end = |c: char| !(c.is_alphanumeric() || c == '_' || c == '$');
        rest.trim_start()
            .split(end)
            .next()
            .map(|name| names.contains(&name))
    };
    without_comments(source)
        .lines()
        .any(|line| touched(line) == Some(true))
}

/// C text without line splices and comments. Block comments become a space, so that a directive behind
/// one is still a directive.
fn without_comments(source: &str) -> String {
    let source = source.replace("\\\r\n", "").replace("\\\n", "");
    let mut out = String::with_capacity(source.len());
    let mut rest = source.as_str();
    while let Some(at) = rest.find(['/', '"', '\'']) {
        let (before, here) = rest.split_at(at);
        out += before;
        let length = if let Some(comment) = here.strip_prefix("/*") {
            out.push(' ');
            comment.find("*/").map_or(here.len(), |end| end + 4)
        } else if here.starts_with("//") {
            here.find('\n').unwrap_or(here.len())
        } else {
            let length = literal_length(here);
            out += &here[..length];
            length
        };
        rest = &here[length..];
    }
    out + rest
}

/// The length of the literal that `text` begins with, at most to the end of the line; 1 for a slash.
fn literal_length(text: &str) -> usize {
    let quote = text.as_bytes()[0];
    let mut escaped = quote == b'/';
    for (i, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if quote == b'/' => return 1,
            b'\n' => return i,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return i + 1,
            _ => {}
        }
    }
    text.len()
}

/// The text that `-DNAME=…` among `flags` gives to `name`.
pub fn defined_by_flags(flags: &[String], name: &str) -> Option<String> {
    let mut found = None;
    let mut flags = flags.iter();
    while let Some(flag) = flags.next() {
        let definition = match flag.strip_prefix("-D") {
            Some("") => flags.next().map_or("", String::as_str),
            Some(definition) => definition,
            None => continue,
        };
        let (key, value) = definition.split_once('=').unwrap_or((definition, "1"));
        if key == name {
            found = Some(value.trim().to_owned());
        }
    }
    found
}

/// Whether `text` is one character constant that C and Go read alike.
pub fn is_char_literal(text: &str) -> bool {
    let Some(inner) = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''))
    else {
        return false;
    };
    let Some(escape) = inner.strip_prefix('\\') else {
        return inner.chars().count() == 1 && inner != "'";
    };
    let all = |digits: &str, count: usize, radix: u32| {
        digits.len() == count && digits.chars().all(|c| c.is_digit(radix))
    };
    match escape.chars().next() {
        Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' | '\'') => escape.len() == 1,
        Some('x') => all(&escape[1..], 2, 16),
        Some('0'..='3') => all(escape, 3, 8),
        _ => false,
    }
}

/// The bytes that a string literal in clang's rendering stands for: it escapes what is not printable
/// as three octal digits.
pub fn unquote(literal: &str) -> Option<Vec<u8>> {
    let inner = literal
        .strip_prefix("u8")
        .unwrap_or(literal)
        .strip_prefix('"')?
        .strip_suffix('"')?;
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match bytes.next()? {
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            b'e' => 27,
            digit @ b'0'..=b'7' => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    let Some(digit) = bytes.next_if(|digit| (b'0'..=b'7').contains(digit)) else {
                        break;
                    };
                    value = value * 8 + u32::from(digit - b'0');
                }
                u8::try_from(value).ok()?
            }
            other => other,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_read_as_the_preprocessor_prints_them() {
        let read = |text: &str| definition(text.as_bytes(), 0, "X");
        assert_eq!(read("X 'a' // c\n'b'"), Some("'a'".into()));
        assert_eq!(
            read("X /* one\n two */ 1 \\\n + 2\n"),
            Some("1  + 2".into())
        );
        assert_eq!(read("X \"a//b\\\"/*\" x"), Some("\"a//b\\\"/*\" x".into()));
        assert_eq!(read("X"), Some(String::new()));
        assert_eq!(read("X(a) a"), None);
        assert_eq!(read("Y 1"), None);
        assert_eq!(
            defined_by_flags(&["-DX=1".into(), "-D".into(), "X='a'".into()], "X"),
            Some("'a'".into())
        );
    }

    #[test]
    fn macros_in_the_source_are_noticed() {
        let names = ["int", "long"];
        for yes in [
            "#define int 1",
            "x\n # define\tlong(x)",
            "/* */ #undef int",
            "#def\\\nine int",
            "#pragma pop_macro(\"int\")",
        ] {
            assert!(touches_macros(yes, &names), "{yes}");
        }
        for no in [
            "#define interest int",
            "/*\n#define int 1\n*/",
            "#define LONG long",
            "int x; // #define\n#include <a/*b>",
        ] {
            assert!(!touches_macros(no, &names), "{no}");
        }
    }

    #[test]
    fn char_literals_are_those_of_both_languages() {
        for yes in ["'a'", "'\\n'", "'\\x41'", "'\\012'", "'\"'", "'é'", "'\\''"] {
            assert!(is_char_literal(yes), "{yes}");
        }
        for no in [
            "a", "'a' + 1", "'ab'", "'\\0'", "'\\e'", "'''", "'\\\"'", "'\\777'", "''",
        ] {
            assert!(!is_char_literal(no), "{no}");
        }
    }

    #[test]
    fn strings_keep_their_bytes() {
        assert_eq!(
            unquote("\"a\\000b\\n\\\\\\303\\251\"").unwrap(),
            b"a\0b\n\\\xc3\xa9"
        );
    }
}
