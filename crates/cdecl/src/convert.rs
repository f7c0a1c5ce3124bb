//! Types: from libclang's to the model's.
//!
//! Each record, enum and typedef declaration gets its id before its contents are looked at, and the
//! contents of records are converted from a queue: recursive types need no care and deep ones no stack.
//! Libclang's sugar that means nothing here (elaborated, attributed, parenthesised types) is peeled;
//! typedef names stay.

use std::collections::{HashMap, VecDeque};

use clang_sys as c;

use crate::clang::{Cursor, Ty};
use crate::model::{Field, Location, RecordKind, Type, TypeId, TypeKind};

/// The arena under construction.
pub struct Converter<'a> {
    any_pointer: Ty<'a>,
    types: Vec<Type>,
    /// Types by libclang's identity, sugar and qualifiers included.
    by_type: HashMap<usize, TypeId>,
    /// Declared types by declaration (typedefs) or canonical type (records, enums).
    by_declaration: HashMap<usize, TypeId>,
    /// Pointers that only exist by the decay of parameters, by what they point to.
    pointers: HashMap<TypeId, TypeId>,
    /// Records whose members are still to be converted.
    pending: VecDeque<(TypeId, Ty<'a>)>,
}

/// Clang's builtin integers as gcc names them in debug information.
fn integer(kind: c::CXTypeKind) -> Option<(&'static str, bool)> {
    Some(match kind {
        c::CXType_Char_S => ("char", true),
        c::CXType_Char_U => ("char", false),
        c::CXType_SChar => ("signed char", true),
        c::CXType_UChar => ("unsigned char", false),
        c::CXType_Short => ("short int", true),
        c::CXType_UShort => ("short unsigned int", false),
        c::CXType_Int => ("int", true),
        c::CXType_UInt => ("unsigned int", false),
        c::CXType_Long => ("long int", true),
        c::CXType_ULong => ("long unsigned int", false),
        c::CXType_LongLong => ("long long int", true),
        c::CXType_ULongLong => ("long long unsigned int", false),
        c::CXType_Int128 => ("__int128", true),
        c::CXType_UInt128 => ("__int128 unsigned", false),
        _ => return None,
    })
}

fn is_float(kind: c::CXTypeKind) -> bool {
    matches!(
        kind,
        c::CXType_Float
            | c::CXType_Double
            | c::CXType_LongDouble
            | c::CXType_Float128
            | c::CXType_Half
            | c::CXType_Float16
            | c::CXType_BFloat16
            | c::CXType_Ibm128
    )
}

/// The type under its outermost qualifiers. Libclang's own way to it would look through typedefs.
fn without_qualifiers(ty: Ty<'_>) -> Ty<'_> {
    match ty.kind() {
        c::CXType_Elaborated => ty.named(),
        c::CXType_Typedef => ty.declaration().ty(),
        _ => ty.unqualified(),
    }
}

/// Whether a canonical type is a number, `_Bool` and enums included.
pub fn is_arithmetic(ty: Ty<'_>) -> bool {
    let kind = ty.kind();
    integer(kind).is_some()
        || is_float(kind)
        || matches!(kind, c::CXType_Bool | c::CXType_Enum | c::CXType_Complex)
}

impl<'a> Converter<'a> {
    /// `any_pointer` is some pointer type, for the layout.
    pub fn new(any_pointer: Ty<'a>) -> Converter<'a> {
        Converter {
            any_pointer,
            types: Vec::new(),
            by_type: HashMap::new(),
            by_declaration: HashMap::new(),
            pointers: HashMap::new(),
            pending: VecDeque::new(),
        }
    }

    pub fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0 as usize]
    }

    /// Converts what is still queued and gives the arena away.
    pub fn finish(mut self) -> Vec<Type> {
        while let Some((id, ty)) = self.pending.pop_front() {
            let converted = ty
                .fields()
                .into_iter()
                .map(|field| self.field(field))
                .collect();
            if let TypeKind::Record { fields, .. } = &mut self.types[id.0 as usize].kind {
                *fields = Some(converted);
            }
        }
        self.types
    }

    pub fn convert(&mut self, ty: Ty<'a>) -> TypeId {
        let key = ty.key();
        if let Some(&id) = self.by_type.get(&key) {
            return id;
        }
        let id = self.convert_new(ty);
        self.by_type.insert(key, id);
        id
    }

    fn push(&mut self, kind: TypeKind, layout: Ty<'_>) -> TypeId {
        let unsized_kinds = [
            c::CXType_Void,
            c::CXType_FunctionProto,
            c::CXType_FunctionNoProto,
        ];
        let sized = !unsized_kinds.contains(&layout.canonical().kind());
        let size = u64::try_from(layout.size()).ok().filter(|_| sized);
        let align = size.and_then(|_| u64::try_from(layout.align()).ok());
        self.types.push(Type { kind, size, align });
        TypeId(self.types.len() as u32 - 1)
    }

    fn convert_new(&mut self, ty: Ty<'a>) -> TypeId {
        let (is_const, is_volatile, is_restrict) =
            (ty.is_const(), ty.is_volatile(), ty.is_restrict());
        if is_const || is_volatile || is_restrict {
            let target = self.convert(without_qualifiers(ty));
            return self.push(
                TypeKind::Qualified {
                    is_const,
                    is_volatile,
                    is_restrict,
                    target,
                },
                ty,
            );
        }
        let kind = ty.kind();
        if let Some((name, signed)) = integer(kind) {
            return self.push(
                TypeKind::Int {
                    name: name.into(),
                    signed,
                },
                ty,
            );
        }
        if is_float(kind) {
            return self.push(
                TypeKind::Float {
                    name: ty.spelling(),
                },
                ty,
            );
        }
        match kind {
            c::CXType_Void => self.push(TypeKind::Void, ty),
            c::CXType_Bool => self.push(TypeKind::Bool, ty),
            c::CXType_Elaborated => self.convert(ty.named()),
            c::CXType_Attributed => self.convert(ty.modified()),
            c::CXType_Atomic => self.convert(ty.atomic_value()),
            c::CXType_Typedef => self.typedef(ty),
            c::CXType_Record => self.record(ty),
            c::CXType_Enum => self.enumeration(ty),
            c::CXType_Pointer => {
                let target = self.convert(ty.pointee());
                self.push(TypeKind::Pointer(target), ty)
            }
            c::CXType_Complex => {
                let name = ty.element().canonical().spelling();
                self.push(TypeKind::Complex { name }, ty)
            }
            c::CXType_ConstantArray | c::CXType_IncompleteArray | c::CXType_VariableArray => {
                let elem = self.convert(ty.array_element());
                let len = u64::try_from(ty.len())
                    .ok()
                    .filter(|_| kind == c::CXType_ConstantArray);
                self.push(TypeKind::Array { elem, len }, ty)
            }
            c::CXType_FunctionProto | c::CXType_FunctionNoProto => self.function(ty),
            _ => self.unexposed(ty),
        }
    }

    /// What libclang does not explain: sugar without an accessor (`typeof`, attributes from macros), or a
    /// type of its own (`_BitInt`, vectors).
    fn unexposed(&mut self, ty: Ty<'a>) -> TypeId {
        let canonical = ty.canonical();
        if matches!(
            canonical.kind(),
            c::CXType_FunctionProto | c::CXType_FunctionNoProto
        ) {
            // The accessors of function types see through all sugar and keep that of results and parameters.
            return self.function(ty);
        }
        if canonical.key() != ty.key() {
            return self.convert(canonical);
        }
        let spelling = ty.spelling();
        match spelling
            .strip_prefix("unsigned ")
            .unwrap_or(&spelling)
            .starts_with("_BitInt")
        {
            true => {
                let signed = !spelling.starts_with("unsigned");
                self.push(
                    TypeKind::Int {
                        name: spelling,
                        signed,
                    },
                    ty,
                )
            }
            false => self.push(TypeKind::Opaque { spelling }, ty),
        }
    }

    fn function(&mut self, ty: Ty<'a>) -> TypeId {
        let result = self.convert(ty.result());
        let params = ty.params().map(|param| self.param(param)).collect();
        let prototyped = ty.canonical().kind() == c::CXType_FunctionProto;
        let variadic = prototyped && ty.is_variadic();
        self.push(
            TypeKind::Func {
                params,
                result,
                variadic,
                prototyped,
            },
            ty,
        )
    }

    /// A parameter's type after decay. Libclang shows decayed types as they were written.
    fn param(&mut self, ty: Ty<'a>) -> TypeId {
        match ty.canonical().kind() {
            c::CXType_ConstantArray | c::CXType_IncompleteArray | c::CXType_VariableArray => {
                let mut array = ty;
                while array.array_element().kind() == c::CXType_Invalid {
                    array = match array.kind() {
                        c::CXType_Typedef => array.declaration().typedef_target(),
                        c::CXType_Elaborated => array.named(),
                        c::CXType_Attributed => array.modified(),
                        _ => array.canonical(),
                    };
                }
                let written = array.array_element();
                let mut elem = self.convert(written);
                // Qualifiers of a typedef of an array are its elements'.
                let (whole, part) = (ty.canonical(), ty.canonical().array_element());
                let is_const = whole.is_const() || part.is_const();
                let is_volatile = whole.is_volatile() || part.is_volatile();
                let written = written.canonical();
                if (is_const, is_volatile) != (written.is_const(), written.is_volatile()) {
                    let kind = TypeKind::Qualified {
                        is_const,
                        is_volatile,
                        is_restrict: false,
                        target: elem,
                    };
                    elem = self.push(kind, part);
                }
                self.pointer_to(elem)
            }
            c::CXType_FunctionProto | c::CXType_FunctionNoProto => {
                let function = self.convert(ty);
                self.pointer_to(function)
            }
            _ => self.convert(ty),
        }
    }

    /// A pointer that libclang has no handle for.
    fn pointer_to(&mut self, target: TypeId) -> TypeId {
        if let Some(&id) = self.pointers.get(&target) {
            return id;
        }
        let id = self.push(TypeKind::Pointer(target), self.any_pointer);
        self.pointers.insert(target, id);
        id
    }

    fn location(&self, declaration: Cursor<'_>) -> Location {
        let (file, line, column) = declaration.presumed();
        Location { file, line, column }
    }

    fn typedef(&mut self, ty: Ty<'a>) -> TypeId {
        let declaration = ty.declaration().canonical();
        if let Some(&id) = self.by_declaration.get(&declaration.key()) {
            return id;
        }
        let location = self.location(declaration);
        let placeholder = TypeId(self.types.len() as u32);
        let id = self.push(
            TypeKind::Typedef {
                name: declaration.spelling(),
                target: placeholder,
                location,
            },
            ty,
        );
        self.by_declaration.insert(declaration.key(), id);
        let written = self.declared(declaration, declaration.typedef_target());
        if let TypeKind::Typedef { target, .. } = &mut self.types[id.0 as usize].kind {
            *target = written;
        }
        id
    }

    /// The type of a declaration. `typeof(expression)` is looked up through the expression, which keeps
    /// the names that libclang loses.
    pub fn declared(&mut self, declaration: Cursor<'a>, ty: Ty<'a>) -> TypeId {
        if ty.kind() == c::CXType_Unexposed
            && ty.spelling().starts_with("typeof")
            && let Some(child) = declaration.first_child()
        {
            if child.is_expression() {
                return self.convert(child.ty());
            }
            let referenced = child.referenced().ty();
            if child.kind() == c::CXCursor_TypeRef
                && referenced.canonical().key() == ty.canonical().key()
            {
                return self.convert(referenced);
            }
        }
        self.convert(ty)
    }

    fn record(&mut self, ty: Ty<'a>) -> TypeId {
        let canonical = ty.canonical();
        if let Some(&id) = self.by_declaration.get(&canonical.key()) {
            return id;
        }
        let declaration = ty.declaration();
        let definition = declaration.definition();
        let (kind, keyword) = match declaration.kind() {
            c::CXCursor_UnionDecl => (RecordKind::Union, "union "),
            _ => (RecordKind::Struct, "struct "),
        };
        let location = self.location(if definition.is_null() {
            declaration.canonical()
        } else {
            definition
        });
        let tag = tag(canonical, keyword);
        let id = self.push(
            TypeKind::Record {
                kind,
                tag,
                fields: None,
                location,
            },
            canonical,
        );
        self.by_declaration.insert(canonical.key(), id);
        if !definition.is_null() {
            self.pending.push_back((id, canonical));
        }
        id
    }

    fn field(&mut self, field: Cursor<'a>) -> Field {
        let name = field.spelling();
        // Libclang names unnamed members for their type: `(anonymous struct at …)`.
        let name = (!name.is_empty() && !name.contains(['(', ' '])).then_some(name);
        Field {
            name,
            ty: self.declared(field, field.ty()),
            bit_offset: u64::try_from(field.field_offset()).unwrap_or(0),
            bit_width: u32::try_from(field.bit_width()).ok(),
        }
    }

    fn enumeration(&mut self, ty: Ty<'a>) -> TypeId {
        let canonical = ty.canonical();
        if let Some(&id) = self.by_declaration.get(&canonical.key()) {
            return id;
        }
        let definition = ty.declaration().definition();
        let values = (!definition.is_null()).then(|| {
            let signed = integer(definition.enum_integer().canonical().kind())
                .is_none_or(|(_, signed)| signed);
            let mut values = Vec::new();
            definition.each_child(|child| {
                if child.kind() == c::CXCursor_EnumConstantDecl {
                    values.push((child.spelling(), enumerator_value(child, signed)));
                }
                true
            });
            values
        });
        let tag = tag(canonical, "enum ");
        let id = self.push(TypeKind::Enum { tag, values }, canonical);
        self.by_declaration.insert(canonical.key(), id);
        id
    }
}

/// The value of an enumerator whose enum's integer type is signed or not.
pub fn enumerator_value(constant: Cursor<'_>, signed: bool) -> i128 {
    if signed {
        constant.enum_value().into()
    } else {
        constant.enum_unsigned_value().into()
    }
}

/// The tag of a record or enum, read off its type's spelling, where untagged ones have no keyword or a
/// parenthesis: `struct stat`, `div_t`, `struct (unnamed at x.c:1:2)`.
fn tag(canonical: Ty<'_>, keyword: &str) -> Option<String> {
    let spelling = canonical.spelling();
    spelling
        .strip_prefix(keyword)
        .filter(|tag| !tag.contains('('))
        .map(str::to_owned)
}
