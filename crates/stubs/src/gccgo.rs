//! gccgo: Go code calls C functions as C does, and C calls Go functions by their symbols.
//!
//! Go and C share the stack, so that there are no frames to be packed: the Go end tells the scheduler
//! that it is about to leave (`syscall.Cgocall`) and calls a C wrapper, which is there because the
//! preamble may declare its functions static. Go symbols that C refers to are spelled as gccgo mangles
//! them, which has changed over the years.

use std::fmt::Write;

use crate::backend::{Backend, Dialect, Texts};
use crate::exports::{CResult, Export, Signature};
use crate::names::{BUILTINS, Name};
use crate::wrappers::{Promises, without_const};
use crate::{Options, Output, prologs};

/// What `-gccgo` adds to the options.
#[derive(Clone, Debug)]
pub struct Gccgo {
    pub mangling: Mangling,
    /// `-gccgopkgpath` and `-gccgoprefix`: what the compiler is told by `-fgo-pkgpath` and `-fgo-prefix`.
    pub package_path: String,
    pub prefix: String,
    /// `-gccgo_define_cgoincomplete`: this gccgo's runtime/cgo has no `Incomplete`.
    pub define_incomplete: bool,
}

/// How a gccgo makes symbols of package paths and names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mangling {
    /// Whatever is no ASCII letter or digit is an underscore.
    V1,
    /// `..z2f`, `..u00e4`: two dots and the character's number. A dot is `.x2e`.
    V2,
    /// `_u00e4`: an underscore and the number; frequent characters have codes of one letter.
    V3,
}

/// A Go file whose assembly tells how the compiler mangles.
pub const MANGLING_PROBE: &str = "package läufer\n\nfunc Run(x int) int { return 1 }\n";

/// Codes that follow an underscore in the third scheme.
const SHORT_CODES: [(char, char); 14] = [
    ('_', '_'),
    ('.', '0'),
    ('/', '1'),
    ('*', '2'),
    (',', '3'),
    ('{', '4'),
    ('}', '5'),
    ('[', '6'),
    (']', '7'),
    ('(', '8'),
    (')', '9'),
    ('"', 'a'),
    (' ', 'b'),
    (';', 'c'),
];

impl Mangling {
    /// The scheme by which `assembly` was made of [`MANGLING_PROBE`].
    pub fn of_assembly(assembly: &str) -> Option<Mangling> {
        [
            ("go_0l_u00e4ufer.Run", Mangling::V3),
            ("go.l..u00e4ufer.Run", Mangling::V2),
            ("go.l__ufer.Run", Mangling::V1),
        ]
        .into_iter()
        .find(|(symbol, _)| assembly.contains(symbol))
        .map(|(_, mangling)| mangling)
    }

    /// The symbol, or the part of one, that stands for a package path or name.
    pub fn symbol(self, name: &str) -> String {
        let mut text = String::new();
        for char in name.chars() {
            if char.is_ascii_alphanumeric() {
                text.push(char);
            } else {
                self.push_special(char, &mut text);
            }
        }
        text
    }

    fn push_special(self, char: char, text: &mut String) {
        let number = u32::from(char);
        let (mark, z) = match self {
            Mangling::V1 => return text.push('_'),
            Mangling::V2 if char == '_' => return text.push('_'),
            Mangling::V2 if char == '.' => return text.push_str(".x2e"),
            Mangling::V2 => ("..", 'z'),
            Mangling::V3 => {
                if let Some((_, code)) = SHORT_CODES.iter().find(|(short, _)| *short == char) {
                    return text.extend(['_', *code]);
                }
                ("_", 'x')
            }
        };
        let _ = match number {
            ..0x80 => write!(text, "{mark}{z}{number:02x}"),
            0x80..0x10000 => write!(text, "{mark}u{number:04x}"),
            _ => write!(text, "{mark}U{number:08x}"),
        };
    }
}

pub struct GccgoBackend<'a> {
    options: &'a Options,
    gccgo: &'a Gccgo,
    /// What the symbols of the package start with, up to the dot.
    symbol_prefix: String,
}

impl<'a> GccgoBackend<'a> {
    /// `package` is the package's name.
    pub fn new(options: &'a Options, gccgo: &'a Gccgo, package: &str) -> Self {
        let symbol = |name: &str| gccgo.mangling.symbol(name);
        let symbol_prefix = match (gccgo.package_path.as_str(), gccgo.prefix.as_str()) {
            ("", "") if package == "main" => package.to_string(),
            ("", "") => format!("go.{package}"),
            ("", prefix) => format!("{}.{package}", symbol(prefix)),
            (path, _) => symbol(path),
        };
        GccgoBackend {
            options,
            gccgo,
            symbol_prefix,
        }
    }

    /// The symbol of a name that the package declares.
    fn symbol(&self, name: &str) -> String {
        let name = self.gccgo.mangling.symbol(name);
        format!("{}.{name}", self.symbol_prefix)
    }

    /// The C function that Go calls in place of `name`.
    fn c_wrapper(&self, name: &Name) -> String {
        let func = name.func.as_ref().expect("wrappers are made for functions");
        let params: Vec<_> = func
            .params
            .iter()
            .enumerate()
            .map(|(index, param)| format!("{} p{index}", param.c))
            .collect();
        let args: Vec<_> = (0..params.len()).map(|index| format!("p{index}")).collect();
        let params = match params.as_slice() {
            [] => "void".to_string(),
            params => params.join(", "),
        };
        let call = name.c_call(&args);
        let result = func.result.as_ref();
        let result = result.map(|result| without_const(&result.c));
        let (declare, call, give) = match &result {
            Some(result) => {
                // The function's own type may have qualifiers that Go's idea of it has not.
                let cast = if result.ends_with('*') {
                    "(void*) "
                } else {
                    ""
                };
                (
                    format!("\t{result} _cgo_r;\n"),
                    format!("_cgo_r = {cast}{call}"),
                    "\treturn _cgo_r;\n",
                )
            }
            None => (String::new(), call, ""),
        };
        format!(
            "CGO_NO_SANITIZE_THREAD\n\
             {}\n\
             _cgo{}{}({params})\n{{\n\
             {declare}\
             \t_cgo_tsan_acquire();\n\
             \t{call};\n\
             \t_cgo_tsan_release();\n\
             {give}}}\n\n",
            result.as_deref().unwrap_or("void"),
            self.options.c_prefix,
            name.mangled,
        )
    }

    /// Sets the Go variable that holds the address of `name`. It does so where the preamble is, which may
    /// declare it static. Little stack is needed, and a constructor has no business splitting it.
    fn c_variable(&self, name: &Name) -> String {
        let Name { mangled, c, .. } = name;
        let symbol = self.symbol(mangled);
        format!(
            "extern __typeof__(&{c}) _cgo_{mangled} __asm__(\"{symbol}\");\n\n\
             __attribute__((constructor, no_split_stack))\n\
             static void _cgo_init_{mangled}(void)\n{{\n\
             \t_cgo_{mangled} = &{c};\n}}\n\n"
        )
    }

    /// The Go function that stands for `name`, and the declaration of the C function that it calls.
    fn go_wrapper(&self, name: &Name) -> String {
        let func = name.func.as_ref().expect("wrappers are made for functions");
        let symbol = format!("_cgo{}{}", self.options.c_prefix, name.mangled);
        let params: Vec<_> = func
            .params
            .iter()
            .enumerate()
            .map(|(index, param)| format!("p{index} {}", param.go))
            .collect();
        let params = params.join(", ");
        let args: Vec<_> = (0..func.params.len())
            .map(|index| format!("p{index}"))
            .collect();
        let result = func.result.as_ref().map(|result| result.go.to_string());
        let returned = result.as_deref().unwrap_or("_Ctype_void");
        let errno = if name.with_errno { ", r2 error" } else { "" };

        let mut text = format!(
            "func {}({params}) (r1 {returned}{errno}) {{\n",
            name.mangled
        );
        // Those that are implemented in Go's runtime are back before anybody could miss them, and may
        // allocate Go memory.
        if !BUILTINS.contains(&name.go.as_str()) {
            text.push_str("\tdefer syscall.CgocallDone()\n\tsyscall.Cgocall()\n");
        }
        if name.with_errno {
            text.push_str("\tsyscall.SetErrno(0)\n");
        }
        let assign = if result.is_some() { "r1 = " } else { "" };
        let _ = writeln!(text, "\t{assign}{symbol}({})", args.join(", "));
        if name.with_errno {
            text.push_str("\tif e := syscall.GetErrno(); e != 0 { r2 = e }\n");
        }
        let _ = write!(
            text,
            "\treturn\n}}\n\n//extern {symbol}\nfunc {symbol}({params}){}\n\n",
            result.map_or_else(String::new, |result| format!(" {result}"))
        );
        text
    }
}

impl Backend for GccgoBackend<'_> {
    fn dialect(&self) -> Dialect {
        Dialect {
            // gccgo keeps the symbols of unexported variables to itself.
            variable: "C",
            incomplete: if self.gccgo.define_incomplete {
                "_cgopackage_Incomplete"
            } else {
                "_cgopackage.Incomplete"
            },
            void: "byte",
            keepalive: "",
            runtime: CHECK_GO,
        }
    }

    fn c_side(&self, name: &Name) -> String {
        if name.is_variable() {
            self.c_variable(name)
        } else {
            self.c_wrapper(name)
        }
    }

    fn begin(&self, texts: &mut Texts) {
        let (tsan, msan) = (self.options.tsan, self.options.msan);
        texts.export_c = format!(
            "/* Code generated by cmd/cgo; DO NOT EDIT. */\n\n\
             #include \"_cgo_export.h\"\n\
             {EXPORT_C}{}{}\n",
            prologs::tsan(tsan),
            prologs::msan(msan),
        );
    }

    fn import_runtime_cgo(&self) -> &'static str {
        if self.gccgo.define_incomplete {
            INCOMPLETE
        } else {
            prologs::IMPORT_RUNTIME_CGO
        }
    }

    fn variable(&self, name: &Name, _first: bool, texts: &mut Texts) {
        let ty = name.variable_type();
        let _ = writeln!(texts.go, "var {} {ty}", name.mangled);
    }

    /// Promises are of no use to gccgo: it has no frames to keep off the heap.
    fn functions(&self, functions: &[&Name], _promises: &Promises, texts: &mut Texts) {
        for name in functions {
            texts.go.push_str(&self.go_wrapper(name));
        }
    }

    /// The Go end has a name with a capital letter, as only such symbols can be seen from C.
    fn export(&self, export: &Export, signature: &Signature, texts: &mut Texts) {
        let name = &export.name;
        let go_end = format!("Cgoexp_{name}");
        let symbol = self.symbol(&go_end);
        let _ = writeln!(texts.main_c, "char {go_end}[1] __asm__(\"{symbol}\");");

        let (declare, assign, give) = match signature.result {
            CResult::Void => (String::new(), "", ""),
            CResult::One | CResult::Struct => (
                format!("\t{} _cgo_r;\n", signature.returns),
                "_cgo_r = ",
                "\treturn _cgo_r;\n",
            ),
        };
        let _ = write!(
            texts.export_c,
            "extern {} __asm__(\"{symbol}\");\n\n\
             CGO_NO_SANITIZE_THREAD\n\
             {}\n{{\n\
             {declare}\
             \tif (_cgo_wait_runtime_init_done)\n\
             \t\t_cgo_wait_runtime_init_done();\n\
             \t_cgo_tsan_release();\n\
             \t{assign}{go_end}({});\n\
             \t_cgo_tsan_acquire();\n\
             {give}}}\n",
            signature.prototype(&go_end),
            signature.prototype(name),
            signature.args.join(", "),
        );

        let receiver = export.receiver.iter().map(|ty| format!("recv {}", ty.text));
        let params = export.params.iter().enumerate();
        let params: Vec<_> = receiver
            .chain(params.map(|(index, param)| format!("p{index} {}", param.ty.text)))
            .collect();
        let results: Vec<_> = export
            .results
            .iter()
            .map(|result| result.ty.text.as_str())
            .collect();
        let results = match results.as_slice() {
            [] => String::new(),
            results => format!(" ({})", results.join(", ")),
        };
        let args: Vec<_> = (0..export.params.len())
            .map(|index| format!("p{index}"))
            .collect();
        let _ = write!(
            texts.go,
            "func {go_end}({}){results} {{\n\
             \tsyscall.CgocallBack()\n\
             \tdefer syscall.CgocallBackDone()\n\
             \t{}{}{name}({})\n}}\n\n",
            params.join(", "),
            if results.is_empty() { "" } else { "return " },
            if export.receiver.is_some() {
                "recv."
            } else {
                ""
            },
            args.join(", "),
        );
    }

    /// `_cgo_defun.c`, the C side of what Go's runtime does for package C; `_cgo_flags`, which the go
    /// command reads when it links.
    fn further_files(&self) -> Vec<Output> {
        let defun = DEFUN
            .replace("PREFIX", &self.options.c_prefix)
            .replace("CHECK_POINTER", &self.symbol("_cgoCheckPointer"));
        let flags = self.options.ldflags.iter();
        let flags = flags.map(|flag| format!("_CGO_LDFLAGS={flag}\n"));
        [("_cgo_defun.c", defun), ("_cgo_flags", flags.collect())]
            .into_iter()
            .map(|(name, text)| Output {
                name: name.to_string(),
                text,
            })
            .collect()
    }
}

/// Go: checks arguments of calls; defined in C, as not every runtime has it.
const CHECK_GO: &str = "
func _cgoCheckPointer(interface{}, interface{})

";

/// Go: what runtime/cgo declares in newer versions.
const INCOMPLETE: &str = "//go:notinheap
type _cgopackage_Incomplete struct{ _ struct{ _ struct{} } }
";

/// `_cgo_export.c`: tells the runtime that there is C code, and waits for it before C calls Go. Older
/// runtimes lack both symbols.
const EXPORT_C: &str = r#"
#line 1 "cgo-gccgo-export-file-prolog"
extern _Bool runtime_iscgo __attribute__((weak));

__attribute__((constructor))
static void GoInit(void) {
	if (&runtime_iscgo)
		runtime_iscgo = 1;
}

extern size_t _cgo_wait_runtime_init_done(void) __attribute__((weak));
"#;

/// `_cgo_defun.c`: the functions of package C that Go's runtime helps to implement. PREFIX is the
/// package's, CHECK_POINTER a symbol.
const DEFUN: &str = r#"/* Code generated by cmd/cgo; DO NOT EDIT. */

#line 1 "cgo-c-prolog-gccgo"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef intptr_t intgo;

/* Go's string, slice and interface{}. */
struct go_string { const void *data; intgo len; };
struct go_slice { void *data; intgo len; intgo cap; };
struct go_interface { const void *type; void *data; };

extern struct go_string __go_byte_array_to_string(const void *, intgo);
extern struct go_slice __go_string_to_byte_array(struct go_string);
extern void runtime_throw(const char *);

/* Never returns NULL; zero bytes have an address too. */
void *_cgoPREFIX_Cfunc__CMalloc(size_t n) {
	void *p = malloc(n != 0 ? n : 1);
	if (p == NULL)
		runtime_throw("runtime: C malloc failed");
	return p;
}

char *_cgoPREFIX_Cfunc_CString(struct go_string s) {
	char *p = _cgoPREFIX_Cfunc__CMalloc((size_t)s.len + 1);
	if (s.len != 0)
		memcpy(p, s.data, (size_t)s.len);
	p[s.len] = 0;
	return p;
}

void *_cgoPREFIX_Cfunc_CBytes(struct go_slice b) {
	void *p = _cgoPREFIX_Cfunc__CMalloc((size_t)b.len);
	if (b.len != 0)
		memcpy(p, b.data, (size_t)b.len);
	return p;
}

struct go_string _cgoPREFIX_Cfunc_GoString(const char *p) {
	return __go_byte_array_to_string(p, p != NULL ? (intgo)strlen(p) : 0);
}

struct go_string _cgoPREFIX_Cfunc_GoStringN(const char *p, int32_t n) {
	return __go_byte_array_to_string(p, n);
}

struct go_slice _cgoPREFIX_Cfunc_GoBytes(const void *p, int32_t n) {
	struct go_string s = { p, n };
	return __go_string_to_byte_array(s);
}

extern void check_pointer(struct go_interface, struct go_interface)
	__asm__("runtime.cgoCheckPointer") __attribute__((weak));

extern void check_pointer_if_there(struct go_interface, struct go_interface)
	__asm__("CHECK_POINTER");

void check_pointer_if_there(struct go_interface pointer, struct go_interface part) {
	if (check_pointer)
		check_pointer(pointer, part);
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_by_scheme() {
        for (name, v1, v2, v3) in [
            ("plain9", "plain9", "plain9", "plain9"),
            ("net/http", "net_http", "net..z2fhttp", "net_1http"),
            ("a.b_c", "a_b_c", "a.x2eb_c", "a_0b__c"),
            ("ä", "_", "..u00e4", "_u00e4"),
            ("𝔤-", "__", "..U0001d524..z2d", "_U0001d524_x2d"),
            ("\"; {", "____", "..z22..z3b..z20..z7b", "_a_c_b_4"),
        ] {
            assert_eq!(Mangling::V1.symbol(name), v1);
            assert_eq!(Mangling::V2.symbol(name), v2);
            assert_eq!(Mangling::V3.symbol(name), v3);
        }
    }

    #[test]
    fn schemes_by_assembly() {
        for (symbol, mangling) in [
            ("\tcall go_0l_u00e4ufer.Run\n", Some(Mangling::V3)),
            ("go.l..u00e4ufer.Run:", Some(Mangling::V2)),
            ("go.l__ufer.Run:", Some(Mangling::V1)),
            ("_go_0laufer.Run", None),
        ] {
            assert_eq!(Mangling::of_assembly(symbol), mangling);
        }
    }
}
