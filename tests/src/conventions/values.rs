//! Bytes to pass: distinct enough to be recognised wherever they are, valid in every type.

use abi::types::{Float, Kind, Leaf, Scalar, Type};

use super::Random;

/// A value's bytes, and which bits of them count: padding gets lost on the way.
#[derive(Clone, Debug)]
pub struct Value {
    pub bytes: Vec<u8>,
    mask: Vec<u8>,
}

impl Value {
    pub fn random(ty: &Type, random: &mut Random) -> Value {
        let mut bytes: Vec<u8> = (0..ty.size).map(|_| random.number() as u8).collect();
        let mut mask = vec![0; bytes.len()];
        for leaf in ty.leaves() {
            set(&mut mask, &leaf);
            if let Scalar::Float(float) = leaf.scalar {
                make_normal(&mut bytes[leaf.bit_offset as usize / 8..], float);
            }
        }
        make_bools(ty, &mut bytes);
        Value { bytes, mask }
    }

    /// Whether `seen` holds what counts of the bytes from `offset` on.
    pub fn is_in(&self, offset: usize, seen: &[u8]) -> bool {
        let wanted = self.bytes[offset..].iter().zip(&self.mask[offset..]);
        let mut pairs = wanted.zip(seen);
        pairs.all(|((wanted, mask), seen)| wanted & mask == seen & mask)
    }
}

fn set(mask: &mut [u8], leaf: &Leaf) {
    for bit in leaf.bit_offset..leaf.bit_offset + leaf.bits {
        mask[bit as usize / 8] |= 1 << (bit % 8);
    }
}

/// No NaNs: the x87 changes some when it loads them.
fn make_normal(bytes: &mut [u8], float: Float) {
    let top = float.bytes() as usize - 1;
    bytes[top] = 0x40;
    if float == Float::X87 {
        bytes[top - 2] |= 0x80;
    }
}

/// A byte of another value than 0 and 1 is no `_Bool`, the only unsigned integer among the generated types.
fn make_bools(ty: &Type, bytes: &mut [u8]) {
    match &ty.kind {
        Kind::Integer { signed: false } => bytes[0] &= 1,
        Kind::Array { elem, len } => {
            for index in 0..*len {
                make_bools(elem, &mut bytes[(index * elem.size) as usize..]);
            }
        }
        Kind::Record(record) => {
            for field in &record.fields {
                make_bools(&field.ty, &mut bytes[field.bit_offset as usize / 8..]);
            }
        }
        _ => {}
    }
}
