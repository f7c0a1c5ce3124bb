//! C types to Go types of the same memory layout.
//!
//! A [`Converter`] walks one file's C types; the names that come out are defined in the package's
//! [`Table`]. A reference to a named type never needs its definition, so definitions are queued and
//! made later: recursion in C types is no recursion here.

use std::collections::{BTreeMap, HashMap, HashSet};

use cdecl::{Field, RecordKind, Type, TypeId, TypeKind, Unit};

use crate::backend::Dialect;
use crate::fields::{StructFields, StructLayout, go_field_names};
use crate::gotype::GoType;
use crate::{godefs, special};

/// The target's sizes, in bytes, the name of its system, and what its Go compiler wants.
#[derive(Clone, Debug)]
pub struct Target {
    pub goos: String,
    pub ptr_size: u64,
    pub godefs: bool,
    pub dialect: Dialect,
}

/// A C type seen from Go.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    pub go: GoType,
    /// How C spells it.
    pub c: String,
    pub size: u64,
    /// Alignment of the Go type, in bytes: at most a pointer's, and that of its representable fields
    /// for a struct.
    pub align: u64,
    /// False for a type that C has only declared.
    pub complete: bool,
    /// A pointer type in C that may hold something else, and is a `uintptr` to Go.
    pub bad_pointer: bool,
}

/// A function's type. A missing result is `void`.
#[derive(Clone, Debug, PartialEq)]
pub struct FuncType {
    pub params: Vec<Converted>,
    pub result: Option<Converted>,
}

/// All generated type definitions of a package, by Go name.
#[derive(Default)]
pub struct Table {
    pub definitions: BTreeMap<String, Converted>,
    /// Records without a tag, by where and how they are declared: the same declaration seen by two
    /// files is one type.
    anonymous: HashMap<String, String>,
}

/// How a type is written on both sides.
struct Spelling {
    go: GoType,
    c: String,
    bad_pointer: bool,
}

impl Spelling {
    fn new(go: GoType, c: &str) -> Self {
        Spelling {
            go,
            c: c.to_string(),
            bad_pointer: false,
        }
    }

    /// A number that Go has no type for: its bytes.
    fn bytes(size: u64, c: &str) -> Self {
        Spelling::new(GoType::opaque(size), c)
    }
}

/// Size and alignment in bytes, as Go sees them.
#[derive(Clone, Copy)]
struct Layout {
    size: u64,
    align: u64,
    complete: bool,
}

/// Why a name cannot be had, and what to do about it.
pub struct Refusal {
    pub message: String,
    pub help: Option<String>,
}

pub struct Converter<'a> {
    unit: &'a Unit,
    target: &'a Target,
    table: &'a mut Table,
    references: HashMap<TypeId, Converted>,
    layouts: HashMap<TypeId, Layout>,
    /// Records and typedefs whose names have been used, and those still to be defined.
    queued: HashSet<TypeId>,
    queue: Vec<TypeId>,
    /// CoreFoundation's `X` for which `XGetTypeID` exists.
    pub type_ids: HashSet<String>,
    /// Records that stand for Windows handles.
    handles: HashSet<String>,
    /// Since the caller last took them.
    pub refusals: Vec<Refusal>,
}

/// gcc's name of a basic type → its name in package C.
const BASIC_NAMES: [(&str, &str); 9] = [
    ("long int", "long"),
    ("long unsigned int", "ulong"),
    ("unsigned int", "uint"),
    ("short unsigned int", "ushort"),
    ("short int", "short"),
    ("long long int", "longlong"),
    ("long long unsigned int", "ulonglong"),
    ("signed char", "schar"),
    ("unsigned char", "uchar"),
];

impl<'a> Converter<'a> {
    pub fn new(unit: &'a Unit, target: &'a Target, table: &'a mut Table) -> Self {
        Converter {
            unit,
            target,
            table,
            references: HashMap::new(),
            layouts: HashMap::new(),
            queued: HashSet::new(),
            queue: Vec::new(),
            type_ids: HashSet::new(),
            handles: HashSet::new(),
            refusals: Vec::new(),
        }
    }

    /// Converts a type, and defines every name that it reaches.
    pub fn convert(&mut self, id: TypeId) -> Converted {
        self.refuse_unrepresentable(id);
        let converted = self.reference(id);
        self.finish();
        converted
    }

    /// Converts a function's type.
    pub fn function(&mut self, params: &[TypeId], result: TypeId, variadic: bool) -> FuncType {
        if variadic {
            self.refusals.push(Refusal {
                message: "unexpected type: ...".to_string(),
                help: Some(
                    "C functions with variable arguments cannot be called from Go: \
                     wrap the call in a C function with fixed parameters"
                        .to_string(),
                ),
            });
        }
        for &id in params.iter().chain([&result]) {
            self.refuse_unrepresentable(id);
        }
        let params = params.iter().map(|&param| self.parameter(param)).collect();
        let result = match self.base(result) {
            TypeKind::Void => None,
            _ => Some(self.reference(self.unqualified(result))),
        };
        self.finish();
        FuncType { params, result }
    }

    /// Puts a name that the Go file uses for a type into the table, unless C's own name is there already.
    pub fn define(&mut self, name: &str, converted: &Converted) {
        if !self.table.definitions.contains_key(name) {
            self.table
                .definitions
                .insert(name.to_string(), converted.clone());
        }
    }

    pub fn is_function(&self, id: TypeId) -> Option<(Vec<TypeId>, TypeId, bool)> {
        match &self.get(id).kind {
            TypeKind::Func {
                params,
                result,
                variadic,
                ..
            } => Some((params.clone(), *result, *variadic)),
            TypeKind::Typedef { target, .. } | TypeKind::Qualified { target, .. } => {
                self.is_function(*target)
            }
            _ => None,
        }
    }

    /// `enum x` that C has not declared: unlike an undeclared struct it is of no use, even to a pointer.
    pub fn is_undeclared_enum(&self, id: TypeId) -> bool {
        matches!(self.get(id).kind, TypeKind::Enum { values: None, .. })
    }

    /// Reports a type that is or holds by value a number that Go has no type for. Behind a pointer
    /// such a number is bytes; so it is in a union, unless a typedef gives it a name of its own.
    fn refuse_unrepresentable(&mut self, id: TypeId) {
        let message = self.refusal(id, false);
        self.refusals.extend(message.map(|message| Refusal {
            message,
            help: Some("Go has no such type: pass it by a pointer, or convert it in C".to_string()),
        }));
    }

    fn refusal(&self, id: TypeId, in_union: bool) -> Option<String> {
        let ty = self.get(id);
        let size = ty.size.unwrap_or(0);
        let (what, name) = match &ty.kind {
            TypeKind::Typedef { target, .. } => return self.refusal(*target, false),
            TypeKind::Qualified { target, .. } => return self.refusal(*target, in_union),
            TypeKind::Array { elem, .. } => return self.refusal(*elem, in_union),
            TypeKind::Record { kind, fields, .. } => {
                let in_union = in_union || *kind == RecordKind::Union;
                return fields
                    .iter()
                    .flatten()
                    .filter(|field| field.bit_width.is_none())
                    .find_map(|field| self.refusal(field.ty, in_union));
            }
            TypeKind::Int { name, .. } if !matches!(size, 1 | 2 | 4 | 8 | 16) => {
                ("int", name.clone())
            }
            TypeKind::Float { name } if !matches!(size, 4 | 8) => ("float", name.clone()),
            TypeKind::Complex { name } if !matches!(size, 8 | 16) => {
                ("complex", format!("complex {name}"))
            }
            _ => return None,
        };
        (!in_union).then(|| format!("unexpected: {size}-byte {what} type - {name}"))
    }

    pub fn dialect(&self) -> Dialect {
        self.target.dialect
    }

    fn incomplete(&self) -> GoType {
        GoType::named(self.target.dialect.incomplete)
    }

    fn get(&self, id: TypeId) -> &'a Type {
        self.unit.get(id)
    }

    /// The kind under qualifiers and typedefs.
    pub fn base(&self, mut id: TypeId) -> &'a TypeKind {
        loop {
            match &self.get(id).kind {
                TypeKind::Typedef { target, .. } | TypeKind::Qualified { target, .. } => {
                    id = *target;
                }
                kind => return kind,
            }
        }
    }

    fn unqualified(&self, mut id: TypeId) -> TypeId {
        while let TypeKind::Qualified { target, .. } = &self.get(id).kind {
            id = *target;
        }
        id
    }

    /// C passes more loosely than Go: a parameter whose type is a typedef of a pointer takes any
    /// pointer of that type (but not, for no good reason, if it is const itself).
    fn parameter(&mut self, id: TypeId) -> Converted {
        let written = id;
        let id = self.unqualified(id);
        let converted = self.reference(id);
        if let TypeKind::Array { .. } = self.get(id).kind {
            return Converted {
                go: converted.go.pointer(),
                c: format!("{}*", converted.c),
                size: self.target.ptr_size,
                align: self.target.ptr_size,
                ..converted
            };
        }
        let mut under = id;
        while let TypeKind::Typedef { target, .. } = &self.get(under).kind {
            under = self.unqualified(*target);
        }
        match self.get(under).kind {
            TypeKind::Pointer(to)
                if under != id
                    && id == written
                    && !converted.bad_pointer
                    && !matches!(self.base(to), TypeKind::Void) =>
            {
                Converted {
                    c: converted.c,
                    ..self.reference(under)
                }
            }
            _ => converted,
        }
    }

    fn finish(&mut self) {
        while let Some(id) = self.queue.pop() {
            match &self.get(id).kind {
                TypeKind::Record { .. } => self.define_record(id),
                TypeKind::Typedef { name, target, .. } => self.define_typedef(id, name, *target),
                _ => {}
            }
        }
    }

    /// A type as Go and C spell it, with its layout.
    fn reference(&mut self, id: TypeId) -> Converted {
        if let Some(converted) = self.references.get(&id) {
            return converted.clone();
        }
        let Spelling { go, c, bad_pointer } = self.spelling(id);
        let Layout {
            size,
            align,
            complete,
        } = self.layout(id);
        let converted = Converted {
            go,
            c,
            size,
            align,
            complete,
            bad_pointer,
        };
        self.references.insert(id, converted.clone());
        converted
    }

    /// Spelling needs no layout, so that pointers may form cycles. Names are queued for definition.
    fn spelling(&mut self, id: TypeId) -> Spelling {
        let ty = self.get(id);
        let size = ty.size.unwrap_or(0);
        match &ty.kind {
            TypeKind::Void => Spelling::new(GoType::named("_Ctype_void"), "void"),
            TypeKind::Bool => self.basic(id, "_Bool", "_Bool", GoType::named("bool")),
            TypeKind::Int { name, signed } => match integer_name(size, *signed) {
                Some(go) => self.basic(id, name, name, GoType::named(go)),
                None if size == 16 => {
                    let elem = Box::new(GoType::named("uint8"));
                    self.basic(id, name, name, GoType::Array { len: 16, elem })
                }
                None => Spelling::bytes(size, name),
            },
            TypeKind::Float { name } => match size {
                4 => self.basic(id, name, name, GoType::named("float32")),
                8 => self.basic(id, name, name, GoType::named("float64")),
                _ => Spelling::bytes(size, name),
            },
            TypeKind::Complex { name } => {
                let c = format!("{name} _Complex");
                let name = format!("complex {name}");
                match size {
                    8 => self.basic(id, &name, &c, GoType::named("complex64")),
                    16 => self.basic(id, &name, &c, GoType::named("complex128")),
                    _ => Spelling::bytes(size, &c),
                }
            }
            TypeKind::Enum { tag, values } => {
                let negative = values.iter().flatten().any(|(_, value)| *value < 0);
                let go = integer_name(size, negative).unwrap_or("uint32");
                // Without a tag there is no name; its values are of an integer type of that size.
                let c = tag.as_ref().map_or_else(
                    || c_integer(size, negative).to_string(),
                    |tag| format!("enum {tag}"),
                );
                Spelling::new(GoType::named(go), &c)
            }
            TypeKind::Pointer(to) => self.pointer(*to),
            TypeKind::Array { elem, len } => {
                let elem = self.spelling(*elem);
                let bound = len.map_or_else(|| "-1".to_string(), |len| len.to_string());
                Spelling {
                    c: format!("__typeof__({}[{bound}])", elem.c),
                    go: GoType::Array {
                        len: len.unwrap_or(0),
                        elem: Box::new(elem.go),
                    },
                    bad_pointer: false,
                }
            }
            TypeKind::Func { .. } => Spelling::new(GoType::opaque(0), "void"),
            TypeKind::Qualified {
                is_const,
                is_volatile,
                is_restrict,
                target,
            } => {
                let mut spelling = self.spelling(*target);
                for (on, word) in [
                    (is_const, " const"),
                    (is_volatile, " volatile"),
                    (is_restrict, " __restrict"),
                ] {
                    if *on {
                        spelling.c.push_str(word);
                    }
                }
                spelling
            }
            TypeKind::Record {
                kind, tag, fields, ..
            } => {
                self.enqueue(id);
                let go_name = self.record_name(id);
                let c = match (tag, kind) {
                    (Some(tag), _) => format!("{} {tag}", word(*kind)),
                    (None, RecordKind::Union) => format!("__typeof__(unsigned char[{size}])"),
                    (None, RecordKind::Struct) => "void".to_string(),
                };
                let go = match kind {
                    RecordKind::Union if fields.is_some() => GoType::Union {
                        size,
                        has_pointer: self.has_pointer(id),
                    },
                    _ => GoType::Named(go_name),
                };
                Spelling::new(go, &c)
            }
            TypeKind::Typedef { name, target, .. } => self.typedef(id, name, *target),
            TypeKind::Opaque { spelling } => Spelling::new(GoType::opaque(size), spelling),
        }
    }

    /// A basic type is known to Go under its C name, and defined as what it is.
    fn basic(&mut self, id: TypeId, c_name: &str, c: &str, go: GoType) -> Spelling {
        let short = BASIC_NAMES
            .iter()
            .find(|(long, _)| *long == c_name)
            .map_or(c_name, |(_, short)| short);
        let name = format!("_Ctype_{}", short.replace(' ', ""));
        if !self.table.definitions.contains_key(&name) {
            let layout = self.layout(id);
            let definition = Converted {
                go: go.clone(),
                c: c.to_string(),
                size: layout.size,
                align: layout.align,
                complete: true,
                bad_pointer: false,
            };
            self.table.definitions.insert(name.clone(), definition);
        }
        let go = if self.target.godefs {
            go
        } else {
            GoType::Named(name)
        };
        Spelling::new(go, c)
    }

    fn pointer(&mut self, to: TypeId) -> Spelling {
        if let TypeKind::Void = self.base(to) {
            let mut c = "void*".to_string();
            if let TypeKind::Qualified {
                is_const,
                is_volatile,
                ..
            } = self.get(to).kind
            {
                for (on, word) in [(is_volatile, "volatile "), (is_const, "const ")] {
                    if on {
                        c.insert_str(0, word);
                    }
                }
            }
            let go = if self.target.godefs {
                GoType::named("byte").pointer()
            } else {
                GoType::named("unsafe.Pointer")
            };
            return Spelling::new(go, &c);
        }
        let pointee = self.spelling(to);
        Spelling::new(pointee.go.pointer(), &format!("{}*", pointee.c))
    }

    /// `_Ctype_struct_tag`, with a number for a tag where C gives none.
    fn record_name(&mut self, id: TypeId) -> String {
        let TypeKind::Record {
            kind,
            tag,
            fields,
            location,
        } = &self.get(id).kind
        else {
            unreachable!("only records have tags");
        };
        let word = word(*kind);
        if let Some(tag) = tag {
            return format!("_Ctype_{word}_{tag}");
        }
        let layout: Vec<_> = fields
            .iter()
            .flatten()
            .map(|field| (&field.name, field.bit_offset, field.bit_width))
            .collect();
        let identity = format!("{location:?} {word} {:?} {layout:?}", self.get(id).size);
        let number = self.table.anonymous.len();
        self.table
            .anonymous
            .entry(identity)
            .or_insert_with(|| format!("_Ctype_{word}___{number}"))
            .clone()
    }

    fn enqueue(&mut self, id: TypeId) {
        if self.queued.insert(id) {
            self.queue.push(id);
        }
    }

    fn define_record(&mut self, id: TypeId) {
        let TypeKind::Record {
            kind, tag, fields, ..
        } = &self.get(id).kind
        else {
            return;
        };
        let name = self.record_name(id);
        let known = self.table.definitions.get(&name);
        if known.is_some_and(|known| known.complete) {
            return;
        }
        let lent = known.map(|known| known.c.clone()).filter(|c| !c.is_empty());
        let reference = self.reference(id);
        let c = match (lent, tag, kind) {
            (Some(lent), ..) => lent,
            (None, None, RecordKind::Struct) => name.replacen("_Ctype_struct_", "struct ", 1),
            _ => reference.c.clone(),
        };
        let go = match kind {
            _ if fields.is_none() || self.handles.contains(&name) => self.incomplete(),
            RecordKind::Union => reference.go.clone(),
            RecordKind::Struct => GoType::Struct(self.struct_fields(id).fields),
        };
        let definition = Converted { go, c, ..reference };
        self.table.definitions.insert(name, definition);
    }

    fn typedef(&mut self, id: TypeId, name: &str, target: TypeId) -> Spelling {
        match name {
            "_GoString_" => return Spelling::new(GoType::named("string"), name),
            "_GoBytes_" => return Spelling::new(GoType::named("[]byte"), name),
            _ => {}
        }
        let sub = self.typedef_target(id, target);
        self.enqueue(id);
        let go = if sub.go.is_record_name() || self.target.godefs {
            sub.go
        } else {
            GoType::Named(format!("_Ctype_{name}"))
        };
        Spelling {
            go,
            c: name.to_string(),
            bad_pointer: sub.bad_pointer,
        }
    }

    /// What a typedef stands for in Go.
    fn typedef_target(&mut self, id: TypeId, target: TypeId) -> Spelling {
        let mut sub = self.spelling(target);
        if special::is_bad_pointer(self.unit, id, &self.target.goos, &self.type_ids) {
            sub.go = GoType::named("uintptr");
            sub.bad_pointer = true;
        }
        if special::is_void_handle(self.unit, id, &self.target.goos) {
            sub.go = self.incomplete().pointer();
        }
        if let Some(tag) = special::struct_handle(self.unit, id, &self.target.goos) {
            let record = format!("_Ctype_struct_{tag}");
            let incomplete = self.incomplete();
            if let Some(known) = self.table.definitions.get_mut(&record) {
                known.go = incomplete;
            }
            self.handles.insert(record);
        }
        sub
    }

    fn define_typedef(&mut self, id: TypeId, name: &str, target: TypeId) {
        let sub = self.typedef_target(id, target);
        let layout = self.layout(id);
        if let Some(record) = sub.go.name().filter(|_| sub.go.is_record_name()) {
            self.lend_name(record, name);
        }
        let go_name = format!("_Ctype_{name}");
        let known = self.table.definitions.get(&go_name);
        if known.is_none_or(|known| !known.complete && layout.complete || sub.bad_pointer) {
            let definition = Converted {
                go: sub.go,
                c: name.to_string(),
                size: layout.size,
                align: layout.align,
                complete: layout.complete,
                bad_pointer: sub.bad_pointer,
            };
            self.table.definitions.insert(go_name, definition);
        }
    }

    /// C code that names the record uses the typedef: a record may have no other name.
    fn lend_name(&mut self, record: &str, typedef: &str) {
        let undefined = Converted {
            go: self.incomplete(),
            c: String::new(),
            size: 0,
            align: 1,
            complete: false,
            bad_pointer: false,
        };
        self.table
            .definitions
            .entry(record.to_string())
            .or_insert(undefined)
            .c = typedef.to_string();
    }

    /// Layout recurs only into what a type holds by value.
    fn layout(&mut self, id: TypeId) -> Layout {
        if let Some(layout) = self.layouts.get(&id) {
            return *layout;
        }
        let ty = self.get(id);
        let size = ty.size.unwrap_or(0);
        let ptr_size = self.target.ptr_size;
        let scalar = |align: u64| Layout {
            size,
            align: align.clamp(1, ptr_size),
            complete: true,
        };
        let layout = match &ty.kind {
            TypeKind::Void | TypeKind::Bool | TypeKind::Func { .. } | TypeKind::Opaque { .. } => {
                scalar(1)
            }
            TypeKind::Int { .. } if size == 16 => scalar(1),
            TypeKind::Float { .. } if size > 8 => scalar(1),
            TypeKind::Complex { .. } if size > 16 => scalar(1),
            TypeKind::Int { .. } | TypeKind::Float { .. } | TypeKind::Enum { .. } => scalar(size),
            TypeKind::Complex { .. } => scalar(size / 2),
            TypeKind::Pointer(_) => Layout {
                size: ptr_size,
                align: ptr_size,
                complete: true,
            },
            TypeKind::Array { elem, len } => {
                let elem = self.layout(*elem);
                Layout {
                    size: len.unwrap_or(0) * elem.size,
                    ..elem
                }
            }
            TypeKind::Qualified { target, .. } => self.layout(*target),
            TypeKind::Typedef { name, .. } if name == "_GoString_" => Layout {
                size: 2 * ptr_size,
                align: ptr_size,
                complete: true,
            },
            TypeKind::Typedef { name, .. } if name == "_GoBytes_" => Layout {
                size: ptr_size + 8,
                align: ptr_size,
                complete: true,
            },
            TypeKind::Typedef { target, .. } => self.layout(*target),
            TypeKind::Record { fields: None, .. } => Layout {
                size: 0,
                align: 1,
                complete: false,
            },
            TypeKind::Record {
                kind: RecordKind::Union,
                ..
            } => scalar(1),
            TypeKind::Record { .. } => Layout {
                size,
                align: self.struct_fields(id).align,
                complete: true,
            },
        };
        self.layouts.insert(id, layout);
        layout
    }

    /// Whether a value of the type holds a pointer.
    fn has_pointer(&self, id: TypeId) -> bool {
        match &self.get(id).kind {
            TypeKind::Pointer(_) => true,
            TypeKind::Array { elem, .. } => self.has_pointer(*elem),
            TypeKind::Qualified { target, .. } => self.has_pointer(*target),
            TypeKind::Typedef { name, target, .. } => {
                matches!(name.as_str(), "_GoString_" | "_GoBytes_") || self.has_pointer(*target)
            }
            TypeKind::Record { fields, .. } => fields
                .iter()
                .flatten()
                .any(|field| self.has_pointer(field.ty)),
            _ => false,
        }
    }

    fn struct_fields(&mut self, id: TypeId) -> StructFields {
        let ty = self.get(id);
        let TypeKind::Record {
            fields: Some(fields),
            ..
        } = &ty.kind
        else {
            return StructFields::default();
        };
        let mut layout = StructLayout::new(if self.target.godefs {
            HashMap::new()
        } else {
            go_field_names(fields)
        });
        for field in fields {
            let (name, ty) = self.godefs_union_member(field, fields);
            let converted = self.reference(ty);
            layout.add(name, converted, field);
        }
        let mut layout = layout.finish(ty.size.unwrap_or(0));
        if self.target.godefs {
            godefs::export_fields(&mut layout.fields);
        }
        layout
    }

    /// `-godefs` shows an anonymous union as its first member.
    fn godefs_union_member<'f>(
        &self,
        field: &'f Field,
        all: &'f [Field],
    ) -> (Option<&'f str>, TypeId)
    where
        'a: 'f,
    {
        let name = field.name.as_deref();
        if self.target.godefs
            && name.is_none()
            && let TypeKind::Record {
                kind: RecordKind::Union,
                fields: Some(members),
                ..
            } = &self.get(field.ty).kind
            && let Some(first) = members.first()
            && !all.iter().any(|other| other.name == first.name)
        {
            return (first.name.as_deref(), first.ty);
        }
        (name, field.ty)
    }
}

fn word(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Struct => "struct",
        RecordKind::Union => "union",
    }
}

/// A C integer of `size` bytes.
fn c_integer(size: u64, signed: bool) -> &'static str {
    match (size, signed) {
        (1, true) => "signed char",
        (2, true) => "short int",
        (8, true) => "long long int",
        (_, true) => "int",
        (1, false) => "unsigned char",
        (2, false) => "short unsigned int",
        (8, false) => "long long unsigned int",
        (_, false) => "unsigned int",
    }
}

/// The Go integer of `size` bytes.
fn integer_name(size: u64, signed: bool) -> Option<&'static str> {
    Some(match (size, signed) {
        (1, true) => "int8",
        (2, true) => "int16",
        (4, true) => "int32",
        (8, true) => "int64",
        (1, false) => "uint8",
        (2, false) => "uint16",
        (4, false) => "uint32",
        (8, false) => "uint64",
        _ => return None,
    })
}
