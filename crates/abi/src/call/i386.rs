//! 32-bit x86 on Linux: "System V ABI, Intel386 Architecture Processor Supplement", section 2.2, and gcc's function attributes
//! `stdcall` and `fastcall` ("x86 Function Attributes" in its manual).
//!
//! All arguments are on the stack, in words of four bytes. With `stdcall` the callee pops them; with `fastcall` it does so
//! too, and the first two small integers are in `ecx` and `edx`. On Windows small records come back in registers, which is
//! not so here.

use super::{Area, Assignment, Convention, Part, Place, Register, ResultPointer};
use super::{Signature, Unsupported, Which, named, params};
use crate::types::{Float, Kind, Type};

const FASTCALL: [Register; 2] = named(["ecx", "edx"]);
const INTEGER_RESULTS: [Register; 2] = named(["eax", "edx"]);
const X87_RESULT: Register = Register("st0");
const WORD: u64 = 4;

pub fn assign(convention: Convention, signature: &Signature) -> Result<Assignment, Unsupported> {
    // The callee of a function with `...` can't know what to pop: gcc leaves the attributes aside.
    let is_variadic = signature.variadic.is_some();
    let mut words = Words {
        area: Area::default(),
        registers: match convention {
            Convention::Fastcall if !is_variadic => FASTCALL.to_vec(),
            _ => Vec::new(),
        },
    };
    let mut assignment = Assignment::default();
    for ty in &signature.results {
        supported(Which::Result(0), ty)?;
        let place = result(ty).unwrap_or_else(|| {
            let place = words.integer(WORD);
            assignment.result_pointer = Some(ResultPointer {
                place: place.clone(),
                returned: Some(INTEGER_RESULTS[0]),
            });
            Place::indirect(place)
        });
        assignment.results.push(place);
    }
    let hidden = words.area.size;
    for (which, ty) in params(signature) {
        supported(which, ty)?;
        assignment.params.push(words.next(ty));
    }
    assignment.area = words.area.size;
    assignment.popped = match convention {
        Convention::Stdcall | Convention::Fastcall if !is_variadic => assignment.area,
        // Where gcc looks at the attribute after all.
        Convention::Fastcall => 0,
        // The address of the result is the one word that also a cdecl callee pops.
        _ => hidden,
    };
    Ok(assignment)
}

fn supported(which: Which, ty: &Type) -> Result<(), Unsupported> {
    let is_wide = |ty: &Type| match ty.kind {
        Kind::Float(float) | Kind::Complex(float) => matches!(float, Float::F16 | Float::F128),
        Kind::Integer { .. } => ty.size > 8,
        _ => false,
    };
    match is_wide(ty) {
        true => {
            let why = "needs SSE registers, which plain 32-bit x86 hasn't";
            Err(Unsupported { which, why })
        }
        false => Ok(()),
    }
}

/// "Functions Returning Scalars or No Value". `None` for memory: every record, as gcc has it on Linux
/// (`-fpcc-struct-return`), and what is larger than 12 bytes.
fn result(ty: &Type) -> Option<Place> {
    match ty.kind {
        Kind::Float(float) => Some(Place::register(X87_RESULT, float.bytes())),
        _ if ty.is_aggregate() || ty.size > 12 => None,
        _ => {
            let parts = INTEGER_RESULTS.into_iter().zip([0, WORD]);
            let parts = parts.filter(|(_, offset)| *offset < ty.size);
            Some(Place::Registers(
                parts
                    .map(|(register, offset)| Part {
                        register,
                        offset,
                        size: (ty.size - offset).min(WORD),
                    })
                    .collect(),
            ))
        }
    }
}

struct Words {
    area: Area,
    /// Those of fastcall that are still free.
    registers: Vec<Register>,
}

impl Words {
    fn next(&mut self, ty: &Type) -> Place {
        if ty.size == 0 {
            return Place::Nothing;
        }
        let is_integer = matches!(ty.kind, Kind::Integer { .. } | Kind::Pointer);
        if is_integer && ty.size <= WORD {
            return self.integer(ty.size);
        }
        if !is_float(ty) {
            // Gcc counts the words of records and long long integers, though they go by the stack.
            let words = ty.size.div_ceil(WORD) as usize;
            self.registers.drain(..words.min(self.registers.len()));
        }
        self.area.push(ty.size, WORD, WORD)
    }

    fn integer(&mut self, size: u64) -> Place {
        match self.registers.is_empty() {
            true => self.area.push(size, WORD, WORD),
            false => Place::register(self.registers.remove(0), size),
        }
    }
}

/// Whether gcc handles the type as a float or complex number: a struct is one that has nothing else in it.
fn is_float(ty: &Type) -> bool {
    match &ty.kind {
        Kind::Float(_) | Kind::Complex(_) => true,
        Kind::Array { elem, len: 1 } => is_float(elem),
        Kind::Record(record) if !record.is_union => {
            let mut fields = record.fields.iter();
            fields.any(|field| field.ty.size == ty.size && is_float(&field.ty))
        }
        _ => false,
    }
}
