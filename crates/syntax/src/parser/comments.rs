//! Reading tokens while collecting the comments between them.
//!
//! A lead comment stands on lines of its own right above a token and documents what the token starts. A line comment follows
//! a token on its line with nothing after it. Both are found when the token after them is read.

use std::sync::Arc;

use source::Span;

use super::Parser;
use crate::comment::{Comment, CommentGroup};
use crate::constraint;
use crate::token::Tok;

impl Parser<'_> {
    /// Consumes the current token.
    pub(super) fn next(&mut self) {
        if self.stopped {
            return;
        }
        self.lead_comment = None;
        self.line_comment = None;
        let previous_line = self.tok.line;
        self.prev_end = self.tok.span.end;
        self.next_raw();
        if self.tok.kind == Tok::Comment {
            self.collect_comments(previous_line);
        }
    }

    fn collect_comments(&mut self, previous_line: u32) {
        let mut last = None;
        if self.tok.line == previous_line {
            let (group, end_line) = self.consume_group(0);
            if self.tok.line != end_line || matches!(self.tok.kind, Tok::Semicolon | Tok::Eof) {
                self.line_comment = Some(group.clone());
            }
            last = Some(group);
        }
        let mut end_line = None;
        while self.tok.kind == Tok::Comment {
            let (group, line) = self.consume_group(1);
            last = Some(group);
            end_line = Some(line);
        }
        if end_line.is_some_and(|line| line + 1 == self.tok.line) {
            self.lead_comment = last;
        }
    }

    /// Consumes comments that are at most `gap` lines apart; returns also the line on which they end.
    fn consume_group(&mut self, gap: u32) -> (Arc<CommentGroup>, u32) {
        let mut list: Vec<Comment> = Vec::new();
        let mut end_line = self.tok.line;
        while self.tok.kind == Tok::Comment && self.tok.line <= end_line + gap {
            let comment = self.comment();
            let newlines = comment.text.bytes().filter(|byte| *byte == b'\n').count();
            end_line = self.tok.line + newlines as u32;
            list.push(comment);
            self.next_raw();
        }
        let span = list
            .iter()
            .map(|comment| comment.span)
            .reduce(Span::to)
            .unwrap_or_default();
        let group = Arc::new(CommentGroup { span, list });
        self.comments.push(group.clone());
        (group, end_line)
    }

    fn comment(&self) -> Comment {
        let mut span = self.tok.span;
        let mut text = &self.text[span.range()];
        if text.starts_with(b"//") && text.ends_with(b"\r") {
            text = &text[..text.len() - 1];
            span.end -= 1;
        }
        let text = String::from_utf8_lossy(text);
        let text = match text.contains('\r') {
            true => strip_carriage_returns(&text).into_boxed_str(),
            false => Box::from(text),
        };
        Comment { span, text }
    }

    /// Reads the next token, comments included if they are kept.
    fn next_raw(&mut self) {
        loop {
            self.tok = self.lexer.scan();
            if self.tok.kind != Tok::Comment {
                self.at_top = false;
                return;
            }
            if self.at_top {
                self.note_go_version();
            }
            if self.mode.comments {
                return;
            }
        }
    }

    fn note_go_version(&mut self) {
        let text = &self.text[self.tok.span.range()];
        let line = std::str::from_utf8(text).unwrap_or("");
        if let Some(constraint) = constraint::parse_line(line) {
            self.go_version = constraint.go_version();
        }
    }
}

/// Drops carriage returns, except where that would make a `*/` that was none.
fn strip_carriage_returns(text: &str) -> String {
    let block = text.starts_with("/*");
    let mut out = String::with_capacity(text.len());
    for (i, ch) in text.char_indices() {
        let closes =
            || block && out.len() > 2 && out.ends_with('*') && text[i + 1..].starts_with('/');
        if ch != '\r' || closes() {
            out.push(ch);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::strip_carriage_returns;

    #[test]
    fn carriage_returns_go_beside_letters_of_any_width() {
        assert_eq!(
            strip_carriage_returns("/* a*\u{feff}\r\n*/"),
            "/* a*\u{feff}\n*/"
        );
        assert_eq!(strip_carriage_returns("/* a*\r/ */"), "/* a*\r/ */");
        assert_eq!(strip_carriage_returns("// a\r"), "// a");
    }
}
