//! The Go type that cgo makes of a C type: unions and wide integers become arrays of bytes, a struct's gaps become members where Go
//! wouldn't leave them itself. That matters: an array of more than one element keeps a whole struct out of registers.

use abi::model::{Basic, Model};
use abi::types::{Field, Kind, Record, Type};

/// `ty` has members for Go already.
pub fn of(ty: Type) -> Type {
    match ty.kind {
        Kind::Integer { .. } if ty.size > 8 => bytes(ty.size),
        Kind::Record(Record { is_union: true, .. }) => bytes(ty.size),
        Kind::Record(record) => structure(record, ty.size),
        _ => ty,
    }
}

fn bytes(count: u64) -> Type {
    let byte = Model::LINUX_AMD64.basic(Basic::Char);
    Model::array(byte.expect("every target has it"), count)
}

/// A struct of `size` bytes.
fn structure(record: Record, size: u64) -> Type {
    let mut fields = Vec::new();
    let mut end = 0;
    for field in record.fields {
        let Some((ty, offset)) = member(field, end) else {
            continue;
        };
        let natural = u64::next_multiple_of(end, ty.align);
        if offset > natural {
            fields.push(gap(natural, offset - natural));
        }
        end = offset + ty.size;
        fields.push(at(ty, offset));
    }
    if end < size {
        fields.push(gap(end, size - end));
    }
    let aligns = fields.iter().map(|field| field.ty.align);
    Type {
        size,
        align: aligns.max().unwrap_or(1),
        kind: Kind::Record(Record {
            is_union: false,
            fields,
        }),
    }
}

/// The type and place of a member behind `end`; `None` for what Go can't have there.
fn member(field: Field, end: u64) -> Option<(Type, u64)> {
    // A bit-field as wide as its type is none.
    let is_whole = |width: u32| u64::from(width) == field.ty.size * 8;
    if !field.width.is_none_or(is_whole) {
        return None;
    }
    let ty = field.ty;
    let offset = field.bit_offset / 8;
    let is_aligned = field.bit_offset.is_multiple_of(ty.align * 8);
    (is_aligned && offset >= end).then_some((ty, offset))
}

fn gap(offset: u64, size: u64) -> Field {
    at(bytes(size), offset)
}

fn at(ty: Type, offset: u64) -> Field {
    Field {
        ty,
        bit_offset: offset * 8,
        width: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(basic: Basic) -> Type {
        Model::LINUX_AMD64.basic(basic).expect("it is there")
    }

    #[test]
    fn padding_at_the_end_is_a_member() {
        let ty = of(Model::LINUX_AMD64.structure([basic(Basic::Double), basic(Basic::Int)]));
        let Kind::Record(record) = &ty.kind else {
            panic!("a struct stays one");
        };
        let last = record.fields.last().expect("there are three");
        assert_eq!((last.bit_offset, last.ty.size), (96, 4));
        let ty = of(Model::LINUX_AMD64.structure([basic(Basic::Int), basic(Basic::Double)]));
        let Kind::Record(record) = ty.kind else {
            panic!("a struct stays one");
        };
        assert_eq!(record.fields.len(), 2);
    }
}
