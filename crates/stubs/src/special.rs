//! Typedefs that C declares as pointers and fills with something else.
//!
//! Go must not see such a value as a pointer, or the collector would follow it. There is no telling
//! from the declaration alone: each case is known by name and shape.

use std::collections::HashSet;

use cdecl::{RecordKind, TypeId, TypeKind, Unit};

/// JNI object types → the type each is a typedef of; `jobject` is the root.
const JNI_TYPES: [(&str, &str); 15] = [
    ("jobject", ""),
    ("jclass", "jobject"),
    ("jthrowable", "jobject"),
    ("jstring", "jobject"),
    ("jarray", "jobject"),
    ("jbooleanArray", "jarray"),
    ("jbyteArray", "jarray"),
    ("jcharArray", "jarray"),
    ("jshortArray", "jarray"),
    ("jintArray", "jarray"),
    ("jlongArray", "jarray"),
    ("jfloatArray", "jarray"),
    ("jdoubleArray", "jarray"),
    ("jobjectArray", "jarray"),
    ("jweak", "jobject"),
];

/// Whether the typedef is to be a `uintptr` in Go. `type_ids` are the CoreFoundation types `X` for
/// which a function `XGetTypeID` exists.
pub fn is_bad_pointer(
    unit: &Unit,
    typedef: TypeId,
    goos: &str,
    type_ids: &HashSet<String>,
) -> bool {
    is_core_foundation(unit, typedef, goos, type_ids)
        || is_jni(unit, typedef)
        || is_egl(unit, typedef)
}

/// Windows' `HANDLE`, a `void *` that may hold any number.
pub fn is_void_handle(unit: &Unit, typedef: TypeId, goos: &str) -> bool {
    goos == "windows" && name_of(unit, typedef) == Some("HANDLE") && points_to_void(unit, typedef)
}

/// The tag of the record behind a handle made by Windows' `DECLARE_HANDLE`: for a typedef `X`,
/// `struct X__ { int unused; }`.
pub fn struct_handle(unit: &Unit, typedef: TypeId, goos: &str) -> Option<String> {
    if goos != "windows" {
        return None;
    }
    let name = name_of(unit, typedef)?;
    let TypeKind::Pointer(to) = unit.get(target_of(unit, typedef)?).kind else {
        return None;
    };
    let TypeKind::Record {
        kind: RecordKind::Struct,
        tag: Some(tag),
        fields: Some(fields),
        ..
    } = &unit.get(to).kind
    else {
        return None;
    };
    let [field] = fields.as_slice() else {
        return None;
    };
    let is_int = matches!(&unit.get(field.ty).kind, TypeKind::Int { name, .. } if name == "int");
    (*tag == format!("{name}__") && field.name.as_deref() == Some("unused") && is_int)
        .then(|| tag.clone())
}

/// CoreFoundation stores tagged values in some of its `…Ref` types.
fn is_core_foundation(
    unit: &Unit,
    typedef: TypeId,
    goos: &str,
    type_ids: &HashSet<String>,
) -> bool {
    if !matches!(goos, "darwin" | "ios") {
        return false;
    }
    let Some(stem) = name_of(unit, typedef).and_then(|name| name.strip_suffix("Ref")) else {
        return false;
    };
    stem == "CFType"
        || type_ids.contains(stem)
        // Mutable and immutable variants share a type id.
        || stem.contains("Mutable") && type_ids.contains(&stem.replacen("Mutable", "", 1))
}

/// Android's runtime hands small integers out as JNI objects.
fn is_jni(unit: &Unit, typedef: TypeId) -> bool {
    let parent = |name: &str| {
        JNI_TYPES
            .iter()
            .find(|(jni, _)| *jni == name)
            .map(|(_, parent)| *parent)
    };
    let mut at = typedef;
    loop {
        let Some(expected) = name_of(unit, at).and_then(parent) else {
            return false;
        };
        let Some(target) = target_of(unit, at) else {
            return false;
        };
        if expected.is_empty() {
            break;
        }
        if name_of(unit, target) != Some(expected) {
            return false;
        }
        at = target;
    }
    if points_to_void(unit, at) {
        return true;
    }
    let Some(TypeKind::Pointer(to)) = target_of(unit, at).map(|id| &unit.get(id).kind) else {
        return false;
    };
    matches!(
        &unit.get(*to).kind,
        TypeKind::Record { tag: Some(tag), fields: None, .. } if tag == "_jobject"
    )
}

/// EGL displays and configurations are integers on some systems.
fn is_egl(unit: &Unit, typedef: TypeId) -> bool {
    matches!(name_of(unit, typedef), Some("EGLDisplay" | "EGLConfig"))
        && points_to_void(unit, typedef)
}

fn points_to_void(unit: &Unit, typedef: TypeId) -> bool {
    target_of(unit, typedef).is_some_and(|target| {
        matches!(unit.get(target).kind, TypeKind::Pointer(to) if matches!(unit.get(to).kind, TypeKind::Void))
    })
}

fn name_of(unit: &Unit, id: TypeId) -> Option<&str> {
    match &unit.get(id).kind {
        TypeKind::Typedef { name, .. } => Some(name),
        _ => None,
    }
}

fn target_of(unit: &Unit, id: TypeId) -> Option<TypeId> {
    match unit.get(id).kind {
        TypeKind::Typedef { target, .. } => Some(target),
        _ => None,
    }
}
