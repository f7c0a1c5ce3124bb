//! The names of package C: how Go spells them, how C does, what each turned out to be.

use std::collections::BTreeMap;

use cdecl::{Answer, Meaning};

use crate::backend::Dialect;
use crate::convert::{Converted, Converter, FuncType, Refusal, Target};
use crate::gotype::GoType;

/// What a name of package C stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    IntConst,
    FloatConst,
    StrConst,
    Type,
    Var,
    /// A C function used as a value: a variable that holds its address.
    FuncPtrVar,
    Func,
    /// A macro that expands to an expression: evaluated by a call.
    Macro,
}

impl Kind {
    /// The part of the generated name between `_C` and `_name`.
    pub fn prefix(self) -> &'static str {
        match self {
            Kind::IntConst => "iconst",
            Kind::FloatConst => "fconst",
            Kind::StrConst => "sconst",
            Kind::Type => "type",
            Kind::Var => "var",
            Kind::FuncPtrVar => "fpvar",
            Kind::Func => "func",
            Kind::Macro => "macro",
        }
    }
}

/// Prefixes that generated identifiers have: Go code may not use them.
pub const RESERVED_PREFIXES: [&str; 9] = [
    "_Ciconst_",
    "_Cfconst_",
    "_Csconst_",
    "_Ctype_",
    "_Cvar_",
    "_Cfpvar_",
    "_Cfunc_",
    "_Cmacro_",
    "_Cnot-type_",
];

/// A name of package C, resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// As Go writes it behind `C.`; `malloc` is `_CMalloc`.
    pub go: String,
    /// As generated Go code writes it.
    pub mangled: String,
    /// As C writes it.
    pub c: String,
    pub kind: Kind,
    /// Of a type, variable, macro or constant.
    pub ty: Option<Converted>,
    /// Of a function or macro.
    pub func: Option<FuncType>,
    /// Go text of a constant.
    pub value: Option<String>,
    /// The form of a function that returns errno beside its result.
    pub with_errno: bool,
}

impl Name {
    /// Whether a Go variable holds this name's address.
    pub fn is_variable(&self) -> bool {
        matches!(self.kind, Kind::Var | Kind::FuncPtrVar)
    }

    /// The type of that Go variable.
    pub fn variable_type(&self) -> GoType {
        match (self.kind, &self.ty) {
            (Kind::Var, Some(ty)) => ty.go.clone().pointer(),
            _ => GoType::named("unsafe.Pointer"),
        }
    }

    /// C text that evaluates the function or macro.
    pub fn c_call(&self, args: &[String]) -> String {
        match self.kind {
            Kind::Macro => self.c.clone(),
            _ => format!("{}({})", self.c, args.join(", ")),
        }
    }
}

/// The names that a Go file uses, by their Go spelling. The two-result form of a function is a name
/// of its own, with a `2` in front; a function's address one with `fp_`.
pub type Names = BTreeMap<String, Name>;

/// Functions of package C that are implemented in Go.
pub const BUILTINS: [&str; 6] = [
    "GoString",
    "GoStringN",
    "GoBytes",
    "CString",
    "CBytes",
    "_CMalloc",
];

/// Names of package C whose C spelling has spaces.
const SPELLINGS: [(&str, &str); 9] = [
    ("schar", "signed char"),
    ("uchar", "unsigned char"),
    ("ushort", "unsigned short"),
    ("uint", "unsigned int"),
    ("ulong", "unsigned long"),
    ("longlong", "long long"),
    ("ulonglong", "unsigned long long"),
    ("complexfloat", "float _Complex"),
    ("complexdouble", "double _Complex"),
];

/// Whether `go` is a predefined short name, which some files may typedef and others not.
pub fn is_predefined(go: &str) -> bool {
    SPELLINGS.iter().any(|(short, _)| *short == go)
}

/// The C spelling of `C.go`.
pub fn c_spelling(go: &str) -> String {
    if let Some((_, c)) = SPELLINGS.iter().find(|(short, _)| *short == go) {
        return (*c).to_string();
    }
    for word in ["struct", "union", "enum"] {
        if let Some(tag) = go
            .strip_prefix(word)
            .and_then(|rest| rest.strip_prefix('_'))
        {
            return format!("{word} {tag}");
        }
    }
    if let Some(of) = go.strip_prefix("sizeof_") {
        return format!("sizeof({})", c_spelling(of));
    }
    go.to_string()
}

/// The Go spelling of a C name: the reverse of `c_spelling`, for messages.
fn go_spelling(c: &str) -> String {
    SPELLINGS
        .iter()
        .find(|(_, spelling)| *spelling == c)
        .map_or_else(|| c.replace(' ', "_"), |(go, _)| (*go).to_string())
}

/// The name as its author wrote it, for messages.
pub fn as_written(go: &str) -> &str {
    if go == "_CMalloc" { "malloc" } else { go }
}

pub fn mangle(kind: Kind, go: &str, dialect: Dialect) -> String {
    let start = match kind {
        Kind::Var | Kind::FuncPtrVar => dialect.variable,
        _ => "_C",
    };
    format!("{start}{}_{go}", kind.prefix())
}

/// Turns an answer of the C front end into a name.
///
/// # Errors
/// Belong to the first place that uses the name.
pub fn resolve(
    go: &str,
    c: &str,
    answer: &Answer,
    converter: &mut Converter<'_>,
) -> Result<Name, Vec<Refusal>> {
    let dialect = converter.dialect();
    let name = |kind, ty, func, value| Name {
        go: go.to_string(),
        mangled: mangle(kind, go, dialect),
        c: c.to_string(),
        kind,
        ty,
        func,
        value,
        with_errno: false,
    };
    let name = match &answer.meaning {
        Meaning::Undeclared => {
            return Err(vec![Refusal {
                message: format!("could not determine what C.{} refers to", as_written(go)),
                help: answer
                    .suggestion
                    .as_ref()
                    .map(|guess| format!("did you mean C.{}?", go_spelling(guess))),
            }]);
        }
        Meaning::Type(ty) if converter.is_undeclared_enum(*ty) => {
            name(Kind::Type, None, None, None)
        }
        Meaning::Type(ty) => {
            let converted = converter.convert(*ty);
            let name = name(Kind::Type, Some(converted.clone()), None, None);
            converter.define(&name.mangled, &converted);
            name
        }
        Meaning::IntConst { value, .. } => {
            let text = answer
                .char_literal
                .clone()
                .unwrap_or_else(|| hexadecimal(*value));
            name(Kind::IntConst, None, None, Some(text))
        }
        Meaning::FloatConst { value, .. } => {
            let text = value.is_finite().then(|| format!("{value:.6}"));
            name(Kind::FloatConst, None, None, text)
        }
        Meaning::StrConst { value, .. } => name(Kind::StrConst, None, None, Some(quote(value))),
        Meaning::Expr { ty } => {
            if let Some((params, result, variadic)) = converter.is_function(*ty) {
                let func = converter.function(&params, result, variadic);
                name(Kind::Func, None, Some(func), None)
            } else {
                let converted = converter.convert(*ty);
                if answer.is_macro {
                    let func = FuncType {
                        params: Vec::new(),
                        result: Some(converted.clone()),
                    };
                    name(Kind::Macro, Some(converted), Some(func), None)
                } else {
                    name(Kind::Var, Some(converted), None, None)
                }
            }
        }
    };
    let refusals = std::mem::take(&mut converter.refusals);
    if refusals.is_empty() {
        Ok(name)
    } else {
        Err(refusals)
    }
}

/// The two-result form of a function: its result and errno.
pub fn with_errno(name: &Name) -> Name {
    Name {
        mangled: format!("_C2func_{}", name.go),
        with_errno: true,
        ..name.clone()
    }
}

/// A C function as a value.
pub fn function_pointer(name: &Name, target: &Target) -> Name {
    let go = format!("fp_{}", name.go);
    Name {
        mangled: mangle(Kind::FuncPtrVar, &go, target.dialect),
        go,
        c: name.c.clone(),
        kind: Kind::FuncPtrVar,
        ty: Some(Converted {
            go: GoType::named("unsafe.Pointer"),
            c: "void*".to_string(),
            size: target.ptr_size,
            align: target.ptr_size,
            complete: true,
            bad_pointer: false,
        }),
        func: None,
        value: None,
        with_errno: false,
    }
}

fn hexadecimal(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{:#x}", value.unsigned_abs())
}

/// The bytes as a Go string literal.
pub fn quote(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '"' | '\\' => text.extend(['\\', char]),
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '\r' => text.push_str("\\r"),
                '\u{feff}' => text.push_str("\\ufeff"),
                _ if char.is_ascii_control() => text.push_str(&format!("\\x{:02x}", char as u32)),
                _ if char.is_control() => text.push_str(&format!("\\u{:04x}", char as u32)),
                _ => text.push(char),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text.push('"');
    text
}
