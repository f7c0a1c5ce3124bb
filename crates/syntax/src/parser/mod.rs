//! The parser: recursive descent, one token of look-ahead, one pass.
//!
//! It accepts what `go/parser` accepts, and reports what it reports where it reports it; recovery from errors follows the same
//! synchronization points, for they decide which errors come next. Nesting is limited to [`MAX_NESTING`] levels, counted as
//! Go counts them; within the limit the stack grows as needed ([`deep`]).

mod comments;
mod control;
mod decl;
mod expr;
mod params;
mod stmt;
mod types;

use std::sync::Arc;

use source::{Diagnostic, FileId, LineTable, Place, Pos, SourceFile, Span};

use crate::comment::CommentGroup;
use crate::lexer::{Lexer, SyntaxError, Token};
use crate::node::{Node, NodeId, deep};
use crate::symbol::Interner;
use crate::token::Tok;
use crate::tree::{Decl, Expr, File, Ident};

/// The deepest nesting that is parsed. Chains such as `a + b + c` nest one level per operator.
pub const MAX_NESTING: u32 = 100_000;

/// What to parse, and what to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// Keep comments and attach documentation.
    pub comments: bool,
    /// Stop after the import declarations.
    pub imports_only: bool,
    /// Report every error, not one per line and about ten in all.
    pub all_errors: bool,
}

impl Mode {
    /// Everything that the text says: comments included, errors as `go/parser` gives them by default.
    pub const FULL: Mode = Mode {
        comments: true,
        imports_only: false,
        all_errors: false,
    };
}

/// A tree, the errors in the order of their presumed positions, and the line table with the line directives seen.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub file: File,
    pub errors: Vec<SyntaxError>,
    pub lines: LineTable,
}

impl SyntaxError {
    pub fn diagnostic(&self, file: FileId) -> Diagnostic {
        Diagnostic::error(Place::source(file, self.span), self.message.clone())
    }
}

/// Parses a file. Never fails: see [`Parsed::errors`].
pub fn parse_file(text: &[u8], mode: Mode) -> Parsed {
    parse_named("", text, mode)
}

/// Parses `source` and gives it the line table with the line directives that the text contains.
pub fn parse_source(source: &mut SourceFile, mode: Mode) -> Parsed {
    let parsed = parse_named(&source.name, &source.text, mode);
    source.set_lines(parsed.lines.clone());
    parsed
}

fn parse_named(name: &str, text: &[u8], mode: Mode) -> Parsed {
    let mut parser = Parser::new(text, mode);
    let file = parser.parse_file();
    let (errors, lines) = parser.finish(name);
    Parsed {
        file,
        errors,
        lines,
    }
}

/// Parses one expression or type, with nothing after it.
pub fn parse_expr(text: &[u8]) -> (Expr, Vec<SyntaxError>) {
    let mut parser = Parser::new(text, Mode::default());
    let expr = parser.parse_rhs();
    if parser.tok.kind == Tok::Semicolon && parser.tok.implicit {
        parser.next();
    }
    parser.expect(Tok::Eof);
    (expr, parser.finish("").0)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    text: &'a [u8],
    mode: Mode,
    names: Interner<'a>,
    next_id: u32,

    /// The look-ahead.
    tok: Token,
    /// End of the token before it.
    prev_end: Pos,

    comments: Vec<Arc<CommentGroup>>,
    /// The comments right above the current token.
    lead_comment: Option<Arc<CommentGroup>>,
    /// The comments that end the line of the previous token.
    line_comment: Option<Arc<CommentGroup>>,
    /// Nothing but comments has been seen.
    at_top: bool,
    go_version: Option<String>,

    /// Where `advance` stopped last, and how often it has stopped there.
    sync_pos: Pos,
    sync_count: u32,

    /// Below 0 in the header of a statement, where `{` starts the body; from 0 on within an expression.
    expr_level: i32,
    /// `=` is taken for `==`, for a better error.
    in_rhs: bool,
    nesting: u32,
    /// Given up: the rest of the text is not looked at.
    stopped: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a [u8], mode: Mode) -> Parser<'a> {
        let lexer = Lexer::new(text);
        let text = lexer.text();
        let mut parser = Parser {
            text,
            lexer,
            mode,
            names: Interner::default(),
            next_id: 0,
            tok: Token {
                kind: Tok::Illegal,
                span: Span::at(0),
                line: 0,
                implicit: false,
            },
            prev_end: 0,
            comments: Vec::new(),
            lead_comment: None,
            line_comment: None,
            at_top: true,
            go_version: None,
            sync_pos: 0,
            sync_count: 0,
            expr_level: 0,
            in_rhs: false,
            nesting: 0,
            stopped: false,
        };
        parser.next();
        parser
    }

    fn finish(self, name: &str) -> (Vec<SyntaxError>, LineTable) {
        let lines = self.lexer.lines;
        let mut errors = self.lexer.errors;
        errors.sort_by_cached_key(|error| {
            let presumed = lines.presumed(name, error.span.start);
            (presumed, error.message.clone())
        });
        (errors, lines)
    }

    fn parse_file(&mut self) -> File {
        let whole = Span::new(0, self.text.len() as Pos);
        let mut file = File {
            id: self.id(),
            span: whole,
            doc: None,
            package: 0,
            name: self.missing_ident(0),
            decls: Vec::new(),
            comments: Vec::new(),
            go_version: None,
            node_count: 0,
        };
        self.parse_package_clause(&mut file);
        // After an error so early this is hardly a Go file.
        if self.lexer.errors.is_empty() {
            self.parse_decls(&mut file.decls);
        }
        file.comments = std::mem::take(&mut self.comments);
        file.go_version = self.go_version.take();
        file.node_count = self.next_id;
        file
    }

    fn parse_package_clause(&mut self, file: &mut File) {
        if !self.lexer.errors.is_empty() {
            return;
        }
        file.doc = self.lead_comment.clone();
        file.package = self.expect(Tok::Package);
        file.name = self.parse_ident();
        self.expect_semi();
    }

    fn parse_decls(&mut self, decls: &mut Vec<Decl>) {
        let mut previous = Tok::Import;
        while self.tok.kind != Tok::Eof {
            if self.mode.imports_only && self.tok.kind != Tok::Import {
                return;
            }
            if self.tok.kind == Tok::Import && previous != Tok::Import {
                let message = "imports must appear before other declarations";
                self.error_here(message);
            }
            previous = self.tok.kind;
            decls.push(self.parse_decl());
        }
    }

    // Nodes.

    fn id(&mut self) -> NodeId {
        self.next_id += 1;
        NodeId(self.next_id - 1)
    }

    /// From `start` to the end of the last token consumed; what consumed nothing is right behind that token.
    fn span_from(&self, start: Pos) -> Span {
        Span::new(start.min(self.prev_end), self.prev_end)
    }

    /// Start of the current token.
    fn pos(&self) -> Pos {
        self.tok.span.start
    }

    // Depth.

    /// Runs `f` one level deeper.
    fn nested<R>(&mut self, f: impl FnOnce(&mut Self) -> R) -> R {
        self.nest();
        let result = deep(|| f(self));
        self.nesting -= 1;
        result
    }

    fn nest(&mut self) {
        self.nesting += 1;
        if self.nesting > MAX_NESTING && !self.stopped {
            self.error_here("exceeded max nesting depth");
            self.stop();
        }
    }

    /// Makes the rest of the text invisible, so that every production under way comes to its end.
    fn stop(&mut self) {
        self.stopped = true;
        self.tok.kind = Tok::Eof;
        self.tok.span = Span::at(self.prev_end);
        self.lead_comment = None;
        self.line_comment = None;
    }

    // Errors.

    /// Reports an error at `span`, unless the last error was on the same line; gives up after too many.
    fn error(&mut self, span: Span, message: impl Into<String>) {
        if self.stopped {
            return;
        }
        if !self.mode.all_errors {
            let lines = &self.lexer.lines;
            let line = lines.presumed_line(span.start);
            let errors = &self.lexer.errors;
            let last = errors.last();
            if last.is_some_and(|last| lines.presumed_line(last.span.start) == line) {
                return;
            }
            if errors.len() > 10 {
                return self.stop();
            }
        }
        let message = message.into();
        self.lexer.errors.push(SyntaxError { span, message });
    }

    fn error_at(&mut self, pos: Pos, message: impl Into<String>) {
        self.error(Span::at(pos), message);
    }

    fn error_here(&mut self, message: impl Into<String>) {
        self.error(self.tok.span, message);
    }

    /// `what` was expected at `pos`; the message tells what was found if that is the current token.
    fn error_expected(&mut self, pos: Pos, what: &str) {
        if self.stopped {
            return;
        }
        if pos != self.pos() {
            return self.error_at(pos, format!("expected {what}"));
        }
        let found = match self.tok.kind {
            Tok::Semicolon if self.tok.implicit => "newline".to_string(),
            kind if kind.is_literal() => self.literal(),
            kind => format!("'{kind}'"),
        };
        self.error_here(format!("expected {what}, found {found}"));
    }

    // Tokens.

    /// Consumes the current token, which should be `kind`; returns its position.
    fn expect(&mut self, kind: Tok) -> Pos {
        let pos = self.pos();
        if self.tok.kind != kind {
            self.error_expected(pos, &format!("'{kind}'"));
        }
        self.next();
        pos
    }

    /// Like `expect`, with a better message for a missing comma at the end of a line.
    fn expect_closing(&mut self, kind: Tok, context: &str) -> Pos {
        if self.tok.kind == Tok::Semicolon && self.tok.implicit {
            self.error_here(format!("missing ',' before newline in {context}"));
            self.next();
        }
        self.expect(kind)
    }

    fn eat(&mut self, kind: Tok) -> bool {
        let found = self.tok.kind == kind;
        if found {
            self.next();
        }
        found
    }

    /// Consumes the semicolon that ends a statement, a declaration or a field; returns the comment of its line.
    fn expect_semi(&mut self) -> Option<Arc<CommentGroup>> {
        match self.tok.kind {
            Tok::RParen | Tok::RBrace => None,
            Tok::Semicolon if self.tok.implicit => {
                let comment = self.line_comment.take();
                self.next();
                comment
            }
            Tok::Semicolon => {
                self.next();
                self.line_comment.clone()
            }
            Tok::Comma => {
                self.error_expected(self.pos(), "';'");
                let comment = self.line_comment.take();
                self.next();
                comment
            }
            _ => {
                self.error_expected(self.pos(), "';'");
                self.advance(starts_stmt);
                None
            }
        }
    }

    /// Reports whether a list goes on; a missing comma is reported and assumed.
    fn at_comma(&mut self, context: &str, follow: Tok) -> bool {
        if self.tok.kind == Tok::Comma {
            return true;
        }
        if self.tok.kind == follow {
            return false;
        }
        let newline = self.tok.kind == Tok::Semicolon && self.tok.implicit;
        let before = if newline { " before newline" } else { "" };
        self.error_here(format!("missing ','{before} in {context}"));
        true
    }

    /// Skips to a token in `set`. After ten stops at the same place it goes on, lest productions call each other forever.
    fn advance(&mut self, set: fn(Tok) -> bool) {
        while self.tok.kind != Tok::Eof {
            if set(self.tok.kind) {
                if self.pos() == self.sync_pos && self.sync_count < 10 {
                    self.sync_count += 1;
                    return;
                }
                if self.pos() > self.sync_pos {
                    self.sync_pos = self.pos();
                    self.sync_count = 0;
                    return;
                }
            }
            self.next();
        }
    }

    /// The current token as written, without the carriage returns of raw strings.
    fn literal(&self) -> String {
        let text = &self.text[self.tok.span.range()];
        let text = String::from_utf8_lossy(text);
        match text.starts_with('`') {
            true => text.replace('\r', ""),
            false => text.into_owned(),
        }
    }

    // Identifiers.

    fn parse_ident(&mut self) -> Ident {
        if self.tok.kind == Tok::Ident {
            return self.take_ident();
        }
        let pos = self.expect(Tok::Ident);
        self.missing_ident(pos)
    }

    /// Consumes the current token as an identifier.
    fn take_ident(&mut self) -> Ident {
        let span = self.tok.span;
        let name = self.names.intern(&self.text[span.range()]);
        self.next();
        Ident {
            id: self.id(),
            span,
            name,
        }
    }

    fn missing_ident(&mut self, pos: Pos) -> Ident {
        Ident {
            id: self.id(),
            span: Span::at(pos.min(self.prev_end)),
            name: self.names.intern(b"_"),
        }
    }

    fn parse_ident_list(&mut self) -> Vec<Ident> {
        let first = self.parse_ident();
        self.parse_more_idents(first)
    }

    fn parse_more_idents(&mut self, first: Ident) -> Vec<Ident> {
        let mut list = vec![first];
        while self.eat(Tok::Comma) {
            list.push(self.parse_ident());
        }
        list
    }
}

/// Tokens at which `advance` finds the next statement.
fn starts_stmt(tok: Tok) -> bool {
    matches!(
        tok,
        Tok::Break
            | Tok::Const
            | Tok::Continue
            | Tok::Defer
            | Tok::Fallthrough
            | Tok::For
            | Tok::Go
            | Tok::Goto
            | Tok::If
            | Tok::Return
            | Tok::Select
            | Tok::Switch
            | Tok::Type
            | Tok::Var
    )
}

/// Tokens at which `advance` finds the next declaration.
fn starts_decl(tok: Tok) -> bool {
    matches!(tok, Tok::Import | Tok::Const | Tok::Type | Tok::Var)
}

/// Tokens at which `advance` finds the end of an expression.
fn ends_expr(tok: Tok) -> bool {
    matches!(
        tok,
        Tok::Comma | Tok::Colon | Tok::Semicolon | Tok::RParen | Tok::RBrack | Tok::RBrace
    )
}

/// End of the last node of `list`.
fn last_end<N: Node>(list: &[N]) -> Option<Pos> {
    list.last().map(Node::end)
}
