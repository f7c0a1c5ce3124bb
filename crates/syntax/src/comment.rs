//! Comments, and the texts that tools take from them.

use source::Span;

/// One `//` or `/* */` comment.
#[derive(Clone, Debug)]
pub struct Comment {
    /// With its markers, without the newline that ends a `//` comment.
    pub span: Span,
    /// The text with its markers, without carriage returns (as in Go).
    pub text: Box<str>,
}

impl Comment {
    /// The text between the markers.
    pub fn body(&self) -> &str {
        let body = &self.text[2..];
        if self.is_line() {
            return body;
        }
        body.strip_suffix("*/").unwrap_or(body)
    }

    /// Reports whether this is a `//` comment.
    pub fn is_line(&self) -> bool {
        self.text.starts_with("//")
    }

    /// Reports whether this is a directive to a tool, such as `//go:build` or `//export`.
    pub fn is_directive(&self) -> bool {
        self.is_line() && is_directive(self.body())
    }
}

/// Comments with no other token and no empty line between them; never empty.
#[derive(Clone, Debug)]
pub struct CommentGroup {
    pub span: Span,
    pub list: Vec<Comment>,
}

impl CommentGroup {
    /// What a reader of documentation sees, as `go/ast`'s `Text` has it: no markers, no space after `//`, no directives, no
    /// trailing white space, runs of empty lines as one, none at either end, a newline at the end unless there is no text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut gap = false;
        for comment in self.list.iter().filter(|comment| !comment.is_directive()) {
            let body = comment.body();
            let body = match comment.is_line() {
                true => body.strip_prefix(' ').unwrap_or(body),
                false => body,
            };
            for line in body.split('\n') {
                let line = line.trim_end_matches([' ', '\t', '\n', '\r']);
                if line.is_empty() {
                    gap = true;
                    continue;
                }
                if gap && !out.is_empty() {
                    out.push('\n');
                }
                gap = false;
                out.push_str(line);
                out.push('\n');
            }
        }
        out
    }

    /// The comments' bodies with nothing else dropped: a newline after each `//` comment, none added after `/* */`. Line
    /// numbers within a group of one style line up with the source; this is how a cgo preamble is read.
    pub fn raw_text(&self) -> String {
        let mut out = String::new();
        for comment in &self.list {
            out.push_str(comment.body());
            if comment.is_line() {
                out.push('\n');
            }
        }
        out
    }
}

fn is_directive(body: &str) -> bool {
    if ["line ", "extern ", "export "]
        .iter()
        .any(|word| body.starts_with(word))
    {
        return true;
    }
    let Some((tool, rest)) = body.split_once(':') else {
        return false;
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !tool.is_empty() && tool.bytes().all(plain) && rest.bytes().next().is_some_and(plain)
}
