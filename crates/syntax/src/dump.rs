//! The tree as text: one line per node, with its span, the positions of its tokens, its texts, its documentation.
//!
//! Shape and order are such that a walk over `go/ast` can print the same: what differs in representation only (clauses, range
//! clauses) is printed alike.

use std::fmt::Write;

use source::{Pos, Span};

use crate::node::{Node, deep};
use crate::token::Tok;
use crate::tree::{
    BasicLit, BlockStmt, CaseBlock, CaseClause, CommClause, Decl, Doc, Expr, Field, FieldList,
    File, FuncType, GenDecl, Ident, ImportSpec, Spec, Stmt, TypeSpec, ValueSpec,
};

/// Deeper lines are not indented further.
const MAX_INDENT: usize = 40;

/// Dumps a file.
pub fn dump(file: &File) -> String {
    let mut dumper = Dumper {
        out: String::new(),
        depth: 0,
    };
    dumper.file(file);
    dumper.out
}

struct Dumper {
    out: String,
    depth: usize,
}

/// A position, or `-`.
fn at(pos: impl Into<Option<Pos>>) -> String {
    pos.into().map_or("-".to_string(), |pos| pos.to_string())
}

fn doc(doc: &Doc) -> String {
    at(doc.as_ref().map(|group| group.span.start))
}

/// `text` on one line, in ASCII.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'\\' | 0..=0x1f | 0x7f.. => {
                let _ = write!(out, "\\{byte:02x}");
            }
            _ => out.push(byte as char),
        }
    }
    out
}

impl Dumper {
    fn line(&mut self, span: Span, what: &str) {
        let indent = self.depth.min(MAX_INDENT);
        let Span { start, end } = span;
        let _ = writeln!(self.out, "{:indent$}{start}-{end} {what}", "");
    }

    fn node(&mut self, node: &impl Node, what: &str, children: impl FnOnce(&mut Self)) {
        self.line(node.span(), what);
        self.depth += 1;
        deep(|| children(self));
        self.depth -= 1;
    }

    fn nil(&mut self) {
        let indent = self.depth.min(MAX_INDENT);
        let _ = writeln!(self.out, "{:indent$}nil", "");
    }

    fn file(&mut self, file: &File) {
        let version = file.go_version.as_deref().unwrap_or("-");
        let head = format!("File {} {} {version}", doc(&file.doc), file.package);
        self.node(file, &head, |d| {
            d.ident(&file.name);
            for decl in &file.decls {
                d.decl(decl);
            }
            for group in &file.comments {
                let _ = writeln!(d.out, " Comments");
                for comment in &group.list {
                    let text = quote(&comment.text);
                    let _ = writeln!(d.out, "  {} {text}", comment.span.start);
                }
            }
        });
    }

    fn ident(&mut self, ident: &Ident) {
        self.line(ident.span, &format!("Ident {}", quote(&ident.name)));
    }

    fn lit(&mut self, lit: &BasicLit) {
        let head = format!("BasicLit {} {}", lit.kind, quote(&lit.value));
        self.line(lit.span, &head);
    }

    // Declarations.

    fn decl(&mut self, decl: &Decl) {
        match decl {
            Decl::Bad(bad) => self.line(bad.span, "BadDecl"),
            Decl::Gen(decl) => self.gen_decl(decl),
            Decl::Func(decl) => self.node(&**decl, &format!("FuncDecl {}", doc(&decl.doc)), |d| {
                d.optional_fields(&decl.recv);
                d.ident(&decl.name);
                d.func_type(&decl.ty);
                match &decl.body {
                    Some(body) => d.block(body),
                    None => d.nil(),
                }
            }),
        }
    }

    fn gen_decl(&mut self, decl: &GenDecl) {
        let head = format!(
            "GenDecl {} {} {} {}",
            decl.tok,
            doc(&decl.doc),
            at(decl.lparen),
            at(decl.rparen)
        );
        self.node(decl, &head, |d| {
            for spec in &decl.specs {
                match spec {
                    Spec::Import(spec) => d.import(spec),
                    Spec::Value(spec) => d.value_spec(spec),
                    Spec::Type(spec) => d.type_spec(spec),
                }
            }
        });
    }

    fn import(&mut self, spec: &ImportSpec) {
        let head = format!("ImportSpec {} {}", doc(&spec.doc), doc(&spec.comment));
        self.node(spec, &head, |d| {
            match &spec.name {
                Some(name) => d.ident(name),
                None => d.nil(),
            }
            d.lit(&spec.path);
        });
    }

    fn value_spec(&mut self, spec: &ValueSpec) {
        let head = format!("ValueSpec {} {}", doc(&spec.doc), doc(&spec.comment));
        self.node(spec, &head, |d| {
            spec.names.iter().for_each(|name| d.ident(name));
            d.option(&spec.ty);
            d.exprs(&spec.values);
        });
    }

    fn type_spec(&mut self, spec: &TypeSpec) {
        let head = format!(
            "TypeSpec {} {} {}",
            doc(&spec.doc),
            doc(&spec.comment),
            at(spec.assign)
        );
        self.node(spec, &head, |d| {
            d.ident(&spec.name);
            d.optional_fields(&spec.type_params);
            d.expr(&spec.ty);
        });
    }

    fn func_type(&mut self, ty: &FuncType) {
        self.node(ty, &format!("FuncType {}", at(ty.func)), |d| {
            d.optional_fields(&ty.type_params);
            d.fields(&ty.params);
            d.optional_fields(&ty.results);
        });
    }

    fn optional_fields(&mut self, fields: &Option<FieldList>) {
        match fields {
            Some(fields) => self.fields(fields),
            None => self.nil(),
        }
    }

    fn fields(&mut self, fields: &FieldList) {
        let head = format!("FieldList {} {}", at(fields.opening), at(fields.closing));
        self.node(fields, &head, |d| {
            fields.list.iter().for_each(|field| d.field(field));
        });
    }

    fn field(&mut self, field: &Field) {
        let head = format!("Field {} {}", doc(&field.doc), doc(&field.comment));
        self.node(field, &head, |d| {
            field.names.iter().for_each(|name| d.ident(name));
            d.expr(&field.ty);
            if let Some(tag) = &field.tag {
                d.lit(tag);
            }
        });
    }

    // Statements.

    fn block(&mut self, block: &BlockStmt) {
        let head = format!("BlockStmt {} {}", block.lbrace, at(block.rbrace));
        self.node(block, &head, |d| d.stmts(&block.list));
    }

    fn stmts(&mut self, stmts: &[Stmt]) {
        stmts.iter().for_each(|stmt| self.stmt(stmt));
    }

    fn optional_stmt(&mut self, stmt: &Option<Stmt>) {
        match stmt {
            Some(stmt) => self.stmt(stmt),
            None => self.nil(),
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Bad(_) => self.line(stmt.span(), "BadStmt"),
            Stmt::Decl(decl) => self.gen_decl(decl),
            Stmt::Empty(empty) => {
                self.line(empty.span, &format!("EmptyStmt {}", empty.implicit));
            }
            Stmt::Labeled(s) => self.node(stmt, &format!("LabeledStmt {}", s.colon), |d| {
                d.ident(&s.label);
                d.stmt(&s.stmt);
            }),
            Stmt::Expr(s) => self.node(stmt, "ExprStmt", |d| d.expr(&s.x)),
            Stmt::Send(s) => self.node(stmt, &format!("SendStmt {}", s.arrow), |d| {
                d.expr(&s.chan);
                d.expr(&s.value);
            }),
            Stmt::IncDec(s) => {
                let head = format!("IncDecStmt {} {}", s.tok, s.tok_pos);
                self.node(stmt, &head, |d| d.expr(&s.x));
            }
            Stmt::Assign(s) => {
                let head = format!("AssignStmt {} {} {}", s.tok, s.tok_pos, s.lhs.len());
                self.node(stmt, &head, |d| {
                    d.exprs(&s.lhs);
                    d.exprs(&s.rhs);
                });
            }
            Stmt::Go(s) => self.node(stmt, "GoStmt", |d| d.expr(&s.call)),
            Stmt::Defer(s) => self.node(stmt, "DeferStmt", |d| d.expr(&s.call)),
            Stmt::Return(s) => self.node(stmt, "ReturnStmt", |d| d.exprs(&s.results)),
            Stmt::Branch(s) => self.node(stmt, &format!("BranchStmt {}", s.tok), |d| {
                if let Some(label) = &s.label {
                    d.ident(label);
                }
            }),
            Stmt::Block(block) => self.block(block),
            _ => self.compound(stmt),
        }
    }

    fn compound(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::If(s) => self.node(stmt, "IfStmt", |d| {
                d.optional_stmt(&s.init);
                d.expr(&s.cond);
                d.block(&s.body);
                d.optional_stmt(&s.else_);
            }),
            Stmt::Switch(s) => {
                let head = format!("SwitchStmt {}", braces(&s.body));
                self.node(stmt, &head, |d| {
                    d.optional_stmt(&s.init);
                    d.option(&s.tag);
                    d.cases(&s.body.clauses);
                });
            }
            Stmt::TypeSwitch(s) => {
                let head = format!("TypeSwitchStmt {}", braces(&s.body));
                self.node(stmt, &head, |d| {
                    d.optional_stmt(&s.init);
                    d.stmt(&s.assign);
                    d.cases(&s.body.clauses);
                });
            }
            Stmt::Select(s) => {
                let head = format!("SelectStmt {}", braces(&s.body));
                self.node(stmt, &head, |d| {
                    s.body.clauses.iter().for_each(|clause| d.comm(clause));
                });
            }
            Stmt::For(s) => self.node(stmt, "ForStmt", |d| {
                d.optional_stmt(&s.init);
                d.option(&s.cond);
                d.optional_stmt(&s.post);
                d.block(&s.body);
            }),
            Stmt::Range(s) => {
                let tok = s.tok.map_or(Tok::Illegal, |(tok, _)| tok);
                let tok_pos = at(s.tok.map(|(_, pos)| pos));
                let head = format!("RangeStmt {tok} {tok_pos} {}", s.range);
                self.node(stmt, &head, |d| {
                    d.option(&s.key);
                    d.option(&s.value);
                    d.expr(&s.x);
                    d.block(&s.body);
                });
            }
            _ => {}
        }
    }

    fn cases(&mut self, clauses: &[CaseClause]) {
        for clause in clauses {
            let head = format!("CaseClause {} {}", clause.colon, clause.list.len());
            self.node(clause, &head, |d| {
                d.exprs(&clause.list);
                d.stmts(&clause.body);
            });
        }
    }

    fn comm(&mut self, clause: &CommClause) {
        self.node(clause, &format!("CommClause {}", clause.colon), |d| {
            d.optional_stmt(&clause.comm);
            d.stmts(&clause.body);
        });
    }

    // Expressions.

    fn exprs(&mut self, exprs: &[Expr]) {
        exprs.iter().for_each(|expr| self.expr(expr));
    }

    fn option(&mut self, expr: &Option<Expr>) {
        match expr {
            Some(expr) => self.expr(expr),
            None => self.nil(),
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Bad(_) => self.line(expr.span(), "BadExpr"),
            Expr::Ident(ident) => self.ident(ident),
            Expr::BasicLit(lit) => self.lit(lit),
            Expr::Ellipsis(e) => self.node(expr, "Ellipsis", |d| d.option(&e.elt)),
            Expr::FuncLit(e) => self.node(expr, "FuncLit", |d| {
                d.func_type(&e.ty);
                d.block(&e.body);
            }),
            Expr::CompositeLit(e) => {
                let head = format!("CompositeLit {} {}", e.lbrace, e.rbrace);
                self.node(expr, &head, |d| {
                    d.option(&e.ty);
                    d.exprs(&e.elts);
                });
            }
            Expr::Paren(e) => {
                let head = format!("ParenExpr {} {}", e.lparen, e.rparen);
                self.node(expr, &head, |d| d.expr(&e.x));
            }
            Expr::Selector(e) => self.node(expr, "SelectorExpr", |d| {
                d.expr(&e.x);
                d.ident(&e.sel);
            }),
            Expr::Index(e) => {
                let head = format!("IndexExpr {} {}", e.lbrack, e.rbrack);
                self.node(expr, &head, |d| {
                    d.expr(&e.x);
                    d.exprs(&e.indices);
                });
            }
            Expr::Slice(e) => {
                let head = format!("SliceExpr {} {} {}", e.lbrack, e.rbrack, e.slice3);
                self.node(expr, &head, |d| {
                    d.expr(&e.x);
                    d.option(&e.low);
                    d.option(&e.high);
                    d.option(&e.max);
                });
            }
            Expr::TypeAssert(e) => {
                let head = format!("TypeAssertExpr {} {}", e.lparen, e.rparen);
                self.node(expr, &head, |d| {
                    d.expr(&e.x);
                    d.option(&e.ty);
                });
            }
            Expr::Call(e) => {
                let head = format!("CallExpr {} {} {}", e.lparen, at(e.ellipsis), e.rparen);
                self.node(expr, &head, |d| {
                    d.expr(&e.fun);
                    d.exprs(&e.args);
                });
            }
            Expr::Star(e) => self.node(expr, "StarExpr", |d| d.expr(&e.x)),
            Expr::Unary(e) => self.node(expr, &format!("UnaryExpr {}", e.op), |d| d.expr(&e.x)),
            Expr::Binary(e) => {
                let head = format!("BinaryExpr {} {}", e.op, e.op_pos);
                self.node(expr, &head, |d| {
                    d.expr(&e.x);
                    d.expr(&e.y);
                });
            }
            Expr::KeyValue(e) => self.node(expr, &format!("KeyValueExpr {}", e.colon), |d| {
                d.expr(&e.key);
                d.expr(&e.value);
            }),
            _ => self.type_literal(expr),
        }
    }

    fn type_literal(&mut self, expr: &Expr) {
        match expr {
            Expr::ArrayType(e) => self.node(expr, "ArrayType", |d| {
                d.option(&e.len);
                d.expr(&e.elt);
            }),
            Expr::StructType(e) => self.node(expr, "StructType", |d| d.fields(&e.fields)),
            Expr::FuncType(e) => self.func_type(e),
            Expr::InterfaceType(e) => {
                self.node(expr, "InterfaceType", |d| d.fields(&e.methods));
            }
            Expr::MapType(e) => self.node(expr, "MapType", |d| {
                d.expr(&e.key);
                d.expr(&e.value);
            }),
            Expr::ChanType(e) => {
                let head = format!("ChanType {} {:?}", at(e.arrow), e.dir);
                self.node(expr, &head, |d| d.expr(&e.value));
            }
            _ => {}
        }
    }
}

fn braces<C>(block: &CaseBlock<C>) -> String {
    format!("{} {}", block.lbrace, block.rbrace)
}
