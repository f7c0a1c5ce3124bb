//! Go types as the generator handles them: those that C types become, and those written in Go
//! declarations, in one small tree that prints as Go.

use std::fmt;

/// A Go type expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GoType {
    /// A predeclared, declared or generated name; also `unsafe.Pointer` and `_cgopackage.Incomplete`.
    Named(String),
    Pointer(Box<GoType>),
    /// `len` elements.
    Array {
        len: u64,
        elem: Box<GoType>,
    },
    Slice(Box<GoType>),
    Struct(Vec<GoField>),
    /// A C union: bytes to Go. A union that may hold a pointer is still checked as one when its
    /// address is passed to C.
    Union {
        size: u64,
        has_pointer: bool,
    },
    /// Types that are one reference to a foreign C, each with its own text.
    Func(String),
    Interface(String),
    Map(String),
    Chan(String),
    /// A type that only its own text describes: of another package, generic, of unknown length.
    Other(String),
}

/// A field of a Go struct. Padding has the name `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoField {
    pub name: String,
    pub ty: GoType,
}

impl GoType {
    pub fn named(name: impl Into<String>) -> Self {
        GoType::Named(name.into())
    }

    pub fn pointer(self) -> Self {
        GoType::Pointer(Box::new(self))
    }

    /// `[size]byte`: something with a size and no other meaning to Go.
    pub fn opaque(size: u64) -> Self {
        GoType::Array {
            len: size,
            elem: Box::new(GoType::named("byte")),
        }
    }

    /// The name, if this is a plain name.
    pub fn name(&self) -> Option<&str> {
        match self {
            GoType::Named(name) => Some(name),
            _ => None,
        }
    }

    /// Whether this is the generated name of a C struct or union with a tag. A typedef of such a
    /// type is the same type to Go, so that both names can be used for one another.
    pub fn is_record_name(&self) -> bool {
        self.name().is_some_and(|name| {
            name.starts_with("_Ctype_struct_") || name.starts_with("_Ctype_union_")
        })
    }

    /// The same type with `unsafe` spelled `_cgo_unsafe`, the import that rewritten Go files have.
    pub fn with_private_unsafe(&self) -> Self {
        match self {
            GoType::Named(name) if name == "unsafe.Pointer" => GoType::named("_cgo_unsafe.Pointer"),
            GoType::Pointer(to) => to.with_private_unsafe().pointer(),
            GoType::Array { len, elem } => GoType::Array {
                len: *len,
                elem: Box::new(elem.with_private_unsafe()),
            },
            GoType::Struct(fields) => GoType::Struct(
                fields
                    .iter()
                    .map(|field| GoField {
                        name: field.name.clone(),
                        ty: field.ty.with_private_unsafe(),
                    })
                    .collect(),
            ),
            other => other.clone(),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        match self {
            GoType::Named(text)
            | GoType::Func(text)
            | GoType::Interface(text)
            | GoType::Map(text)
            | GoType::Chan(text)
            | GoType::Other(text) => f.write_str(text),
            GoType::Pointer(to) => {
                f.write_str("*")?;
                to.write(f, indent)
            }
            GoType::Array { len, elem } => {
                write!(f, "[{len}]")?;
                elem.write(f, indent)
            }
            GoType::Slice(elem) => {
                f.write_str("[]")?;
                elem.write(f, indent)
            }
            GoType::Union { size, .. } => write!(f, "[{size}]byte"),
            GoType::Struct(fields) if fields.is_empty() => f.write_str("struct{}"),
            GoType::Struct(fields) => {
                let width = fields
                    .iter()
                    .map(|field| field.name.len())
                    .max()
                    .unwrap_or(0);
                f.write_str("struct {\n")?;
                for field in fields {
                    write!(f, "{:\t<1$}", "", indent + 1)?;
                    write!(f, "{:<width$} ", field.name)?;
                    field.ty.write(f, indent + 1)?;
                    f.write_str("\n")?;
                }
                write!(f, "{:\t<1$}}}", "", indent)
            }
        }
    }
}

/// Prints the type as gofmt would.
impl fmt::Display for GoType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

/// Go's keywords: C field names that need another spelling.
pub const KEYWORDS: [&str; 25] = [
    "break",
    "case",
    "chan",
    "const",
    "continue",
    "default",
    "defer",
    "else",
    "fallthrough",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "map",
    "package",
    "range",
    "return",
    "select",
    "struct",
    "switch",
    "type",
    "var",
];
