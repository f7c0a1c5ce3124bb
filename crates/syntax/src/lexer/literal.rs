//! Numbers, quoted literals and comments.

use super::{EOF, Lexer, NEWLINE, c, describe, is_decimal};
use crate::token::Tok;

/// The value of a hexadecimal digit, 16 for everything else.
fn digit_value(ch: u32) -> u32 {
    char::from_u32(ch)
        .and_then(|ch| ch.to_digit(16))
        .unwrap_or(16)
}

/// What a number's prefix makes of it.
#[derive(Clone, Copy, PartialEq)]
enum Radix {
    Decimal,
    /// A leading 0 alone: octal, unless it turns out to be a floating-point number.
    Zero,
    Binary,
    Octal,
    Hex,
}

impl Radix {
    fn name(self) -> &'static str {
        match self {
            Radix::Decimal => "decimal literal",
            Radix::Zero | Radix::Octal => "octal literal",
            Radix::Binary => "binary literal",
            Radix::Hex => "hexadecimal literal",
        }
    }

    fn base(self) -> u32 {
        match self {
            Radix::Decimal => 10,
            Radix::Zero | Radix::Octal => 8,
            Radix::Binary => 2,
            Radix::Hex => 16,
        }
    }
}

/// What a run of digits contained.
#[derive(Default)]
struct Digits {
    any: bool,
    separator: bool,
    /// Offset of the first digit that the base does not have.
    invalid: Option<usize>,
}

impl Lexer<'_> {
    pub(super) fn scan_number(&mut self) -> Tok {
        let start = self.offset;
        let mut kind = Tok::Float;
        let mut radix = Radix::Decimal;
        let mut digits = Digits::default();
        if self.ch != c(b'.') {
            kind = Tok::Int;
            if self.ch == c(b'0') {
                radix = self.scan_prefix();
                digits.any = radix == Radix::Zero;
            }
            self.scan_digits(radix.base(), &mut digits);
        }
        if self.ch == c(b'.') {
            kind = Tok::Float;
            if matches!(radix, Radix::Octal | Radix::Binary) {
                self.error(
                    self.offset,
                    format!("invalid radix point in {}", radix.name()),
                );
            }
            self.advance();
            self.scan_digits(radix.base(), &mut digits);
        }
        if !digits.any {
            self.error(self.offset, format!("{} has no digits", radix.name()));
        }
        if self.scan_exponent(radix, &mut digits) {
            kind = Tok::Float;
        } else if radix == Radix::Hex && kind == Tok::Float {
            self.error(self.offset, "hexadecimal mantissa requires a 'p' exponent");
        }
        if self.eat(b'i') {
            kind = Tok::Imag;
        }
        if let Some(offset) = digits.invalid
            && kind == Tok::Int
        {
            let digit = char::from(self.text[offset]);
            self.error(
                offset,
                format!("invalid digit '{digit}' in {}", radix.name()),
            );
        }
        if digits.separator
            && let Some(index) = misplaced_separator(&self.text[start..self.offset])
        {
            self.error(start + index, "'_' must separate successive digits");
        }
        kind
    }

    /// Reads a leading 0 and the letter after it.
    fn scan_prefix(&mut self) -> Radix {
        self.advance();
        let radix = match u8::try_from(self.ch) {
            Ok(b'x' | b'X') => Radix::Hex,
            Ok(b'o' | b'O') => Radix::Octal,
            Ok(b'b' | b'B') => Radix::Binary,
            _ => return Radix::Zero,
        };
        self.advance();
        radix
    }

    fn scan_digits(&mut self, base: u32, digits: &mut Digits) {
        let limit = base.max(10);
        loop {
            if self.ch == c(b'_') {
                digits.separator = true;
            } else if digit_value(self.ch) < limit {
                digits.any = true;
                if digit_value(self.ch) >= base {
                    digits.invalid.get_or_insert(self.offset);
                }
            } else {
                return;
            }
            self.advance();
        }
    }

    /// Reports whether there was an exponent.
    fn scan_exponent(&mut self, radix: Radix, digits: &mut Digits) -> bool {
        let Some(letter @ ('e' | 'E' | 'p' | 'P')) = char::from_u32(self.ch) else {
            return false;
        };
        let hexadecimal = matches!(letter, 'p' | 'P');
        if hexadecimal && radix != Radix::Hex {
            let message = format!("'{letter}' exponent requires hexadecimal mantissa");
            self.error(self.offset, message);
        } else if !hexadecimal && !matches!(radix, Radix::Decimal | Radix::Zero) {
            let message = format!("'{letter}' exponent requires decimal mantissa");
            self.error(self.offset, message);
        }
        self.advance();
        if self.ch == c(b'+') || self.ch == c(b'-') {
            self.advance();
        }
        let mut exponent = Digits::default();
        self.scan_digits(10, &mut exponent);
        digits.separator |= exponent.separator;
        if !exponent.any {
            self.error(self.offset, "exponent has no digits");
        }
        true
    }

    pub(super) fn scan_string(&mut self) -> Tok {
        let start = self.offset - 1;
        loop {
            self.skip_plain();
            let ch = self.ch;
            if ch == NEWLINE || ch == EOF {
                self.error(start, "string literal not terminated");
                break;
            }
            self.advance();
            if ch == c(b'"') {
                break;
            }
            if ch == c(b'\\') {
                self.scan_escape(b'"');
            }
        }
        Tok::String
    }

    /// Moves within a quoted literal to the next character that could mean something.
    fn skip_plain(&mut self) {
        if !is_plain(self.ch) {
            return;
        }
        let rest = &self.text[self.read..];
        let len = rest.iter().position(|byte| !is_plain(c(*byte)));
        self.read += len.unwrap_or(rest.len());
        self.advance();
    }

    pub(super) fn scan_raw_string(&mut self) -> Tok {
        let start = self.offset - 1;
        loop {
            let ch = self.ch;
            if ch == EOF {
                self.error(start, "raw string literal not terminated");
                break;
            }
            self.advance();
            if ch == c(b'`') {
                break;
            }
        }
        Tok::String
    }

    pub(super) fn scan_rune(&mut self) -> Tok {
        let start = self.offset - 1;
        let mut valid = true;
        let mut count = 0;
        loop {
            let ch = self.ch;
            if ch == NEWLINE || ch == EOF {
                if valid {
                    self.error(start, "rune literal not terminated");
                    valid = false;
                }
                break;
            }
            self.advance();
            if ch == c(b'\'') {
                break;
            }
            count += 1;
            if ch == c(b'\\') {
                valid &= self.scan_escape(b'\'');
            }
        }
        if valid && count != 1 {
            self.error(start, "illegal rune literal");
        }
        Tok::Char
    }

    /// Reads an escape sequence after its backslash; on an error stops at the offending character and returns false.
    fn scan_escape(&mut self, quote: u8) -> bool {
        let start = self.offset;
        let (count, base, max) = match u8::try_from(self.ch) {
            Ok(b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\') => {
                self.advance();
                return true;
            }
            Ok(byte) if byte == quote => {
                self.advance();
                return true;
            }
            Ok(b'0'..=b'7') => (3, 8, 255),
            Ok(b'x') => (2, 16, 255),
            Ok(b'u') => (4, 16, char::MAX as u32),
            Ok(b'U') => (8, 16, char::MAX as u32),
            _ => {
                self.escape_error(start, "unknown escape sequence");
                return false;
            }
        };
        if base == 16 {
            self.advance();
        }
        let mut value: u32 = 0;
        for _ in 0..count {
            let digit = digit_value(self.ch);
            if digit >= base {
                let message = format!("illegal character {} in escape sequence", describe(self.ch));
                self.escape_error(self.offset, &message);
                return false;
            }
            value = value.wrapping_mul(base).wrapping_add(digit);
            self.advance();
        }
        if value > max || (0xd800..0xe000).contains(&value) {
            self.error(start, "escape sequence is invalid Unicode code point");
            return false;
        }
        true
    }

    fn escape_error(&mut self, offset: usize, message: &str) {
        let message = match self.ch {
            EOF => "escape sequence not terminated",
            _ => message,
        };
        self.error(offset, message);
    }

    /// Reads a comment that starts at `start` and whose `/` has been read. Returns the offset of the first newline within it.
    pub(super) fn scan_comment(&mut self, start: usize) -> Option<usize> {
        if self.ch == c(b'/') {
            self.skip_line_comment();
            let next = self.offset + usize::from(self.ch == NEWLINE);
            let text = &self.text[start..self.offset];
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if start == self.line_offset {
                self.line_directive(text, start, next);
            }
            return None;
        }
        self.advance();
        let mut newline = None;
        while self.ch != EOF {
            let ch = self.ch;
            if ch == NEWLINE && newline.is_none() {
                newline = Some(self.offset);
            }
            self.advance();
            if ch == c(b'*') && self.ch == c(b'/') {
                self.advance();
                let text = &self.text[start..self.offset - 2];
                self.line_directive(text, start, self.offset);
                return newline;
            }
        }
        self.error(start, "comment not terminated");
        newline
    }

    fn skip_line_comment(&mut self) {
        while self.ch != NEWLINE && self.ch != EOF {
            let rest = &self.text[self.read..];
            let len = rest
                .iter()
                .position(|byte| matches!(byte, b'\n' | 0 | 0x80..));
            self.read += len.unwrap_or(rest.len());
            self.advance();
        }
    }
}

/// ASCII within quotes that neither ends a literal nor starts an escape.
fn is_plain(ch: u32) -> bool {
    matches!(ch, 0x20..0x80 | 0x09) && ch != c(b'"') && ch != c(b'\\')
}

/// The index of the first `_` of a number that is not between digits (the prefix counts as one).
fn misplaced_separator(text: &[u8]) -> Option<usize> {
    let prefixed = text.len() >= 2
        && text[0] == b'0'
        && matches!(text[1].to_ascii_lowercase(), b'x' | b'o' | b'b');
    let hexadecimal = prefixed && text[1].eq_ignore_ascii_case(&b'x');
    let is_digit = |byte: u8| is_decimal(c(byte)) || hexadecimal && byte.is_ascii_hexdigit();
    let mut previous = if prefixed { b'0' } else { b'.' };
    for (i, byte) in text.iter().enumerate().skip(if prefixed { 2 } else { 0 }) {
        let class = match *byte {
            b'_' if previous != b'0' => return Some(i),
            b'_' => b'_',
            byte if is_digit(byte) => b'0',
            _ if previous == b'_' => return Some(i - 1),
            _ => b'.',
        };
        previous = class;
    }
    (previous == b'_').then(|| text.len() - 1)
}
