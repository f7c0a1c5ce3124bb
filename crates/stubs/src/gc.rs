//! Go's own compiler: calls go through the runtime, which switches stacks, and take their arguments in
//! a frame that both sides lay out alike.

use std::fmt::Write;

use crate::backend::{Backend, Dialect, Texts};
use crate::exports::{self, CResult, Export, Signature};
use crate::names::{self, Kind, Name};
use crate::wrappers::{self, Promises};
use crate::{Options, Output, prologs};

pub struct Gc<'a> {
    pub options: &'a Options,
}

impl Backend for Gc<'_> {
    fn dialect(&self) -> Dialect {
        Dialect {
            variable: "_C",
            incomplete: "_cgopackage.Incomplete",
            void: "[0]byte",
            keepalive: prologs::GO_KEEPALIVE,
            runtime: prologs::GO_RUNTIME,
        }
    }

    fn c_side(&self, name: &Name) -> String {
        if name.func.is_none() {
            return String::new();
        }
        wrappers::c_wrapper(name, &self.options.c_prefix, self.options.ptr_size)
    }

    fn begin(&self, texts: &mut Texts) {
        for flag in &self.options.ldflags {
            let flag = names::quote(flag.as_bytes());
            let _ = writeln!(texts.go, "//go:cgo_ldflag {flag}");
        }
        texts.export_c = exports::c_prolog(self.options.tsan, self.options.msan);
    }

    fn import_runtime_cgo(&self) -> &'static str {
        prologs::IMPORT_RUNTIME_CGO
    }

    /// The C side refers to each variable, so that the linker looks for it.
    fn variable(&self, name: &Name, first: bool, texts: &mut Texts) {
        let c = &name.c;
        if first {
            if name.kind == Kind::FuncPtrVar {
                let _ = writeln!(texts.main_c, "extern void {c}();");
            } else {
                let _ = write!(
                    texts.main_c,
                    "extern char {c}[];\nvoid *_cgohack_{c} = {c};\n\n"
                );
            }
            let _ = write!(
                texts.go,
                "//go:linkname __cgo_{c} {c}\n\
                 //go:cgo_import_static {c}\n\
                 var __cgo_{c} byte\n"
            );
        }
        let ty = name.variable_type();
        let _ = writeln!(
            texts.go,
            "var {} {ty} = ({ty})(unsafe.Pointer(&__cgo_{c}))",
            name.mangled
        );
    }

    fn functions(&self, functions: &[&Name], promises: &Promises, texts: &mut Texts) {
        let prefix = &self.options.c_prefix;
        let mut calls_malloc = false;
        for name in functions {
            let (text, mallocs) = wrappers::go_wrapper(name, prefix, promises);
            texts.go.push_str(&text);
            calls_malloc |= mallocs;
        }
        if calls_malloc {
            let with_prefix = |text: &str| text.replace("PREFIX", prefix);
            texts.go.push_str(&with_prefix(prologs::MALLOC_GO));
            texts.export_c.push_str(&with_prefix(prologs::MALLOC_C));
        }
    }

    /// The C wrapper packs its arguments into a struct, crosscall2 takes a pointer to it to the Go end,
    /// which calls the function and leaves the results in the same struct.
    fn export(&self, export: &Export, signature: &Signature, texts: &mut Texts) {
        let symbol = format!("_cgoexp{}_{}", self.options.c_prefix, export.name);
        let _ = writeln!(
            texts.main_c,
            "void {symbol}(void* p __attribute__((unused))){{}}"
        );
        export_c_end(export, signature, &symbol, &mut texts.export_c);
        export_go_end(export, signature, &symbol, &mut texts.go);
    }

    fn further_files(&self) -> Vec<Output> {
        Vec::new()
    }
}

fn export_c_end(export: &Export, signature: &Signature, symbol: &str, c: &mut String) {
    // The frame starts as zeros: Go's write barriers look at the results before they are set. A
    // static zero needs no <string.h>, and suits C++ types too.
    let _ = write!(
        c,
        "extern void {symbol}(void *);\n\n\
         CGO_NO_SANITIZE_THREAD\n\
         {}\n{{\n\
         \tsize_t _cgo_ctxt = _cgo_wait_runtime_init_done();\n\
         \ttypedef {} _CGO_PACKED __attribute__((aligned({}))) _cgo_argtype;\n\
         \tstatic _cgo_argtype _cgo_zero;\n\
         \t_cgo_argtype _cgo_a = _cgo_zero;\n",
        signature.prototype(&export.name),
        signature.c_struct,
        signature.align,
    );
    if let CResult::Struct = signature.result {
        let _ = writeln!(c, "\t{} _cgo_results;", signature.returns);
    }
    for (member, arg) in signature.members.iter().zip(&signature.args) {
        let _ = writeln!(c, "\t_cgo_a.{member} = {arg};");
    }
    let _ = write!(
        c,
        "\t_cgo_tsan_release();\n\
         \tcrosscall2({symbol}, &_cgo_a, {}, _cgo_ctxt);\n\
         \t_cgo_tsan_acquire();\n\
         \t_cgo_release_context(_cgo_ctxt);\n",
        signature.size
    );
    match &signature.result {
        CResult::Void => {}
        CResult::One => c.push_str("\treturn _cgo_a.r0;\n"),
        CResult::Struct => {
            for index in 0..export.results.len() {
                let _ = writeln!(c, "\t_cgo_results.r{index} = _cgo_a.r{index};");
            }
            c.push_str("\treturn _cgo_results;\n");
        }
    }
    c.push_str("}\n");
}

/// The Go linker exports the C wrapper when it links by itself, and shows the Go end to the host's
/// linker when that does.
fn export_go_end(export: &Export, signature: &Signature, symbol: &str, go: &mut String) {
    let name = &export.name;
    let _ = write!(
        go,
        "//go:cgo_export_dynamic {name}\n\
         //go:linkname {symbol} {symbol}\n\
         //go:cgo_export_static {symbol}\n\
         func {symbol}(a *{}) {{\n\t",
        signature.go_struct
    );
    let list = |prefix: &str, count: usize| -> String {
        let items: Vec<_> = (0..count)
            .map(|index| format!("a.{prefix}{index}"))
            .collect();
        items.join(", ")
    };
    if !export.results.is_empty() {
        let _ = write!(go, "{} = ", list("r", export.results.len()));
    }
    if export.receiver.is_some() {
        go.push_str("a.recv.");
    }
    let _ = writeln!(go, "{name}({})", list("p", export.params.len()));
    for index in &signature.pointer_results {
        let _ = write!(
            go,
            "//line {}\n\t_cgoCheckResult(a.r{index})\n",
            export.position
        );
    }
    go.push_str("}\n");
}
