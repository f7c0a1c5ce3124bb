//! Types as calling conventions see them: sizes, alignments, and what lies where in a value.
//!
//! A [`Type`] carries its layout, so that one from a C compiler is taken as the compiler laid it out. [`crate::model`] lays out
//! those that no compiler has seen.

/// A type with its layout on one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// In bytes; a multiple of `align` except in packed records and for Go's zero-sized types.
    pub size: u64,
    /// In bytes, at least 1.
    pub align: u64,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Integers, `_Bool`, enumerations.
    Integer {
        signed: bool,
    },
    Pointer,
    Float(Float),
    /// Two of them, the real part first.
    Complex(Float),
    Array {
        elem: Box<Type>,
        len: u64,
    },
    Record(Record),
}

/// A format of floating-point numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Float {
    F16,
    F32,
    F64,
    /// The 10 bytes of the x87, padded to 12 or 16: `long double` on x86.
    X87,
    /// `__float128`; `long double` on AArch64.
    F128,
}

/// A struct or a union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub is_union: bool,
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub ty: Type,
    /// From the start of the record, in bits; a multiple of 8 unless it is a bit-field.
    pub bit_offset: u64,
    /// Of a bit-field, in bits. One without a name counts like any other, as for gcc; clang leaves it out of account.
    pub width: Option<u32>,
}

impl Float {
    /// The bytes that hold the number, padding left out.
    pub const fn bytes(self) -> u64 {
        match self {
            Float::F16 => 2,
            Float::F32 => 4,
            Float::F64 => 8,
            Float::X87 => 10,
            Float::F128 => 16,
        }
    }
}

/// A part of a value that has no parts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    pub scalar: Scalar,
    /// From the start of the value, in bits.
    pub bit_offset: u64,
    /// In bits: less than the type's only for bit-fields and the x87's numbers.
    pub bits: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    Integer,
    BitField,
    Pointer,
    Float(Float),
}

impl Type {
    pub fn is_record(&self) -> bool {
        matches!(self.kind, Kind::Record(_))
    }

    /// Records and arrays.
    pub fn is_aggregate(&self) -> bool {
        matches!(self.kind, Kind::Record(_) | Kind::Array { .. })
    }

    /// The leaves in the order of their declaration; those of a union's members overlap.
    pub fn leaves(&self) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        self.collect(0, &mut leaves);
        leaves
    }

    fn collect(&self, at: u64, leaves: &mut Vec<Leaf>) {
        let mut leaf = |scalar, bit_offset, bits| {
            leaves.push(Leaf {
                scalar,
                bit_offset,
                bits,
            });
        };
        match &self.kind {
            Kind::Integer { .. } => leaf(Scalar::Integer, at, self.size * 8),
            Kind::Pointer => leaf(Scalar::Pointer, at, self.size * 8),
            Kind::Float(float) => leaf(Scalar::Float(*float), at, float.bytes() * 8),
            Kind::Complex(float) => {
                leaf(Scalar::Float(*float), at, float.bytes() * 8);
                leaf(Scalar::Float(*float), at + self.size * 4, float.bytes() * 8);
            }
            Kind::Array { elem, len } => {
                for index in 0..*len {
                    elem.collect(at + index * elem.size * 8, leaves);
                }
            }
            Kind::Record(record) => {
                for field in &record.fields {
                    field.collect(at, leaves);
                }
            }
        }
    }
}

impl Field {
    fn collect(&self, at: u64, leaves: &mut Vec<Leaf>) {
        let bit_offset = at + self.bit_offset;
        match self.width {
            None => self.ty.collect(bit_offset, leaves),
            Some(0) => {}
            Some(width) => leaves.push(Leaf {
                scalar: Scalar::BitField,
                bit_offset,
                bits: width.into(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Basic, Model};

    #[test]
    fn leaves_lie_where_the_fields_do() {
        let model = Model::LINUX_AMD64;
        let basic = |basic| model.basic(basic).expect("there is one");
        let pair = model.structure([basic(Basic::Char), basic(Basic::Double)]);
        let ty = model.structure([basic(Basic::Int), Model::array(pair, 2)]);
        let at: Vec<u64> = ty.leaves().iter().map(|leaf| leaf.bit_offset / 8).collect();
        assert_eq!(at, [0, 8, 16, 24, 32]);
    }
}
