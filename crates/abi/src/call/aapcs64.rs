//! AAPCS64: "Procedure Call Standard for the Arm 64-bit Architecture", section "Parameter passing", as on Linux. Apple's and
//! Windows' variants differ in variable and stack arguments.
//!
//! The names of the rules (A.1, C.12, …) are the document's: stage A initialises, B prepares an argument, C places it.

use super::{Area, Assignment, Part, Place, Register, ResultPointer, Signature, Unsupported};
use super::{named, params};
use crate::types::{Float, Kind, Leaf, Scalar, Type};

const GENERAL: [Register; 8] = named(["x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7"]);
const VECTOR: [Register; 8] = named(["v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7"]);
const RESULT_POINTER: Register = Register("x8");

pub fn assign(signature: &Signature) -> Result<Assignment, Unsupported> {
    let mut assignment = Assignment::default();
    for ty in &signature.results {
        // "The result is returned in the same registers as would be used for such an argument", else in memory.
        let place = match Prepared::of(ty) {
            Prepared::Indirect => {
                let place = Place::register(RESULT_POINTER, 8);
                assignment.result_pointer = Some(ResultPointer {
                    place: place.clone(),
                    returned: None,
                });
                Place::indirect(place)
            }
            prepared => Allocation::default().place(prepared, ty),
        };
        assignment.results.push(place);
    }
    let mut allocation = Allocation::default();
    for (_, ty) in params(signature) {
        let place = allocation.place(Prepared::of(ty), ty);
        assignment.params.push(place);
    }
    assignment.area = allocation.area.size;
    Ok(assignment)
}

/// An argument after stage B.
enum Prepared {
    Empty,
    /// A float, or a homogeneous aggregate of up to four: how many, and how large one is.
    Floats {
        count: u64,
        size: u64,
    },
    /// Up to 16 bytes for general registers.
    General,
    /// B.4: larger, replaced by the address of a copy.
    Indirect,
}

impl Prepared {
    fn of(ty: &Type) -> Prepared {
        let leaves = ty.leaves();
        if ty.size == 0 {
            return Prepared::Empty;
        }
        if let Some(float) = homogeneous(&leaves) {
            let size = float.bytes();
            let count = ty.size / size;
            // Padding, as behind the last member of an overaligned record, is no member.
            let end = leaves.iter().map(|leaf| leaf.bit_offset + leaf.bits).max();
            if count <= 4 && end == Some(ty.size * 8) {
                return Prepared::Floats { count, size };
            }
        }
        match ty.size {
            0..=16 => Prepared::General,
            _ => Prepared::Indirect,
        }
    }
}

/// Section "Homogeneous Aggregates": all leaves are of one floating type.
fn homogeneous(leaves: &[Leaf]) -> Option<Float> {
    let float = |leaf: &Leaf| match leaf.scalar {
        Scalar::Float(float) => Some(float),
        _ => None,
    };
    let first = float(leaves.first()?)?;
    let is_same = |leaf: &Leaf| float(leaf) == Some(first);
    leaves.iter().all(is_same).then_some(first)
}

/// Stage C; A.1 to A.3 are its default.
#[derive(Default)]
struct Allocation {
    /// NGRN and NSRN.
    general: usize,
    vector: usize,
    area: Area,
}

impl Allocation {
    fn place(&mut self, prepared: Prepared, ty: &Type) -> Place {
        match prepared {
            Prepared::Empty => Place::Nothing,
            Prepared::Floats { count, size } => self.floats(count, size, ty),
            Prepared::General => self.general(ty.size, natural_align(ty)),
            Prepared::Indirect => Place::indirect(self.general(8, 8)),
        }
    }

    /// C.1 to C.6.
    fn floats(&mut self, count: u64, size: u64, ty: &Type) -> Place {
        let free = &VECTOR[self.vector..];
        if (free.len() as u64) < count {
            self.vector = VECTOR.len();
            return self.stack(ty.size, natural_align(ty));
        }
        self.vector += count as usize;
        let parts = free.iter().zip(0..count).map(|(&register, index)| Part {
            register,
            offset: index * size,
            size,
        });
        Place::Registers(parts.collect())
    }

    /// C.9 to C.14.
    fn general(&mut self, size: u64, align: u64) -> Place {
        if align == 16 {
            self.general = self.general.next_multiple_of(2);
        }
        let words = size.div_ceil(8) as usize;
        match GENERAL.get(self.general..self.general + words) {
            Some(registers) => {
                self.general += words;
                Place::words(registers, size)
            }
            None => {
                self.general = GENERAL.len();
                self.stack(size, align)
            }
        }
    }

    /// C.14 to C.17.
    fn stack(&mut self, size: u64, align: u64) -> Place {
        self.area.push(size, align.max(8), 8)
    }
}

/// 8 or 16 (B.6 takes all others for these): of a record its members', whatever an attribute says about the whole.
fn natural_align(ty: &Type) -> u64 {
    let align = match &ty.kind {
        Kind::Record(record) => {
            let aligns = record.fields.iter().map(|field| field.ty.align);
            // Those of a packed record have none.
            aligns.max().unwrap_or(1).min(ty.align)
        }
        Kind::Array { elem, .. } => elem.align,
        _ => ty.align,
    };
    if align >= 16 { 16 } else { 8 }
}
