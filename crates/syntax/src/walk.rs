//! Visiting a tree in source order.
//!
//! A [`Visitor`] overrides what it cares about; each method's default visits the children. A method that is overridden goes
//! on downwards by calling the `walk_…` function of its node, or stops by not calling it. Expressions come with their
//! [`Context`]: what the place makes of them.

use crate::node::deep;
use crate::token::Tok;
use crate::tree::{
    BasicLit, BlockStmt, CallExpr, CaseClause, CommClause, Decl, Expr, Field, FieldList, File,
    FuncDecl, FuncType, GenDecl, Ident, Spec, Stmt, TypeSpec, ValueSpec,
};

/// The place of an expression. Parentheses and `*` pass their own on to their operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// A value is wanted (or, as far as the grammar can tell, a type: arguments, indices, composite literal elements).
    Expr,
    /// A type is wanted.
    Type,
    /// An embedded field of a struct, or an element of an interface other than a method.
    EmbeddedType,
    /// The function of a call, or the type of a conversion.
    Callee,
    /// The same, and the result is assigned to two variables.
    Callee2,
    /// The only right-hand side of an assignment or declaration of two variables.
    Assign2,
    /// The `x` of `x.sel`.
    SelectorX,
    /// Assigned to, by an assignment, `++`, a short variable declaration or a range clause.
    Target,
    /// The key of an element of a composite literal.
    Key,
    /// An expression statement.
    Stmt,
    /// The call of a `go` statement.
    Go,
    /// The call of a `defer` statement.
    Defer,
}

/// What an identifier does where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// An expression or type, in which context.
    Use(Context),
    /// The `sel` of `x.sel`.
    Selector,
    /// The name of the package clause, a constant, a variable, a type, a function or an import.
    Declared,
    /// A field, method, parameter or type parameter.
    Field,
    /// A label, defined or used.
    Label,
}

/// Where a list of fields stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldKind {
    Struct,
    Interface,
    Receiver,
    TypeParam,
    Param,
    Result,
}

pub trait Visitor<'a> {
    fn visit_decl(&mut self, decl: &'a Decl) {
        walk_decl(self, decl);
    }

    fn visit_gen_decl(&mut self, decl: &'a GenDecl) {
        walk_gen_decl(self, decl);
    }

    fn visit_func_decl(&mut self, decl: &'a FuncDecl) {
        walk_func_decl(self, decl);
    }

    /// `keyword` is that of the declaration.
    fn visit_spec(&mut self, spec: &'a Spec, _keyword: Tok) {
        walk_spec(self, spec);
    }

    fn visit_func_type(&mut self, ty: &'a FuncType) {
        walk_func_type(self, ty);
    }

    fn visit_field_list(&mut self, fields: &'a FieldList, kind: FieldKind) {
        for field in &fields.list {
            self.visit_field(field, kind);
        }
    }

    fn visit_field(&mut self, field: &'a Field, kind: FieldKind) {
        walk_field(self, field, kind);
    }

    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        walk_stmt(self, stmt);
    }

    /// Function bodies and the blocks of statements.
    fn visit_block(&mut self, block: &'a BlockStmt) {
        for stmt in &block.list {
            self.visit_stmt(stmt);
        }
    }

    /// `is_type_switch`: the list holds types.
    fn visit_case(&mut self, clause: &'a CaseClause, is_type_switch: bool) {
        walk_case(self, clause, is_type_switch);
    }

    fn visit_comm(&mut self, clause: &'a CommClause) {
        walk_comm(self, clause);
    }

    fn visit_expr(&mut self, expr: &'a Expr, context: Context) {
        walk_expr(self, expr, context);
    }

    fn visit_ident(&mut self, _ident: &'a Ident, _role: Role) {}

    /// Literals in expressions, struct tags and import paths.
    fn visit_lit(&mut self, _lit: &'a BasicLit) {}
}

pub fn walk_file<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, file: &'a File) {
    visitor.visit_ident(&file.name, Role::Declared);
    for decl in &file.decls {
        visitor.visit_decl(decl);
    }
}

pub fn walk_decl<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, decl: &'a Decl) {
    match decl {
        Decl::Bad(_) => {}
        Decl::Gen(decl) => visitor.visit_gen_decl(decl),
        Decl::Func(decl) => visitor.visit_func_decl(decl),
    }
}

pub fn walk_gen_decl<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, decl: &'a GenDecl) {
    for spec in &decl.specs {
        visitor.visit_spec(spec, decl.tok);
    }
}

pub fn walk_func_decl<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, decl: &'a FuncDecl) {
    if let Some(recv) = &decl.recv {
        visitor.visit_field_list(recv, FieldKind::Receiver);
    }
    visitor.visit_ident(&decl.name, Role::Declared);
    visitor.visit_func_type(&decl.ty);
    if let Some(body) = &decl.body {
        visitor.visit_block(body);
    }
}

pub fn walk_spec<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, spec: &'a Spec) {
    match spec {
        Spec::Import(spec) => {
            if let Some(name) = &spec.name {
                visitor.visit_ident(name, Role::Declared);
            }
            visitor.visit_lit(&spec.path);
        }
        Spec::Value(spec) => walk_value_spec(visitor, spec),
        Spec::Type(spec) => walk_type_spec(visitor, spec),
    }
}

fn walk_value_spec<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, spec: &'a ValueSpec) {
    for name in &spec.names {
        visitor.visit_ident(name, Role::Declared);
    }
    walk_option(visitor, &spec.ty, Context::Type);
    walk_exprs(
        visitor,
        &spec.values,
        values_context(spec.names.len(), &spec.values),
    );
}

fn walk_type_spec<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, spec: &'a TypeSpec) {
    visitor.visit_ident(&spec.name, Role::Declared);
    if let Some(params) = &spec.type_params {
        visitor.visit_field_list(params, FieldKind::TypeParam);
    }
    visitor.visit_expr(&spec.ty, Context::Type);
}

/// The context of `values` that are assigned to `count` variables.
fn values_context(count: usize, values: &[Expr]) -> Context {
    match (count, values.len()) {
        (2, 1) => Context::Assign2,
        _ => Context::Expr,
    }
}

pub fn walk_func_type<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, ty: &'a FuncType) {
    if let Some(params) = &ty.type_params {
        visitor.visit_field_list(params, FieldKind::TypeParam);
    }
    visitor.visit_field_list(&ty.params, FieldKind::Param);
    if let Some(results) = &ty.results {
        visitor.visit_field_list(results, FieldKind::Result);
    }
}

pub fn walk_field<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, field: &'a Field, kind: FieldKind) {
    for name in &field.names {
        visitor.visit_ident(name, Role::Field);
    }
    let embedded = matches!(kind, FieldKind::Struct | FieldKind::Interface);
    let context = match embedded && field.names.is_empty() {
        true => Context::EmbeddedType,
        false => Context::Type,
    };
    visitor.visit_expr(&field.ty, context);
    if let Some(tag) = &field.tag {
        visitor.visit_lit(tag);
    }
}

pub fn walk_case<'a, V: Visitor<'a> + ?Sized>(
    visitor: &mut V,
    clause: &'a CaseClause,
    is_type_switch: bool,
) {
    let context = match is_type_switch {
        true => Context::Type,
        false => Context::Expr,
    };
    walk_exprs(visitor, &clause.list, context);
    walk_stmts(visitor, &clause.body);
}

pub fn walk_comm<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, clause: &'a CommClause) {
    if let Some(comm) = &clause.comm {
        visitor.visit_stmt(comm);
    }
    walk_stmts(visitor, &clause.body);
}

pub fn walk_stmts<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, stmts: &'a [Stmt]) {
    for stmt in stmts {
        visitor.visit_stmt(stmt);
    }
}

/// All of `exprs` in the same context.
pub fn walk_exprs<'a, V: Visitor<'a> + ?Sized>(
    visitor: &mut V,
    exprs: &'a [Expr],
    context: Context,
) {
    for expr in exprs {
        visitor.visit_expr(expr, context);
    }
}

fn walk_option<'a, V: Visitor<'a> + ?Sized>(
    visitor: &mut V,
    expr: &'a Option<Expr>,
    context: Context,
) {
    if let Some(expr) = expr {
        visitor.visit_expr(expr, context);
    }
}

fn walk_optional_stmt<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, stmt: &'a Option<Stmt>) {
    if let Some(stmt) = stmt {
        visitor.visit_stmt(stmt);
    }
}

pub fn walk_stmt<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, stmt: &'a Stmt) {
    deep(|| match stmt {
        Stmt::Bad(_) | Stmt::Empty(_) => {}
        Stmt::Decl(decl) => visitor.visit_gen_decl(decl),
        Stmt::Labeled(stmt) => {
            visitor.visit_ident(&stmt.label, Role::Label);
            visitor.visit_stmt(&stmt.stmt);
        }
        Stmt::Expr(stmt) => visitor.visit_expr(&stmt.x, Context::Stmt),
        Stmt::Send(stmt) => {
            visitor.visit_expr(&stmt.chan, Context::Expr);
            visitor.visit_expr(&stmt.value, Context::Expr);
        }
        Stmt::IncDec(stmt) => visitor.visit_expr(&stmt.x, Context::Target),
        Stmt::Assign(stmt) => {
            walk_exprs(visitor, &stmt.lhs, Context::Target);
            let context = values_context(stmt.lhs.len(), &stmt.rhs);
            walk_exprs(visitor, &stmt.rhs, context);
        }
        Stmt::Go(stmt) => visitor.visit_expr(&stmt.call, Context::Go),
        Stmt::Defer(stmt) => visitor.visit_expr(&stmt.call, Context::Defer),
        Stmt::Return(stmt) => walk_exprs(visitor, &stmt.results, Context::Expr),
        Stmt::Branch(stmt) => {
            if let Some(label) = &stmt.label {
                visitor.visit_ident(label, Role::Label);
            }
        }
        Stmt::Block(block) => visitor.visit_block(block),
        _ => walk_compound(visitor, stmt),
    });
}

/// Statements with a body.
fn walk_compound<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, stmt: &'a Stmt) {
    match stmt {
        Stmt::If(stmt) => {
            walk_optional_stmt(visitor, &stmt.init);
            visitor.visit_expr(&stmt.cond, Context::Expr);
            visitor.visit_block(&stmt.body);
            walk_optional_stmt(visitor, &stmt.else_);
        }
        Stmt::Switch(stmt) => {
            walk_optional_stmt(visitor, &stmt.init);
            walk_option(visitor, &stmt.tag, Context::Expr);
            for clause in &stmt.body.clauses {
                visitor.visit_case(clause, false);
            }
        }
        Stmt::TypeSwitch(stmt) => {
            walk_optional_stmt(visitor, &stmt.init);
            visitor.visit_stmt(&stmt.assign);
            for clause in &stmt.body.clauses {
                visitor.visit_case(clause, true);
            }
        }
        Stmt::Select(stmt) => {
            for clause in &stmt.body.clauses {
                visitor.visit_comm(clause);
            }
        }
        Stmt::For(stmt) => {
            walk_optional_stmt(visitor, &stmt.init);
            walk_option(visitor, &stmt.cond, Context::Expr);
            walk_optional_stmt(visitor, &stmt.post);
            visitor.visit_block(&stmt.body);
        }
        Stmt::Range(stmt) => {
            walk_option(visitor, &stmt.key, Context::Target);
            walk_option(visitor, &stmt.value, Context::Target);
            visitor.visit_expr(&stmt.x, Context::Expr);
            visitor.visit_block(&stmt.body);
        }
        _ => {}
    }
}

pub fn walk_expr<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, expr: &'a Expr, context: Context) {
    deep(|| match expr {
        Expr::Bad(_) => {}
        Expr::Ident(ident) => visitor.visit_ident(ident, Role::Use(context)),
        Expr::BasicLit(lit) => visitor.visit_lit(lit),
        Expr::FuncLit(lit) => {
            visitor.visit_func_type(&lit.ty);
            visitor.visit_block(&lit.body);
        }
        Expr::CompositeLit(lit) => {
            walk_option(visitor, &lit.ty, Context::Type);
            walk_exprs(visitor, &lit.elts, Context::Expr);
        }
        Expr::Paren(paren) => visitor.visit_expr(&paren.x, context),
        Expr::Star(star) => visitor.visit_expr(&star.x, context),
        Expr::Selector(selector) => {
            visitor.visit_expr(&selector.x, Context::SelectorX);
            visitor.visit_ident(&selector.sel, Role::Selector);
        }
        Expr::Index(index) => {
            visitor.visit_expr(&index.x, Context::Expr);
            walk_exprs(visitor, &index.indices, Context::Expr);
        }
        Expr::Slice(slice) => {
            visitor.visit_expr(&slice.x, Context::Expr);
            for index in [&slice.low, &slice.high, &slice.max] {
                walk_option(visitor, index, Context::Expr);
            }
        }
        Expr::TypeAssert(assert) => {
            visitor.visit_expr(&assert.x, Context::Expr);
            walk_option(visitor, &assert.ty, Context::Type);
        }
        Expr::Call(call) => walk_call(visitor, call, context),
        Expr::Unary(unary) => visitor.visit_expr(&unary.x, Context::Expr),
        Expr::Binary(binary) => {
            visitor.visit_expr(&binary.x, Context::Expr);
            visitor.visit_expr(&binary.y, Context::Expr);
        }
        Expr::KeyValue(pair) => {
            visitor.visit_expr(&pair.key, Context::Key);
            visitor.visit_expr(&pair.value, Context::Expr);
        }
        _ => walk_type(visitor, expr),
    });
}

fn walk_call<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, call: &'a CallExpr, context: Context) {
    let callee = match context {
        Context::Assign2 => Context::Callee2,
        _ => Context::Callee,
    };
    visitor.visit_expr(&call.fun, callee);
    walk_exprs(visitor, &call.args, Context::Expr);
}

/// Type literals.
fn walk_type<'a, V: Visitor<'a> + ?Sized>(visitor: &mut V, expr: &'a Expr) {
    match expr {
        Expr::Ellipsis(dots) => walk_option(visitor, &dots.elt, Context::Type),
        Expr::ArrayType(ty) => {
            walk_option(visitor, &ty.len, Context::Expr);
            visitor.visit_expr(&ty.elt, Context::Type);
        }
        Expr::StructType(ty) => visitor.visit_field_list(&ty.fields, FieldKind::Struct),
        Expr::FuncType(ty) => visitor.visit_func_type(ty),
        Expr::InterfaceType(ty) => visitor.visit_field_list(&ty.methods, FieldKind::Interface),
        Expr::MapType(ty) => {
            visitor.visit_expr(&ty.key, Context::Type);
            visitor.visit_expr(&ty.value, Context::Type);
        }
        Expr::ChanType(ty) => visitor.visit_expr(&ty.value, Context::Type),
        _ => {}
    }
}
