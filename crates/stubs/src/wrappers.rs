//! Calls from Go to C, for Go's own compiler: the C wrapper that unpacks an argument frame, and the Go function that makes it.
//!
//! The frame is the one that Go's stack ABI lays out for the Go function's parameters and results
//! (`abi::frame`), so that a pointer to the first of them is a pointer to all.

use std::collections::HashSet;
use std::fmt::Write;

use abi::frame::{Frame, Layout, Slot};

use crate::convert::{Converted, FuncType};
use crate::names::Name;
use crate::prologs;

/// The argument frame as C text.
fn frame(func: &FuncType, ptr_size: u64) -> String {
    let layout = |ty: &Converted| Layout {
        size: ty.size,
        align: ty.align,
    };
    let params: Vec<_> = func.params.iter().map(layout).collect();
    let results: Vec<_> = func.result.iter().map(layout).collect();
    let mut text = "struct {\n".to_string();
    for slot in Frame::new(&params, &results, ptr_size).slots {
        let _ = match slot {
            Slot::Param { index, .. } => {
                writeln!(
                    text,
                    "\t\t{} p{index};",
                    without_const(&func.params[index].c)
                )
            }
            Slot::Result { .. } => {
                let c = func.result.as_ref().map_or("void", |result| &result.c);
                writeln!(text, "\t\t{} r;", without_const(c))
            }
            Slot::Gap { offset, size } => writeln!(text, "\t\tchar __pad{offset}[{size}];"),
        };
    }
    text.push_str("\t}");
    text
}

/// A C type without the `const` of its outermost level, which ends the spelling, perhaps among other
/// qualifiers: what receives a value has to be written to.
pub fn without_const(c: &str) -> String {
    let mut head = c;
    let mut kept = Vec::new();
    loop {
        match head.rsplit_once(' ') {
            Some((rest, "const")) => head = rest,
            Some((rest, qualifier @ ("volatile" | "__restrict"))) => {
                kept.push(qualifier);
                head = rest;
            }
            _ => break,
        }
    }
    kept.push(head);
    kept.reverse();
    kept.join(" ")
}

/// The C function that Go calls in place of `name`.
pub fn c_wrapper(name: &Name, c_prefix: &str, ptr_size: u64) -> String {
    let func = name.func.as_ref().expect("wrappers are made for functions");
    let frame = frame(func, ptr_size);
    let mut text = String::new();
    let mut line = |text_line: &str| {
        text.push_str(text_line);
        text.push('\n');
    };
    line("CGO_NO_SANITIZE_THREAD");
    line(if name.with_errno { "int" } else { "void" });
    line(&format!("_cgo{c_prefix}{}(void *v)", name.mangled));
    line("{");
    if name.with_errno {
        line("\tint _cgo_errno;");
    }
    if !func.params.is_empty() || func.result.is_some() {
        line(&format!("\t{frame} _CGO_PACKED *_cgo_a = v;"));
    }
    if func.result.is_some() {
        line("\tchar *_cgo_stktop = _cgo_topofstack();");
        line("\t__typeof__(_cgo_a->r) _cgo_r;");
    }
    line("\t_cgo_tsan_acquire();");
    if name.with_errno {
        line("\terrno = 0;");
    }
    let assign = match &func.result {
        Some(result) if result.c.ends_with('*') => "_cgo_r = (__typeof__(_cgo_a->r)) ",
        Some(_) => "_cgo_r = ",
        None => "",
    };
    let args: Vec<_> = (0..func.params.len())
        .map(|index| format!("_cgo_a->p{index}"))
        .collect();
    line(&format!("\t{assign}{};", name.c_call(&args)));
    if name.with_errno {
        line("\t_cgo_errno = errno;");
    }
    line("\t_cgo_tsan_release();");
    if func.result.is_some() {
        // A call back may have moved Go's stack, and the frame with it.
        line("\t_cgo_a = (void*)((char*)_cgo_a + (_cgo_topofstack() - _cgo_stktop));");
        line("\t_cgo_a->r = _cgo_r;");
        line("\t_cgo_msan_write(&_cgo_a->r, sizeof(_cgo_a->r));");
    }
    if name.with_errno {
        line("\treturn _cgo_errno;");
    }
    line("}");
    line("");
    text
}

/// What the user has promised of C functions by `#cgo noescape` and `#cgo nocallback`.
#[derive(Clone, Debug, Default)]
pub struct Promises {
    pub no_escape: HashSet<String>,
    pub no_callback: HashSet<String>,
}

/// The Go function that stands for `name`. Says by the flag whether it needs C.malloc.
pub fn go_wrapper(name: &Name, c_prefix: &str, promises: &Promises) -> (String, bool) {
    if let Some((text, mallocs)) = prologs::builtin(&name.go) {
        return (text.to_string(), mallocs);
    }
    let func = name.func.as_ref().expect("wrappers are made for functions");
    let symbol = format!("_cgo{c_prefix}{}", name.mangled);
    let params: Vec<_> = func
        .params
        .iter()
        .enumerate()
        .map(|(index, param)| format!("p{index} {}", param.go))
        .collect();
    let result = func
        .result
        .as_ref()
        .map_or_else(|| "_Ctype_void".to_string(), |result| result.go.to_string());
    let errno = if name.with_errno { ", r2 error" } else { "" };
    let frame = if func.params.is_empty() { "r1" } else { "p0" };
    let no_callback = promises.no_callback.contains(&name.c);
    let keep = if no_callback && promises.no_escape.contains(&name.c) {
        "_Cgo_keepalive"
    } else {
        "_Cgo_use"
    };

    let mut text = format!(
        "//go:cgo_import_static {symbol}\n\
         //go:linkname __cgofn_{symbol} {symbol}\n\
         var __cgofn_{symbol} byte\n\
         var {symbol} = unsafe.Pointer(&__cgofn_{symbol})\n\n\
         //go:cgo_unsafe_args\n\
         func {}({}) (r1 {result}{errno}) {{\n",
        name.mangled,
        params.join(", "),
    );
    if no_callback {
        text.push_str("\t_Cgo_no_callback(true)\n");
    }
    // A uintptr hides the frame from escape analysis: it stays on the stack.
    let take = if name.with_errno { "errno := " } else { "" };
    let _ = writeln!(
        text,
        "\t{take}_cgo_runtime_cgocall({symbol}, uintptr(unsafe.Pointer(&{frame})))"
    );
    if name.with_errno {
        text.push_str("\tif errno != 0 { r2 = syscall.Errno(errno) }\n");
    }
    if no_callback {
        text.push_str("\t_Cgo_no_callback(false)\n");
    }
    if !params.is_empty() {
        text.push_str("\tif _Cgo_always_false {\n");
        for index in 0..params.len() {
            let _ = writeln!(text, "\t\t{keep}(p{index})");
        }
        text.push_str("\t}\n");
    }
    text.push_str("\treturn\n}\n");
    (text, false)
}
