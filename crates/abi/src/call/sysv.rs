//! System V AMD64: "System V Application Binary Interface, AMD64 Architecture Processor Supplement", section 3.2.3.
//!
//! A value of up to two eightbytes is classified eightbyte by eightbyte; each class has its own sequence of registers. A value
//! gets all of its registers or none.

use super::{Area, Assignment, Part, Place, Register, ResultPointer, Signature, Unsupported};
use super::{named, params};
use crate::types::{Float, Kind, Leaf, Scalar, Type};

const INTEGER: [Register; 6] = named(["rdi", "rsi", "rdx", "rcx", "r8", "r9"]);
const SSE: [Register; 8] = named([
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
]);
const INTEGER_RESULTS: [Register; 2] = named(["rax", "rdx"]);
const SSE_RESULTS: [Register; 2] = named(["xmm0", "xmm1"]);
const X87_RESULTS: [Register; 2] = named(["st0", "st1"]);

/// Section 3.2.3, "Classification". What has no class is padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    None,
    Integer,
    Sse,
    SseUp,
    X87,
    X87Up,
}

/// Of a whole value.
enum Value {
    Empty,
    Eightbytes([Class; 2]),
    /// `long double _Complex`: class COMPLEX_X87.
    ComplexX87,
    Memory,
}

pub fn assign(signature: &Signature) -> Result<Assignment, Unsupported> {
    let mut registers = Registers::default();
    let mut assignment = Assignment::default();
    for ty in &signature.results {
        let place = match result(ty) {
            Some(place) => place,
            None => {
                let place = Place::register(registers.integer().expect("the first one"), 8);
                assignment.result_pointer = Some(ResultPointer {
                    place: place.clone(),
                    returned: Some(INTEGER_RESULTS[0]),
                });
                Place::indirect(place)
            }
        };
        assignment.results.push(place);
    }
    let mut area = Area::default();
    for (_, ty) in params(signature) {
        let place = match classify(ty) {
            Value::Empty => Place::Nothing,
            Value::Eightbytes(classes) => registers
                .take(classes, ty.size)
                .unwrap_or_else(|| area.push(ty.size, ty.align.max(8), 8)),
            Value::ComplexX87 | Value::Memory => area.push(ty.size, ty.align.max(8), 8),
        };
        assignment.params.push(place);
    }
    assignment.area = area.size;
    assignment.vectors = signature.variadic.map(|_| registers.sse as u64);
    Ok(assignment)
}

/// "Returning of Values". `None` for memory.
fn result(ty: &Type) -> Option<Place> {
    match classify(ty) {
        Value::Empty => Some(Place::Nothing),
        Value::Memory => None,
        Value::ComplexX87 => Some(Place::Registers(vec![
            x87(X87_RESULTS[0], 0),
            x87(X87_RESULTS[1], ty.size / 2),
        ])),
        Value::Eightbytes([Class::X87, _]) => Some(Place::Registers(vec![x87(X87_RESULTS[0], 0)])),
        Value::Eightbytes(classes) => {
            let mut integers = INTEGER_RESULTS.into_iter();
            let mut vectors = SSE_RESULTS.into_iter();
            parts(classes, ty.size, &mut integers, &mut vectors)
        }
    }
}

fn x87(register: Register, offset: u64) -> Part {
    Part {
        register,
        offset,
        size: Float::X87.bytes(),
    }
}

/// How many registers of each sequence are taken.
#[derive(Clone, Copy, Default)]
struct Registers {
    integer: usize,
    sse: usize,
}

impl Registers {
    fn integer(&mut self) -> Option<Register> {
        self.integer += 1;
        INTEGER.get(self.integer - 1).copied()
    }

    /// Registers for all of the value; where there aren't enough, those that were taken are given back. The x87's numbers have
    /// registers as results only.
    fn take(&mut self, classes: [Class; 2], size: u64) -> Option<Place> {
        if classes[0] == Class::X87 {
            return None;
        }
        let mut integers = INTEGER[self.integer..].iter().copied();
        let mut vectors = SSE[self.sse..].iter().copied();
        let place = parts(classes, size, &mut integers, &mut vectors)?;
        self.integer = INTEGER.len() - integers.len();
        self.sse = SSE.len() - vectors.len();
        Some(place)
    }
}

fn parts(
    classes: [Class; 2],
    size: u64,
    integers: &mut dyn Iterator<Item = Register>,
    vectors: &mut dyn Iterator<Item = Register>,
) -> Option<Place> {
    let mut parts: Vec<Part> = Vec::new();
    for (class, offset) in classes.into_iter().zip([0, 8]) {
        let register = match class {
            Class::Integer => integers.next()?,
            Class::Sse => vectors.next()?,
            Class::SseUp => {
                // The upper half of the register before.
                parts.last_mut()?.size = size;
                continue;
            }
            Class::None | Class::X87 | Class::X87Up => continue,
        };
        parts.push(Part {
            register,
            offset,
            size: (size - offset).min(8),
        });
    }
    Some(Place::Registers(parts))
}

fn classify(ty: &Type) -> Value {
    if ty.kind == Kind::Complex(Float::X87) {
        return Value::ComplexX87;
    }
    if ty.size == 0 {
        return Value::Empty;
    }
    if ty.size > 16 {
        return Value::Memory;
    }
    eightbytes(ty, 0).map_or(Value::Memory, Value::Eightbytes)
}

/// The classes that a value at `at` bits gives to the two eightbytes of the whole. `None` for MEMORY, which the whole then is.
/// "Each field of an object is classified recursively", cleaned up at each level.
fn eightbytes(ty: &Type, at: u64) -> Option<[Class; 2]> {
    let mut classes = [Class::None; 2];
    match &ty.kind {
        Kind::Record(record) => {
            for field in &record.fields {
                let at = at + field.bit_offset;
                let theirs = match field.width {
                    Some(width) => bit_field(at, width),
                    None => eightbytes(&field.ty, at)?,
                };
                merge_all(&mut classes, theirs)?;
            }
            clean_up(classes)
        }
        Kind::Array { elem, len } => {
            for index in 0..*len {
                let theirs = eightbytes(elem, at + index * elem.size * 8)?;
                merge_all(&mut classes, theirs)?;
            }
            clean_up(classes)
        }
        _ => {
            for leaf in ty.leaves() {
                merge_all(&mut classes, of_leaf(&leaf, at)?)?;
            }
            Some(classes)
        }
    }
}

/// Bit-fields are never unaligned; one may be in both eightbytes.
fn bit_field(at: u64, width: u32) -> [Class; 2] {
    let end = at + u64::from(width);
    [0, 64].map(|start| match at < start + 64 && end > start && width > 0 {
        true => Class::Integer,
        false => Class::None,
    })
}

/// `None` for one that isn't aligned: an object that "contains unaligned fields … has class MEMORY".
fn of_leaf(leaf: &Leaf, at: u64) -> Option<[Class; 2]> {
    let at = at + leaf.bit_offset;
    let align = match leaf.scalar {
        Scalar::Float(Float::X87) => 128,
        _ => leaf.bits,
    };
    if !at.is_multiple_of(align) {
        return None;
    }
    let (low, high) = match leaf.scalar {
        Scalar::Float(Float::X87) => (Class::X87, Class::X87Up),
        Scalar::Float(_) => (Class::Sse, Class::SseUp),
        _ => (Class::Integer, Class::Integer),
    };
    Some(match (at, leaf.bits) {
        (64.., _) => [Class::None, low],
        (_, 65..) => [low, high],
        _ => [low, Class::None],
    })
}

fn merge_all(classes: &mut [Class; 2], others: [Class; 2]) -> Option<()> {
    for (class, other) in classes.iter_mut().zip(others) {
        *class = merge(*class, other)?;
    }
    Some(())
}

/// Of two fields in one eightbyte, rules (a) to (f). `None` for MEMORY.
fn merge(one: Class, other: Class) -> Option<Class> {
    match (one, other) {
        _ if one == other => Some(one),
        (Class::None, class) | (class, Class::None) => Some(class),
        (Class::Integer, _) | (_, Class::Integer) => Some(Class::Integer),
        (Class::X87 | Class::X87Up, _) | (_, Class::X87 | Class::X87Up) => None,
        _ => Some(Class::Sse),
    }
}

/// "Post merger cleanup". `None` for MEMORY.
fn clean_up([low, high]: [Class; 2]) -> Option<[Class; 2]> {
    match (low, high) {
        (Class::X87, Class::X87Up) => Some([low, high]),
        (Class::X87Up, _) | (_, Class::X87Up) => None,
        (Class::SseUp, _) => Some([Class::Sse, high]),
        (Class::None | Class::Integer, Class::SseUp) => Some([low, Class::Sse]),
        _ => Some([low, high]),
    }
}
