//! Declarations.

use source::{Pos, Span};

use super::{Parser, ends_expr, last_end, starts_decl};
use crate::node::{Node, P, deep};
use crate::token::Tok;
use crate::tree::{
    BadDecl, BasicLit, Decl, Doc, Expr, FuncDecl, GenDecl, Ident, ImportSpec, ParenExpr, Spec,
    TypeSpec, ValueSpec,
};

impl Parser<'_> {
    pub(super) fn parse_decl(&mut self) -> Decl {
        match self.tok.kind {
            Tok::Import | Tok::Const | Tok::Var | Tok::Type => {
                Decl::Gen(P::new(self.parse_gen_decl()))
            }
            Tok::Func => Decl::Func(P::new(self.parse_func_decl())),
            _ => {
                let pos = self.pos();
                self.error_expected(pos, "declaration");
                self.advance(starts_decl);
                Decl::Bad(P::new(BadDecl {
                    id: self.id(),
                    span: self.span_from(pos),
                }))
            }
        }
    }

    /// An import, const, type or var declaration: the current token.
    pub(super) fn parse_gen_decl(&mut self) -> GenDecl {
        let doc = self.lead_comment.clone();
        let tok = self.tok.kind;
        let start = self.expect(tok);
        let mut specs = Vec::new();
        let (mut lparen, mut rparen) = (None, None);
        let end;
        if self.tok.kind == Tok::LParen {
            lparen = Some(self.expect(Tok::LParen));
            while !matches!(self.tok.kind, Tok::RParen | Tok::Eof) {
                let doc = self.lead_comment.clone();
                specs.push(self.parse_spec(tok, doc));
            }
            rparen = Some(self.expect(Tok::RParen));
            end = self.prev_end;
            self.expect_semi();
        } else {
            specs.push(self.parse_spec(tok, None));
            end = last_end(&specs).unwrap_or(start);
        }
        GenDecl {
            id: self.id(),
            span: Span::new(start, end),
            doc,
            tok,
            lparen,
            specs,
            rparen,
        }
    }

    fn parse_spec(&mut self, keyword: Tok, doc: Doc) -> Spec {
        match keyword {
            Tok::Import => Spec::Import(self.parse_import_spec(doc)),
            Tok::Type => Spec::Type(self.parse_type_spec(doc)),
            _ => Spec::Value(self.parse_value_spec(keyword, doc)),
        }
    }

    fn parse_import_spec(&mut self, doc: Doc) -> ImportSpec {
        let start = self.pos();
        let name = match self.tok.kind {
            Tok::Ident => Some(self.take_ident()),
            Tok::Period => {
                let span = self.tok.span;
                self.next();
                Some(Ident {
                    id: self.id(),
                    span,
                    name: self.names.intern(b"."),
                })
            }
            _ => None,
        };
        let path = self.parse_import_path();
        let start = if name.is_some() { start } else { path.start() };
        let span = Span::new(start, path.end());
        let comment = self.expect_semi();
        ImportSpec {
            id: self.id(),
            span,
            doc,
            name,
            path,
            comment,
        }
    }

    fn parse_import_path(&mut self) -> BasicLit {
        if self.tok.kind == Tok::String {
            return self.parse_basic_lit();
        }
        let pos = self.pos();
        if self.tok.kind.is_literal() {
            self.error_here("import path must be a string");
            self.next();
        } else {
            self.error_here("missing import path");
            self.advance(ends_expr);
        }
        BasicLit {
            id: self.id(),
            span: Span::at(pos),
            kind: Tok::String,
            value: Box::default(),
        }
    }

    fn parse_value_spec(&mut self, keyword: Tok, doc: Doc) -> ValueSpec {
        let names = self.parse_ident_list();
        let start = names[0].start();
        // A constant's type and value are optional here; what may be left out depends on the specs before.
        let ty = match (keyword, self.tok.kind) {
            (Tok::Const, Tok::Eof | Tok::Semicolon | Tok::RParen) => None,
            (Tok::Const, _) => self.try_type(),
            (_, Tok::Assign) => None,
            _ => Some(self.parse_type()),
        };
        let values = match self.eat(Tok::Assign) {
            true => self.parse_expr_list(true),
            false => Vec::new(),
        };
        let end = last_end(&values)
            .or(ty.as_ref().map(Node::end))
            .or(last_end(&names))
            .unwrap_or(start);
        let comment = self.expect_semi();
        ValueSpec {
            id: self.id(),
            span: Span::new(start, end),
            doc,
            names,
            ty,
            values,
            comment,
        }
    }

    fn parse_type_spec(&mut self, doc: Doc) -> TypeSpec {
        let name = self.parse_ident();
        let mut spec = TypeSpec {
            id: self.id(),
            span: name.span,
            doc,
            name,
            type_params: None,
            assign: None,
            ty: Expr::Ident(self.missing_ident(0)),
            comment: None,
        };
        if self.tok.kind == Tok::LBrack {
            self.parse_type_spec_bracket(&mut spec);
        } else {
            self.parse_type_spec_type(&mut spec);
        }
        spec.span = Span::new(spec.name.start(), spec.ty.end());
        spec.comment = self.expect_semi();
        spec
    }

    fn parse_type_spec_type(&mut self, spec: &mut TypeSpec) {
        if self.tok.kind == Tok::Assign {
            spec.assign = Some(self.expect(Tok::Assign));
        }
        spec.ty = self.parse_type();
    }

    /// After the name, `[` starts type parameters or an array type. An identifier after it may be a type parameter's name
    /// or the start of the array's length: an expression is read, and then looked at for a split into name and constraint.
    /// After `name [` no expression needs to be tried, for an array's length has no index in it.
    fn parse_type_spec_bracket(&mut self, spec: &mut TypeSpec) {
        let lbrack = self.expect(Tok::LBrack);
        if self.tok.kind != Tok::Ident {
            spec.ty = self.parse_array_type(lbrack, None);
            return;
        }
        let mut x = Expr::Ident(self.take_ident());
        if self.tok.kind != Tok::LBrack {
            self.expr_level += 1;
            let operand = self.parse_primary_expr(Some(x));
            x = self.parse_binary_expr(Some(operand), 1);
            self.expr_level -= 1;
        }
        let is_name = matches!(x, Expr::Ident(_));
        let is_params = match is_name {
            true => self.tok.kind != Tok::RBrack,
            false => splits(&x, self.tok.kind == Tok::Comma),
        };
        if !is_params {
            spec.ty = self.parse_array_type(lbrack, Some(x));
            return;
        }
        match self.split(x) {
            Ok(first) => self.parse_generic_type(spec, lbrack, first),
            Err(x) => spec.ty = self.parse_array_type(lbrack, Some(x)),
        }
    }

    fn parse_generic_type(
        &mut self,
        spec: &mut TypeSpec,
        lbrack: Pos,
        first: (Ident, Option<Expr>),
    ) {
        let list = self.parse_param_list(Some(first), Tok::RBrack, false);
        let closing = self.expect(Tok::RBrack);
        spec.type_params = Some(crate::tree::FieldList {
            id: self.id(),
            span: self.span_from(lbrack),
            opening: Some(lbrack),
            list,
            closing: Some(closing),
        });
        self.parse_type_spec_type(spec);
    }

    /// Splits an expression for which [`splits`] holds, or an identifier, into a name and the type after it.
    fn split(&mut self, x: Expr) -> Result<(Ident, Option<Expr>), Expr> {
        match x {
            Expr::Ident(name) => Ok((name, None)),
            Expr::Call(call) => {
                let mut call = call.into_inner();
                let (Expr::Ident(name), Some(arg)) = (&call.fun, call.args.pop()) else {
                    return Err(call.fun);
                };
                let paren = ParenExpr {
                    id: self.id(),
                    span: Span::new(call.lparen, call.span.end),
                    x: arg,
                    lparen: call.lparen,
                    rparen: call.rparen,
                };
                Ok((name.clone(), Some(Expr::Paren(P::new(paren)))))
            }
            Expr::Binary(binary) if binary.op == Tok::Mul => {
                let binary = binary.into_inner();
                let Expr::Ident(name) = binary.x else {
                    return Err(binary.x);
                };
                Ok((name, Some(self.star(binary.op_pos, binary.y))))
            }
            Expr::Binary(binary) => {
                let binary = binary.into_inner();
                let (name, x) = deep(|| self.split(binary.x))?;
                let x = x.map(|x| self.binary(x, binary.op, binary.op_pos, binary.y));
                Ok((name, x))
            }
            x => Err(x),
        }
    }

    fn parse_func_decl(&mut self) -> FuncDecl {
        let doc = self.lead_comment.clone();
        let func = self.expect(Tok::Func);
        let recv = (self.tok.kind == Tok::LParen).then(|| self.parse_params());
        let name = self.parse_ident();
        let type_params = match self.tok.kind {
            Tok::LBrack => self.parse_type_params(),
            _ => None,
        };
        let ty = self.parse_signature(Some(func), type_params);
        let body = self.parse_func_body();
        let end = body.as_ref().map_or(ty.end(), Node::end);
        FuncDecl {
            id: self.id(),
            span: Span::new(func, end),
            doc,
            recv,
            name,
            ty,
            body,
        }
    }

    fn parse_func_body(&mut self) -> Option<crate::tree::BlockStmt> {
        match self.tok.kind {
            Tok::LBrace => {}
            Tok::Semicolon => {
                self.next();
                if self.tok.kind != Tok::LBrace {
                    return None;
                }
                self.error_here("unexpected semicolon or newline before {");
            }
            _ => {
                self.expect_semi();
                return None;
            }
        }
        let body = self.parse_block();
        self.expect_semi();
        Some(body)
    }
}

/// Reports whether `x` can be read as a name followed by a type: `P *T`, `P (T)`, `P *T|U`. Where it could be an ordinary
/// expression as well, `force` decides.
fn splits(x: &Expr, force: bool) -> bool {
    match x {
        Expr::Binary(binary) if binary.op == Tok::Mul => {
            matches!(binary.x, Expr::Ident(_)) && (force || is_type_elem(&binary.y))
        }
        Expr::Binary(binary) if binary.op == Tok::Or => {
            deep(|| splits(&binary.x, force || is_type_elem(&binary.y)))
        }
        Expr::Call(call) => {
            let one = call.args.len() == 1 && call.ellipsis.is_none();
            matches!(call.fun, Expr::Ident(_)) && one && (force || is_type_elem(&call.args[0]))
        }
        _ => false,
    }
}

/// Reports whether `x` can only be a type element.
fn is_type_elem(x: &Expr) -> bool {
    match x {
        Expr::ArrayType(_)
        | Expr::StructType(_)
        | Expr::FuncType(_)
        | Expr::InterfaceType(_)
        | Expr::MapType(_)
        | Expr::ChanType(_) => true,
        Expr::Binary(binary) => deep(|| is_type_elem(&binary.x) || is_type_elem(&binary.y)),
        Expr::Unary(unary) => unary.op == Tok::Tilde,
        Expr::Paren(paren) => deep(|| is_type_elem(&paren.x)),
        _ => false,
    }
}
