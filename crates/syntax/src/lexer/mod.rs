//! The lexer: bytes to tokens, with semicolons inserted, lines counted and line directives noted.
//!
//! Errors have the texts and positions of `go/scanner`. A character is checked for validity when it becomes the current one,
//! one ahead of the token that contains it, for the order of the errors decides which of them the parser suppresses.

mod directive;
mod literal;

use source::{LineTable, Pos, Span};

use crate::token::Tok;
use crate::unicode;

/// An error of the lexer or the parser. Go's position of it is the start of the span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    pub span: Span,
    pub message: String,
}

#[derive(Clone, Copy, Debug)]
pub struct Token {
    pub kind: Tok,
    pub span: Span,
    /// Physical line of the start, from 1.
    pub line: u32,
    /// A semicolon that a newline or the end of the file stands for.
    pub implicit: bool,
}

/// The current character at the end of the text.
const EOF: u32 = u32::MAX;
const NEWLINE: u32 = b'\n' as u32;
const BOM: u32 = 0xfeff;
const REPLACEMENT: u32 = 0xfffd;

/// `peek` and friends compare characters with bytes; this spells the conversion once.
const fn c(byte: u8) -> u32 {
    byte as u32
}

pub struct Lexer<'a> {
    text: &'a [u8],
    /// The current character, its offset, and the offset after it.
    ch: u32,
    offset: usize,
    read: usize,
    /// Start of the current line.
    line_offset: usize,
    /// A newline would now be a semicolon.
    insert_semi: bool,
    /// Offset and line of a newline within a comment that stands for a semicolon after the comment.
    comment_newline: Option<(Pos, u32)>,
    pub(crate) lines: LineTable,
    pub(crate) errors: Vec<SyntaxError>,
}

impl<'a> Lexer<'a> {
    /// `text` is at most 4 GiB long; what comes after is ignored.
    pub fn new(text: &'a [u8]) -> Lexer<'a> {
        let text = &text[..text.len().min(u32::MAX as usize - 1)];
        let mut lexer = Lexer {
            text,
            ch: c(b' '),
            offset: 0,
            read: 0,
            line_offset: 0,
            insert_semi: false,
            comment_newline: None,
            lines: LineTable::new(text.len() as Pos),
            errors: Vec::new(),
        };
        lexer.advance();
        if lexer.ch == BOM {
            lexer.advance();
        }
        lexer
    }

    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// The errors found so far, in the order of their finding.
    pub fn errors(&self) -> &[SyntaxError] {
        &self.errors
    }

    /// The lines and line directives found so far.
    pub fn lines(&self) -> &LineTable {
        &self.lines
    }

    /// The next token; at the end of the text `Eof` again and again.
    pub fn scan(&mut self) -> Token {
        if let Some((pos, line)) = self.comment_newline.take() {
            return Token {
                kind: Tok::Semicolon,
                span: Span::new(pos, pos + 1),
                line,
                implicit: true,
            };
        }
        self.skip_whitespace();
        let start = self.offset;
        let line = self.lines.line_count();
        let newline_is_semicolon = self.insert_semi && matches!(self.ch, NEWLINE | EOF);
        let kind = if newline_is_semicolon {
            self.insert_semi = false;
            self.advance();
            Tok::Semicolon
        } else {
            self.scan_token(line)
        };
        // A newline is read before the semicolon that it stands for; its token ends before the next line all the same.
        Token {
            kind,
            span: Span::new(start as Pos, self.offset as Pos),
            line,
            implicit: newline_is_semicolon,
        }
    }

    fn scan_token(&mut self, line: u32) -> Tok {
        let ch = self.ch;
        if is_letter(ch) {
            let start = self.offset;
            self.skip_identifier();
            let kind = Tok::lookup(&self.text[start..self.offset]);
            self.insert_semi = matches!(
                kind,
                Tok::Ident | Tok::Break | Tok::Continue | Tok::Fallthrough | Tok::Return
            );
            return kind;
        }
        if is_decimal(ch) || ch == c(b'.') && self.peek().is_ascii_digit() {
            self.insert_semi = true;
            return self.scan_number();
        }
        let start = self.offset;
        self.advance();
        if ch == c(b'/') && (self.ch == c(b'/') || self.ch == c(b'*')) {
            let newline = self.scan_comment(start);
            if self.insert_semi
                && let Some(newline) = newline
            {
                self.comment_newline = Some((newline as Pos, line));
                self.insert_semi = false;
            }
            return Tok::Comment;
        }
        let kind = self.scan_operator(ch);
        match kind {
            Tok::Illegal => self.illegal(start, ch),
            _ => {
                self.insert_semi = matches!(
                    kind,
                    Tok::Char
                        | Tok::String
                        | Tok::RParen
                        | Tok::RBrack
                        | Tok::RBrace
                        | Tok::Inc
                        | Tok::Dec
                );
            }
        }
        kind
    }

    /// Operators, delimiters and quoted literals; `first` has been read.
    fn scan_operator(&mut self, first: u32) -> Tok {
        let Ok(byte) = u8::try_from(first) else {
            return match first {
                EOF => Tok::Eof,
                _ => Tok::Illegal,
            };
        };
        match byte {
            b'"' => self.scan_string(),
            b'\'' => self.scan_rune(),
            b'`' => self.scan_raw_string(),
            b':' => self.with_assign(Tok::Colon, Tok::Define),
            b'.' if self.ch == c(b'.') && self.peek() == b'.' => {
                self.advance();
                self.advance();
                Tok::Ellipsis
            }
            b'.' => Tok::Period,
            b',' => Tok::Comma,
            b';' => Tok::Semicolon,
            b'(' => Tok::LParen,
            b')' => Tok::RParen,
            b'[' => Tok::LBrack,
            b']' => Tok::RBrack,
            b'{' => Tok::LBrace,
            b'}' => Tok::RBrace,
            b'+' if self.eat(b'+') => Tok::Inc,
            b'+' => self.with_assign(Tok::Add, Tok::AddAssign),
            b'-' if self.eat(b'-') => Tok::Dec,
            b'-' => self.with_assign(Tok::Sub, Tok::SubAssign),
            b'*' => self.with_assign(Tok::Mul, Tok::MulAssign),
            b'/' => self.with_assign(Tok::Quo, Tok::QuoAssign),
            b'%' => self.with_assign(Tok::Rem, Tok::RemAssign),
            b'^' => self.with_assign(Tok::Xor, Tok::XorAssign),
            b'<' if self.eat(b'-') => Tok::Arrow,
            b'<' if self.eat(b'<') => self.with_assign(Tok::Shl, Tok::ShlAssign),
            b'<' => self.with_assign(Tok::Lss, Tok::Leq),
            b'>' if self.eat(b'>') => self.with_assign(Tok::Shr, Tok::ShrAssign),
            b'>' => self.with_assign(Tok::Gtr, Tok::Geq),
            b'=' => self.with_assign(Tok::Assign, Tok::Eql),
            b'!' => self.with_assign(Tok::Not, Tok::Neq),
            b'&' if self.eat(b'^') => self.with_assign(Tok::AndNot, Tok::AndNotAssign),
            b'&' if self.eat(b'&') => Tok::LAnd,
            b'&' => self.with_assign(Tok::And, Tok::AndAssign),
            b'|' if self.eat(b'|') => Tok::LOr,
            b'|' => self.with_assign(Tok::Or, Tok::OrAssign),
            b'~' => Tok::Tilde,
            _ => Tok::Illegal,
        }
    }

    fn illegal(&mut self, start: usize, ch: u32) {
        match char::from_u32(ch) {
            // Reported when it was read.
            Some('\u{feff}') => {}
            Some(quote @ ('“' | '”')) => {
                let message = format!("curly quotation mark '{quote}' (use neutral '\"')");
                self.error(start, message);
            }
            _ => self.error(start, format!("illegal character {}", describe(ch))),
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.ch == c(byte);
        if found {
            self.advance();
        }
        found
    }

    fn with_assign(&mut self, plain: Tok, assign: Tok) -> Tok {
        if self.eat(b'=') { assign } else { plain }
    }

    fn skip_whitespace(&mut self) {
        loop {
            match self.ch {
                0x20 | 0x09 | 0x0d => {}
                NEWLINE if !self.insert_semi => {}
                _ => return,
            }
            self.advance();
        }
    }

    fn skip_identifier(&mut self) {
        let rest = &self.text[self.read..];
        let len = rest
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
        self.read += len.unwrap_or(rest.len());
        self.advance();
        while is_letter(self.ch) || is_digit(self.ch) {
            self.advance();
        }
    }

    /// The byte after the current character, 0 at the end.
    fn peek(&self) -> u8 {
        self.text.get(self.read).copied().unwrap_or(0)
    }

    /// Makes the next character the current one.
    #[inline]
    fn advance(&mut self) {
        if self.ch == NEWLINE {
            self.line_offset = self.read;
            self.lines.add_line(self.read as Pos);
        }
        self.offset = self.read;
        match self.text.get(self.read) {
            Some(byte @ 1..0x80) => {
                self.ch = c(*byte);
                self.read += 1;
            }
            Some(_) => self.advance_special(),
            None => self.ch = EOF,
        }
    }

    /// `advance` for NUL and what lies beyond ASCII.
    #[cold]
    fn advance_special(&mut self) {
        let rest = &self.text[self.read..];
        let (ch, width) = match decode(rest) {
            Some('\0') => {
                self.error(self.offset, "illegal character NUL");
                (0, 1)
            }
            Some(ch) => {
                if ch as u32 == BOM && self.offset > 0 {
                    self.error(self.offset, "illegal byte order mark");
                }
                (ch as u32, ch.len_utf8())
            }
            None if self.offset == 0
                && (rest.starts_with(b"\xff\xfe") || rest.starts_with(b"\xfe\xff")) =>
            {
                self.error(self.offset, "illegal UTF-8 encoding (got UTF-16)");
                (REPLACEMENT, rest.len())
            }
            None => {
                self.error(self.offset, "illegal UTF-8 encoding");
                (REPLACEMENT, 1)
            }
        };
        self.ch = ch;
        self.read += width;
    }

    fn error(&mut self, offset: usize, message: impl Into<String>) {
        self.errors.push(SyntaxError {
            span: Span::at(offset as Pos),
            message: message.into(),
        });
    }
}

/// The first character of `bytes`, if they start with valid UTF-8.
fn decode(bytes: &[u8]) -> Option<char> {
    let head = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(valid) => valid,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or(""),
    };
    valid.chars().next()
}

/// A character in messages, Go's `%#U`: `U+0040 '@'`, without the quoted part where it cannot be printed.
fn describe(ch: u32) -> String {
    let printable = char::from_u32(ch).filter(|ch| {
        // Debug output leaves printable characters alone; combining ones only after another character.
        matches!(ch, '\'' | '"' | '\\') || format!("a{ch}").escape_debug().eq(['a', *ch])
    });
    match printable {
        Some(ch) if ch == ' ' || !ch.is_whitespace() => format!("U+{:04X} '{ch}'", ch as u32),
        _ => format!("U+{ch:04X}"),
    }
}

#[inline]
fn is_letter(ch: u32) -> bool {
    match u8::try_from(ch) {
        Ok(byte) if byte.is_ascii() => byte.is_ascii_alphabetic() || byte == b'_',
        _ => ch != EOF && unicode::is_letter(ch),
    }
}

#[inline]
fn is_digit(ch: u32) -> bool {
    is_decimal(ch) || (ch >= 0x80 && ch != EOF && unicode::is_digit(ch))
}

#[inline]
fn is_decimal(ch: u32) -> bool {
    ch.wrapping_sub(c(b'0')) <= 9
}
