//! Calls from C to Go: the exported functions' signatures in C, and the header that declares them.

use std::collections::HashMap;
use std::fmt::Write;

use source::{Diagnostic, Place};

use crate::backend::{Backend, Texts};
use crate::convert::Table;
use crate::gotype::GoType;
use crate::prologs;

/// A type in a Go declaration: what it is, its text in generated Go, its place in the source.
#[derive(Clone, Debug)]
pub struct TypeExpr {
    pub go: GoType,
    pub text: String,
    pub place: Place,
}

/// A parameter or result; the name is empty where there is none.
#[derive(Clone, Debug)]
pub struct Param {
    pub name: String,
    pub ty: TypeExpr,
}

/// A Go function that C can call.
#[derive(Clone, Debug)]
pub struct Export {
    pub name: String,
    pub receiver: Option<TypeExpr>,
    pub params: Vec<Param>,
    pub results: Vec<Param>,
    /// Where the function is declared: `file:line` for messages of the running program.
    pub position: String,
}

/// Types declared at the top level of the package's Go files, by name.
pub type Declared = HashMap<String, TypeExpr>;

/// A Go type as C sees it.
#[derive(Clone, Debug)]
struct CType {
    size: u64,
    align: u64,
    c: String,
}

pub struct Exporter<'a> {
    pub table: &'a Table,
    pub declared: &'a Declared,
    pub backend: &'a dyn Backend,
    pub ptr_size: u64,
    pub int_size: u64,
}

/// Sizes, alignments and C names of Go's numeric types.
const NUMBERS: [(&str, u64, u64, &str); 15] = [
    ("bool", 1, 1, "GoUint8"),
    ("byte", 1, 1, "GoUint8"),
    ("rune", 4, 4, "GoInt32"),
    ("int8", 1, 1, "GoInt8"),
    ("uint8", 1, 1, "GoUint8"),
    ("int16", 2, 2, "GoInt16"),
    ("uint16", 2, 2, "GoUint16"),
    ("int32", 4, 4, "GoInt32"),
    ("uint32", 4, 4, "GoUint32"),
    ("int64", 8, 8, "GoInt64"),
    ("uint64", 8, 8, "GoUint64"),
    ("float32", 4, 4, "GoFloat32"),
    ("float64", 8, 8, "GoFloat64"),
    ("complex64", 8, 4, "GoComplex64"),
    ("complex128", 16, 8, "GoComplex128"),
];

/// Whether a predeclared Go type is a number, and so never holds a pointer.
pub fn is_number(name: &str) -> bool {
    matches!(name, "int" | "uint") || NUMBERS.iter().any(|(number, ..)| *number == name)
}

/// One export's signature in C, and the struct that its arguments may travel in.
pub struct Signature {
    /// The C result type; a struct where there are several.
    pub returns: String,
    /// The C parameters with their types.
    pub params: String,
    /// The C parameters' names, the receiver first.
    pub args: Vec<String>,
    /// The members of the struct that receive them.
    pub members: Vec<String>,
    pub result: CResult,
    /// Results that hold pointers, by number.
    pub pointer_results: Vec<usize>,
    pub c_struct: String,
    pub go_struct: String,
    pub size: u64,
    pub align: u64,
}

impl Signature {
    /// The C declaration of a function of this signature.
    pub fn prototype(&self, name: &str) -> String {
        format!("{} {name}({})", self.returns, self.params)
    }
}

pub enum CResult {
    Void,
    One,
    /// Several, in a struct that the header declares.
    Struct,
}

impl Exporter<'_> {
    /// Writes the ends of all exported functions, and reports types that C has no counterpart of.
    pub fn export(&self, exports: &[Export], texts: &mut Texts) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        for export in exports {
            let signature = self.signature(export, &mut diagnostics);
            if let CResult::Struct = signature.result {
                texts
                    .header
                    .push_str(&self.result_struct(export, &signature.returns));
            }
            let prototype = signature.prototype(&export.name);
            let _ = writeln!(texts.header, "extern {prototype};");
            self.backend.export(export, &signature, texts);
        }
        diagnostics
    }

    fn signature(&self, export: &Export, diagnostics: &mut Vec<Diagnostic>) -> Signature {
        let mut c_struct = "struct {\n".to_string();
        let mut go_struct = "struct {\n".to_string();
        let (mut size, mut align, mut pads) = (0, 1, 0);
        let mut member = |name: &str, ty: &TypeExpr| -> String {
            let c_type = self.c_type(ty, diagnostics);
            let aligned = u64::next_multiple_of(size, c_type.align);
            if aligned > size {
                let _ = writeln!(c_struct, "\t\tchar __pad{pads}[{}];", aligned - size);
                pads += 1;
            }
            size = aligned + c_type.size;
            align = align.max(c_type.align);
            let _ = writeln!(c_struct, "\t\t{} {name};", c_type.c);
            let _ = writeln!(go_struct, "\t\t{name} {}", ty.text);
            c_type.c
        };
        let receiver = export.receiver.iter();
        let receiver = receiver.map(|ty| ("recv".to_string(), "recv".to_string(), ty));
        let params = export.params.iter().enumerate().map(|(index, param)| {
            let name = c_param_name(&param.name, index);
            (format!("p{index}"), name, &param.ty)
        });
        let (mut members, mut args, mut params_c) = (Vec::new(), Vec::new(), Vec::new());
        for (name, arg, ty) in receiver.chain(params) {
            params_c.push(format!("{} {arg}", member(&name, ty)));
            members.push(name);
            args.push(arg);
        }
        let results: Vec<_> = export
            .results
            .iter()
            .enumerate()
            .map(|(index, result)| member(&format!("r{index}"), &result.ty))
            .collect();
        if args.is_empty() && results.is_empty() {
            c_struct.push_str("\t\tchar unused;\n");
        }
        c_struct.push_str("\t}");
        go_struct.push_str("\t}");

        let (result, returns) = match results.as_slice() {
            [] => (CResult::Void, "void".to_string()),
            [one] => (CResult::One, one.clone()),
            _ => (CResult::Struct, format!("struct {}_return", export.name)),
        };
        let holds_pointer = |index: &usize| {
            has_pointer(
                &export.results[*index].ty.go,
                false,
                self.declared,
                self.table,
            )
        };
        let params = match params_c.as_slice() {
            [] => "void".to_string(),
            params => params.join(", "),
        };
        Signature {
            returns,
            params,
            args,
            members,
            result,
            pointer_results: (0..results.len()).filter(holds_pointer).collect(),
            c_struct,
            go_struct,
            size,
            align,
        }
    }

    /// The struct in which C gets several results.
    fn result_struct(&self, export: &Export, name: &str) -> String {
        let mut text = format!("\n/* Return type for {} */\n{name} {{\n", export.name);
        for (index, result) in export.results.iter().enumerate() {
            let c = self.c_type(&result.ty, &mut Vec::new()).c;
            let _ = write!(text, "\t{c} r{index};");
            if !result.name.is_empty() {
                let _ = write!(text, " /* {} */", result.name);
            }
            text.push('\n');
        }
        text.push_str("};\n");
        text
    }

    /// The C counterpart of a Go type, or an error at the type's place.
    fn c_type(&self, ty: &TypeExpr, diagnostics: &mut Vec<Diagnostic>) -> CType {
        self.try_c_type(&ty.go, &ty.place, &mut Vec::new())
            .unwrap_or_else(|diagnostic| {
                diagnostics.push(*diagnostic);
                CType {
                    size: 4,
                    align: 4,
                    c: "int".to_string(),
                }
            })
    }

    fn try_c_type(
        &self,
        go: &GoType,
        place: &Place,
        within: &mut Vec<String>,
    ) -> Result<CType, Box<Diagnostic>> {
        let words = |count: u64, c: &str| CType {
            size: count * self.ptr_size,
            align: self.ptr_size,
            c: c.to_string(),
        };
        let error = |message: String| Err(Box::new(Diagnostic::error(place.clone(), message)));
        Ok(match go {
            GoType::Pointer(to) => {
                let to = self.try_c_type(to, place, within)?;
                words(1, &format!("{}*", to.c))
            }
            GoType::Slice(_) => words(3, "GoSlice"),
            GoType::Func(_) => words(1, "void*"),
            GoType::Interface(_) => words(2, "GoInterface"),
            GoType::Map(_) => words(1, "GoMap"),
            GoType::Chan(_) => words(1, "GoChan"),
            GoType::Named(name) => {
                if let Some(declared) = self.declared.get(name) {
                    if within.contains(name) {
                        return error(format!("invalid recursive type: {name} refers to itself"));
                    }
                    within.push(name.clone());
                    let c_type = self.try_c_type(&declared.go, &declared.place, within);
                    within.pop();
                    return c_type;
                }
                if let Some(definition) = self.table.definitions.get(name) {
                    // Not every C compiler spells complex numbers alike: the header has typedefs.
                    if let Some(number) =
                        definition.go.name().filter(|go| go.starts_with("complex"))
                    {
                        return Ok(self.number(number).expect("complex types are numbers"));
                    }
                    return Ok(CType {
                        size: definition.size,
                        align: definition.align,
                        c: definition.c.clone(),
                    });
                }
                match name.as_str() {
                    "uintptr" => words(1, "GoUintptr"),
                    "unsafe.Pointer" => words(1, "void*"),
                    "string" => words(2, "GoString"),
                    "error" | "any" => words(2, "GoInterface"),
                    _ => match self.number(name) {
                        Some(number) => number,
                        None => return error(format!("unrecognized Go type {name}")),
                    },
                }
            }
            GoType::Array { .. } | GoType::Struct(_) | GoType::Union { .. } | GoType::Other(_) => {
                return error(format!("Go type not supported in export: {go}"));
            }
        })
    }

    fn number(&self, name: &str) -> Option<CType> {
        let (size, align, c) = match name {
            "int" => (self.int_size, self.int_size, "GoInt"),
            "uint" => (self.int_size, self.int_size, "GoUint"),
            _ => {
                let (_, size, align, c) = NUMBERS.iter().find(|(number, ..)| *number == name)?;
                (*size, *align, *c)
            }
        };
        Some(CType {
            size,
            align: align.min(self.ptr_size),
            c: c.to_string(),
        })
    }
}

/// The parameter's name in the C prototype: compilers do not agree on letters beyond ASCII.
fn c_param_name(name: &str, index: usize) -> String {
    if name.is_empty() || !name.is_ascii() {
        format!("p{index}")
    } else {
        name.to_string()
    }
}

/// Whether a Go type holds a pointer; with `top`, whether it is a pointer to something that may hold
/// one. What cannot be known here counts as a pointer.
pub fn has_pointer(go: &GoType, top: bool, declared: &Declared, table: &Table) -> bool {
    match go {
        GoType::Array { elem, .. } => has_pointer(elem, top, declared, table),
        GoType::Slice(elem) => !top || has_pointer(elem, false, declared, table),
        GoType::Struct(fields) => fields
            .iter()
            .any(|field| has_pointer(&field.ty, top, declared, table)),
        GoType::Union { .. } => false,
        GoType::Pointer(to) => {
            !top || is_union_with_pointer(to, table) || has_pointer(to, false, declared, table)
        }
        GoType::Func(_)
        | GoType::Interface(_)
        | GoType::Map(_)
        | GoType::Chan(_)
        | GoType::Other(_) => true,
        GoType::Named(name) => {
            if let Some(declared_type) = declared.get(name) {
                // A recursive declaration ends at a pointer, slice or the like before it comes here again.
                return has_pointer(&declared_type.go, top, declared, table);
            }
            if let Some(definition) = table.definitions.get(name) {
                return has_pointer(&definition.go, top, declared, table);
            }
            match name.as_str() {
                "string" => !top,
                "error" | "any" => true,
                _ => !is_number(name),
            }
        }
    }
}

fn is_union_with_pointer(go: &GoType, table: &Table) -> bool {
    match go {
        GoType::Union { has_pointer, .. } => *has_pointer,
        GoType::Named(name) => table
            .definitions
            .get(name)
            .is_some_and(|definition| is_union_with_pointer(&definition.go, table)),
        _ => false,
    }
}

/// The beginning of `_cgo_export.c`, as far as it is the same for all packages.
pub fn c_prolog(tsan: bool, msan: bool) -> String {
    format!(
        "/* Code generated by cmd/cgo; DO NOT EDIT. */\n\n\
         #include <stdlib.h>\n\
         #include \"_cgo_export.h\"\n\n\
         #pragma GCC diagnostic ignored \"-Wunknown-pragmas\"\n\
         #pragma GCC diagnostic ignored \"-Wpragmas\"\n\
         #pragma GCC diagnostic ignored \"-Waddress-of-packed-member\"\n\
         #pragma GCC diagnostic ignored \"-Wunknown-warning-option\"\n\
         #pragma GCC diagnostic ignored \"-Wunaligned-access\"\n\
         extern void crosscall2(void (*fn)(void *), void *, int, size_t);\n\
         extern size_t _cgo_wait_runtime_init_done(void);\n\
         extern void _cgo_release_context(size_t);\n\n\
         extern char* _cgo_topofstack(void);\n{}{}{}\n",
        prologs::PACKED,
        prologs::tsan(tsan),
        prologs::msan(msan),
    )
}

/// The beginning of `_cgo_export.h`: comments, and the preambles of the files that export.
pub fn header_prolog(package: &str, preamble: &str, int_size: u64) -> String {
    format!(
        "/* Code generated by cmd/cgo; DO NOT EDIT. */\n\n\
         /* package {package} */\n\n{}\n\
         /* Start of preamble from import \"C\" comments.  */\n\n{}\n\n\
         /* End of preamble from import \"C\" comments.  */\n\n{}\n",
        prologs::EXPORT_BUILTIN,
        without_directories(preamble),
        prologs::EXPORT_TYPES.replace("GOINTBITS", &(8 * int_size).to_string()),
    )
}

/// The header is for others: line directives keep the file's name and lose its directory, which is
/// nobody's business and would make the header depend on where the package was built.
fn without_directories(preamble: &str) -> String {
    let lines: Vec<_> = preamble
        .split('\n')
        .map(|line| {
            let Some((head, path)) = line
                .strip_prefix("#line")
                .and_then(|rest| rest.split_once('"'))
            else {
                return line.to_string();
            };
            let number = head.trim();
            let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            let (path, tail) = path.split_once('"').unwrap_or((path, ""));
            match path.rfind(['/', '\\']) {
                Some(slash) if is_number => {
                    format!("#line{head}\"{}\"{tail}", &path[slash + 1..])
                }
                _ => line.to_string(),
            }
        })
        .collect();
    lines.join("\n")
}
