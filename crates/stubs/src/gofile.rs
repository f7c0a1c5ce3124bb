//! What a Go file asks of C and offers to it: its preamble, its uses of `C.xxx`, its exports.

use std::collections::{BTreeMap, HashMap};

use source::{Diagnostic, Place, Pos, SourceFile, Span};
use syntax::{
    Context, Decl, Expr, File, FuncDecl, Mode, Node, NodeId, Spec, Tok, Visitor, parse_source, walk,
};

use crate::exports::{Declared, Export, Param, TypeExpr};
use crate::gotype::{GoField, GoType};
use crate::names::{self, RESERVED_PREFIXES};
use crate::prologs;
use crate::wrappers::Promises;
use crate::{Input, Options};

/// Ends a preamble: what follows it is not the user's.
const WRAPPER_LINE: &str = "#line 1 \"cgo-generated-wrapper\"\n";

/// What a name of package C is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Type,
    /// A field or interface element without a name.
    Embedded,
    Value,
    Call,
    /// Called, and the result assigned to two variables.
    CallTwoValues,
    /// Something is selected from it.
    Selected,
}

impl From<Context> for Use {
    fn from(context: Context) -> Use {
        match context {
            Context::Type => Use::Type,
            Context::EmbeddedType => Use::Embedded,
            Context::Callee => Use::Call,
            Context::Callee2 => Use::CallTwoValues,
            Context::SelectorX => Use::Selected,
            _ => Use::Value,
        }
    }
}

/// One `C.xxx` in a Go file.
pub struct Ref {
    /// The name in Go: `malloc` is `_CMalloc`.
    pub name: String,
    pub span: Span,
    pub used: Use,
}

/// A Go file, read.
pub struct GoFile {
    pub source: SourceFile,
    pub tree: File,
    pub package: String,
    /// The comments above `import "C"`, without `#cgo` lines and with line directives.
    pub preamble: String,
    pub promises: Promises,
    pub refs: Vec<Ref>,
    /// Selector expression `C.xxx` → index in `refs`.
    pub by_node: HashMap<NodeId, usize>,
    /// Names in package C, each with the place of its first use.
    pub names: BTreeMap<String, Span>,
    pub exports: Vec<Export>,
    /// Types declared at top level, first declarations only.
    pub declared: Declared,
    pub diagnostics: Vec<Diagnostic>,
}

impl GoFile {
    pub fn read(input: Input, options: &Options) -> GoFile {
        let mut source = SourceFile::new(input.path, input.text);
        let mode = Mode {
            comments: true,
            ..Mode::default()
        };
        let parsed = parse_source(&mut source, mode);
        let mut file = GoFile {
            package: parsed.file.name.name.to_string(),
            source,
            preamble: String::new(),
            promises: Promises::default(),
            refs: Vec::new(),
            by_node: HashMap::new(),
            names: BTreeMap::new(),
            exports: Vec::new(),
            declared: Declared::new(),
            diagnostics: Vec::new(),
            tree: parsed.file,
        };
        for error in &parsed.errors {
            file.error(error.span.start, error.message.clone());
        }
        if file.diagnostics.is_empty() {
            file.read_imports();
            file.check_receivers();
            file.read_references();
            file.read_exports();
            file.read_declared();
            file.read_directives();
        }
        if file.diagnostics.is_empty() && matches!(options.goos.as_str(), "darwin" | "ios") {
            file.ask_for_type_ids();
        }
        file
    }

    pub fn place(&self, pos: Pos) -> Place {
        Place::Presumed(self.source.presumed(pos))
    }

    pub fn error(&mut self, pos: Pos, message: impl Into<String>) {
        let place = self.place(pos);
        self.diagnostics.push(Diagnostic::error(place, message));
    }

    /// The file's text; it parsed without errors, so it is UTF-8.
    pub fn text(&self, span: Span) -> &str {
        std::str::from_utf8(self.source.slice(span)).unwrap_or_default()
    }

    /// The C translation unit that answers for this file's names.
    pub fn c_source(&self) -> String {
        // An error at the very end belongs to the user's last line.
        let preamble = self
            .preamble
            .strip_suffix(WRAPPER_LINE)
            .unwrap_or(&self.preamble);
        format!("{}{preamble}", prologs::BUILTIN)
    }

    fn read_imports(&mut self) {
        let mut seen = false;
        let mut preamble = String::new();
        let mut errors = Vec::new();
        for (spec, doc) in self.tree.imports_of("C") {
            seen = true;
            if spec.name.is_some() {
                errors.push(spec.path.span.start);
            }
            if let Some(doc) = doc {
                let line = self.source.presumed(doc.span.start).line;
                let path = names::quote(self.source.name.as_bytes());
                preamble.push_str(&format!(
                    "#line {line} {path}\n{}\n{WRAPPER_LINE}",
                    doc.raw_text()
                ));
            }
        }
        self.preamble = preamble;
        for pos in errors {
            self.error(pos, "cannot rename import \"C\"");
        }
        if !seen {
            self.error(self.tree.package, "cannot find import \"C\"");
        }
    }

    /// `#cgo` lines are the go command's, but for two promises. They become empty lines.
    fn read_directives(&mut self) {
        let mut lines = Vec::new();
        for line in self.preamble.split('\n') {
            let words: Vec<_> = line.split_whitespace().collect();
            if words.first() != Some(&"#cgo") || words.len() < 2 {
                lines.push(line);
                continue;
            }
            lines.push("");
            if let [_, promise, function] = words.as_slice() {
                let function = (*function).to_string();
                match *promise {
                    "noescape" => self.promises.no_escape.insert(function),
                    "nocallback" => self.promises.no_callback.insert(function),
                    _ => false,
                };
            }
        }
        self.preamble = lines.join("\n");
    }

    fn check_receivers(&mut self) {
        let mut errors = Vec::new();
        for decl in &self.tree.decls {
            let Decl::Func(func) = decl else { continue };
            let Some(receiver) = func.recv.as_ref().and_then(|recv| recv.list.first()) else {
                continue;
            };
            let mut ty = receiver.ty.unparen();
            if let Expr::Star(star) = ty {
                ty = star.x.unparen();
            }
            if let Expr::Selector(selector) = ty {
                let text = self.text(receiver.ty.span()).to_string();
                errors.push((selector.span.start, text));
            }
        }
        for (pos, text) in errors {
            self.error(
                pos,
                format!("cannot define new methods on non-local type {text}"),
            );
        }
    }

    fn read_references(&mut self) {
        let mut finder = Finder::default();
        walk::walk_file(&mut finder, &self.tree);
        for (pos, message) in finder.errors {
            self.error(pos, message);
        }
        self.refs = finder.refs;
        self.by_node = finder.by_node;
        for reference in &self.refs {
            self.names
                .entry(reference.name.clone())
                .or_insert(reference.span);
        }
    }

    fn read_exports(&mut self) {
        let mut exports = Vec::new();
        let mut errors = Vec::new();
        for decl in &self.tree.decls {
            let Decl::Func(func) = decl else { continue };
            let Some(comment) = func
                .doc
                .iter()
                .flat_map(|doc| &doc.list)
                .find(|comment| comment.text.starts_with("//export "))
            else {
                continue;
            };
            let exported = comment.text["//export ".len()..].trim();
            let name = func.name.name.as_str();
            if exported.is_empty() {
                errors.push((comment.span.start, "export missing name".to_string()));
            }
            if exported != name {
                errors.push((
                    comment.span.start,
                    format!(
                        "export comment has wrong name {}, want {}",
                        names::quote(exported.as_bytes()),
                        names::quote(name.as_bytes())
                    ),
                ));
            }
            exports.push(self.export(exported, func));
        }
        self.exports = exports;
        for (pos, message) in errors {
            self.error(pos, message);
        }
    }

    fn export(&self, name: &str, func: &FuncDecl) -> Export {
        let list = |fields: Option<&syntax::FieldList>| -> Vec<Param> {
            let mut params = Vec::new();
            for field in fields.iter().flat_map(|fields| &fields.list) {
                let ty = self.type_expr(&field.ty);
                if field.names.is_empty() {
                    params.push(Param {
                        name: String::new(),
                        ty: ty.clone(),
                    });
                }
                params.extend(field.names.iter().map(|name| Param {
                    name: name.name.to_string(),
                    ty: ty.clone(),
                }));
            }
            params
        };
        let receiver = func.recv.as_ref().and_then(|recv| recv.list.first());
        let presumed = self.source.presumed(func.span.start);
        Export {
            name: name.to_string(),
            receiver: receiver.map(|field| self.type_expr(&field.ty)),
            params: list(Some(&func.ty.params)),
            results: list(func.ty.results.as_ref()),
            position: format!("{}:{}", presumed.file, presumed.line),
        }
    }

    fn read_declared(&mut self) {
        let mut declared = Declared::new();
        for decl in &self.tree.decls {
            let Decl::Gen(decl) = decl else { continue };
            if decl.tok != Tok::Type {
                continue;
            }
            for spec in &decl.specs {
                if let Spec::Type(spec) = spec {
                    declared
                        .entry(spec.name.name.to_string())
                        .or_insert_with(|| self.type_expr(&spec.ty));
                }
            }
        }
        self.declared = declared;
    }

    /// CoreFoundation's `XRef` is special where a function `XGetTypeID` exists.
    fn ask_for_type_ids(&mut self) {
        let functions: Vec<_> = self
            .names
            .iter()
            .filter_map(|(name, span)| {
                Some((format!("{}GetTypeID", name.strip_suffix("Ref")?), *span))
            })
            .collect();
        for (function, span) in functions {
            self.names.entry(function).or_insert(span);
        }
    }

    fn type_expr(&self, expr: &Expr) -> TypeExpr {
        TypeExpr {
            go: self.go_type(expr),
            text: self.type_text(expr),
            place: self.place(expr.span().start),
        }
    }

    /// A type expression with C's types under their generated names.
    fn type_text(&self, expr: &Expr) -> String {
        let mut finder = Finder::default();
        finder.visit_expr(expr, Context::Type);
        let span = expr.span();
        let mut text = String::new();
        let mut at = span.start;
        for reference in &finder.refs {
            text.push_str(self.text(Span::new(at, reference.span.start)));
            text.push_str(&format!("_Ctype_{}", reference.name));
            at = reference.span.end;
        }
        text.push_str(self.text(Span::new(at, span.end)));
        text
    }

    fn go_type(&self, expr: &Expr) -> GoType {
        let text = || self.type_text(expr);
        match expr {
            Expr::Ident(ident) => GoType::named(ident.name.as_str()),
            Expr::Paren(paren) => self.go_type(&paren.x),
            Expr::Star(star) => self.go_type(&star.x).pointer(),
            Expr::Selector(_) => match expr.as_qualified() {
                Some((package, name)) if package.name == "C" => {
                    GoType::named(format!("_Ctype_{}", name.name))
                }
                Some((package, name)) if package.name == "unsafe" && name.name == "Pointer" => {
                    GoType::named("unsafe.Pointer")
                }
                _ => GoType::Other(text()),
            },
            Expr::ArrayType(array) => match &array.len {
                None => GoType::Slice(Box::new(self.go_type(&array.elt))),
                Some(Expr::BasicLit(lit)) => GoType::Array {
                    len: lit.value.parse().unwrap_or(0),
                    elem: Box::new(self.go_type(&array.elt)),
                },
                Some(_) => GoType::Array {
                    len: 0,
                    elem: Box::new(self.go_type(&array.elt)),
                },
            },
            Expr::StructType(ty) => {
                let mut fields = Vec::new();
                for field in &ty.fields.list {
                    let ty = self.go_type(&field.ty);
                    let name = |name: &str| GoField {
                        name: name.to_string(),
                        ty: ty.clone(),
                    };
                    if field.names.is_empty() {
                        fields.push(name(""));
                    }
                    fields.extend(field.names.iter().map(|ident| name(ident.name.as_str())));
                }
                GoType::Struct(fields)
            }
            Expr::FuncType(_) => GoType::Func(text()),
            Expr::InterfaceType(_) => GoType::Interface(text()),
            Expr::MapType(_) => GoType::Map(text()),
            Expr::ChanType(_) => GoType::Chan(text()),
            _ => GoType::Other(text()),
        }
    }
}

/// Collects references to package C.
#[derive(Default)]
struct Finder {
    refs: Vec<Ref>,
    by_node: HashMap<NodeId, usize>,
    errors: Vec<(Pos, String)>,
}

impl<'a> Visitor<'a> for Finder {
    fn visit_expr(&mut self, expr: &'a Expr, context: Context) {
        match expr {
            Expr::Ident(ident) => {
                let name = ident.name.as_str();
                if RESERVED_PREFIXES
                    .iter()
                    .any(|prefix| name.starts_with(prefix))
                {
                    self.errors.push((
                        ident.span.start,
                        format!(
                            "identifier \"{name}\" may conflict with identifiers generated by cgo"
                        ),
                    ));
                }
            }
            Expr::Selector(selector) => {
                if let Some((package, name)) = expr.as_qualified()
                    && package.name == "C"
                {
                    let name = name.name.as_str();
                    self.reference(selector.id, selector.span, name, context.into());
                    return;
                }
            }
            _ => {}
        }
        walk::walk_expr(self, expr, context);
    }
}

impl Finder {
    fn reference(&mut self, node: NodeId, span: Span, name: &str, used: Use) {
        if used == Use::Embedded {
            self.errors
                .push((span.start, "cannot embed C type".to_string()));
        }
        let name = match name {
            "errno" => {
                let message = "cannot refer to errno directly; see documentation";
                self.errors.push((span.start, message.to_string()));
                return;
            }
            "_CMalloc" => {
                let message = "cannot refer to C._CMalloc; use C.malloc";
                self.errors.push((span.start, message.to_string()));
                return;
            }
            "malloc" => "_CMalloc",
            other => other,
        };
        self.by_node.insert(node, self.refs.len());
        self.refs.push(Ref {
            name: name.to_string(),
            span,
            used,
        });
    }
}
