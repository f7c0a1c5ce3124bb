//! Lists of arguments in one string: the quoting of `CC` and `GOFLAGS` ([`split`], [`join`]) and that of `-ldflags`
//! ([`split_escaped`]). The two differ: the first knows no escapes, and a quote counts only where a field begins.

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Fields between white space; a field that begins with a quote ends with the same one.
pub fn split(text: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while let Some(first) = rest.chars().next() {
        let (field, after) = if first == '"' || first == '\'' {
            rest[1..]
                .split_once(first)
                .ok_or_else(|| format!("unterminated {first} string"))?
        } else {
            rest.split_at(rest.find(is_space).unwrap_or(rest.len()))
        };
        fields.push(field.to_owned());
        rest = after.trim_start_matches(is_space);
    }
    Ok(fields)
}

/// The inverse of [`split`]; `None` where no quoting can carry a field.
pub fn join<S: AsRef<str>>(fields: &[S]) -> Option<String> {
    let quoted: Option<Vec<String>> = fields.iter().map(|field| quote(field.as_ref())).collect();
    Some(quoted?.join(" "))
}

fn quote(field: &str) -> Option<String> {
    let bare = !field.is_empty() && !field.starts_with(['"', '\'']) && !field.contains(is_space);
    match (bare, field.contains('\''), field.contains('"')) {
        (true, ..) => Some(field.to_owned()),
        (_, false, _) => Some(format!("'{field}'")),
        (_, _, false) => Some(format!("\"{field}\"")),
        _ => None,
    }
}

/// The quoting of `#cgo` lines and `-ldflags`: quotes and backslash escapes anywhere.
pub fn split_escaped(text: &str) -> Result<Vec<String>, &'static str> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let (mut escaped, mut in_quote, mut has_quotes) = (false, None, false);
    for c in text.chars() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
            continue;
        } else if let Some(quote) = in_quote {
            if c == quote {
                in_quote = None;
                continue;
            }
        } else if c == '"' || c == '\'' {
            (in_quote, has_quotes) = (Some(c), true);
            continue;
        } else if c.is_whitespace() {
            if has_quotes || !field.is_empty() {
                fields.push(std::mem::take(&mut field));
                has_quotes = false;
            }
            continue;
        }
        field.push(c);
    }
    if has_quotes || !field.is_empty() {
        fields.push(field);
    }
    match (in_quote, escaped) {
        (Some(_), _) => Err("unclosed quote"),
        (_, true) => Err("unfinished escaping"),
        _ => Ok(fields),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits() {
        for (text, want) in [
            ("", &[][..]),
            ("gcc", &["gcc"]),
            (" a\tb\r\nc ", &["a", "b", "c"]),
            ("'a b' \"c'd\"", &["a b", "c'd"]),
            ("a'b c'd", &["a'b", "c'd"]),
            ("''x", &["", "x"]),
        ] {
            assert_eq!(split(text).expect(text), want, "{text:?}");
        }
        assert_eq!(split("'x").unwrap_err(), "unterminated ' string");
        assert_eq!(split("a \"x").unwrap_err(), "unterminated \" string");
    }

    #[test]
    fn joins() {
        for fields in [
            &["a", "b"][..],
            &["a b", "c'd e", "f\"g h"],
            &["", "'x", "-toolexec=\"/pa'th\""],
        ] {
            let joined = join(fields).expect("can be quoted");
            assert_eq!(split(&joined).expect("was joined"), fields, "{joined}");
        }
        assert_eq!(join(&["a ' \""]), None);
    }

    #[test]
    fn splits_escapes() {
        for (text, want) in [
            ("", &[][..]),
            (r#""-O2" "-g""#, &["-O2", "-g"]),
            (r#"-L'a b'\ c "" d"#, &["-La b c", "", "d"]),
            (r#"a\"b \\"#, &["a\"b", "\\"]),
            ("a\u{a0}b", &["a", "b"]),
        ] {
            assert_eq!(split_escaped(text).expect(text), want, "{text:?}");
        }
        assert_eq!(split_escaped("'x"), Err("unclosed quote"));
        assert_eq!(split_escaped("x\\"), Err("unfinished escaping"));
    }
}
