//! The real compiler's word on every claim: sizes, alignments, offsets and types as static assertions;
//! values, strings and bit-fields as data read back from the object file.

use std::collections::BTreeMap;
use std::fmt::Write;

use cdecl::{Field, Meaning, RecordKind, TypeId, TypeKind, Unit};
use libtest_mimic::Failed;
use object::{Object, ObjectSection, ObjectSymbol};

use crate::case::{Case, Target};

pub fn check(case: &Case, target: &Target) -> Result<(), Failed> {
    let unit = case.resolve(target)?;
    let mut claims = Claims {
        unit: &unit,
        text: case.source.clone() + "\n",
        data: BTreeMap::new(),
    };
    for (i, (name, answer)) in case.names.iter().zip(&unit.answers).enumerate() {
        claims.answer(i, name, &answer.meaning, target);
    }
    for id in (0..unit.types.len() as u32).map(TypeId) {
        claims.declared(id);
    }
    let dir = tempfile::tempdir()?;
    let (source, object) = (dir.path().join("layout.c"), dir.path().join("layout.o"));
    std::fs::write(&source, &claims.text)?;
    let output = target.compile(case, &source, &object);
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let errors: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("error:"))
            .take(20)
            .collect();
        return Err(errors.join("\n").into());
    }
    claims.compare(&std::fs::read(&object)?)
}

struct Claims<'a> {
    unit: &'a Unit,
    text: String,
    /// Variables of the generated file: what they are about, and the bytes and bits expected.
    data: BTreeMap<String, (String, Expected)>,
}

enum Expected {
    Bytes(Vec<u8>),
    /// Only these bits are set: offset and width.
    Bits(u64, u32),
}

impl Claims<'_> {
    fn assert(&mut self, condition: &str) {
        let _ = writeln!(
            self.text,
            "_Static_assert({condition}, {:?});",
            condition.replace('"', "'")
        );
    }

    fn answer(&mut self, i: usize, name: &str, meaning: &Meaning, target: &Target) {
        let variable = format!("__crosscall_value_{i}");
        match meaning {
            Meaning::Undeclared => {}
            Meaning::Type(ty) => self.layout(name, *ty),
            Meaning::IntConst { ty, value } => {
                self.of_type(name, *ty);
                let _ = writeln!(
                    self.text,
                    "enum {{ __crosscall_enum_{i} = {name} }};\nconst long long {variable} = {name};"
                );
                let bytes = (*value as i64).to_le_bytes().to_vec();
                self.data.insert(
                    variable,
                    (format!("{name} == {value}"), Expected::Bytes(bytes)),
                );
            }
            Meaning::FloatConst { ty, value } => {
                self.of_type(name, *ty);
                let _ = writeln!(self.text, "const double {variable} = {name};");
                self.data.insert(
                    variable,
                    (
                        format!("{name} == {value}"),
                        Expected::Bytes(value.to_le_bytes().to_vec()),
                    ),
                );
            }
            Meaning::StrConst { ty, value } => {
                self.of_type(name, *ty);
                let _ = writeln!(self.text, "const char {variable}[] = {name};");
                let mut bytes = value.clone();
                bytes.push(0);
                self.assert(&format!("sizeof({variable}) == {}", bytes.len()));
                self.data
                    .insert(variable, (name.to_owned(), Expected::Bytes(bytes)));
            }
            Meaning::Expr { ty } => self.of_type(name, *ty),
        }
        let _ = target;
    }

    /// Claims that the expression `name` has the type `ty`.
    fn of_type(&mut self, name: &str, ty: TypeId) {
        if let Some(c) = self.c(ty, String::new()) {
            self.assert(&format!(
                "__builtin_types_compatible_p(__typeof__({name}), {c})"
            ));
        }
    }

    fn layout(&mut self, name: &str, ty: TypeId) {
        let ty = self.unit.get(ty);
        if let (Some(size), Some(align)) = (ty.size, ty.align) {
            self.assert(&format!("sizeof({name}) == {size}"));
            self.assert(&format!("_Alignof({name}) == {align}"));
        }
    }

    /// Claims about a type that has a name, or a typedef of it.
    fn declared(&mut self, id: TypeId) {
        let Some(name) = self.c(id, String::new()) else {
            return;
        };
        match &self.unit.get(id).kind {
            TypeKind::Record { .. } => {
                self.layout(&name, id);
                self.fields(&name, "", id, 0);
            }
            TypeKind::Typedef { target, .. } => {
                self.layout(&name, id);
                if self.c(*target, String::new()).is_none() {
                    self.fields(&name, "", *target, 0);
                } else {
                    let c = self.c(*target, String::new()).unwrap_or_default();
                    self.same(&name, &c, *target);
                }
            }
            TypeKind::Enum {
                values: Some(values),
                ..
            } => {
                self.layout(&name, id);
                for (name, value) in values {
                    let suffix = if *value > i64::MAX.into() { "u" } else { "" };
                    let text = if *value == i64::MIN.into() {
                        "(-9223372036854775807-1)".into()
                    } else {
                        format!("{value}{suffix}")
                    };
                    self.assert(&format!("{name} == {text}"));
                }
            }
            _ => {}
        }
    }

    /// Claims about the members of `id`, which stand at `prefix` in the type `name`.
    fn fields(&mut self, name: &str, prefix: &str, id: TypeId, base: u64) {
        let TypeKind::Record {
            fields: Some(fields),
            ..
        } = &self.unit.get(id).kind
        else {
            return;
        };
        for field in fields {
            let nested = self.c(field.ty, String::new()).is_none();
            match &field.name {
                Some(field_name) => {
                    // Members may be macros too (`sa_handler`).
                    let _ = writeln!(self.text, "#undef {field_name}");
                    self.field(name, &format!("{prefix}{field_name}"), field, base);
                    if nested {
                        self.fields(
                            name,
                            &format!("{prefix}{field_name}."),
                            field.ty,
                            base + field.bit_offset,
                        );
                    }
                }
                None => self.fields(name, prefix, field.ty, base + field.bit_offset),
            }
        }
    }

    fn field(&mut self, name: &str, path: &str, field: &Field, base: u64) {
        let offset = base + field.bit_offset;
        if let Some(width) = field.bit_width {
            let variable = format!("__crosscall_bits_{}", self.data.len());
            let _ = writeln!(
                self.text,
                "const __typeof__({name}) {variable} = {{ .{path} = -1 }};"
            );
            let what = format!("{name}.{path} at bit {offset}, width {width}");
            self.data
                .insert(variable, (what, Expected::Bits(offset, width)));
            return;
        }
        self.assert(&format!(
            "__builtin_offsetof({name}, {path}) == {}",
            offset / 8
        ));
        let ty = self.unit.get(field.ty);
        if let Some(size) = ty.size {
            self.assert(&format!("sizeof((({name} *)0)->{path}) == {size}"));
        }
        if let Some(c) = self.c(field.ty, String::new()) {
            self.same(&format!("__typeof__((({name} *)0)->{path})"), &c, field.ty);
        }
    }

    /// Claims that the type `actual` is `claimed`, or atomic and `claimed` otherwise.
    fn same(&mut self, actual: &str, claimed: &str, id: TypeId) {
        let compatible =
            |claimed: &str| format!("__builtin_types_compatible_p({actual}, {claimed})");
        match self.unit.get(id).kind {
            TypeKind::Int { .. } => self.assert(&format!(
                "{} || {}",
                compatible(claimed),
                compatible(&format!("_Atomic {claimed}"))
            )),
            _ => self.assert(&compatible(claimed)),
        }
    }

    /// The type in C, declaring `inner`; nothing if it cannot be named.
    fn c(&self, id: TypeId, inner: String) -> Option<String> {
        let base = |name: &str| {
            Some(if inner.is_empty() {
                name.to_owned()
            } else {
                format!("{name} {inner}")
            })
        };
        match &self.unit.get(id).kind {
            TypeKind::Void => base("void"),
            TypeKind::Bool => base("_Bool"),
            TypeKind::Int { name, .. } | TypeKind::Float { name } => base(name),
            TypeKind::Complex { name } => base(&format!("{name} _Complex")),
            TypeKind::Enum { tag, .. } => base(&format!("enum {}", tag.as_ref()?)),
            TypeKind::Record { kind, tag, .. } => {
                // Built into the compilers, without a name in gcc.
                let tag = tag.as_ref().filter(|tag| !tag.starts_with("__va_list"))?;
                base(&format!(
                    "{} {tag}",
                    if *kind == RecordKind::Struct {
                        "struct"
                    } else {
                        "union"
                    }
                ))
            }
            TypeKind::Typedef { name, target, .. } => match name.as_str() {
                // Gcc has these as keywords, clang as typedefs of the C library.
                "_Float32" | "_Float64" | "_Float32x" | "_Float64x" | "_Float128" => None,
                _ if name.starts_with("__builtin") => base(name),
                _ => self
                    .c(*target, String::new())
                    .map_or_else(|| base(name), |_| base(name)),
            },
            TypeKind::Pointer(target) => {
                let parenthesise = matches!(
                    self.unit.get(*target).kind,
                    TypeKind::Array { .. } | TypeKind::Func { .. }
                );
                self.c(
                    *target,
                    if parenthesise {
                        format!("(*{inner})")
                    } else {
                        format!("*{inner}")
                    },
                )
            }
            TypeKind::Array { elem, len } => {
                let len = len.map(|len| len.to_string()).unwrap_or_default();
                self.c(*elem, format!("{inner}[{len}]"))
            }
            TypeKind::Func {
                params,
                result,
                variadic,
                prototyped,
            } => {
                let mut list = params
                    .iter()
                    .map(|&param| self.c(param, String::new()))
                    .collect::<Option<Vec<_>>>()?;
                if *variadic {
                    list.push("...".into());
                }
                let list = if list.is_empty() && *prototyped {
                    "void".into()
                } else {
                    list.join(", ")
                };
                self.c(*result, format!("{inner}({list})"))
            }
            TypeKind::Qualified {
                is_const,
                is_volatile,
                is_restrict,
                target,
            } => {
                let words = [
                    (is_const, "const "),
                    (is_volatile, "volatile "),
                    (is_restrict, "__restrict "),
                ];
                let words: String = words
                    .iter()
                    .filter(|(on, _)| **on)
                    .map(|(_, word)| *word)
                    .collect();
                self.c(*target, words + &inner)
            }
            TypeKind::Opaque { .. } => None,
        }
    }

    fn compare(&self, object: &[u8]) -> Result<(), Failed> {
        let file = object::File::parse(object)?;
        let mut wrong = String::new();
        for (variable, (what, expected)) in &self.data {
            let symbol = file.symbols().find(|symbol| {
                symbol.name().is_ok_and(|name| {
                    name.trim_start_matches('_') == variable.trim_start_matches('_')
                })
            });
            let symbol = symbol.ok_or_else(|| format!("{variable} is not in the object file"))?;
            let index = symbol
                .section_index()
                .ok_or_else(|| format!("{variable} is in no section"))?;
            let section = file.section_by_index(index)?;
            let data = section.data()?;
            let start = (symbol.address() - section.address()) as usize;
            let found = match expected {
                // A section of zeros has no data.
                _ if data.is_empty() => vec![0; 64],
                _ => data[start..].to_vec(),
            };
            let agrees = match expected {
                Expected::Bytes(bytes) => found.starts_with(bytes),
                Expected::Bits(offset, width) => {
                    let is_set = |bit: u64| {
                        found
                            .get((bit / 8) as usize)
                            .is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
                    };
                    let inside = |bit: u64| bit >= *offset && bit < offset + u64::from(*width);
                    (0..offset + u64::from(*width)).all(|bit| is_set(bit) == inside(bit))
                }
            };
            if !agrees {
                let _ = writeln!(
                    wrong,
                    "the compiler disagrees with {what}: {:02x?}",
                    &found[..found.len().min(24)]
                );
            }
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.into())
        }
    }
}
