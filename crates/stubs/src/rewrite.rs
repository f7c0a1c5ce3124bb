//! The user's Go file with every `C.xxx` replaced by what is generated for it: `x.cgo1.go`.
//!
//! The text stays as it is but for the replaced pieces, and line comments around them keep every
//! later token at the position that it had. A call that passes pointers becomes a function literal
//! that evaluates the arguments, has them checked and calls:
//!
//! ```go
//! func() R{ _cgo0 := p; _cgoCheckPointer(_cgo0, nil); return _Cfunc_f(_cgo0); }()
//! ```
//!
//! Deferred, the arguments are evaluated at once and the rest is done later, by one more literal:
//!
//! ```go
//! defer func() func() { _cgo0 := p; return func() { _cgoCheckPointer(_cgo0, nil); _Cfunc_f(_cgo0); }}()()
//! ```

use std::collections::{BTreeSet, HashSet};

use source::{Diagnostic, Pos, Span};
use syntax::{CallExpr, Context, Expr, Node, Tok, Visitor, walk};

use crate::convert::{Table, Target};
use crate::exports::{Declared, has_pointer};
use crate::gofile::{GoFile, Ref, Use};
use crate::gotype::GoType;
use crate::names::{self, BUILTINS, Kind, Name, Names};

/// The text that stands for one reference.
struct Replacement {
    text: String,
    /// A type stands as it is; anything else is parenthesised.
    is_type: bool,
}

/// A piece of the file and what replaces it.
struct Edit {
    span: Span,
    text: String,
}

/// How replaced references say where they are.
#[derive(Clone, Copy, PartialEq)]
enum Marks {
    /// In the file itself: before and behind.
    Full,
    /// In an argument of a rewritten call, which is marked as a whole: behind.
    Behind,
}

pub struct Rewriter<'a> {
    file: &'a GoFile,
    names: &'a Names,
    table: &'a Table,
    declared: &'a Declared,
    replacements: Vec<Replacement>,
    /// The file has come to need its own import of unsafe.
    needs_unsafe: bool,
    /// Names derived from those that the file uses: errno forms and function pointers.
    pub derived: Names,
    pub diagnostics: Vec<Diagnostic>,
}

impl<'a> Rewriter<'a> {
    pub fn new(
        file: &'a GoFile,
        names: &'a Names,
        table: &'a Table,
        declared: &'a Declared,
        target: &Target,
    ) -> Self {
        let mut rewriter = Rewriter {
            file,
            names,
            table,
            declared,
            replacements: Vec::new(),
            needs_unsafe: false,
            derived: Names::new(),
            diagnostics: Vec::new(),
        };
        for reference in &file.refs {
            let replacement = rewriter.replacement(reference, target);
            rewriter.replacements.push(replacement);
        }
        rewriter
    }

    /// Functions that are never called need no wrapper.
    pub fn uncalled(&self) -> BTreeSet<String> {
        let called: HashSet<_> = self
            .file
            .refs
            .iter()
            .filter(|reference| matches!(reference.used, Use::Call | Use::CallTwoValues))
            .map(|reference| reference.name.as_str())
            .collect();
        self.names
            .iter()
            .filter(|(key, name)| name.kind == Kind::Func && !called.contains(key.as_str()))
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// The rewritten file.
    pub fn rewrite(&mut self) -> String {
        let file = self.file;
        let mut finder = Finder {
            rewriter: self,
            marks: Marks::Full,
            edits: Vec::new(),
        };
        walk::walk_file(&mut finder, &file.tree);
        let mut edits = finder.edits;
        for (spec, _) in file.tree.imports_of("C") {
            // The import must stay one: a semicolon may follow it.
            edits.push(Edit {
                span: spec.path.span,
                text: "_ \"unsafe\"".to_string(),
            });
        }
        if self.needs_unsafe {
            edits.push(Edit {
                span: Span::at(file.tree.name.span.end),
                text: "; import _cgo_unsafe \"unsafe\"".to_string(),
            });
        }
        let whole = Span::new(0, file.source.text.len() as u32);
        self.apply(whole, edits)
    }

    fn error(&mut self, pos: Pos, message: String) {
        let place = self.file.place(pos);
        self.diagnostics.push(Diagnostic::error(place, message));
    }

    /// What stands for a reference, and whether it may stand there.
    fn replacement(&mut self, reference: &Ref, target: &Target) -> Replacement {
        let Some(name) = self.names.get(&reference.name) else {
            // Not resolved, which has been reported.
            return Replacement {
                text: "_".to_string(),
                is_type: false,
            };
        };
        if let Some(message) = misuse(reference.used, name) {
            self.error(reference.span.start, message);
        }
        let text = match (name.kind, reference.used) {
            (Kind::Func, Use::CallTwoValues) => {
                let errno = names::with_errno(name);
                let text = errno.mangled.clone();
                self.derived.insert(format!("2{}", name.go), errno);
                text
            }
            (Kind::Func, Use::Value) => {
                let pointer = names::function_pointer(name, target);
                // By a call, so that nobody assigns to it.
                let text = format!("_Cgo_ptr({})", pointer.mangled);
                self.derived.insert(pointer.go.clone(), pointer);
                text
            }
            (Kind::Var, _) => format!("*{}", name.mangled),
            (Kind::Macro, Use::Value) => format!("{}()", name.mangled),
            _ => name.mangled.clone(),
        };
        Replacement {
            text,
            is_type: name.kind == Kind::Type,
        }
    }

    /// `/*line :l:c*/` for a position.
    fn mark(&self, pos: Pos) -> String {
        self.mark_before(pos, 0)
    }

    /// The mark for the column `back` before `pos`.
    fn mark_before(&self, pos: Pos, back: u32) -> String {
        let presumed = self.file.source.presumed(pos);
        if presumed.col <= back {
            return String::new();
        }
        format!("/*line :{}:{}*/", presumed.line, presumed.col - back)
    }

    fn edit_reference(&self, index: usize, marks: Marks) -> Edit {
        let reference = &self.file.refs[index];
        let Replacement { text, is_type } = &self.replacements[index];
        let span = reference.span;
        let text = match marks {
            Marks::Full => {
                // The space keeps a `/` before it from starting a comment; the parenthesis that
                // closes takes the last column.
                let before = self.mark(span.start);
                let behind = self.mark_before(span.end, u32::from(!is_type));
                let marked = format!(" {before}{text} {behind}");
                if *is_type {
                    marked
                } else {
                    format!("({marked})")
                }
            }
            Marks::Behind => {
                let behind = self.mark(span.end);
                if text.starts_with('*') {
                    format!("({text}) {behind}")
                } else {
                    format!("{text} {behind}")
                }
            }
        };
        Edit { span, text }
    }

    /// The text of `span` with the edits applied that lie within it.
    fn apply(&self, span: Span, mut edits: Vec<Edit>) -> String {
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        let mut text = String::new();
        let mut at = span.start;
        for edit in edits {
            text.push_str(self.file.text(Span::new(at, edit.span.start)));
            text.push_str(&edit.text);
            at = edit.span.end;
        }
        text.push_str(self.file.text(Span::new(at, span.end)));
        text
    }

    /// An expression within a rewritten call; `instead` replaces one part of it.
    fn render(&mut self, expr: &Expr, instead: Option<(Span, &str)>) -> String {
        let span = expr.span();
        let mut finder = Finder {
            rewriter: self,
            marks: Marks::Behind,
            edits: Vec::new(),
        };
        finder.visit_expr(expr, Context::Expr);
        let mut edits = finder.edits;
        if let Some((part, text)) = instead {
            edits.retain(|edit| !part.contains(edit.span));
            edits.push(Edit {
                span: part,
                text: text.to_string(),
            });
        }
        self.apply(span, edits)
    }

    /// `render`, with a mark in front.
    fn marked(&mut self, expr: &Expr) -> String {
        format!(
            "{}{}",
            self.mark(expr.span().start),
            self.render(expr, None)
        )
    }

    /// The function that a call is to, if the call has to be rewritten for its pointers.
    fn checked_function(&self, call: &CallExpr) -> Option<(usize, &'a Name)> {
        let Expr::Selector(selector) = &call.fun else {
            return None;
        };
        let index = *self.file.by_node.get(&selector.id)?;
        let name = self.names.get(&self.file.refs[index].name)?;
        let func = name.func.as_ref().filter(|_| name.kind == Kind::Func)?;
        // The compiler will complain of a wrong number of arguments.
        let is_malloc = name.go == "_CMalloc";
        let fits = func.params.len() == call.args.len();
        let needed = func
            .params
            .iter()
            .zip(&call.args)
            .any(|(param, arg)| self.needs_check(&param.go, arg));
        (!is_malloc && fits && needed).then_some((index, name))
    }

    fn needs_check(&self, param: &GoType, arg: &Expr) -> bool {
        let is_nil = arg.as_ident().is_some_and(|ident| ident.name == "nil");
        !is_nil && has_pointer(param, true, self.declared, self.table)
    }

    fn rewrite_call(
        &mut self,
        call: &CallExpr,
        index: usize,
        name: &Name,
        deferred: bool,
    ) -> String {
        let func = name.func.as_ref().expect("checked functions are functions");
        let two_results = self.file.refs[index].used == Use::CallTwoValues && !deferred;
        let mut text = "func() ".to_string();
        let mut has_result = false;
        if deferred {
            text.push_str("func() ");
        } else {
            let result = func.result.as_ref().map(|result| {
                let private = result.go.with_private_unsafe();
                self.needs_unsafe |= private != result.go;
                private.to_string()
            });
            has_result = result.is_some() || two_results;
            match (result, two_results) {
                (Some(result), false) => text.push_str(&result),
                (None, false) => {}
                (result, true) => {
                    let result = result.unwrap_or_else(|| "_Ctype_void".to_string());
                    text.push_str(&format!("({result}, error)"));
                }
            }
        }
        text.push_str("{ ");

        let mut checks = String::new();
        for (index, (param, arg)) in func.params.iter().zip(&call.args).enumerate() {
            let checked =
                self.needs_check(&param.go, arg) && !param.bad_pointer && !self.is_string_data(arg);
            if checked {
                self.checked_argument(index, arg, &mut text, &mut checks);
                continue;
            }
            // With its type, as the argument may be an untyped constant.
            let private = param.go.with_private_unsafe();
            self.needs_unsafe |= private != param.go;
            let arg = self.marked(arg);
            text.push_str(&format!("var _cgo{index} {private} = {arg}; "));
        }

        if deferred {
            text.push_str("return func() { ");
        }
        text.push_str(&checks);
        if has_result {
            text.push_str("return ");
        }
        let function = &self.replacements[index].text;
        text.push_str(&format!("{}{function}(", self.mark(call.span.end)));
        let args: Vec<_> = (0..func.params.len())
            .map(|index| format!("_cgo{index}"))
            .collect();
        text.push_str(&args.join(", "));
        text.push_str("); ");
        text.push_str(if deferred { "}}()()" } else { "}()" });
        text
    }

    /// Evaluates argument `index` and has it checked: of `&a[i]` all of `a`, of `&x` and of a slice
    /// that and no more, of anything else whatever it points into. The type conversions around it are
    /// part of the value, not of what is checked.
    fn checked_argument(
        &mut self,
        index: usize,
        arg: &Expr,
        text: &mut String,
        checks: &mut String,
    ) {
        let inner = self.without_conversions(arg);
        match inner {
            Expr::Unary(unary) if unary.op == Tok::And => {
                if let Expr::Index(element) = &unary.x {
                    let of_variable = is_variable(&element.x);
                    let (address, base) = if of_variable {
                        ("&", format!("(*_cgoIndex{index})"))
                    } else {
                        ("", format!("_cgoIndex{index}"))
                    };
                    let indexed = self.marked(&element.x);
                    let mark = self.mark(arg.span().start);
                    let value = self.render(arg, Some((element.x.span(), &base)));
                    let star = if of_variable { "*" } else { "" };
                    text.push_str(&format!(
                        "_cgoIndex{index} := {address}{indexed}; _cgo{index} := {mark}{value}; "
                    ));
                    checks.push_str(&format!(
                        "_cgoCheckPointer(_cgo{index}, {star}_cgoIndex{index}); "
                    ));
                    return;
                }
                self.checked_part("Base", index, arg, inner, text, checks);
            }
            Expr::Slice(_) => self.checked_part("Slice", index, arg, inner, text, checks),
            _ => {
                let arg = self.marked(arg);
                text.push_str(&format!("_cgo{index} := {arg}; "));
                checks.push_str(&format!("_cgoCheckPointer(_cgo{index}, nil); "));
            }
        }
    }

    /// Checks `part` of an argument by itself. `0 == 0` is true even where `true` is not.
    fn checked_part(
        &mut self,
        what: &str,
        index: usize,
        arg: &Expr,
        part: &Expr,
        text: &mut String,
        checks: &mut String,
    ) {
        let variable = format!("_cgo{what}{index}");
        let value = self.marked(part);
        let mark = self.mark(arg.span().start);
        let whole = self.render(arg, Some((part.span(), &variable)));
        text.push_str(&format!(
            "{variable} := {value}; _cgo{index} := {mark}{whole}; "
        ));
        checks.push_str(&format!("_cgoCheckPointer({variable}, 0 == 0); "));
    }

    /// The operand under type conversions, `unsafe.StringData` and `unsafe.SliceData`.
    fn without_conversions<'e>(&self, arg: &'e Expr) -> &'e Expr {
        let mut expr = arg;
        while let Expr::Call(call) = expr
            && let [operand] = call.args.as_slice()
            && (self.is_type(&call.fun) || is_unsafe(&call.fun, &["StringData", "SliceData"]))
        {
            expr = operand;
        }
        expr
    }

    /// `unsafe.StringData(…)`, perhaps converted: bytes hold no pointers.
    fn is_string_data(&self, arg: &Expr) -> bool {
        let mut expr = arg;
        while let Expr::Call(call) = expr
            && let [operand] = call.args.as_slice()
        {
            if is_unsafe(&call.fun, &["StringData"]) {
                return true;
            }
            if !self.is_type(&call.fun) {
                return false;
            }
            expr = operand;
        }
        false
    }

    /// Whether the expression is a type for certain.
    fn is_type(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Selector(selector) => {
                is_unsafe(expr, &["Pointer"])
                    || self
                        .file
                        .by_node
                        .get(&selector.id)
                        .is_some_and(|index| self.replacements[*index].is_type)
            }
            Expr::Ident(ident) => is_predeclared_type(ident.name.as_str()),
            Expr::Paren(paren) => self.is_type(&paren.x),
            Expr::Star(star) => self.is_type(&star.x),
            Expr::ArrayType(_)
            | Expr::StructType(_)
            | Expr::FuncType(_)
            | Expr::InterfaceType(_)
            | Expr::MapType(_)
            | Expr::ChanType(_) => true,
            _ => false,
        }
    }
}

/// Collects the edits of a subtree; an edited call contains those of its arguments.
struct Finder<'r, 'a> {
    rewriter: &'r mut Rewriter<'a>,
    marks: Marks,
    edits: Vec<Edit>,
}

impl<'a> Visitor<'a> for Finder<'_, '_> {
    fn visit_expr(&mut self, expr: &'a Expr, context: Context) {
        match expr {
            Expr::Selector(selector) => {
                if let Some(&index) = self.rewriter.file.by_node.get(&selector.id) {
                    let edit = self.rewriter.edit_reference(index, self.marks);
                    self.edits.push(edit);
                    return;
                }
            }
            Expr::Call(call) => {
                if let Some((index, name)) = self.rewriter.checked_function(call) {
                    let deferred = context == Context::Defer;
                    let text = self.rewriter.rewrite_call(call, index, name, deferred);
                    self.edits.push(Edit {
                        span: call.span,
                        text,
                    });
                    return;
                }
            }
            _ => {}
        }
        walk::walk_expr(self, expr, context);
    }
}

/// Why a name may not be used in a certain way.
fn misuse(used: Use, name: &Name) -> Option<String> {
    let written = names::as_written(&name.go);
    let is_builtin = BUILTINS.contains(&name.go.as_str());
    if name.kind == Kind::Type && name.ty.is_none() {
        let what = match used {
            Use::Call | Use::CallTwoValues => "invalid conversion to",
            Use::Type => "type",
            _ => "expression",
        };
        return Some(format!("{what} C.{written}: undefined C type '{}'", name.c));
    }
    Some(match (used, name.kind) {
        (_, Kind::IntConst | Kind::FloatConst | Kind::StrConst) if name.value.is_none() => {
            format!("unable to find value of constant C.{written}")
        }
        (Use::CallTwoValues, Kind::Func) if is_builtin => {
            format!("no two-result form for C.{written}")
        }
        (Use::Value, Kind::Func) if is_builtin => {
            format!("use of builtin '{written}' not in function call")
        }
        (Use::Call | Use::CallTwoValues, Kind::Func | Kind::Type) => return None,
        (Use::Call | Use::CallTwoValues, _) => format!("call of non-function C.{written}"),
        (Use::Selected, Kind::Var) | (Use::Type, Kind::Type) => return None,
        (Use::Selected, _) => {
            format!("only C variables allowed in selector expression {written}")
        }
        (Use::Type, _) => format!("expression C.{written} used as type"),
        _ => return None,
    })
}

/// A variable, perhaps a field or element of one: its address can be taken.
fn is_variable(expr: &Expr) -> bool {
    match expr {
        Expr::Ident(_) | Expr::Index(_) => true,
        Expr::Selector(selector) => is_variable(&selector.x),
        _ => false,
    }
}

/// One of the named members of package unsafe.
fn is_unsafe(expr: &Expr, members: &[&str]) -> bool {
    expr.as_qualified().is_some_and(|(package, member)| {
        package.name == "unsafe" && members.contains(&member.name.as_str())
    })
}

fn is_predeclared_type(name: &str) -> bool {
    matches!(
        name,
        "bool"
            | "byte"
            | "complex64"
            | "complex128"
            | "error"
            | "float32"
            | "float64"
            | "int"
            | "int8"
            | "int16"
            | "int32"
            | "int64"
            | "rune"
            | "string"
            | "uint"
            | "uint8"
            | "uint16"
            | "uint32"
            | "uint64"
            | "uintptr"
    )
}
