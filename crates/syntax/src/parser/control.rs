//! Statements with a header and a body: if, switch, select, for.

use source::{Pos, Span};

use super::stmt::{Header, RangeHead, Simple};
use super::{Parser, last_end};
use crate::node::{Node, P};
use crate::token::Tok;
use crate::tree::{
    BlockStmt, CaseBlock, CaseClause, CommClause, Expr, ForStmt, IfStmt, RangeStmt, SelectStmt,
    Stmt, SwitchStmt, TypeSwitchStmt,
};

impl Parser<'_> {
    // If.

    pub(super) fn parse_if(&mut self) -> IfStmt {
        self.nested(|p| {
            let start = p.expect(Tok::If);
            let (init, cond) = p.parse_if_header();
            let body = p.parse_block();
            let mut end = body.end();
            let mut else_ = None;
            if p.eat(Tok::Else) {
                let stmt = p.parse_else();
                end = stmt.end().max(end);
                else_ = Some(stmt);
            } else {
                p.expect_semi();
            }
            IfStmt {
                id: p.id(),
                span: Span::new(start, end),
                init,
                cond,
                body,
                else_,
            }
        })
    }

    fn parse_else(&mut self) -> Stmt {
        match self.tok.kind {
            Tok::If => Stmt::If(P::new(self.parse_if())),
            Tok::LBrace => {
                let block = self.parse_block();
                self.expect_semi();
                Stmt::Block(P::new(block))
            }
            _ => {
                self.error_expected(self.pos(), "if statement or block");
                self.bad_stmt(Span::at(self.prev_end))
            }
        }
    }

    fn parse_if_header(&mut self) -> (Option<Stmt>, Expr) {
        if self.tok.kind == Tok::LBrace {
            self.error_here("missing condition in if statement");
            return (None, self.bad_span(Span::at(self.pos())));
        }
        let outer = std::mem::replace(&mut self.expr_level, -1);
        let mut init = None;
        if self.tok.kind != Tok::Semicolon {
            if self.eat(Tok::Var) {
                self.error_here("var declaration not allowed in if initializer");
            }
            init = Some(self.parse_plain_stmt());
        }
        let header = match self.tok.kind {
            Tok::LBrace => self.condition(None, init),
            _ => self.parse_condition(init),
        };
        self.expr_level = outer;
        header
    }

    /// The rest of the header after `init`.
    fn parse_condition(&mut self, init: Option<Stmt>) -> (Option<Stmt>, Expr) {
        let semicolon = self.tok;
        self.expect(Tok::Semicolon);
        if self.tok.kind != Tok::LBrace {
            let cond = self.parse_plain_stmt();
            return self.condition(init, Some(cond));
        }
        if semicolon.kind == Tok::Semicolon {
            let message = match semicolon.implicit {
                true => "unexpected newline, expecting { after if clause",
                false => "missing condition in if statement",
            };
            self.error(semicolon.span, message);
        }
        self.condition(init, None)
    }

    pub(super) fn condition(
        &mut self,
        init: Option<Stmt>,
        cond: Option<Stmt>,
    ) -> (Option<Stmt>, Expr) {
        let cond = match cond {
            Some(cond) => self.stmt_as_expr(cond, "boolean expression"),
            None => self.bad_span(Span::at(self.prev_end)),
        };
        (init, cond)
    }

    // Switch and select.

    pub(super) fn parse_switch(&mut self) -> Stmt {
        let start = self.expect(Tok::Switch);
        let (init, tag) = self.parse_switch_header();
        let is_type_switch = tag
            .as_ref()
            .is_some_and(|tag| self.is_type_switch_guard(tag));
        let body = self.parse_cases(Self::parse_case);
        let span = self.span_from(start);
        self.expect_semi();
        match tag {
            Some(assign) if is_type_switch => Stmt::TypeSwitch(P::new(TypeSwitchStmt {
                id: self.id(),
                span,
                init,
                assign,
                body,
            })),
            tag => {
                let tag = tag.map(|tag| self.stmt_as_expr(tag, "switch expression"));
                Stmt::Switch(P::new(SwitchStmt {
                    id: self.id(),
                    span,
                    init,
                    tag,
                    body,
                }))
            }
        }
    }

    fn parse_switch_header(&mut self) -> (Option<Stmt>, Option<Stmt>) {
        if self.tok.kind == Tok::LBrace {
            return (None, None);
        }
        let outer = std::mem::replace(&mut self.expr_level, -1);
        let mut init = None;
        let mut tag = None;
        if self.tok.kind != Tok::Semicolon {
            tag = Some(self.parse_plain_stmt());
        }
        if self.eat(Tok::Semicolon) {
            init = tag.take();
            if self.tok.kind != Tok::LBrace {
                tag = Some(self.parse_plain_stmt());
            }
        }
        self.expr_level = outer;
        (init, tag)
    }

    /// Reports whether `stmt` is `x.(type)` or `v := x.(type)`.
    fn is_type_switch_guard(&mut self, stmt: &Stmt) -> bool {
        let is_guard = |x: &Expr| matches!(x, Expr::TypeAssert(assert) if assert.ty.is_none());
        match stmt {
            Stmt::Expr(stmt) => is_guard(&stmt.x),
            Stmt::Assign(assign) => {
                let one = assign.lhs.len() == 1 && assign.rhs.len() == 1;
                if !one || !is_guard(&assign.rhs[0]) {
                    return false;
                }
                if assign.tok == Tok::Assign {
                    self.error_at(assign.tok_pos, "expected ':=', found '='");
                }
                matches!(assign.tok, Tok::Assign | Tok::Define)
            }
            _ => false,
        }
    }

    fn parse_cases<C>(&mut self, parse: fn(&mut Self) -> C) -> CaseBlock<C> {
        let lbrace = self.expect(Tok::LBrace);
        let mut clauses = Vec::new();
        while matches!(self.tok.kind, Tok::Case | Tok::Default) {
            clauses.push(parse(self));
        }
        let rbrace = self.expect(Tok::RBrace);
        CaseBlock {
            lbrace,
            clauses,
            rbrace,
        }
    }

    fn parse_case(&mut self) -> CaseClause {
        let start = self.pos();
        let is_default = self.tok.kind == Tok::Default;
        self.next();
        let list = match is_default {
            true => Vec::new(),
            false => self.parse_expr_list(true),
        };
        let (colon, body, end) = self.parse_clause_body();
        CaseClause {
            id: self.id(),
            span: Span::new(start, end),
            is_default,
            list,
            colon,
            body,
        }
    }

    /// The colon and the statements of a clause, and where they end.
    fn parse_clause_body(&mut self) -> (Pos, Vec<Stmt>, Pos) {
        let colon = self.expect(Tok::Colon);
        let colon_end = self.prev_end;
        let body = self.parse_stmt_list();
        let end = last_end(&body).unwrap_or(colon_end);
        (colon, body, end)
    }

    pub(super) fn parse_select(&mut self) -> Stmt {
        let start = self.expect(Tok::Select);
        let body = self.parse_cases(Self::parse_comm);
        let span = self.span_from(start);
        self.expect_semi();
        Stmt::Select(P::new(SelectStmt {
            id: self.id(),
            span,
            body,
        }))
    }

    fn parse_comm(&mut self) -> CommClause {
        let start = self.pos();
        let is_case = self.tok.kind == Tok::Case;
        self.next();
        let comm = is_case.then(|| self.parse_comm_stmt());
        let (colon, body, end) = self.parse_clause_body();
        CommClause {
            id: self.id(),
            span: Span::new(start, end),
            comm,
            colon,
            body,
        }
    }

    fn parse_comm_stmt(&mut self) -> Stmt {
        let mut lhs = self.parse_expr_list(false);
        let tok = self.tok.kind;
        if matches!(tok, Tok::Assign | Tok::Define) {
            if lhs.len() > 2 {
                self.error_expected(lhs[0].start(), "1 or 2 expressions");
                lhs.truncate(2);
            }
            let tok_pos = self.expect(tok);
            let rhs = vec![self.parse_rhs()];
            return self.assign_stmt(lhs, tok, tok_pos, rhs);
        }
        if lhs.len() > 1 {
            self.error_expected(lhs[0].start(), "1 expression");
        }
        let x = lhs.swap_remove(0);
        if tok != Tok::Arrow {
            return self.expr_stmt(x);
        }
        let arrow = self.expect(Tok::Arrow);
        let value = self.parse_rhs();
        self.send_stmt(x, arrow, value)
    }

    // For.

    pub(super) fn parse_for(&mut self) -> Stmt {
        let start = self.expect(Tok::For);
        let outer = std::mem::replace(&mut self.expr_level, -1);
        let (mut init, mut cond, mut post) = (None, None, None);
        let mut range = None;
        match self.tok.kind {
            Tok::LBrace | Tok::Semicolon => {}
            Tok::Range => range = Some(self.parse_range_head(Vec::new(), None)),
            _ => match self.parse_simple_stmt(Simple::RangeOk) {
                Header::Stmt(stmt) => cond = Some(stmt),
                head => range = Some(head),
            },
        }
        if range.is_none() && self.eat(Tok::Semicolon) {
            init = cond.take();
            if self.tok.kind != Tok::Semicolon {
                cond = Some(self.parse_plain_stmt());
            }
            self.expect_semi();
            if self.tok.kind != Tok::LBrace {
                post = Some(self.parse_plain_stmt());
            }
        }
        self.expr_level = outer;
        let body = self.parse_block();
        self.expect_semi();
        let span = Span::new(start, body.end());
        if let Some(Header::Range(head)) = range {
            return self.range_stmt(span, head, body);
        }
        let cond = cond.map(|cond| self.stmt_as_expr(cond, "boolean or range expression"));
        Stmt::For(P::new(ForStmt {
            id: self.id(),
            span,
            init,
            cond,
            post,
            body,
        }))
    }

    fn range_stmt(&mut self, span: Span, head: RangeHead, body: BlockStmt) -> Stmt {
        if head.lhs.len() > 2 {
            let last = head.lhs[head.lhs.len() - 1].start();
            self.error_expected(last, "at most 2 expressions");
            return self.bad_stmt(span);
        }
        let mut lhs = head.lhs.into_iter();
        Stmt::Range(P::new(RangeStmt {
            id: self.id(),
            span,
            key: lhs.next(),
            value: lhs.next(),
            tok: head.tok,
            range: head.range,
            x: head.x,
            body,
        }))
    }
}
