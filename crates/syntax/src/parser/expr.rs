//! Expressions.

use source::{Pos, Span};

use super::{Parser, starts_stmt};
use crate::node::{Node, P};
use crate::token::Tok;
use crate::tree::{
    CallExpr, ChanDir, CompositeLit, Expr, FuncLit, IndexExpr, KeyValueExpr, ParenExpr,
    SelectorExpr, SliceExpr, TypeAssertExpr,
};

/// Indices and colons between the brackets of an index or slice expression.
#[derive(Default)]
struct Subscript {
    index: [Option<Expr>; 3],
    colons: Vec<Pos>,
    /// Type arguments after the first index.
    more: Vec<Expr>,
}

impl Parser<'_> {
    pub(super) fn parse_expr(&mut self) -> Expr {
        self.parse_binary_expr(None, 1)
    }

    /// An expression on a right-hand side, where `=` can only be a mistaken `==`.
    pub(super) fn parse_rhs(&mut self) -> Expr {
        let outer = std::mem::replace(&mut self.in_rhs, true);
        let x = self.parse_expr();
        self.in_rhs = outer;
        x
    }

    pub(super) fn parse_expr_list(&mut self, in_rhs: bool) -> Vec<Expr> {
        let outer = std::mem::replace(&mut self.in_rhs, in_rhs);
        let mut list = vec![self.parse_expr()];
        while self.eat(Tok::Comma) {
            list.push(self.parse_expr());
        }
        self.in_rhs = outer;
        list
    }

    /// Operators of at least `min` precedence; `x` is the left operand if it has been consumed. Each operator of a chain
    /// nests the tree one level deeper, and counts as such.
    pub(super) fn parse_binary_expr(&mut self, x: Option<Expr>, min: u8) -> Expr {
        let mut x = match x {
            Some(x) => x,
            None => self.parse_unary_expr(),
        };
        let outer = self.nesting;
        loop {
            self.nest();
            let mut op = self.tok.kind;
            if op == Tok::Assign && self.in_rhs {
                op = Tok::Eql;
            }
            let precedence = op.precedence();
            if precedence < min {
                break;
            }
            let op_pos = self.expect(op);
            let y = self.parse_binary_expr(None, precedence + 1);
            x = self.binary(x, op, op_pos, y);
        }
        self.nesting = outer;
        x
    }

    fn parse_unary_expr(&mut self) -> Expr {
        self.nested(|p| match p.tok.kind {
            op @ (Tok::Add | Tok::Sub | Tok::Not | Tok::Xor | Tok::And | Tok::Tilde) => {
                let op_pos = p.expect(op);
                let x = p.parse_unary_expr();
                p.unary(op, op_pos, x)
            }
            Tok::Arrow => {
                let arrow = p.expect(Tok::Arrow);
                match p.parse_unary_expr() {
                    Expr::ChanType(_) if p.stopped => p.bad_span(p.span_from(arrow)),
                    mut x @ Expr::ChanType(_) => {
                        p.give_arrow(&mut x, arrow);
                        x
                    }
                    x => p.unary(Tok::Arrow, arrow, x),
                }
            }
            Tok::Mul => {
                let star = p.expect(Tok::Mul);
                let x = p.parse_unary_expr();
                p.star(star, x)
            }
            _ => p.parse_primary_expr(None),
        })
    }

    /// `<-` before a channel type belongs to the type, and takes the place of the type's own arrow, which moves on to the
    /// element type: `<- (chan<- chan T)` is `<-chan (<-chan T)`.
    fn give_arrow(&mut self, x: &mut Expr, arrow: Pos) {
        let mut arrow = Some(arrow);
        let mut x = x;
        while let Expr::ChanType(ty) = x {
            if ty.dir == ChanDir::Recv {
                self.error_expected(ty.arrow.unwrap_or(ty.span.start), "'chan'");
            }
            ty.span.start = arrow.unwrap_or(ty.span.start);
            arrow = std::mem::replace(&mut ty.arrow, arrow);
            let dir = std::mem::replace(&mut ty.dir, ChanDir::Recv);
            if dir != ChanDir::Send {
                return;
            }
            x = &mut ty.value;
        }
        self.error_expected(arrow.unwrap_or(x.start()), "channel type");
    }

    /// An operand: may be a type, even `[...]T`; callers check.
    fn parse_operand(&mut self) -> Expr {
        match self.tok.kind {
            Tok::Ident => Expr::Ident(self.take_ident()),
            Tok::Int | Tok::Float | Tok::Imag | Tok::Char | Tok::String => {
                Expr::BasicLit(P::new(self.parse_basic_lit()))
            }
            Tok::LParen => {
                let lparen = self.expect(Tok::LParen);
                self.expr_level += 1;
                let x = self.parse_rhs();
                self.expr_level -= 1;
                let rparen = self.expect(Tok::RParen);
                Expr::Paren(P::new(ParenExpr {
                    id: self.id(),
                    span: self.span_from(lparen),
                    x,
                    lparen,
                    rparen,
                }))
            }
            Tok::Func => self.parse_func_type_or_lit(),
            _ => match self.try_type() {
                Some(ty) => ty,
                None => self.bad_expr("operand", starts_stmt),
            },
        }
    }

    fn parse_func_type_or_lit(&mut self) -> Expr {
        let ty = self.parse_func_type();
        if self.tok.kind != Tok::LBrace {
            return Expr::FuncType(P::new(ty));
        }
        self.expr_level += 1;
        let body = self.parse_block();
        self.expr_level -= 1;
        Expr::FuncLit(P::new(FuncLit {
            id: self.id(),
            span: Span::new(ty.start(), body.end()),
            ty,
            body,
        }))
    }

    /// An operand and all selectors, indices, calls and literal values after it. Each nests the tree one level deeper.
    pub(super) fn parse_primary_expr(&mut self, x: Option<Expr>) -> Expr {
        let mut x = match x {
            Some(x) => x,
            None => self.parse_operand(),
        };
        let outer = self.nesting;
        loop {
            self.nest();
            x = match self.tok.kind {
                Tok::Period => self.parse_selector_or_assertion(x),
                Tok::LBrack => self.parse_index_or_slice(x),
                Tok::LParen => self.parse_call(x),
                Tok::LBrace if self.is_literal_type(&x) => {
                    let ty = x.unparen();
                    if !std::ptr::eq(ty, &x) {
                        let message = "cannot parenthesize type in composite literal";
                        self.error(ty.span(), message);
                    }
                    self.parse_literal_value(Some(x))
                }
                _ => break,
            };
        }
        self.nesting = outer;
        x
    }

    /// Reports whether `{` after `x` starts a literal value rather than a block.
    fn is_literal_type(&self, x: &Expr) -> bool {
        match x.unparen() {
            Expr::Bad(_) | Expr::Ident(_) | Expr::Selector(_) | Expr::Index(_) => {
                self.expr_level >= 0
            }
            Expr::ArrayType(_) | Expr::StructType(_) | Expr::MapType(_) => true,
            _ => false,
        }
    }

    fn parse_selector_or_assertion(&mut self, x: Expr) -> Expr {
        let dot = self.expect(Tok::Period);
        let sel = match self.tok.kind {
            Tok::Ident => self.take_ident(),
            Tok::LParen => return self.parse_type_assertion(x, dot),
            kind => {
                let pos = self.pos();
                self.error_expected(pos, "selector or type assertion");
                let missing = self.prev_end;
                if kind != Tok::RBrace {
                    self.next();
                }
                self.missing_ident(missing)
            }
        };
        Expr::Selector(P::new(SelectorExpr {
            id: self.id(),
            span: self.span_from(x.start()),
            x,
            dot,
            sel,
        }))
    }

    fn parse_type_assertion(&mut self, x: Expr, dot: Pos) -> Expr {
        let lparen = self.expect(Tok::LParen);
        let ty = match self.eat(Tok::Type) {
            true => None,
            false => Some(self.parse_type()),
        };
        let rparen = self.expect(Tok::RParen);
        Expr::TypeAssert(P::new(TypeAssertExpr {
            id: self.id(),
            span: self.span_from(x.start()),
            x,
            dot,
            lparen,
            ty,
            rparen,
        }))
    }

    fn parse_index_or_slice(&mut self, x: Expr) -> Expr {
        let lbrack = self.expect(Tok::LBrack);
        if self.tok.kind == Tok::RBrack {
            return self.missing_index(x, lbrack);
        }
        self.expr_level += 1;
        let mut subscript = self.parse_subscript();
        self.expr_level -= 1;
        let rbrack = self.expect(Tok::RBrack);
        if !subscript.colons.is_empty() {
            return self.slice_expr(x, lbrack, subscript, rbrack);
        }
        let mut indices = Vec::with_capacity(1 + subscript.more.len());
        indices.extend(subscript.index[0].take());
        indices.append(&mut subscript.more);
        self.index_expr(x, lbrack, indices, rbrack)
    }

    fn missing_index(&mut self, x: Expr, lbrack: Pos) -> Expr {
        let rbrack = self.pos();
        self.error_expected(rbrack, "operand");
        self.next();
        let index = self.bad_span(Span::at(rbrack));
        Expr::Index(P::new(IndexExpr {
            id: self.id(),
            span: self.span_from(x.start()),
            x,
            lbrack,
            indices: vec![index],
            rbrack,
        }))
    }

    fn parse_subscript(&mut self) -> Subscript {
        let mut subscript = Subscript::default();
        if self.tok.kind != Tok::Colon {
            subscript.index[0] = Some(self.parse_rhs());
        }
        if self.tok.kind == Tok::Comma {
            while self.eat(Tok::Comma) {
                if !matches!(self.tok.kind, Tok::RBrack | Tok::Eof) {
                    subscript.more.push(self.parse_type());
                }
            }
            return subscript;
        }
        while self.tok.kind == Tok::Colon && subscript.colons.len() < 2 {
            subscript.colons.push(self.expect(Tok::Colon));
            if !matches!(self.tok.kind, Tok::Colon | Tok::RBrack | Tok::Eof) {
                let index = self.parse_rhs();
                subscript.index[subscript.colons.len()] = Some(index);
            }
        }
        subscript
    }

    fn slice_expr(&mut self, x: Expr, lbrack: Pos, subscript: Subscript, rbrack: Pos) -> Expr {
        let span = self.span_from(x.start());
        let [low, mut high, mut max] = subscript.index;
        let slice3 = subscript.colons.len() == 2;
        if let [first, second] = subscript.colons[..] {
            if high.is_none() {
                self.error_at(first, "middle index required in 3-index slice");
                high = Some(self.bad_span(Span::new(first + 1, second)));
            }
            if max.is_none() {
                self.error_at(second, "final index required in 3-index slice");
                max = Some(self.bad_span(Span::at(self.prev_end.min(second + 1))));
            }
        }
        Expr::Slice(P::new(SliceExpr {
            id: self.id(),
            span,
            x,
            lbrack,
            low,
            high,
            max,
            slice3,
            rbrack,
        }))
    }

    fn parse_call(&mut self, fun: Expr) -> Expr {
        let lparen = self.expect(Tok::LParen);
        self.expr_level += 1;
        let mut args = Vec::new();
        let mut ellipsis = None;
        while !matches!(self.tok.kind, Tok::RParen | Tok::Eof) && ellipsis.is_none() {
            args.push(self.parse_rhs());
            if self.tok.kind == Tok::Ellipsis {
                ellipsis = Some(self.expect(Tok::Ellipsis));
            }
            if !self.at_comma("argument list", Tok::RParen) {
                break;
            }
            self.next();
        }
        self.expr_level -= 1;
        let rparen = self.expect_closing(Tok::RParen, "argument list");
        Expr::Call(P::new(CallExpr {
            id: self.id(),
            span: self.span_from(fun.start()),
            fun,
            lparen,
            args,
            ellipsis,
            rparen,
        }))
    }

    /// The braces of a composite literal and what is between them.
    fn parse_literal_value(&mut self, ty: Option<Expr>) -> Expr {
        self.nested(|p| {
            let lbrace = p.expect(Tok::LBrace);
            p.expr_level += 1;
            let mut elts = Vec::new();
            while !matches!(p.tok.kind, Tok::RBrace | Tok::Eof) {
                elts.push(p.parse_element());
                if !p.at_comma("composite literal", Tok::RBrace) {
                    break;
                }
                p.next();
            }
            p.expr_level -= 1;
            let rbrace = p.expect_closing(Tok::RBrace, "composite literal");
            let start = ty.as_ref().map_or(lbrace, Node::start);
            Expr::CompositeLit(P::new(CompositeLit {
                id: p.id(),
                span: p.span_from(start),
                ty,
                lbrace,
                elts,
                rbrace,
            }))
        })
    }

    fn parse_element(&mut self) -> Expr {
        let key = self.parse_element_value();
        if self.tok.kind != Tok::Colon {
            return key;
        }
        let colon = self.expect(Tok::Colon);
        let value = self.parse_element_value();
        Expr::KeyValue(P::new(KeyValueExpr {
            id: self.id(),
            span: Span::new(key.start(), value.end()),
            key,
            colon,
            value,
        }))
    }

    fn parse_element_value(&mut self) -> Expr {
        match self.tok.kind {
            Tok::LBrace => self.parse_literal_value(None),
            _ => self.parse_expr(),
        }
    }
}
