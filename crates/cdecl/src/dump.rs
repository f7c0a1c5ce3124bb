//! A stable rendering of a [`Unit`] for tests and `--dump`.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::model::{Answer, Meaning, RecordKind, TypeId, TypeKind, Unit};

impl Unit {
    /// The answers for `names` (those asked, in order), then every type that has a declaration, in the
    /// order in which the answers reach them. Other types are written out where they are used.
    pub fn dump(&self, names: &[String]) -> String {
        let mut dump = Dump {
            unit: self,
            numbers: BTreeMap::new(),
            order: Vec::new(),
        };
        let mut out = String::new();
        for (name, answer) in names.iter().zip(&self.answers) {
            let _ = writeln!(out, "{name}: {}", dump.answer(answer));
        }
        let mut next = 0;
        while let Some(&id) = dump.order.get(next) {
            next += 1;
            let _ = write!(out, "\n{}", dump.declaration(id));
        }
        out
    }
}

struct Dump<'a> {
    unit: &'a Unit,
    /// Numbers of untagged types.
    numbers: BTreeMap<TypeId, usize>,
    /// Declared types in the order of their first mention.
    order: Vec<TypeId>,
}

impl Dump<'_> {
    fn answer(&mut self, answer: &Answer) -> String {
        let mut text = match &answer.meaning {
            Meaning::Undeclared => "undeclared".into(),
            Meaning::Type(ty) => format!("type {}{}", self.name(*ty), self.layout(*ty)),
            Meaning::IntConst { ty, value } => format!("int {value} ({})", self.name(*ty)),
            Meaning::FloatConst { ty, value } => format!("float {value:?} ({})", self.name(*ty)),
            Meaning::StrConst { ty, value } => {
                format!("string \"{}\" ({})", value.escape_ascii(), self.name(*ty))
            }
            Meaning::Expr { ty } => format!("expression {}", self.name(*ty)),
        };
        if answer.is_macro {
            text += ", macro";
        }
        if let Some(literal) = &answer.char_literal {
            text += &format!(", {literal}");
        }
        text
    }

    fn layout(&self, id: TypeId) -> String {
        let ty = self.unit.get(id);
        match (ty.size, ty.align) {
            (Some(size), Some(align)) => format!(" size {size} align {align}"),
            (None, None) => String::new(),
            odd => format!(" {odd:?}"),
        }
    }

    /// How a type is written where it is used.
    fn name(&mut self, id: TypeId) -> String {
        match &self.unit.get(id).kind {
            TypeKind::Void => "void".into(),
            TypeKind::Bool => "_Bool".into(),
            TypeKind::Int { name, signed } => match name.as_str() {
                "char" if *signed => "char (signed)".into(),
                "char" => "char (unsigned)".into(),
                _ => name.clone(),
            },
            TypeKind::Float { name } => name.clone(),
            TypeKind::Complex { name } => format!("{name} _Complex"),
            TypeKind::Pointer(target) => format!("*{}", self.name(*target)),
            TypeKind::Array {
                elem,
                len: Some(len),
            } => format!("[{len}]{}", self.name(*elem)),
            TypeKind::Array { elem, len: None } => format!("[]{}", self.name(*elem)),
            TypeKind::Func {
                params,
                result,
                variadic,
                prototyped,
            } => {
                let mut params: Vec<String> =
                    params.iter().map(|&param| self.name(param)).collect();
                if *variadic {
                    params.push("...".into());
                }
                if !prototyped {
                    params.push("?".into());
                }
                format!("func({}) {}", params.join(", "), self.name(*result))
            }
            TypeKind::Enum { tag, .. } => self.declared(id, "enum", tag.as_deref()),
            TypeKind::Record {
                kind: RecordKind::Struct,
                tag,
                ..
            } => self.declared(id, "struct", tag.as_deref()),
            TypeKind::Record {
                kind: RecordKind::Union,
                tag,
                ..
            } => self.declared(id, "union", tag.as_deref()),
            TypeKind::Typedef { name, .. } => {
                self.mention(id);
                name.clone()
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
                    (is_restrict, "restrict "),
                ];
                let words: String = words
                    .iter()
                    .filter(|(on, _)| **on)
                    .map(|(_, word)| *word)
                    .collect();
                words + &self.name(*target)
            }
            TypeKind::Opaque { spelling } => format!("opaque `{spelling}`"),
        }
    }

    fn declared(&mut self, id: TypeId, keyword: &str, tag: Option<&str>) -> String {
        self.mention(id);
        match tag {
            Some(tag) => format!("{keyword} {tag}"),
            None => {
                let next = self.numbers.len() + 1;
                format!("{keyword} #{}", *self.numbers.entry(id).or_insert(next))
            }
        }
    }

    fn mention(&mut self, id: TypeId) {
        if !self.order.contains(&id) {
            self.order.push(id);
        }
    }

    fn declaration(&mut self, id: TypeId) -> String {
        let mut out = format!("{}:{}", self.name(id), self.layout(id));
        match &self.unit.get(id).kind {
            TypeKind::Typedef {
                target, location, ..
            } => {
                let _ = writeln!(out, " = {}{}", self.name(*target), place(location));
            }
            TypeKind::Enum {
                values: Some(values),
                ..
            } => {
                let values: Vec<String> = values
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                let _ = writeln!(out, " {{{}}}", values.join(", "));
            }
            TypeKind::Record {
                fields: Some(fields),
                location,
                ..
            } => {
                let _ = writeln!(out, "{}", place(location));
                for field in fields {
                    let name = field.name.as_deref().unwrap_or("_");
                    let at = match field.bit_width {
                        Some(width) => format!("bit {} width {width}", field.bit_offset),
                        None if field.bit_offset % 8 == 0 => (field.bit_offset / 8).to_string(),
                        None => format!("bit {}", field.bit_offset),
                    };
                    let _ = writeln!(out, "\t{at}: {name} {}", self.name(field.ty));
                }
            }
            _ => out += " incomplete\n",
        }
        out
    }
}

/// The last part of a file's path, and the line, but not those of system headers, which differ between machines.
fn place(location: &crate::Location) -> String {
    match location.file.starts_with("/usr/") || location.line == 0 {
        true => String::new(),
        false => format!(
            " at {}:{}",
            location.file.rsplit('/').next().unwrap_or_default(),
            location.line
        ),
    }
}
