//! Data models: how large the basic types are on a target, and how records are laid out from them.
//!
//! Sources: psABI for x86-64, table 3.1; Intel386 psABI, table 2.1; "x64 type and storage layout" (Microsoft); AAPCS64, sections
//! "Fundamental Data Types" and "Arm C and C++ language mappings"; the Go specification, "Size and alignment guarantees".

use crate::types::{Field, Float, Kind, Record, Type};

/// C's types whose sizes depend on the target, and the extensions that compilers agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basic {
    Bool,
    Char,
    Short,
    Int,
    Long,
    LongLong,
    Int128,
    Pointer,
    Float16,
    Float,
    Double,
    LongDouble,
    Float128,
}

/// The sizes and alignments of a target. Go's own types are laid out by the model of the port; there, `int` is [`Basic::Long`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// Of a pointer, in bytes.
    pub pointer: u64,
    /// Of `long`, in bytes.
    pub long: u64,
    /// What an eight-byte integer or `double` is aligned to in a record.
    pub wide_align: u64,
    pub long_double: LongDouble,
    /// Whether there are `__int128`, `_Float16` and `__float128`.
    pub has_wide: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongDouble {
    pub format: Float,
    pub size: u64,
    pub align: u64,
}

const fn long_double(format: Float, size: u64, align: u64) -> LongDouble {
    LongDouble {
        format,
        size,
        align,
    }
}

impl Model {
    pub const LINUX_AMD64: Model = Model {
        pointer: 8,
        long: 8,
        wide_align: 8,
        long_double: long_double(Float::X87, 16, 16),
        has_wide: true,
    };
    pub const LINUX_386: Model = Model {
        pointer: 4,
        long: 4,
        wide_align: 4,
        long_double: long_double(Float::X87, 12, 4),
        has_wide: false,
    };
    /// As mingw has it; to Microsoft's compilers `long double` is `double`.
    pub const WINDOWS_AMD64: Model = Model {
        long: 4,
        ..Model::LINUX_AMD64
    };
    pub const LINUX_ARM64: Model = Model {
        long_double: long_double(Float::F128, 16, 16),
        ..Model::LINUX_AMD64
    };

    /// `None` for what the target doesn't have.
    pub fn basic(self, basic: Basic) -> Option<Type> {
        let integer = Kind::Integer { signed: true };
        let (kind, size, align) = match basic {
            Basic::Bool => (Kind::Integer { signed: false }, 1, 1),
            Basic::Char => (integer, 1, 1),
            Basic::Short => (integer, 2, 2),
            Basic::Int => (integer, 4, 4),
            Basic::Long => (integer, self.long, self.long),
            Basic::LongLong => (integer, 8, self.wide_align),
            Basic::Int128 if self.has_wide => (integer, 16, 16),
            Basic::Pointer => (Kind::Pointer, self.pointer, self.pointer),
            Basic::Float16 if self.has_wide => (Kind::Float(Float::F16), 2, 2),
            Basic::Float => (Kind::Float(Float::F32), 4, 4),
            Basic::Double => (Kind::Float(Float::F64), 8, self.wide_align),
            Basic::LongDouble => {
                let LongDouble {
                    format,
                    size,
                    align,
                } = self.long_double;
                (Kind::Float(format), size, align)
            }
            Basic::Float128 if self.has_wide => (Kind::Float(Float::F128), 16, 16),
            Basic::Int128 | Basic::Float16 | Basic::Float128 => return None,
        };
        Some(Type { size, align, kind })
    }

    /// `None` where there is no such floating type.
    pub fn complex(self, part: Basic) -> Option<Type> {
        let part = self.basic(part)?;
        let Kind::Float(float) = part.kind else {
            return None;
        };
        Some(Type {
            size: part.size * 2,
            align: part.align,
            kind: Kind::Complex(float),
        })
    }

    pub fn array(elem: Type, len: u64) -> Type {
        Type {
            size: elem.size * len,
            align: elem.align,
            kind: Kind::Array {
                elem: Box::new(elem),
                len,
            },
        }
    }

    /// A struct without attributes.
    pub fn structure(self, fields: impl IntoIterator<Item = Type>) -> Type {
        let mut size = 0;
        let mut align = 1;
        let mut placed = Vec::new();
        for ty in fields {
            let offset = u64::next_multiple_of(size, ty.align);
            size = offset + ty.size;
            align = align.max(ty.align);
            placed.push(field(ty, offset));
        }
        record(false, placed, size.next_multiple_of(align), align)
    }

    pub fn union(self, members: impl IntoIterator<Item = Type>) -> Type {
        let members: Vec<Field> = members.into_iter().map(|ty| field(ty, 0)).collect();
        let size = members.iter().map(|member| member.ty.size).max();
        let align = members.iter().map(|member| member.ty.align).max();
        let align = align.unwrap_or(1);
        let size = size.unwrap_or(0).next_multiple_of(align);
        record(true, members, size, align)
    }

    /// `__attribute__((packed))`: no gaps.
    pub fn packed(self, fields: impl IntoIterator<Item = Type>) -> Type {
        let mut size = 0;
        let mut placed = Vec::new();
        for ty in fields {
            let offset = size;
            size += ty.size;
            placed.push(field(ty, offset));
        }
        record(false, placed, size, 1)
    }

    /// `__attribute__((aligned(align)))` behind a record.
    pub fn aligned(self, ty: Type, align: u64) -> Type {
        let align = align.max(ty.align);
        Type {
            size: ty.size.next_multiple_of(align),
            align,
            ..ty
        }
    }

    /// Go's struct. A last field without size gets a byte, so that its address lies within.
    pub fn go_structure(self, fields: impl IntoIterator<Item = Type>) -> Type {
        let mut fields: Vec<Type> = fields.into_iter().collect();
        let has_size = fields.iter().any(|ty| ty.size > 0);
        let pads = has_size && fields.last().is_some_and(|ty| ty.size == 0);
        let count = fields.len();
        if pads {
            fields.extend(self.basic(Basic::Char));
        }
        let mut ty = self.structure(fields);
        if let Kind::Record(record) = &mut ty.kind {
            record.fields.truncate(count);
        }
        ty
    }

    /// Go's `string`; an interface has the same shape but two pointers.
    pub fn go_string(self) -> Type {
        self.structure([Basic::Pointer, Basic::Long].map(|word| self.word(word)))
    }

    pub fn go_interface(self) -> Type {
        self.structure([Basic::Pointer; 2].map(|word| self.word(word)))
    }

    pub fn go_slice(self) -> Type {
        self.structure([Basic::Pointer, Basic::Long, Basic::Long].map(|word| self.word(word)))
    }

    fn word(self, basic: Basic) -> Type {
        self.basic(basic).expect("every target has it")
    }
}

fn field(ty: Type, offset: u64) -> Field {
    Field {
        ty,
        bit_offset: offset * 8,
        width: None,
    }
}

fn record(is_union: bool, fields: Vec<Field>, size: u64, align: u64) -> Type {
    Type {
        size,
        align,
        kind: Kind::Record(Record { is_union, fields }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(ty: &Type) -> (u64, u64) {
        (ty.size, ty.align)
    }

    #[test]
    fn the_same_struct_on_each_target() {
        let fields = |model: Model| {
            [Basic::Char, Basic::Double, Basic::Long, Basic::LongDouble].map(|b| model.word(b))
        };
        for (model, want) in [
            (Model::LINUX_AMD64, (48, 16)),
            (Model::LINUX_386, (28, 4)),
            (Model::WINDOWS_AMD64, (48, 16)),
            (Model::LINUX_ARM64, (48, 16)),
        ] {
            assert_eq!(layout(&model.structure(fields(model))), want);
        }
    }

    #[test]
    fn unions_and_attributes() {
        let model = Model::LINUX_AMD64;
        let int = || model.word(Basic::Int);
        let chars = Model::array(model.word(Basic::Char), 5);
        assert_eq!(layout(&model.union([int(), chars])), (8, 4));
        let packed = model.packed([model.word(Basic::Char), int()]);
        assert_eq!(layout(&packed), (5, 1));
        assert_eq!(layout(&model.aligned(packed, 16)), (16, 16));
    }

    #[test]
    fn go_pads_behind_a_last_field_without_size() {
        let model = Model::LINUX_AMD64;
        let empty = model.go_structure([]);
        assert_eq!(layout(&empty), (0, 1));
        let int = model.word(Basic::Int);
        assert_eq!(layout(&model.go_structure([int, empty])), (8, 4));
    }
}
