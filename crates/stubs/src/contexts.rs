//! A walk over a Go file that knows what each expression is used for.
//!
//! Whether `C.x` may stand where it does depends on its use: as a type, called, called with two
//! results taken, selected from.

use syntax::{
    BlockStmt, CallExpr, CaseBlock, CaseClause, CommClause, Decl, Expr, Field, FieldList, File,
    FuncType, GenDecl, Spec, Stmt, ValueSpec, deep,
};

/// What an expression is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Type,
    /// A field or interface element without a name.
    Embedded,
    Value,
    /// The one expression that is assigned to two variables.
    TwoValues,
    /// Called.
    Call,
    /// Called, and the result assigned to two variables.
    CallTwoValues,
    /// The call of a defer statement.
    Defer,
    /// What a selector selects from.
    Selected,
}

/// Sees every expression with its use, outermost first.
pub trait Visitor<'a> {
    /// Returns whether to look into the expression.
    fn expr(&mut self, expr: &'a Expr, used: Use) -> bool;
}

pub fn walk_file<'a>(file: &'a File, visitor: &mut impl Visitor<'a>) {
    for decl in &file.decls {
        walk_decl(decl, visitor);
    }
}

fn walk_decl<'a>(decl: &'a Decl, visitor: &mut impl Visitor<'a>) {
    match decl {
        Decl::Bad(_) => {}
        Decl::Gen(decl) => walk_gen_decl(decl, visitor),
        Decl::Func(decl) => {
            if let Some(receiver) = &decl.recv {
                walk_params(receiver, visitor);
            }
            walk_func_type(&decl.ty, visitor);
            if let Some(body) = &decl.body {
                walk_block(body, visitor);
            }
        }
    }
}

fn walk_gen_decl<'a>(decl: &'a GenDecl, visitor: &mut impl Visitor<'a>) {
    for spec in &decl.specs {
        match spec {
            Spec::Import(_) => {}
            Spec::Value(spec) => walk_value_spec(spec, visitor),
            Spec::Type(spec) => {
                if let Some(params) = &spec.type_params {
                    walk_params(params, visitor);
                }
                walk_expr(&spec.ty, Use::Type, visitor);
            }
        }
    }
}

fn walk_value_spec<'a>(spec: &'a ValueSpec, visitor: &mut impl Visitor<'a>) {
    if let Some(ty) = &spec.ty {
        walk_expr(ty, Use::Type, visitor);
    }
    let used = if spec.names.len() == 2 && spec.values.len() == 1 {
        Use::TwoValues
    } else {
        Use::Value
    };
    walk_exprs(&spec.values, used, visitor);
}

fn walk_params<'a>(list: &'a FieldList, visitor: &mut impl Visitor<'a>) {
    for field in &list.list {
        walk_expr(&field.ty, Use::Type, visitor);
    }
}

fn walk_fields<'a>(list: &'a FieldList, visitor: &mut impl Visitor<'a>) {
    for Field { names, ty, .. } in &list.list {
        let used = if names.is_empty() {
            Use::Embedded
        } else {
            Use::Type
        };
        walk_expr(ty, used, visitor);
    }
}

fn walk_func_type<'a>(ty: &'a FuncType, visitor: &mut impl Visitor<'a>) {
    if let Some(params) = &ty.type_params {
        walk_params(params, visitor);
    }
    walk_params(&ty.params, visitor);
    if let Some(results) = &ty.results {
        walk_params(results, visitor);
    }
}

fn walk_exprs<'a>(exprs: &'a [Expr], used: Use, visitor: &mut impl Visitor<'a>) {
    for expr in exprs {
        walk_expr(expr, used, visitor);
    }
}

/// Walks one expression and what is in it.
pub fn walk_expr<'a>(expr: &'a Expr, used: Use, visitor: &mut impl Visitor<'a>) {
    if visitor.expr(expr, used) {
        deep(|| walk_inside(expr, used, visitor));
    }
}

fn walk_inside<'a>(expr: &'a Expr, used: Use, visitor: &mut impl Visitor<'a>) {
    match expr {
        Expr::Bad(_) | Expr::Ident(_) | Expr::BasicLit(_) => {}
        Expr::Ellipsis(ellipsis) => {
            if let Some(elt) = &ellipsis.elt {
                walk_expr(elt, Use::Type, visitor);
            }
        }
        Expr::FuncLit(lit) => {
            walk_func_type(&lit.ty, visitor);
            walk_block(&lit.body, visitor);
        }
        Expr::CompositeLit(lit) => {
            if let Some(ty) = &lit.ty {
                walk_expr(ty, Use::Type, visitor);
            }
            walk_exprs(&lit.elts, Use::Value, visitor);
        }
        Expr::Paren(paren) => walk_expr(&paren.x, used, visitor),
        Expr::Selector(selector) => walk_expr(&selector.x, Use::Selected, visitor),
        Expr::Index(index) => {
            walk_expr(&index.x, Use::Value, visitor);
            walk_exprs(&index.indices, Use::Value, visitor);
        }
        Expr::Slice(slice) => {
            walk_expr(&slice.x, Use::Value, visitor);
            for bound in [&slice.low, &slice.high, &slice.max].into_iter().flatten() {
                walk_expr(bound, Use::Value, visitor);
            }
        }
        Expr::TypeAssert(assert) => {
            walk_expr(&assert.x, Use::Value, visitor);
            if let Some(ty) = &assert.ty {
                walk_expr(ty, Use::Type, visitor);
            }
        }
        Expr::Call(call) => walk_call(call, used, visitor),
        Expr::Star(star) => walk_expr(&star.x, used, visitor),
        Expr::Unary(unary) => walk_expr(&unary.x, Use::Value, visitor),
        Expr::Binary(binary) => {
            walk_expr(&binary.x, Use::Value, visitor);
            walk_expr(&binary.y, Use::Value, visitor);
        }
        Expr::KeyValue(pair) => {
            walk_expr(&pair.key, Use::Value, visitor);
            walk_expr(&pair.value, Use::Value, visitor);
        }
        Expr::ArrayType(array) => {
            if let Some(len) = &array.len {
                walk_expr(len, Use::Value, visitor);
            }
            walk_expr(&array.elt, Use::Type, visitor);
        }
        Expr::StructType(ty) => walk_fields(&ty.fields, visitor),
        Expr::FuncType(ty) => walk_func_type(ty, visitor),
        Expr::InterfaceType(ty) => walk_fields(&ty.methods, visitor),
        Expr::MapType(map) => {
            walk_expr(&map.key, Use::Type, visitor);
            walk_expr(&map.value, Use::Type, visitor);
        }
        Expr::ChanType(chan) => walk_expr(&chan.value, Use::Type, visitor),
    }
}

fn walk_call<'a>(call: &'a CallExpr, used: Use, visitor: &mut impl Visitor<'a>) {
    let function = if used == Use::TwoValues {
        Use::CallTwoValues
    } else {
        Use::Call
    };
    walk_expr(&call.fun, function, visitor);
    walk_exprs(&call.args, Use::Value, visitor);
}

fn walk_block<'a>(block: &'a BlockStmt, visitor: &mut impl Visitor<'a>) {
    walk_stmts(&block.list, visitor);
}

fn walk_stmts<'a>(stmts: &'a [Stmt], visitor: &mut impl Visitor<'a>) {
    for stmt in stmts {
        deep(|| walk_stmt(stmt, visitor));
    }
}

fn walk_some<'a>(stmt: Option<&'a Stmt>, visitor: &mut impl Visitor<'a>) {
    if let Some(stmt) = stmt {
        deep(|| walk_stmt(stmt, visitor));
    }
}

fn walk_values<'a>(exprs: impl IntoIterator<Item = &'a Expr>, visitor: &mut impl Visitor<'a>) {
    for expr in exprs {
        walk_expr(expr, Use::Value, visitor);
    }
}

fn walk_stmt<'a>(stmt: &'a Stmt, visitor: &mut impl Visitor<'a>) {
    match stmt {
        Stmt::Bad(_) | Stmt::Empty(_) | Stmt::Branch(_) => {}
        Stmt::Decl(decl) => walk_gen_decl(decl, visitor),
        Stmt::Labeled(labeled) => walk_some(Some(&labeled.stmt), visitor),
        Stmt::Expr(stmt) => walk_expr(&stmt.x, Use::Value, visitor),
        Stmt::Send(stmt) => walk_values([&stmt.chan, &stmt.value], visitor),
        Stmt::IncDec(stmt) => walk_expr(&stmt.x, Use::Value, visitor),
        Stmt::Assign(stmt) => {
            walk_values(&stmt.lhs, visitor);
            let used = if stmt.lhs.len() == 2 && stmt.rhs.len() == 1 {
                Use::TwoValues
            } else {
                Use::Value
            };
            walk_exprs(&stmt.rhs, used, visitor);
        }
        Stmt::Go(stmt) => walk_expr(&stmt.call, Use::Value, visitor),
        Stmt::Defer(stmt) => walk_expr(&stmt.call, Use::Defer, visitor),
        Stmt::Return(stmt) => walk_values(&stmt.results, visitor),
        Stmt::Block(block) => walk_block(block, visitor),
        Stmt::If(stmt) => {
            walk_some(stmt.init.as_ref(), visitor);
            walk_expr(&stmt.cond, Use::Value, visitor);
            walk_block(&stmt.body, visitor);
            walk_some(stmt.else_.as_ref(), visitor);
        }
        Stmt::Switch(stmt) => {
            walk_some(stmt.init.as_ref(), visitor);
            walk_values(&stmt.tag, visitor);
            walk_cases(&stmt.body, Use::Value, visitor);
        }
        Stmt::TypeSwitch(stmt) => {
            walk_some(stmt.init.as_ref(), visitor);
            walk_some(Some(&stmt.assign), visitor);
            walk_cases(&stmt.body, Use::Type, visitor);
        }
        Stmt::Select(stmt) => {
            for CommClause { comm, body, .. } in &stmt.body.clauses {
                walk_some(comm.as_ref(), visitor);
                walk_stmts(body, visitor);
            }
        }
        Stmt::For(stmt) => {
            walk_some(stmt.init.as_ref(), visitor);
            walk_values(&stmt.cond, visitor);
            walk_some(stmt.post.as_ref(), visitor);
            walk_block(&stmt.body, visitor);
        }
        Stmt::Range(stmt) => {
            walk_values(&stmt.key, visitor);
            walk_values(&stmt.value, visitor);
            walk_expr(&stmt.x, Use::Value, visitor);
            walk_block(&stmt.body, visitor);
        }
    }
}

fn walk_cases<'a>(body: &'a CaseBlock<CaseClause>, used: Use, visitor: &mut impl Visitor<'a>) {
    for CaseClause { list, body, .. } in &body.clauses {
        walk_exprs(list, used, visitor);
        walk_stmts(body, visitor);
    }
}
