//! A package's files, put together: names resolved file by file, outputs written for all.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use cdecl::Unit;
use source::{Diagnostic, Place};

use crate::backend::{self, Backend, Texts};
use crate::convert::{Converter, FuncType, Table, Target};
use crate::exports::{self, Declared, Exporter};
use crate::gccgo::Gccgo;
use crate::gofile::GoFile;
use crate::names::{self, Name, Names};
use crate::rewrite::Rewriter;
use crate::wrappers::Promises;
use crate::{Generated, Options, Output, godefs, prologs};

/// A package on its way through the generator.
pub struct Package<'a> {
    options: &'a Options,
    gccgo: Option<&'a Gccgo>,
    target: Target,
    table: Table,
    names: Names,
    promises: Promises,
    declared: Declared,
    diagnostics: Vec<Diagnostic>,
    outputs: Vec<Output>,
    /// C wrappers that have been written, by Go name: one is enough for all files.
    wrapped: HashSet<String>,
    package: String,
    /// Preambles of the files that export.
    export_preamble: String,
}

impl<'a> Package<'a> {
    pub fn new(options: &'a Options, gccgo: Option<&'a Gccgo>) -> Self {
        Package {
            options,
            gccgo,
            target: Target {
                goos: options.goos.clone(),
                ptr_size: options.ptr_size,
                godefs: options.godefs,
                dialect: backend::of(options, gccgo, "").dialect(),
            },
            table: Table::default(),
            names: Names::new(),
            promises: Promises::default(),
            declared: Declared::new(),
            diagnostics: Vec::new(),
            outputs: Vec::new(),
            wrapped: HashSet::new(),
            package: String::new(),
            export_preamble: String::new(),
        }
    }

    pub fn generate(mut self, files: &[(GoFile, Unit)]) -> Generated {
        let mut godefs = String::new();
        for (file, unit) in files {
            let mut names = self.resolve(file, unit);
            if !self.diagnostics.is_empty() {
                continue;
            }
            if self.options.godefs {
                let printed = godefs::print(file, &names, &self.table, self.options);
                godefs.push_str(&printed.text);
                self.diagnostics.extend(printed.diagnostics);
            } else {
                self.write_file(file, &mut names);
            }
            self.record(file, names);
        }
        self.check_promises();
        if self.diagnostics.is_empty() && !self.options.godefs {
            self.write_package(files);
        }
        let failed = !self.diagnostics.is_empty();
        Generated {
            has_exports: files.iter().any(|(file, _)| !file.exports.is_empty()),
            outputs: if failed { Vec::new() } else { self.outputs },
            godefs: if failed { String::new() } else { godefs },
            diagnostics: self.diagnostics,
        }
    }

    /// What the file's names are, by what the C front end says of them.
    fn resolve(&mut self, file: &GoFile, unit: &Unit) -> Names {
        let mut converter = Converter::new(unit, &self.target, &mut self.table);
        for (go, answer) in file.names.keys().zip(&unit.answers) {
            if let Some(stem) = go.strip_suffix("GetTypeID")
                && let cdecl::Meaning::Expr { .. } = answer.meaning
            {
                converter.type_ids.insert(stem.to_string());
            }
        }
        let mut names = Names::new();
        let mut refused = Vec::new();
        for ((go, span), answer) in file.names.iter().zip(&unit.answers) {
            let is_used = file.refs.iter().any(|reference| reference.name == *go);
            match names::resolve(go, &names::c_spelling(go), answer, &mut converter) {
                Ok(name) if is_used => {
                    names.insert(go.clone(), name);
                }
                Err(refusals) if is_used => {
                    refused.extend(refusals.into_iter().map(|refusal| (span.start, refusal)));
                }
                _ => {}
            }
        }
        refused.sort_by_key(|(pos, _)| *pos);
        self.diagnostics
            .extend(refused.into_iter().map(|(pos, refusal)| {
                let error = Diagnostic::error(file.place(pos), refusal.message);
                match refusal.help {
                    Some(help) => error.help(help),
                    None => error,
                }
            }));
        names
    }

    /// `x.cgo1.go` and `x.cgo2.c`.
    fn write_file(&mut self, file: &GoFile, names: &mut Names) {
        let mut rewriter = Rewriter::new(file, names, &self.table, &self.declared, &self.target);
        let go = rewriter.rewrite();
        let uncalled = rewriter.uncalled();
        let mut derived = std::mem::take(&mut rewriter.derived);
        self.diagnostics.append(&mut rewriter.diagnostics);
        names.retain(|key, _| !uncalled.contains(key));
        names.append(&mut derived);

        let path = &file.source.name;
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let base = name.strip_suffix(".go").unwrap_or(name);
        self.outputs.push(Output {
            name: format!("{base}.cgo1.go"),
            text: format!("// Code generated by cmd/cgo; DO NOT EDIT.\n\n//line {path}:1:1\n{go}"),
        });

        let mut c = format!(
            "{}\n{}\n{}{}{}{}\n",
            prologs::BUILTIN,
            file.preamble,
            prologs::WRAPPERS,
            prologs::PACKED,
            prologs::tsan(self.options.tsan),
            prologs::msan(self.options.msan),
        );
        let backend = backend::of(self.options, self.gccgo, &file.package);
        for name in names.values() {
            let is_builtin = names::BUILTINS.contains(&name.go.as_str());
            let has_c_side = name.func.is_some() || name.is_variable();
            if has_c_side && !is_builtin && self.wrapped.insert(name.mangled.clone()) {
                c.push_str(&backend.c_side(name));
            }
        }
        self.outputs.push(Output {
            name: format!("{base}.cgo2.c"),
            text: c,
        });
    }

    fn error(&mut self, message: String) {
        self.diagnostics
            .push(Diagnostic::error(Place::Nowhere, message));
    }

    /// Adds a file's names to the package's. The files of a package have to agree on what they mean.
    fn record(&mut self, file: &GoFile, names: Names) {
        if self.package.is_empty() {
            self.package.clone_from(&file.package);
        } else if self.package != file.package {
            self.error(format!(
                "inconsistent package names: {}, {}",
                self.package, file.package
            ));
        }
        for (key, name) in names {
            match self.names.get(&key) {
                None => {
                    self.names.insert(key, name);
                }
                Some(known) if is_incomplete(known) => {
                    self.names.insert(key, name);
                }
                Some(known) => {
                    let agree =
                        is_incomplete(&name) || names::is_predefined(&key) || agree(known, &name);
                    if !agree {
                        let written = names::as_written(&key).to_string();
                        self.error(format!("inconsistent definitions for C.{written}"));
                    }
                }
            }
        }
        for (name, ty) in &file.declared {
            self.declared
                .entry(name.clone())
                .or_insert_with(|| ty.clone());
        }
        self.promises
            .no_escape
            .extend(file.promises.no_escape.iter().cloned());
        self.promises
            .no_callback
            .extend(file.promises.no_callback.iter().cloned());
        if !file.exports.is_empty() {
            self.export_preamble.push('\n');
            self.export_preamble.push_str(&file.preamble);
        }
    }

    fn check_promises(&mut self) {
        let functions: HashSet<_> = self
            .names
            .values()
            .filter(|name| name.func.is_some())
            .map(|name| name.c.clone())
            .collect();
        let promises = [
            ("noescape", &self.promises.no_escape),
            ("nocallback", &self.promises.no_callback),
        ];
        let mut unmatched: Vec<_> = promises
            .into_iter()
            .flat_map(|(promise, names)| {
                let unmatched = names.iter().filter(|name| !functions.contains(*name));
                unmatched.map(move |name| format!("#cgo {promise} {name}: no matched C function"))
            })
            .collect();
        unmatched.sort();
        for message in unmatched {
            self.error(message);
        }
    }

    /// The files that a package has once.
    fn write_package(&mut self, files: &[(GoFile, Unit)]) {
        let options = self.options;
        let backend = backend::of(options, self.gccgo, &self.package);
        let mut texts = Texts::default();
        backend.begin(&mut texts);
        self.go_prolog(&*backend, &mut texts.go);
        texts.main_c = self.main_prolog();
        texts.header = self.header_prolog();
        self.write_variables(&*backend, &mut texts);
        for name in self.names.values() {
            if let Some(value) = &name.value {
                let _ = writeln!(texts.go, "const {} = {value}", name.mangled);
            }
        }
        texts.go.push('\n');
        let functions: Vec<_> = self
            .names
            .values()
            .filter(|name| name.func.is_some())
            .collect();
        backend.functions(&functions, &self.promises, &mut texts);

        let exporter = Exporter {
            table: &self.table,
            declared: &self.declared,
            backend: &*backend,
            ptr_size: options.ptr_size,
            int_size: options.int_size,
        };
        let exports: Vec<_> = files
            .iter()
            .flat_map(|(file, _)| file.exports.iter().cloned())
            .collect();
        self.diagnostics
            .extend(exporter.export(&exports, &mut texts));
        texts.header.push_str(prologs::EXPORT_END);

        let outputs = [
            ("_cgo_gotypes.go", texts.go),
            ("_cgo_main.c", texts.main_c),
            ("_cgo_export.c", texts.export_c),
            ("_cgo_export.h", texts.header),
        ];
        self.outputs
            .extend(outputs.into_iter().map(|(name, text)| Output {
                name: name.to_string(),
                text,
            }));
        self.outputs.extend(backend.further_files());
    }

    fn header_prolog(&self) -> String {
        let package = if self.options.import_path.is_empty() {
            &self.package
        } else {
            &self.options.import_path
        };
        exports::header_prolog(package, &self.export_preamble, self.options.int_size)
    }

    /// `_cgo_gotypes.go` up to the variables: imports, types, the runtime's entry points.
    fn go_prolog(&self, backend: &dyn Backend, go: &mut String) {
        let options = self.options;
        let dialect = backend.dialect();
        let _ = write!(
            go,
            "// Code generated by cmd/cgo; DO NOT EDIT.\n\npackage {}\n\nimport \"unsafe\"\n\n",
            self.package
        );
        if options.import_syscall {
            go.push_str("import \"syscall\"\n\n");
        }
        if options.import_runtime_cgo {
            go.push_str(backend.import_runtime_cgo());
        }
        if options.import_syscall {
            go.push_str("var _ syscall.Errno\n");
        }
        go.push_str(prologs::GO_PTR);
        go.push_str(dialect.keepalive);
        go.push('\n');
        for (name, definition) in &self.table.definitions {
            if name == "_Ctype_void" {
                continue;
            }
            let text = definition.go.to_string();
            // A name for another name is the same type; so are the long names of enums and unions.
            let is_alias = text.starts_with("_Ctype_")
                || name.starts_with("_Ctype_enum_")
                || name.starts_with("_Ctype_union_");
            let equals = if is_alias { "= " } else { "" };
            let _ = write!(go, "type {name} {equals}{text}\n\n");
        }
        let _ = writeln!(go, "type _Ctype_void {}", dialect.void);
        go.push_str(dialect.runtime);
    }

    /// `_cgo_main.c` stands in for the Go side when the C side is linked by itself, to learn which
    /// libraries and symbols it needs.
    fn main_prolog(&self) -> String {
        let unused = "__attribute__((unused))";
        let mut text = format!(
            "#include <stddef.h>\n\
             int main(int argc {unused}, char **argv {unused}) {{ return 0; }}\n"
        );
        if self.options.import_runtime_cgo {
            let _ = write!(
                text,
                "void crosscall2(void(*fn)(void*) {unused}, void *a {unused}, int c {unused}, size_t ctxt {unused}) {{ }}\n\
                 size_t _cgo_wait_runtime_init_done(void) {{ return 0; }}\n\
                 void _cgo_release_context(size_t ctxt {unused}) {{ }}\n\
                 char* _cgo_topofstack(void) {{ return (char*)0; }}\n"
            );
        } else {
            // This package is runtime/cgo itself, which has them.
            text.push_str(
                "void crosscall2(void(*fn)(void*), void *a, int c, size_t ctxt);\n\
                 size_t _cgo_wait_runtime_init_done(void);\n\
                 void _cgo_release_context(size_t);\n",
            );
        }
        let _ = write!(
            text,
            "void _cgo_allocate(void *a {unused}, int c {unused}) {{ }}\n\
             void _cgo_panic(void *a {unused}, int c {unused}) {{ }}\n\
             void _cgo_reginit(void) {{ }}\n\
             #line 1 \"cgo-generated-wrappers\"\n"
        );
        text
    }

    /// C variables, and C functions used as values.
    fn write_variables(&self, backend: &dyn Backend, texts: &mut Texts) {
        let mut declared = HashSet::new();
        for name in self.names.values().filter(|name| name.is_variable()) {
            let first = declared.insert(name.c.as_str());
            backend.variable(name, first, texts);
        }
    }
}

/// A type that has only been declared where it was seen: another file may know more. Constants have
/// no type to disagree about: the last file's counts.
fn is_incomplete(name: &Name) -> bool {
    name.func.is_none() && name.ty.as_ref().is_none_or(|ty| !ty.complete)
}

/// Functions may be declared with different spellings of types that are the same to a caller.
fn agree(a: &Name, b: &Name) -> bool {
    let same_but_function = Name {
        func: None,
        ..a.clone()
    } == Name {
        func: None,
        ..b.clone()
    };
    let layout = |func: &FuncType| -> BTreeMap<usize, (u64, u64)> {
        let params = func.params.iter().map(|param| (param.size, param.align));
        let result = func.result.as_ref().map(|ty| (ty.size, ty.align));
        result
            .into_iter()
            .chain(
                [(u64::MAX, 0)]
                    .into_iter()
                    .filter(|_| func.result.is_none()),
            )
            .chain(params)
            .enumerate()
            .collect()
    };
    match (&a.func, &b.func) {
        (Some(a), Some(b)) => same_but_function && layout(a) == layout(b),
        (None, None) => same_but_function,
        _ => false,
    }
}
