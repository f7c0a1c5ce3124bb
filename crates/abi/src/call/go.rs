//! Go's two conventions: "Go internal ABI specification" (`cmd/compile/abi-internal.md`), section "Function call argument and result
//! passing".
//!
//! ABI0, the convention of Go's assembly, is ABIInternal without registers: one algorithm serves both.

use super::{Area, Assignment, GoArch, Part, Place, Register, Signature, Unsupported, Which};
use super::{named, params};
use crate::types::{Float, Kind, Type};

/// The sequences of registers of an architecture.
pub struct Sequences {
    integer: &'static [Register],
    float: &'static [Register],
}

pub const STACK: Sequences = Sequences {
    integer: &[],
    float: &[],
};

/// Section "amd64 architecture".
const AMD64: Sequences = Sequences {
    integer: &named(["RAX", "RBX", "RCX", "RDI", "RSI", "R8", "R9", "R10", "R11"]),
    float: &named([
        "X0", "X1", "X2", "X3", "X4", "X5", "X6", "X7", "X8", "X9", "X10", "X11", "X12", "X13",
        "X14",
    ]),
};

/// Section "arm64 architecture".
const ARM64: Sequences = Sequences {
    integer: &named([
        "R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12", "R13",
        "R14", "R15",
    ]),
    float: &named([
        "F0", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F11", "F12", "F13",
        "F14", "F15",
    ]),
};

pub fn registers(arch: GoArch) -> &'static Sequences {
    match arch {
        GoArch::Amd64 => &AMD64,
        GoArch::Arm64 => &ARM64,
        GoArch::I386 => &STACK,
    }
}

pub fn assign(
    sequences: &'static Sequences,
    arch: GoArch,
    signature: &Signature,
) -> Result<Assignment, Unsupported> {
    let word = arch.model().pointer;
    let mut area = Area::default();
    let mut assignment = Assignment::default();
    let mut registers = Registers::of(sequences, word);
    for (which, ty) in params(signature) {
        supported(which, ty)?;
        let place = registers.value(ty, &mut area);
        assignment.params.push(place);
    }
    area.size = area.size.next_multiple_of(word);
    let mut registers = Registers::of(sequences, word);
    for (index, ty) in signature.results.iter().enumerate() {
        supported(Which::Result(index), ty)?;
        let place = registers.value(ty, &mut area);
        assignment.results.push(place);
    }
    area.size = area.size.next_multiple_of(word);
    let spill = area.size;
    for (place, ty) in assignment.params.iter().zip(&signature.params) {
        if matches!(place, Place::Registers(_)) {
            area.push(ty.size, ty.align, 1);
        }
    }
    assignment.area = area.size.next_multiple_of(word);
    assignment.spill = assignment.area - spill;
    Ok(assignment)
}

/// What Go has no type for; cgo gives unions and 128-bit integers arrays of bytes.
fn supported(which: Which, ty: &Type) -> Result<(), Unsupported> {
    let has = |ty: &Type| match &ty.kind {
        Kind::Integer { .. } => ty.size <= 8,
        Kind::Float(float) | Kind::Complex(float) => matches!(float, Float::F32 | Float::F64),
        Kind::Record(record) => !record.is_union,
        Kind::Array { .. } | Kind::Pointer => true,
    };
    let has_parts = match &ty.kind {
        Kind::Array { elem, .. } => supported(which, elem).is_ok(),
        Kind::Record(record) => {
            let mut fields = record.fields.iter();
            fields.all(|field| field.width.is_none() && supported(which, &field.ty).is_ok())
        }
        _ => true,
    };
    match has(ty) && has_parts {
        true => Ok(()),
        false => Err(Unsupported {
            which,
            why: "Go has no such type",
        }),
    }
}

/// I and FP of the algorithm, as what is left of each sequence.
#[derive(Clone, Copy)]
struct Registers {
    integer: &'static [Register],
    float: &'static [Register],
    word: u64,
}

impl Registers {
    fn of(sequences: &Sequences, word: u64) -> Registers {
        Registers {
            integer: sequences.integer,
            float: sequences.float,
            word,
        }
    }

    /// Assigns a whole value.
    fn value(&mut self, ty: &Type, area: &mut Area) -> Place {
        let before = *self;
        let mut parts = Vec::new();
        if ty.size > 0 && self.parts(ty, 0, &mut parts).is_some() {
            return Place::Registers(parts);
        }
        *self = before;
        // A value without size takes no room, but what follows it is aligned as if it did.
        let place = area.push(ty.size, ty.align, 1);
        if ty.size == 0 { Place::Nothing } else { place }
    }

    /// "Register-assignment of a value". `None` for failure.
    fn parts(&mut self, ty: &Type, at: u64, parts: &mut Vec<Part>) -> Option<()> {
        match &ty.kind {
            Kind::Integer { .. } | Kind::Pointer => {
                for offset in (0..ty.size).step_by(self.word as usize) {
                    let size = (ty.size - offset).min(self.word);
                    parts.push(next(&mut self.integer, at + offset, size)?);
                }
            }
            Kind::Float(_) => parts.push(next(&mut self.float, at, ty.size)?),
            Kind::Complex(_) => {
                let half = ty.size / 2;
                parts.push(next(&mut self.float, at, half)?);
                parts.push(next(&mut self.float, at + half, half)?);
            }
            Kind::Array { elem, len } => match len {
                0 => {}
                1 => self.parts(elem, at, parts)?,
                _ => return None,
            },
            Kind::Record(record) => {
                for field in &record.fields {
                    self.parts(&field.ty, at + field.bit_offset / 8, parts)?;
                }
            }
        }
        Some(())
    }
}

fn next(sequence: &mut &'static [Register], offset: u64, size: u64) -> Option<Part> {
    let (&register, rest) = sequence.split_first()?;
    *sequence = rest;
    Some(Part {
        register,
        offset,
        size,
    })
}
