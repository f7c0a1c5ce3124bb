//! Win64: "x64 calling convention" in Microsoft's documentation of its compilers, and what mingw's gcc does where C has types
//! that Microsoft's doesn't.
//!
//! Each argument takes one of four positions, each a general and a vector register, or else a stack slot of eight bytes. What is not
//! 1, 2, 4 or 8 bytes large is passed by reference. The caller reserves 32 bytes as the home of the first four.

use super::{Area, Assignment, Part, Place, Register, ResultPointer, Signature, Unsupported};
use super::{named, params};
use crate::types::{Float, Kind, Type};

const INTEGER: [Register; 4] = named(["rcx", "rdx", "r8", "r9"]);
const VECTOR: [Register; 4] = named(["xmm0", "xmm1", "xmm2", "xmm3"]);
const INTEGER_RESULT: Register = Register("rax");
const VECTOR_RESULT: Register = Register("xmm0");
const SHADOW: u64 = 32;

/// Which register of a position a value is in.
#[derive(Clone, Copy)]
enum Bank {
    Integer,
    Vector,
    /// A variable argument: its type is the callee's guess.
    Both,
}

pub fn assign(signature: &Signature) -> Result<Assignment, Unsupported> {
    let mut positions = Positions {
        used: 0,
        area: Area { size: SHADOW },
    };
    let mut assignment = Assignment {
        shadow: SHADOW,
        ..Assignment::default()
    };
    for ty in &signature.results {
        let place = result(ty).unwrap_or_else(|| {
            let place = positions.next(Bank::Integer, 8);
            assignment.result_pointer = Some(ResultPointer {
                place: place.clone(),
                returned: Some(INTEGER_RESULT),
            });
            Place::indirect(place)
        });
        assignment.results.push(place);
    }
    let named = signature.variadic.unwrap_or(signature.params.len());
    for (index, (which, ty)) in params(signature).enumerate() {
        if ty.kind == Kind::Float(Float::F16) {
            let why = "_Float16 has no place in Win64";
            return Err(Unsupported { which, why });
        }
        let place = match ty.size {
            1 | 2 | 4 | 8 => positions.next(bank(ty, index >= named), ty.size),
            // That goes for gcc's empty structs, too.
            _ => Place::indirect(positions.next(Bank::Integer, 8)),
        };
        assignment.params.push(place);
    }
    assignment.area = positions.area.size;
    Ok(assignment)
}

/// Plain floats go by vector registers; records of them don't.
fn bank(ty: &Type, is_variable: bool) -> Bank {
    match ty.kind {
        Kind::Float(_) if is_variable => Bank::Both,
        Kind::Float(_) => Bank::Vector,
        _ => Bank::Integer,
    }
}

/// "Return values". `None` for memory.
fn result(ty: &Type) -> Option<Place> {
    match (&ty.kind, ty.size) {
        (_, 0) => Some(Place::Nothing),
        (Kind::Float(Float::F32 | Float::F64), size) => Some(Place::register(VECTOR_RESULT, size)),
        // "Non-scalar types … such as __m128" and gcc's __int128.
        (Kind::Integer { .. }, 16) => Some(Place::register(VECTOR_RESULT, 16)),
        (_, 1 | 2 | 4 | 8) => Some(Place::register(INTEGER_RESULT, ty.size)),
        _ => None,
    }
}

struct Positions {
    used: usize,
    area: Area,
}

impl Positions {
    fn next(&mut self, bank: Bank, size: u64) -> Place {
        let position = self.used;
        self.used += 1;
        let part = |register| Part {
            register,
            offset: 0,
            size,
        };
        let (Some(&integer), Some(&vector)) = (INTEGER.get(position), VECTOR.get(position)) else {
            return self.area.push(size, 8, 8);
        };
        Place::Registers(match bank {
            Bank::Integer => vec![part(integer)],
            Bank::Vector => vec![part(vector)],
            Bank::Both => vec![part(vector), part(integer)],
        })
    }
}
