//! Where arguments and results live: what `abi::call` says, against what compilers emit.
//!
//! Signatures are generated from a fixed seed. For C, [`c`] writes a caller and a callee for each and [`values`] the bytes that
//! they pass; [`run`] compiles and executes them, and reports what was not where it was said to be. For Go, [`go_types`]
//! writes functions and [`listing`] follows values through what `go tool compile -S` prints.

mod c;
pub mod go;
mod go_types;
mod images;
mod listing;
mod machine;
pub mod run;
mod values;

use abi::call::{Assignment, Convention, Signature, Unsupported};
use abi::types::Type;

/// How the places under test are found: `abi::call::assign`, or a version of it that is wrong on purpose.
pub type Assign = fn(Convention, &Signature) -> Result<Assignment, Unsupported>;

/// What was compared, and what was not as it should be.
#[derive(Default)]
pub struct Outcome {
    pub signatures: usize,
    pub values: usize,
    pub wrong: Vec<String>,
}

/// A type, and how the language spells it.
#[derive(Clone, Debug)]
pub struct Spelled {
    pub text: String,
    pub ty: Type,
}

/// A signature, and its types as the language spells them.
#[derive(Clone, Debug, Default)]
pub struct Case {
    pub params: Vec<Spelled>,
    pub results: Vec<Spelled>,
    pub variadic: Option<usize>,
}

impl Case {
    pub fn signature(&self) -> Signature {
        let types = |spelled: &[Spelled]| spelled.iter().map(|one| one.ty.clone()).collect();
        Signature {
            params: types(&self.params),
            results: types(&self.results),
            variadic: self.variadic,
        }
    }

    /// For messages: `struct s3 (int, double, ... float)`.
    pub fn shown(&self) -> String {
        let names = |spelled: &[Spelled]| -> Vec<String> {
            spelled.iter().map(|one| one.text.clone()).collect()
        };
        let mut params = names(&self.params);
        if let Some(first) = self.variadic.and_then(|named| params.get_mut(named)) {
            first.insert_str(0, "... ");
        }
        format!(
            "{} ({})",
            names(&self.results).join(", "),
            params.join(", ")
        )
    }
}

/// xorshift64*: the same numbers on every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number less than `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        ((self.number() >> 33) % limit as u64) as usize
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}
