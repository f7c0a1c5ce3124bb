//! Go's `%q`, and its notion of characters that can be shown.

use std::fmt::Write;

/// `strconv.Quote`.
pub fn quote(text: &str) -> String {
    quote_bytes(text.as_bytes())
}

/// `strconv.Quote` of bytes that need not be UTF-8.
pub fn quote_bytes(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_escaped(&mut out, c);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}

fn push_escaped(out: &mut String, c: char) {
    let _ = match c {
        '"' | '\\' => write!(out, "\\{c}"),
        '\x07' => write!(out, "\\a"),
        '\x08' => write!(out, "\\b"),
        '\x0c' => write!(out, "\\f"),
        '\n' => write!(out, "\\n"),
        '\r' => write!(out, "\\r"),
        '\t' => write!(out, "\\t"),
        '\x0b' => write!(out, "\\v"),
        c if is_print(c) => write!(out, "{c}"),
        c if c < ' ' || c == '\x7f' => write!(out, "\\x{:02x}", c as u32),
        c if (c as u32) < 0x10000 => write!(out, "\\u{:04x}", c as u32),
        c => write!(out, "\\U{:08x}", c as u32),
    };
}

/// `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols, and of the spaces the ASCII one.
pub fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // Rust's own table of printable characters is reached only through string escapes, which spare them. In front of a mark
    // there must be something, else the mark is escaped too.
    !format!("a{c}").escape_debug().to_string().contains("\\u{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go_does() {
        assert_eq!(quote("a\"b\\c\n\x07\u{7f}é"), r#""a\"b\\c\n\a\x7fé""#);
        assert_eq!(
            quote("\u{200b}\u{e000}\u{f0000}\u{a0}e\u{301}"),
            "\"\\u200b\\ue000\\U000f0000\\u00a0e\u{301}\""
        );
        assert_eq!(quote_bytes(b"x\xff\xfey"), r#""x\xff\xfey""#);
    }
}
