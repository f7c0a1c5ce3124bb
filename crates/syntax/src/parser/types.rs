//! Types, fields and parameters.

use source::{Pos, Span};

use super::{Parser, ends_expr};
use crate::node::{Node, P};
use crate::token::Tok;
use crate::tree::{
    ArrayType, BadExpr, BasicLit, BinaryExpr, ChanDir, ChanType, Ellipsis, Expr, Field, FieldList,
    Ident, IndexExpr, InterfaceType, MapType, ParenExpr, SelectorExpr, StarExpr, StructType,
    UnaryExpr,
};

impl Parser<'_> {
    pub(super) fn parse_type(&mut self) -> Expr {
        match self.try_type() {
            Some(ty) => ty,
            None => self.bad_expr("type", ends_expr),
        }
    }

    /// Reports that `what` is missing and skips to `set`.
    pub(super) fn bad_expr(&mut self, what: &str, set: fn(Tok) -> bool) -> Expr {
        let pos = self.pos();
        self.error_expected(pos, what);
        self.advance(set);
        self.bad_span(self.span_from(pos))
    }

    /// A bad expression, cut to the text consumed so that it lies within whatever it is part of.
    pub(super) fn bad_span(&mut self, span: Span) -> Expr {
        let id = self.id();
        let start = span.start.min(self.prev_end);
        let span = Span::new(start, span.end.min(self.prev_end));
        Expr::Bad(P::new(BadExpr { id, span }))
    }

    /// A type, if one starts here. A lone identifier is one.
    pub(super) fn try_type(&mut self) -> Option<Expr> {
        self.nested(|p| {
            Some(match p.tok.kind {
                Tok::Ident => p.parse_qualified_ident(None),
                Tok::LBrack => {
                    let lbrack = p.expect(Tok::LBrack);
                    p.parse_array_type(lbrack, None)
                }
                Tok::Struct => p.parse_struct_type(),
                Tok::Mul => p.parse_pointer_type(),
                Tok::Func => Expr::FuncType(P::new(p.parse_func_type())),
                Tok::Interface => p.parse_interface_type(),
                Tok::Map => p.parse_map_type(),
                Tok::Chan | Tok::Arrow => p.parse_chan_type(),
                Tok::LParen => p.parse_paren_type(),
                _ => return None,
            })
        })
    }

    fn parse_paren_type(&mut self) -> Expr {
        let lparen = self.expect(Tok::LParen);
        let x = self.parse_type();
        let rparen = self.expect(Tok::RParen);
        Expr::Paren(P::new(ParenExpr {
            id: self.id(),
            span: self.span_from(lparen),
            x,
            lparen,
            rparen,
        }))
    }

    fn parse_pointer_type(&mut self) -> Expr {
        let star = self.expect(Tok::Mul);
        let x = self.parse_type();
        self.star(star, x)
    }

    pub(super) fn star(&mut self, star: Pos, x: Expr) -> Expr {
        Expr::Star(P::new(StarExpr {
            id: self.id(),
            span: Span::new(star, x.end()),
            star,
            x,
        }))
    }

    /// `name`, `pkg.Name` and either with type arguments. `ident` is the first identifier if it has been consumed.
    pub(super) fn parse_qualified_ident(&mut self, ident: Option<Ident>) -> Expr {
        let ty = self.parse_type_name(ident);
        match self.tok.kind {
            Tok::LBrack => self.parse_type_instance(ty),
            _ => ty,
        }
    }

    fn parse_type_name(&mut self, ident: Option<Ident>) -> Expr {
        let ident = match ident {
            Some(ident) => ident,
            None => self.parse_ident(),
        };
        if self.tok.kind != Tok::Period {
            return Expr::Ident(ident);
        }
        let dot = self.expect(Tok::Period);
        let sel = self.parse_ident();
        let start = ident.start();
        Expr::Selector(P::new(SelectorExpr {
            id: self.id(),
            span: self.span_from(start),
            x: Expr::Ident(ident),
            dot,
            sel,
        }))
    }

    fn parse_type_instance(&mut self, x: Expr) -> Expr {
        let lbrack = self.expect(Tok::LBrack);
        self.expr_level += 1;
        let mut indices = Vec::new();
        while !matches!(self.tok.kind, Tok::RBrack | Tok::Eof) {
            indices.push(self.parse_type());
            if !self.at_comma("type argument list", Tok::RBrack) {
                break;
            }
            self.next();
        }
        self.expr_level -= 1;
        let rbrack = self.expect_closing(Tok::RBrack, "type argument list");
        if indices.is_empty() {
            self.error_expected(rbrack, "type argument list");
            let span = Span::new((lbrack + 1).min(rbrack), rbrack);
            indices.push(self.bad_span(span));
        }
        self.index_expr(x, lbrack, indices, rbrack)
    }

    /// To be called right after the closing bracket.
    pub(super) fn index_expr(
        &mut self,
        x: Expr,
        lbrack: Pos,
        indices: Vec<Expr>,
        rbrack: Pos,
    ) -> Expr {
        Expr::Index(P::new(IndexExpr {
            id: self.id(),
            span: self.span_from(x.start()),
            x,
            lbrack,
            indices,
            rbrack,
        }))
    }

    /// An array or slice type after its `[`, and after its length if that is given.
    pub(super) fn parse_array_type(&mut self, lbrack: Pos, len: Option<Expr>) -> Expr {
        let len = match len {
            Some(len) => Some(len),
            None => self.parse_array_len(),
        };
        if self.tok.kind == Tok::Comma {
            self.error_here("unexpected comma; expecting ]");
            self.next();
        }
        self.expect(Tok::RBrack);
        let elt = self.parse_type();
        self.array_type(lbrack, len, elt)
    }

    fn parse_array_len(&mut self) -> Option<Expr> {
        self.expr_level += 1;
        let len = match self.tok.kind {
            Tok::RBrack => None,
            Tok::Ellipsis => {
                let span = self.tok.span;
                self.next();
                let id = self.id();
                Some(Expr::Ellipsis(P::new(Ellipsis {
                    id,
                    span,
                    elt: None,
                })))
            }
            _ => Some(self.parse_rhs()),
        };
        self.expr_level -= 1;
        len
    }

    fn array_type(&mut self, lbrack: Pos, len: Option<Expr>, elt: Expr) -> Expr {
        Expr::ArrayType(P::new(ArrayType {
            id: self.id(),
            span: Span::new(lbrack, elt.end()),
            lbrack,
            len,
            elt,
        }))
    }

    /// After a name: `[]E` or `[P]E` is its type; otherwise it is itself a type with arguments, and no name is returned.
    pub(super) fn parse_array_or_instance(&mut self, name: Ident) -> (Option<Ident>, Expr) {
        let lbrack = self.expect(Tok::LBrack);
        let mut trailing_comma = None;
        let mut args = Vec::new();
        if self.tok.kind != Tok::RBrack {
            self.expr_level += 1;
            args.push(self.parse_rhs());
            while self.tok.kind == Tok::Comma {
                let comma = self.expect(Tok::Comma);
                if self.tok.kind == Tok::RBrack {
                    trailing_comma = Some(comma);
                    break;
                }
                args.push(self.parse_rhs());
            }
            self.expr_level -= 1;
        }
        let rbrack = self.expect(Tok::RBrack);
        if args.is_empty() {
            let elt = self.parse_type();
            return (Some(name), self.array_type(lbrack, None, elt));
        }
        let span_end = self.prev_end;
        if args.len() == 1
            && let Some(elt) = self.try_type()
        {
            if let Some(comma) = trailing_comma {
                self.error_at(comma, "unexpected comma; expecting ]");
            }
            return (Some(name), self.array_type(lbrack, args.pop(), elt));
        }
        let instance = IndexExpr {
            id: self.id(),
            span: Span::new(name.start(), span_end),
            x: Expr::Ident(name),
            lbrack,
            indices: args,
            rbrack,
        };
        (None, Expr::Index(P::new(instance)))
    }

    // Structs.

    fn parse_struct_type(&mut self) -> Expr {
        let start = self.expect(Tok::Struct);
        let lbrace = self.expect(Tok::LBrace);
        let mut list = Vec::new();
        // No field starts with `(`, but people try.
        while matches!(self.tok.kind, Tok::Ident | Tok::Mul | Tok::LParen) {
            list.push(self.parse_field());
        }
        let fields = self.close_fields(lbrace, list, Tok::RBrace);
        Expr::StructType(P::new(StructType {
            id: self.id(),
            span: self.span_from(start),
            fields,
        }))
    }

    pub(super) fn close_fields(
        &mut self,
        opening: Pos,
        list: Vec<Field>,
        closing: Tok,
    ) -> FieldList {
        let closing = self.expect(closing);
        FieldList {
            id: self.id(),
            span: self.span_from(opening),
            opening: Some(opening),
            list,
            closing: Some(closing),
        }
    }

    fn parse_field(&mut self) -> Field {
        let doc = self.lead_comment.clone();
        let start = self.pos();
        let (names, ty) = match self.tok.kind {
            Tok::Ident => self.parse_named_field(),
            Tok::Mul => {
                let star = self.expect(Tok::Mul);
                let x = self.parse_embedded_name();
                (Vec::new(), self.star(star, x))
            }
            _ => (Vec::new(), self.parse_paren_embedded()),
        };
        let tag = (self.tok.kind == Tok::String).then(|| self.parse_basic_lit());
        let span = self.span_from(start);
        let comment = self.expect_semi();
        Field {
            id: self.id(),
            span,
            doc,
            names,
            ty,
            tag,
            comment,
        }
    }

    fn parse_named_field(&mut self) -> (Vec<Ident>, Expr) {
        let name = self.take_ident();
        match self.tok.kind {
            Tok::Period => (Vec::new(), self.parse_qualified_ident(Some(name))),
            Tok::String | Tok::Semicolon | Tok::RBrace => (Vec::new(), Expr::Ident(name)),
            Tok::LBrack => {
                let (name, ty) = self.parse_array_or_instance(name);
                (name.into_iter().collect(), ty)
            }
            _ => {
                let names = self.parse_more_idents(name);
                (names, self.parse_type())
            }
        }
    }

    /// The type name after the `*` of an embedded field.
    fn parse_embedded_name(&mut self) -> Expr {
        if self.tok.kind != Tok::LParen {
            return self.parse_qualified_ident(None);
        }
        self.error_here("cannot parenthesize embedded type");
        self.next();
        let ty = self.parse_qualified_ident(None);
        self.eat(Tok::RParen);
        ty
    }

    fn parse_paren_embedded(&mut self) -> Expr {
        self.error_here("cannot parenthesize embedded type");
        self.next();
        let ty = match self.tok.kind {
            Tok::Mul => {
                let star = self.expect(Tok::Mul);
                let x = self.parse_qualified_ident(None);
                self.star(star, x)
            }
            _ => self.parse_qualified_ident(None),
        };
        self.eat(Tok::RParen);
        ty
    }

    pub(super) fn parse_basic_lit(&mut self) -> BasicLit {
        let Parser { tok, .. } = *self;
        let value = self.literal().into_boxed_str();
        self.next();
        BasicLit {
            id: self.id(),
            span: tok.span,
            kind: tok.kind,
            value,
        }
    }

    // Interfaces.

    fn parse_interface_type(&mut self) -> Expr {
        let start = self.expect(Tok::Interface);
        let lbrace = self.expect(Tok::LBrace);
        let mut list = Vec::new();
        while let Some(element) = self.parse_interface_element() {
            list.push(element);
        }
        let methods = self.close_fields(lbrace, list, Tok::RBrace);
        Expr::InterfaceType(P::new(InterfaceType {
            id: self.id(),
            span: self.span_from(start),
            methods,
        }))
    }

    fn parse_interface_element(&mut self) -> Option<Field> {
        let mut doc = None;
        let start = self.pos();
        let (names, ty) = match self.tok.kind {
            Tok::Ident => {
                doc = self.lead_comment.clone();
                self.parse_method_or_embedded()
            }
            Tok::Tilde => (Vec::new(), self.parse_union(None)),
            _ => {
                let ty = self.try_type()?;
                (Vec::new(), self.parse_union(Some(ty)))
            }
        };
        let span = Span::new(start, ty.end());
        let comment = self.expect_semi();
        Some(Field {
            id: self.id(),
            span,
            doc,
            names,
            ty,
            tag: None,
            comment,
        })
    }

    fn parse_method_or_embedded(&mut self) -> (Vec<Ident>, Expr) {
        let name = match self.parse_type_name(None) {
            Expr::Ident(name) => name,
            qualified => {
                let ty = match self.tok.kind {
                    Tok::LBrack => self.parse_type_instance(qualified),
                    _ => qualified,
                };
                return (Vec::new(), self.parse_union(Some(ty)));
            }
        };
        match self.tok.kind {
            Tok::LParen => {
                let signature = self.parse_signature(None, None);
                (vec![name], Expr::FuncType(P::new(signature)))
            }
            Tok::LBrack => self.parse_generic_method_or_instance(name),
            _ => (Vec::new(), self.parse_union(Some(Expr::Ident(name)))),
        }
    }

    /// `m[T any]()`, which interfaces may not have, or the instance `m[T]`.
    fn parse_generic_method_or_instance(&mut self, name: Ident) -> (Vec<Ident>, Expr) {
        let lbrack = self.expect(Tok::LBrack);
        self.expr_level += 1;
        let first = self.parse_expr();
        self.expr_level -= 1;
        match first {
            Expr::Ident(param) if !matches!(self.tok.kind, Tok::Comma | Tok::RBrack) => {
                self.parse_param_list(Some((param, None)), Tok::RBrack, false);
                self.expect(Tok::RBrack);
                self.error_at(lbrack, "interface method must have no type parameters");
                let signature = self.parse_signature(None, None);
                (vec![name], Expr::FuncType(P::new(signature)))
            }
            first => {
                let instance = self.parse_more_type_args(name, lbrack, first);
                (Vec::new(), self.parse_union(Some(instance)))
            }
        }
    }

    fn parse_more_type_args(&mut self, name: Ident, lbrack: Pos, first: Expr) -> Expr {
        let context = "type argument list";
        let mut indices = vec![first];
        if self.at_comma(context, Tok::RBrack) {
            self.expr_level += 1;
            self.next();
            while !matches!(self.tok.kind, Tok::RBrack | Tok::Eof) {
                indices.push(self.parse_type());
                if !self.at_comma(context, Tok::RBrack) {
                    break;
                }
                self.next();
            }
            self.expr_level -= 1;
        }
        let rbrack = self.expect_closing(Tok::RBrack, context);
        self.index_expr(Expr::Ident(name), lbrack, indices, rbrack)
    }

    /// Terms joined by `|`; `x` is the first if it has been consumed.
    pub(super) fn parse_union(&mut self, x: Option<Expr>) -> Expr {
        let mut x = match x {
            Some(x) => x,
            None => self.parse_term(),
        };
        while self.tok.kind == Tok::Or {
            let op_pos = self.expect(Tok::Or);
            let y = self.parse_term();
            x = self.binary(x, Tok::Or, op_pos, y);
        }
        x
    }

    pub(super) fn binary(&mut self, x: Expr, op: Tok, op_pos: Pos, y: Expr) -> Expr {
        Expr::Binary(P::new(BinaryExpr {
            id: self.id(),
            span: Span::new(x.start(), y.end()),
            x,
            op,
            op_pos,
            y,
        }))
    }

    fn parse_term(&mut self) -> Expr {
        if self.tok.kind == Tok::Tilde {
            let op_pos = self.expect(Tok::Tilde);
            let x = self.parse_type();
            return self.unary(Tok::Tilde, op_pos, x);
        }
        match self.try_type() {
            Some(ty) => ty,
            None => self.bad_expr("~ term or type", ends_expr),
        }
    }

    pub(super) fn unary(&mut self, op: Tok, op_pos: Pos, x: Expr) -> Expr {
        Expr::Unary(P::new(UnaryExpr {
            id: self.id(),
            span: Span::new(op_pos, x.end()),
            op,
            op_pos,
            x,
        }))
    }

    // Maps and channels.

    fn parse_map_type(&mut self) -> Expr {
        let start = self.expect(Tok::Map);
        self.expect(Tok::LBrack);
        let key = self.parse_type();
        self.expect(Tok::RBrack);
        let value = self.parse_type();
        Expr::MapType(P::new(MapType {
            id: self.id(),
            span: Span::new(start, value.end()),
            key,
            value,
        }))
    }

    fn parse_chan_type(&mut self) -> Expr {
        let start = self.pos();
        let (arrow, dir) = if self.eat(Tok::Chan) {
            let arrow = self.pos();
            match self.eat(Tok::Arrow) {
                true => (Some(arrow), ChanDir::Send),
                false => (None, ChanDir::Both),
            }
        } else {
            let arrow = self.expect(Tok::Arrow);
            self.expect(Tok::Chan);
            (Some(arrow), ChanDir::Recv)
        };
        let value = self.parse_type();
        Expr::ChanType(P::new(ChanType {
            id: self.id(),
            span: Span::new(start, value.end()),
            arrow,
            dir,
            value,
        }))
    }
}
