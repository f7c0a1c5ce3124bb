//! Statements.

use source::{Pos, Span};

use super::{Parser, last_end, starts_stmt};
use crate::node::{Node, P};
use crate::token::Tok;
use crate::tree::{
    AssignStmt, BadStmt, BlockStmt, BranchStmt, DeferStmt, EmptyStmt, Expr, ExprStmt, GoStmt,
    IncDecStmt, LabeledStmt, ReturnStmt, SendStmt, Stmt,
};

/// What a simple statement may be besides.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Simple {
    Basic,
    LabelOk,
    RangeOk,
}

/// A simple statement, or the head of a range clause: the statement assigns `range x`, to which nothing may be assigned.
pub(super) enum Header {
    Stmt(Stmt),
    Range(RangeHead),
}

pub(super) struct RangeHead {
    pub lhs: Vec<Expr>,
    pub tok: Option<(Tok, Pos)>,
    pub range: Pos,
    pub x: Expr,
}

impl Parser<'_> {
    pub(super) fn parse_block(&mut self) -> BlockStmt {
        let lbrace = self.expect(Tok::LBrace);
        let list = self.parse_stmt_list();
        let pos = self.pos();
        let rbrace = (self.tok.kind == Tok::RBrace).then_some(pos);
        self.expect(Tok::RBrace);
        let end = match rbrace {
            Some(rbrace) => rbrace + 1,
            None => last_end(&list).unwrap_or(self.prev_end.min(lbrace + 1)),
        };
        BlockStmt {
            id: self.id(),
            span: Span::new(lbrace, end),
            lbrace,
            list,
            rbrace,
        }
    }

    pub(super) fn parse_stmt_list(&mut self) -> Vec<Stmt> {
        let mut list = Vec::new();
        while !matches!(
            self.tok.kind,
            Tok::Case | Tok::Default | Tok::RBrace | Tok::Eof
        ) {
            list.push(self.parse_stmt());
        }
        list
    }

    fn parse_stmt(&mut self) -> Stmt {
        self.nested(Self::parse_stmt_here)
    }

    fn parse_stmt_here(&mut self) -> Stmt {
        match self.tok.kind {
            Tok::Const | Tok::Type | Tok::Var => Stmt::Decl(P::new(self.parse_gen_decl())),
            Tok::Go | Tok::Defer => self.parse_go_or_defer(),
            Tok::Return => self.parse_return(),
            tok @ (Tok::Break | Tok::Continue | Tok::Goto | Tok::Fallthrough) => {
                self.parse_branch(tok)
            }
            Tok::LBrace => {
                let block = self.parse_block();
                self.expect_semi();
                Stmt::Block(P::new(block))
            }
            Tok::If => Stmt::If(P::new(self.parse_if())),
            Tok::Switch => self.parse_switch(),
            Tok::Select => self.parse_select(),
            Tok::For => self.parse_for(),
            Tok::Semicolon => {
                let token = self.tok;
                self.next();
                let end = token
                    .span
                    .end
                    .min(token.span.start + u32::from(!token.implicit));
                self.empty_stmt(Span::new(token.span.start, end), token.implicit)
            }
            Tok::RBrace => self.empty_stmt(Span::at(self.pos()), true),
            tok if starts_simple_stmt(tok) => {
                let stmt = match self.parse_simple_stmt(Simple::LabelOk) {
                    Header::Stmt(stmt) => stmt,
                    Header::Range(head) => Stmt::Expr(P::new(self.range_as_expr(head))),
                };
                // What a label stands before has had its semicolon.
                if !matches!(stmt, Stmt::Labeled(_)) {
                    self.expect_semi();
                }
                stmt
            }
            _ => {
                let pos = self.pos();
                self.error_expected(pos, "statement");
                self.advance(starts_stmt);
                self.bad_stmt(self.span_from(pos))
            }
        }
    }

    fn empty_stmt(&mut self, span: Span, implicit: bool) -> Stmt {
        let id = self.id();
        Stmt::Empty(P::new(EmptyStmt { id, span, implicit }))
    }

    pub(super) fn bad_stmt(&mut self, span: Span) -> Stmt {
        let id = self.id();
        Stmt::Bad(P::new(BadStmt { id, span }))
    }

    /// Range clauses are asked for only where they may stand; this keeps their parts together elsewhere.
    fn range_as_expr(&mut self, head: RangeHead) -> ExprStmt {
        let span = Span::new(head.range, head.x.end());
        ExprStmt {
            id: self.id(),
            span,
            x: head.x,
        }
    }

    /// A simple statement where no range clause is possible.
    pub(super) fn parse_plain_stmt(&mut self) -> Stmt {
        match self.parse_simple_stmt(Simple::Basic) {
            Header::Stmt(stmt) => stmt,
            Header::Range(head) => Stmt::Expr(P::new(self.range_as_expr(head))),
        }
    }

    pub(super) fn parse_simple_stmt(&mut self, simple: Simple) -> Header {
        let mut lhs = self.parse_expr_list(false);
        if self.tok.kind.is_assign() {
            return self.parse_assignment(lhs, simple);
        }
        if lhs.len() > 1 {
            self.error_expected(lhs[0].start(), "1 expression");
        }
        let x = lhs.swap_remove(0);
        let start = x.start();
        Header::Stmt(match self.tok.kind {
            Tok::Colon => return self.parse_labeled(x, simple),
            Tok::Arrow => {
                let arrow = self.expect(Tok::Arrow);
                let value = self.parse_rhs();
                self.send_stmt(x, arrow, value)
            }
            tok @ (Tok::Inc | Tok::Dec) => {
                let tok_pos = self.expect(tok);
                Stmt::IncDec(P::new(IncDecStmt {
                    id: self.id(),
                    span: self.span_from(start),
                    x,
                    tok,
                    tok_pos,
                }))
            }
            _ => self.expr_stmt(x),
        })
    }

    pub(super) fn expr_stmt(&mut self, x: Expr) -> Stmt {
        Stmt::Expr(P::new(ExprStmt {
            id: self.id(),
            span: x.span(),
            x,
        }))
    }

    pub(super) fn send_stmt(&mut self, chan: Expr, arrow: Pos, value: Expr) -> Stmt {
        Stmt::Send(P::new(SendStmt {
            id: self.id(),
            span: Span::new(chan.start(), value.end()),
            chan,
            arrow,
            value,
        }))
    }

    fn parse_assignment(&mut self, lhs: Vec<Expr>, simple: Simple) -> Header {
        let tok = self.tok.kind;
        let tok_pos = self.expect(tok);
        let may_range = simple == Simple::RangeOk && matches!(tok, Tok::Define | Tok::Assign);
        if may_range && self.tok.kind == Tok::Range {
            return self.parse_range_head(lhs, Some((tok, tok_pos)));
        }
        let rhs = self.parse_expr_list(true);
        Header::Stmt(self.assign_stmt(lhs, tok, tok_pos, rhs))
    }

    pub(super) fn assign_stmt(
        &mut self,
        lhs: Vec<Expr>,
        tok: Tok,
        tok_pos: Pos,
        rhs: Vec<Expr>,
    ) -> Stmt {
        let start = lhs.first().map_or(tok_pos, Node::start);
        let end = last_end(&rhs).unwrap_or(tok_pos);
        Stmt::Assign(P::new(AssignStmt {
            id: self.id(),
            span: Span::new(start, end),
            lhs,
            tok,
            tok_pos,
            rhs,
        }))
    }

    pub(super) fn parse_range_head(&mut self, lhs: Vec<Expr>, tok: Option<(Tok, Pos)>) -> Header {
        let range = self.expect(Tok::Range);
        let x = self.parse_rhs();
        Header::Range(RangeHead { lhs, tok, range, x })
    }

    fn parse_labeled(&mut self, x: Expr, simple: Simple) -> Header {
        let colon = self.expect(Tok::Colon);
        match x {
            Expr::Ident(label) if simple == Simple::LabelOk => {
                let stmt = self.parse_stmt();
                Header::Stmt(Stmt::Labeled(P::new(LabeledStmt {
                    id: self.id(),
                    span: Span::new(label.start(), stmt.end()),
                    label,
                    colon,
                    stmt,
                })))
            }
            x => {
                self.error_at(colon, "illegal label declaration");
                let span = self.span_from(x.start());
                Header::Stmt(self.bad_stmt(span))
            }
        }
    }

    fn parse_go_or_defer(&mut self) -> Stmt {
        let keyword = self.tok;
        self.next();
        let call = self.parse_call_operand(keyword.kind);
        self.expect_semi();
        let Some(call) = call else {
            return self.bad_stmt(keyword.span);
        };
        let span = Span::new(keyword.span.start, call.end());
        let id = self.id();
        match keyword.kind {
            Tok::Go => Stmt::Go(P::new(GoStmt { id, span, call })),
            _ => Stmt::Defer(P::new(DeferStmt { id, span, call })),
        }
    }

    /// The call of a go or defer statement, without the parentheses that should not be there.
    fn parse_call_operand(&mut self, keyword: Tok) -> Option<Expr> {
        let mut x = self.parse_rhs();
        if matches!(x, Expr::Paren(_)) {
            let message = format!("expression in {keyword} must not be parenthesized");
            self.error_at(x.start(), message);
            while let Expr::Paren(paren) = x {
                x = paren.into_inner().x;
            }
        }
        if matches!(x, Expr::Call(_)) {
            return Some(x);
        }
        if !matches!(x, Expr::Bad(_)) {
            let message = format!("expression in {keyword} must be function call");
            self.error_at(x.end(), message);
        }
        None
    }

    fn parse_return(&mut self) -> Stmt {
        let start = self.expect(Tok::Return);
        let results = match self.tok.kind {
            Tok::Semicolon | Tok::RBrace => Vec::new(),
            _ => self.parse_expr_list(true),
        };
        let end = last_end(&results).unwrap_or(start + "return".len() as Pos);
        self.expect_semi();
        Stmt::Return(P::new(ReturnStmt {
            id: self.id(),
            span: Span::new(start, end),
            results,
        }))
    }

    fn parse_branch(&mut self, tok: Tok) -> Stmt {
        let start = self.expect(tok);
        let has_label = match tok {
            Tok::Goto => true,
            Tok::Fallthrough => false,
            _ => self.tok.kind == Tok::Ident,
        };
        let label = has_label.then(|| self.parse_ident());
        let span = self.span_from(start);
        self.expect_semi();
        Stmt::Branch(P::new(BranchStmt {
            id: self.id(),
            span,
            tok,
            label,
        }))
    }

    /// The expression that `stmt` is, as a condition or tag: `want` names which.
    pub(super) fn stmt_as_expr(&mut self, stmt: Stmt, want: &str) -> Expr {
        let found = match stmt {
            Stmt::Expr(stmt) => return stmt.into_inner().x,
            Stmt::Assign(_) => "assignment",
            _ => "simple statement",
        };
        let message = format!(
            "expected {want}, found {found} (missing parentheses around composite literal?)"
        );
        self.error_at(stmt.start(), message);
        self.bad_span(stmt.span())
    }
}

/// Tokens that start a simple statement: operands, composite types and unary operators.
fn starts_simple_stmt(tok: Tok) -> bool {
    matches!(
        tok,
        Tok::Ident
            | Tok::Int
            | Tok::Float
            | Tok::Imag
            | Tok::Char
            | Tok::String
            | Tok::Func
            | Tok::LParen
            | Tok::LBrack
            | Tok::Struct
            | Tok::Map
            | Tok::Chan
            | Tok::Interface
            | Tok::Add
            | Tok::Sub
            | Tok::Mul
            | Tok::And
            | Tok::Xor
            | Tok::Arrow
            | Tok::Not
    )
}
