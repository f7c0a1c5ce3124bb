//! Printing expressions and types back to Go text, on one line, spaced as gofmt does.
//!
//! The text parses to the same tree, except that the body of a function literal is left out (`func() { … }`): what needs
//! bodies copies them from the source.

use std::fmt::Write;

use crate::node::deep;
use crate::token::Tok;
use crate::tree::{
    ArrayType, BinaryExpr, CallExpr, ChanDir, ChanType, Expr, Field, FieldList, FuncDecl, FuncType,
    SliceExpr,
};

/// An expression or a type.
pub fn unparse_expr(expr: &Expr) -> String {
    print(|printer| printer.expr(expr))
}

/// Parameters with their parentheses: `(a, b int, rest ...string)`.
pub fn unparse_params(params: &FieldList) -> String {
    print(|printer| printer.params(params))
}

/// A function type without `func`: `[T any](x T) (int, error)`.
pub fn unparse_signature(ty: &FuncType) -> String {
    print(|printer| printer.signature(ty))
}

/// The head of a function declaration: `func (r *T) name(x int) error`.
pub fn unparse_func(decl: &FuncDecl) -> String {
    print(|printer| {
        printer.out.push_str("func ");
        if let Some(recv) = &decl.recv {
            printer.params(recv);
            printer.out.push(' ');
        }
        printer.out.push_str(&decl.name.name);
        printer.signature(&decl.ty);
    })
}

fn print(f: impl FnOnce(&mut Printer)) -> String {
    let mut printer = Printer::default();
    f(&mut printer);
    printer.out
}

/// Within brackets and argument lists operators stand closer; `depth` counts them, from 1.
struct Printer {
    out: String,
    depth: u32,
}

impl Default for Printer {
    fn default() -> Printer {
        Printer {
            out: String::new(),
            depth: 1,
        }
    }
}

impl Printer {
    fn expr(&mut self, expr: &Expr) {
        deep(|| self.expr_here(expr));
    }

    fn expr_here(&mut self, expr: &Expr) {
        match expr {
            Expr::Bad(_) => self.out.push_str("BadExpr"),
            Expr::Ident(ident) => self.out.push_str(&ident.name),
            Expr::BasicLit(lit) => self.out.push_str(&lit.value),
            Expr::FuncLit(lit) => {
                self.out.push_str("func");
                self.signature(&lit.ty);
                self.out.push_str(" { … }");
            }
            Expr::CompositeLit(lit) => {
                self.option(&lit.ty);
                self.bracketed('{', '}', |p| p.list(&lit.elts));
            }
            Expr::Paren(paren) => {
                let depth = std::mem::replace(&mut self.depth, 1);
                self.bracketed('(', ')', |p| p.expr(&paren.x));
                self.depth = depth;
            }
            Expr::Selector(selector) => {
                self.expr(&selector.x);
                let _ = write!(self.out, ".{}", selector.sel.name);
            }
            Expr::Index(index) => {
                self.expr(&index.x);
                self.deeper(|p| p.bracketed('[', ']', |p| p.list(&index.indices)));
            }
            Expr::Slice(slice) => self.slice(slice),
            Expr::TypeAssert(assert) => {
                self.expr(&assert.x);
                self.out.push_str(".(");
                match &assert.ty {
                    Some(ty) => self.expr(ty),
                    None => self.out.push_str("type"),
                }
                self.out.push(')');
            }
            Expr::Call(call) => self.call(call),
            Expr::Star(star) => self.prefixed("*", &star.x),
            Expr::Unary(unary) => self.unary(unary.op, &unary.x),
            Expr::Binary(binary) => {
                let cutoff = self.cutoff(binary);
                self.binary(binary, cutoff);
            }
            Expr::KeyValue(pair) => {
                self.expr(&pair.key);
                self.prefixed(": ", &pair.value);
            }
            _ => self.type_literal(expr),
        }
    }

    fn type_literal(&mut self, expr: &Expr) {
        match expr {
            Expr::Ellipsis(dots) => {
                self.out.push_str("...");
                self.option(&dots.elt);
            }
            Expr::ArrayType(ty) => self.array(ty),
            Expr::StructType(ty) => self.members("struct", &ty.fields, Self::struct_field),
            Expr::InterfaceType(ty) => self.members("interface", &ty.methods, Self::method),
            Expr::FuncType(ty) => {
                self.out.push_str("func");
                self.signature(ty);
            }
            Expr::MapType(ty) => {
                self.out.push_str("map");
                self.bracketed('[', ']', |p| p.expr(&ty.key));
                self.expr(&ty.value);
            }
            Expr::ChanType(ty) => self.chan(ty),
            _ => {}
        }
    }

    fn option(&mut self, expr: &Option<Expr>) {
        if let Some(expr) = expr {
            self.expr(expr);
        }
    }

    fn prefixed(&mut self, prefix: &str, expr: &Expr) {
        self.out.push_str(prefix);
        self.expr(expr);
    }

    fn bracketed(&mut self, open: char, close: char, f: impl FnOnce(&mut Self)) {
        self.out.push(open);
        f(self);
        self.out.push(close);
    }

    fn deeper(&mut self, f: impl FnOnce(&mut Self)) {
        self.depth += 1;
        f(self);
        self.depth -= 1;
    }

    fn list(&mut self, list: &[Expr]) {
        for (i, expr) in list.iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            self.expr(expr);
        }
    }

    fn slice(&mut self, slice: &SliceExpr) {
        self.expr(&slice.x);
        self.deeper(|p| {
            p.bracketed('[', ']', |p| {
                p.option(&slice.low);
                p.out.push(':');
                p.option(&slice.high);
                if slice.slice3 {
                    p.out.push(':');
                    p.option(&slice.max);
                }
            });
        });
    }

    fn call(&mut self, call: &CallExpr) {
        // What would read as a longer type or as an operand of its own keeps its parentheses in the tree.
        self.expr(&call.fun);
        let args = |p: &mut Self| {
            p.bracketed('(', ')', |p| {
                p.list(&call.args);
                if call.ellipsis.is_some() {
                    p.out.push_str("...");
                }
            });
        };
        match call.args.len() {
            0 | 1 => args(self),
            _ => self.deeper(args),
        }
    }

    fn unary(&mut self, op: Tok, x: &Expr) {
        self.out.push_str(op.text());
        // `- -x` and `& ^x` must not run together.
        let clash = matches!(
            (op, x),
            (_, Expr::Unary(inner)) if inner.op == op || (op, inner.op) == (Tok::And, Tok::Xor)
        );
        if clash && matches!(op, Tok::Add | Tok::Sub | Tok::And) {
            self.out.push(' ');
        }
        self.expr(x);
    }

    /// Operators of at least this precedence are printed without spaces. Decided once per expression, from the
    /// precedences that occur in it without parentheses.
    fn cutoff(&self, binary: &BinaryExpr) -> u8 {
        let (has4, has5, max_problem) = precedences(binary);
        if max_problem > 0 {
            return max_problem + 1;
        }
        match (has4 && has5, self.depth) {
            (true, 1) => 5,
            (true, _) => 4,
            (false, 1) => 6,
            (false, _) => 4,
        }
    }

    fn binary(&mut self, binary: &BinaryExpr, cutoff: u8) {
        let operand = |p: &mut Self, x: &Expr| match x {
            Expr::Binary(inner) => deep(|| p.binary(inner, cutoff)),
            _ => p.expr(x),
        };
        operand(self, &binary.x);
        let spaced = binary.op.precedence() < cutoff;
        let op = binary.op.text();
        match spaced {
            true => {
                let _ = write!(self.out, " {op} ");
            }
            false => self.out.push_str(op),
        }
        operand(self, &binary.y);
    }

    fn array(&mut self, ty: &ArrayType) {
        self.deeper(|p| p.bracketed('[', ']', |p| p.option(&ty.len)));
        self.expr(&ty.elt);
    }

    fn chan(&mut self, ty: &ChanType) {
        match ty.dir {
            ChanDir::Both => self.out.push_str("chan "),
            ChanDir::Send => self.out.push_str("chan<- "),
            ChanDir::Recv => self.out.push_str("<-chan "),
        }
        let ambiguous = ty.dir == ChanDir::Both
            && matches!(&ty.value, Expr::ChanType(inner) if inner.dir == ChanDir::Recv);
        match ambiguous {
            true => self.bracketed('(', ')', |p| p.expr(&ty.value)),
            false => self.expr(&ty.value),
        }
    }

    fn signature(&mut self, ty: &FuncType) {
        if let Some(params) = &ty.type_params {
            self.bracketed('[', ']', |p| p.fields(params));
        }
        self.params(&ty.params);
        let Some(results) = &ty.results else {
            return;
        };
        self.out.push(' ');
        match &results.list[..] {
            [only] if only.names.is_empty() => self.expr(&only.ty),
            _ => self.params(results),
        }
    }

    fn params(&mut self, params: &FieldList) {
        self.bracketed('(', ')', |p| p.fields(params));
    }

    fn fields(&mut self, fields: &FieldList) {
        for (i, field) in fields.list.iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            self.names(field);
            self.expr(&field.ty);
        }
    }

    /// The names of a field and the space after them.
    fn names(&mut self, field: &Field) {
        for (i, name) in field.names.iter().enumerate() {
            let separator = if i > 0 { ", " } else { "" };
            let _ = write!(self.out, "{separator}{}", name.name);
        }
        if !field.names.is_empty() {
            self.out.push(' ');
        }
    }

    fn members(&mut self, keyword: &str, fields: &FieldList, member: fn(&mut Self, &Field)) {
        self.out.push_str(keyword);
        if fields.list.is_empty() {
            self.out.push_str("{}");
            return;
        }
        self.out.push_str("{ ");
        for (i, field) in fields.list.iter().enumerate() {
            if i > 0 {
                self.out.push_str("; ");
            }
            member(self, field);
        }
        self.out.push_str(" }");
    }

    fn struct_field(&mut self, field: &Field) {
        self.names(field);
        self.expr(&field.ty);
        if let Some(tag) = &field.tag {
            let _ = write!(self.out, " {}", tag.value);
        }
    }

    fn method(&mut self, field: &Field) {
        match (&field.names[..], &field.ty) {
            ([name], Expr::FuncType(ty)) => {
                self.out.push_str(&name.name);
                self.signature(ty);
            }
            _ => self.expr(&field.ty),
        }
    }
}

/// Whether operators of precedence 4 and 5 occur, and the greatest precedence of an operator that must keep its spaces because
/// it would otherwise run together with what follows (`a / *p`, `a & ^b`, `a + +b`).
fn precedences(binary: &BinaryExpr) -> (bool, bool, u8) {
    let mut found = match binary.op.precedence() {
        4 => (true, false, 0),
        5 => (false, true, 0),
        _ => (false, false, 0),
    };
    let mut join = |x: &Expr| {
        if let Expr::Binary(inner) = x {
            if inner.op.precedence() < binary.op.precedence() {
                return;
            }
            let inner = deep(|| precedences(inner));
            found = (found.0 || inner.0, found.1 || inner.1, found.2.max(inner.2));
        }
    };
    join(&binary.x);
    join(&binary.y);
    let problem = match (&binary.y, binary.op) {
        (Expr::Star(_), Tok::Quo) => 5,
        (Expr::Unary(unary), op) => match (op, unary.op) {
            (Tok::Quo, Tok::Mul) | (Tok::And, Tok::And | Tok::Xor) => 5,
            (Tok::Add, Tok::Add) | (Tok::Sub, Tok::Sub) => 4,
            (Tok::Lss, Tok::Arrow) => 3,
            _ => 0,
        },
        _ => 0,
    };
    found.2 = found.2.max(problem);
    found
}
