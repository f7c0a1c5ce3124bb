//! Names of C types, short enough for a table.

use cdecl::{RecordKind, TypeId, TypeKind, Unit};

pub fn spell(unit: &Unit, id: TypeId) -> String {
    match &unit.get(id).kind {
        TypeKind::Void => "void".to_owned(),
        TypeKind::Bool => "_Bool".to_owned(),
        TypeKind::Int { name, .. } => integer(name).to_owned(),
        TypeKind::Float { name } => name.clone(),
        TypeKind::Complex { name } => format!("{name} _Complex"),
        TypeKind::Pointer(target) => pointer(unit, *target),
        TypeKind::Array { elem, .. } => format!("{}[]", spell(unit, *elem)),
        TypeKind::Func { .. } => "function".to_owned(),
        TypeKind::Enum { tag, .. } => tagged("enum", tag.as_deref()),
        TypeKind::Record { kind, tag, .. } => {
            let keyword = match kind {
                RecordKind::Struct => "struct",
                RecordKind::Union => "union",
            };
            tagged(keyword, tag.as_deref())
        }
        TypeKind::Typedef { name, .. } => name.clone(),
        TypeKind::Qualified {
            is_const, target, ..
        } => {
            let word = if *is_const { "const " } else { "" };
            format!("{word}{}", spell(unit, *target))
        }
        TypeKind::Opaque { spelling } => spelling.clone(),
    }
}

fn pointer(unit: &Unit, target: TypeId) -> String {
    match &unit.get(target).kind {
        TypeKind::Func { .. } => "function *".to_owned(),
        _ => {
            let target = spell(unit, target);
            let blank = if target.ends_with('*') { "" } else { " " };
            format!("{target}{blank}*")
        }
    }
}

/// As people write what debug information calls `long unsigned int`.
fn integer(name: &str) -> &str {
    match name {
        "short int" => "short",
        "short unsigned int" => "unsigned short",
        "unsigned int" => "unsigned",
        "long int" => "long",
        "long unsigned int" => "unsigned long",
        "long long int" => "long long",
        "long long unsigned int" => "unsigned long long",
        "__int128 unsigned" => "unsigned __int128",
        name => name,
    }
}

fn tagged(keyword: &str, tag: Option<&str>) -> String {
    match tag {
        Some(tag) => format!("{keyword} {tag}"),
        None => format!("{keyword} {{…}}"),
    }
}
