//! Line directives: `//line file:line`, `//line file:line:col`, and the same within `/*line … */`.

use source::{LineDirective, Pos};

use super::Lexer;

/// The largest line or column a directive may name, as in Go's compiler.
const MAX: u64 = 1 << 30;

impl Lexer<'_> {
    /// `text` is the comment from its first marker, without `*/`; the directive takes effect at `next`.
    pub(super) fn line_directive(&mut self, text: &[u8], start: usize, next: usize) {
        let Some(text) = text.get(2..).and_then(|body| body.strip_prefix(b"line ")) else {
            return;
        };
        let start = start + "//line ".len();
        let Some((head, number)) = split_number(text) else {
            return;
        };
        let Some(last) = number else {
            return self.invalid_number("line", start, text, head.len() + 1);
        };
        let (name, line, col, line_at) = match split_number(head) {
            Some((name, Some(line))) => {
                if last == 0 || last > MAX {
                    return self.invalid_number("column", start, text, head.len() + 1);
                }
                (name, line, last, name.len() + 1)
            }
            _ => (head, last, 0, head.len() + 1),
        };
        if line == 0 || line > MAX {
            let text = if col == 0 { text } else { head };
            return self.invalid_number("line", start, text, line_at);
        }
        self.lines.add_directive(LineDirective {
            offset: next as Pos,
            file: String::from_utf8_lossy(name).into_owned(),
            line: line as u32,
            col: col as u32,
        });
    }

    fn invalid_number(&mut self, what: &str, start: usize, text: &[u8], at: usize) {
        let number = String::from_utf8_lossy(&text[at..]).into_owned();
        self.error(start + at, format!("invalid {what} number: {number}"));
    }
}

/// Splits at the last colon; the second part is `None` if it is no number. `None` without a colon.
fn split_number(text: &[u8]) -> Option<(&[u8], Option<u64>)> {
    let colon = text.iter().rposition(|byte| *byte == b':')?;
    let digits = &text[colon + 1..];
    let number = digits.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(digits)
        .ok()
        .filter(|_| number)
        .and_then(|digits| digits.parse().ok());
    Some((&text[..colon], number))
}
