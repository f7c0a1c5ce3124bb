//! Parameters and signatures: which of `a, b T` are names and which are types is known only at the end of the list.

use source::{Pos, Span};

use super::{Parser, ends_expr};
use crate::node::{Node, P};
use crate::token::Tok;
use crate::tree::{Ellipsis, Expr, Field, FieldList, FuncType, Ident};

/// A parameter before names and types have been sorted out: what looks like a name may be a type.
struct Param {
    name: Option<Ident>,
    ty: Option<Expr>,
}

impl Parser<'_> {
    fn parse_dots_type(&mut self) -> Expr {
        let start = self.expect(Tok::Ellipsis);
        let elt = self.parse_type();
        Expr::Ellipsis(P::new(Ellipsis {
            id: self.id(),
            span: Span::new(start, elt.end()),
            elt: Some(elt),
        }))
    }

    /// One parameter; `name` is its first identifier if that has been consumed. Unions are for type parameters only.
    fn parse_param(&mut self, name: Option<Ident>, unions: bool) -> Param {
        let mut param = match (name, self.tok.kind) {
            (Some(name), _) => self.parse_param_after_name(name, unions),
            (None, Tok::Ident) => {
                let name = self.take_ident();
                self.parse_param_after_name(name, unions)
            }
            (None, Tok::Tilde) if unions => Param {
                name: None,
                ty: Some(self.parse_union(None)),
            },
            (None, kind) => Param {
                name: None,
                ty: self.parse_param_type(kind),
            },
        };
        let variadic = matches!(param.ty, Some(Expr::Ellipsis(_)));
        if unions && !variadic && self.tok.kind == Tok::Or && param.ty.is_some() {
            param.ty = Some(self.parse_union(param.ty));
        }
        param
    }

    fn parse_param_type(&mut self, kind: Tok) -> Option<Expr> {
        match kind {
            Tok::Ellipsis => Some(self.parse_dots_type()),
            kind if starts_param_type(kind) || kind == Tok::LBrack => Some(self.parse_type()),
            _ => {
                self.error_expected(self.pos(), "')'");
                self.advance(ends_expr);
                None
            }
        }
    }

    fn parse_param_after_name(&mut self, name: Ident, unions: bool) -> Param {
        let (name, ty) = match self.tok.kind {
            Tok::Ident => (Some(name), Some(self.parse_type())),
            kind if starts_param_type(kind) => (Some(name), Some(self.parse_type())),
            Tok::LBrack => {
                let (name, ty) = self.parse_array_or_instance(name);
                (name, Some(ty))
            }
            Tok::Ellipsis => (Some(name), Some(self.parse_dots_type())),
            Tok::Period => (None, Some(self.parse_qualified_ident(Some(name)))),
            Tok::Tilde if unions => (Some(name), Some(self.parse_union(None))),
            Tok::Or if unions => (None, Some(self.parse_union(Some(Expr::Ident(name))))),
            _ => (Some(name), None),
        };
        Param { name, ty }
    }

    /// Parameters up to `closing`, which is not consumed. `first` is the first name and perhaps its type if they have been
    /// consumed. A list closed by `]` is one of type parameters.
    pub(super) fn parse_param_list(
        &mut self,
        first: Option<(Ident, Option<Expr>)>,
        closing: Tok,
        variadic: bool,
    ) -> Vec<Field> {
        let type_params = closing == Tok::RBrack;
        let start = first.as_ref().map_or(self.pos(), |(name, _)| name.start());
        let mut list = Vec::new();
        let mut first = first;
        while first.is_some() || !(self.tok.kind == closing || self.tok.kind == Tok::Eof) {
            let param = match first.take() {
                Some((name, Some(ty))) if type_params => Param {
                    name: Some(name),
                    ty: Some(self.parse_union(Some(ty))),
                },
                Some((name, Some(ty))) => Param {
                    name: Some(name),
                    ty: Some(ty),
                },
                Some((name, None)) => self.parse_param(Some(name), type_params),
                None => self.parse_param(None, type_params),
            };
            if param.name.is_some() || param.ty.is_some() {
                list.push(param);
            }
            if !self.at_comma("parameter list", closing) {
                break;
            }
            self.next();
        }
        self.sort_params(list, start, type_params, variadic)
    }

    /// Decides what is a name and what is a type.
    fn sort_params(
        &mut self,
        mut list: Vec<Param>,
        start: Pos,
        type_params: bool,
        variadic: bool,
    ) -> Vec<Field> {
        let typed = list.iter().filter(|param| param.ty.is_some()).count();
        let named = list
            .iter()
            .filter(|param| param.name.is_some() && param.ty.is_some())
            .count();
        if list.is_empty() {
            return Vec::new();
        }
        if named == 0 {
            for param in &mut list {
                if let Some(name) = param.name.take() {
                    param.ty = Some(Expr::Ident(name));
                }
            }
            if type_params {
                let at = if typed == 0 { None } else { Some(start) };
                self.error_param_list(at, list.len(), true);
            }
        } else if named != list.len() {
            self.complete_params(&mut list, named == typed, type_params);
        }
        self.check_dots(&mut list, variadic);
        if named == 0 {
            list.into_iter()
                .filter_map(|param| param.ty)
                .map(|ty| self.param_field(Vec::new(), ty))
                .collect()
        } else {
            self.group_params(list)
        }
    }

    /// Some parameters have a name and a type, so all must: finds those that do not.
    fn complete_params(&mut self, list: &mut [Param], types_missing: bool, type_params: bool) {
        let mut error = None;
        let mut has_type = false;
        let count = list.len();
        for param in list.iter_mut().rev() {
            match (&param.ty, &param.name) {
                (Some(ty), None) => {
                    error = Some(ty.start());
                    param.name = Some(self.missing_ident(ty.start()));
                    has_type = true;
                }
                (Some(_), Some(_)) => has_type = true,
                (None, Some(name)) if !has_type => {
                    error = Some(name.start());
                    let end = name.end();
                    param.ty = Some(self.bad_span(Span::at(end)));
                }
                _ => {}
            }
        }
        if let Some(error) = error {
            let at = if types_missing { None } else { Some(error) };
            self.error_param_list(at, count, type_params);
        }
    }

    /// Reports a missing name at `at`, or a missing type at the closing token.
    fn error_param_list(&mut self, at: Option<Pos>, count: usize, type_params: bool) {
        let message = match (at, type_params) {
            (None, true) => "missing type constraint",
            (None, false) => "missing parameter type",
            (Some(_), true) if count == 1 => "missing type parameter name or invalid array length",
            (Some(_), true) => "missing type parameter name",
            (Some(_), false) => "missing parameter name",
        };
        match at {
            Some(at) => self.error_at(at, message),
            None => self.error_here(message),
        }
    }

    /// `...T` may only be the type of the last parameter, and of nothing where `variadic` is not set.
    fn check_dots(&mut self, list: &mut [Param], variadic: bool) {
        let count = list.len();
        let mut wrong = None;
        for i in (0..count).rev() {
            let Some(Expr::Ellipsis(dots)) = &list[i].ty else {
                continue;
            };
            // `a, b ...T` gives `...T` to both.
            let shared = i > 0 && list[i - 1].ty.is_none();
            if !variadic || i + 1 < count || shared {
                wrong = Some(dots.start());
            }
            if !variadic || i + 1 < count {
                let span = dots.span;
                list[i].ty = Some(self.bad_span(span));
            }
        }
        if let Some(pos) = wrong {
            let message = match variadic {
                true => "can only use ... with final parameter",
                false => "invalid use of ...",
            };
            self.error_at(pos, message);
        }
    }

    /// Names up to and including one with a type make a field.
    fn group_params(&mut self, list: Vec<Param>) -> Vec<Field> {
        let mut fields = Vec::new();
        let mut names = Vec::new();
        for Param { name, ty } in list {
            names.extend(name);
            if let Some(ty) = ty {
                let names = std::mem::take(&mut names);
                fields.push(self.param_field(names, ty));
            }
        }
        fields
    }

    fn param_field(&mut self, names: Vec<Ident>, ty: Expr) -> Field {
        let start = names.first().map_or(ty.start(), Ident::start);
        Field {
            id: self.id(),
            span: Span::new(start, ty.end()),
            doc: None,
            names,
            ty,
            tag: None,
            comment: None,
        }
    }

    pub(super) fn parse_type_params(&mut self) -> Option<FieldList> {
        let lbrack = self.expect(Tok::LBrack);
        let list = match self.tok.kind {
            Tok::RBrack => Vec::new(),
            _ => self.parse_param_list(None, Tok::RBrack, false),
        };
        let fields = self.close_fields(lbrack, list, Tok::RBrack);
        if fields.list.is_empty() {
            self.error_at(
                fields.closing.unwrap_or(lbrack),
                "empty type parameter list",
            );
            return None;
        }
        Some(fields)
    }

    pub(super) fn parse_params(&mut self) -> FieldList {
        self.parse_paren_params(true)
    }

    fn parse_paren_params(&mut self, variadic: bool) -> FieldList {
        let lparen = self.expect(Tok::LParen);
        let list = match self.tok.kind {
            Tok::RParen => Vec::new(),
            _ => self.parse_param_list(None, Tok::RParen, variadic),
        };
        self.close_fields(lparen, list, Tok::RParen)
    }

    fn parse_results(&mut self) -> Option<FieldList> {
        if self.tok.kind == Tok::LParen {
            return Some(self.parse_paren_params(false));
        }
        let ty = self.try_type()?;
        let field = self.param_field(Vec::new(), ty);
        Some(FieldList {
            id: self.id(),
            span: field.span,
            opening: None,
            list: vec![field],
            closing: None,
        })
    }

    pub(super) fn parse_func_type(&mut self) -> FuncType {
        let func = self.expect(Tok::Func);
        if self.tok.kind == Tok::LBrack
            && let Some(type_params) = self.parse_type_params()
        {
            let message = "function type must have no type parameters";
            self.error_at(type_params.start(), message);
        }
        self.parse_signature(Some(func), None)
    }

    /// Parameters and results.
    pub(super) fn parse_signature(
        &mut self,
        func: Option<Pos>,
        type_params: Option<FieldList>,
    ) -> FuncType {
        let params = self.parse_params();
        let results = self.parse_results();
        let end = results.as_ref().map_or(params.end(), Node::end);
        FuncType {
            id: self.id(),
            span: Span::new(func.unwrap_or(params.start()), end),
            func,
            type_params,
            params,
            results,
        }
    }
}

/// Tokens that, after a parameter's name, start its type.
fn starts_param_type(tok: Tok) -> bool {
    matches!(
        tok,
        Tok::Mul
            | Tok::Arrow
            | Tok::Func
            | Tok::Chan
            | Tok::Map
            | Tok::Struct
            | Tok::Interface
            | Tok::LParen
    )
}
