//! Calling conventions: where each argument and result of a call lives.
//!
//! [`assign`] answers for a signature. Every convention is a module with its tables of registers; what they
//! say is compared with what real compilers emit in `tests/conventions.rs`.
//!
//! Stack slots are counted from the start of the *argument area*, the lowest address of what the caller prepares:
//!
//! ```text
//!   higher addresses   │ last stack argument          │
//!                      │ …                            │
//!                      │ first stack argument         │
//!                      │ Win64: 32 bytes of shadow    │ ◄ offset 0, the stack pointer at the call
//!                      │ return address (x86)         │ ◄ the stack pointer at the callee's entry
//! ```

mod aapcs64;
mod go;
mod i386;
mod sysv;
#[cfg(test)]
mod tests;
mod win64;

use std::fmt;

use crate::model::Model;
use crate::types::Type;

/// What is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// With the actual arguments in place of `...`, promoted as C does.
    pub params: Vec<Type>,
    /// One at most for C; none for `void`.
    pub results: Vec<Type>,
    /// Of a function with `...`: how many of `params` are named.
    pub variadic: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Convention {
    /// x86-64 everywhere but on Windows.
    SysV,
    /// x86-64 on Windows; gcc's `ms_abi`.
    Win64,
    /// Arm 64-bit, as on Linux.
    Aapcs64,
    /// 32-bit x86 on Linux, and with gcc's attributes `stdcall` and `fastcall`.
    Cdecl,
    Stdcall,
    Fastcall,
    /// Go's stack-based convention: that of its assembly.
    GoAbi0(GoArch),
    /// Go's own, by registers where the architecture has any for it.
    GoInternal(GoArch),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GoArch {
    Amd64,
    Arm64,
    I386,
}

/// A register by its name in the convention's own document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Register(pub &'static str);

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// `size` bytes of a value, from `offset` on, in a register's low bytes. What else is in the register is unspecified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub register: Register,
    pub offset: u64,
    pub size: u64,
}

/// Where a value lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// It has no bytes to pass.
    Nothing,
    /// Bytes that no part covers are padding. Win64 passes variable floats twice, in two parts of the same bytes.
    Registers(Vec<Part>),
    /// In the argument area, `size` bytes at `offset`.
    Stack { offset: u64, size: u64 },
    /// In memory of the caller's, a copy that the callee may change; its address is in `pointer`.
    Indirect { pointer: Box<Place> },
}

/// The address of memory for a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultPointer {
    pub place: Place,
    /// Where the callee returns it, if it must.
    pub returned: Option<Register>,
}

/// Where everything lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    pub params: Vec<Place>,
    /// As many as the signature has. A C result in memory is [`Place::Indirect`] through `result_pointer`.
    pub results: Vec<Place>,
    pub result_pointer: Option<ResultPointer>,
    /// Bytes of the argument area, stack results and spill space included, the stack's alignment left out.
    pub area: u64,
    /// Of these the first bytes that belong to the callee and hold no argument: Win64's home of the register arguments.
    pub shadow: u64,
    /// Of these the last bytes, where a Go callee may spill its register arguments.
    pub spill: u64,
    /// Bytes of the argument area that the callee pops on its return.
    pub popped: u64,
    /// SysV, functions with `...`: how many vector registers are used, which the caller says in `al`.
    pub vectors: Option<u64>,
}

impl Assignment {
    /// Bytes of the argument area that the caller fills or reserves.
    pub fn stack_bytes(&self) -> u64 {
        self.area
    }

    /// Whether the callee is given the address of memory for its result.
    pub fn returns_in_memory(&self) -> bool {
        self.result_pointer.is_some()
    }
}

/// Which value of a signature something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Param(usize),
    Result(usize),
}

/// A value that a convention has no place for, or that is not known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported {
    pub which: Which,
    pub why: &'static str,
}

impl Convention {
    /// How C's basic types, or Go's, are laid out.
    pub const fn model(self) -> Model {
        match self {
            Convention::SysV => Model::LINUX_AMD64,
            Convention::Win64 => Model::WINDOWS_AMD64,
            Convention::Aapcs64 => Model::LINUX_ARM64,
            Convention::Cdecl | Convention::Stdcall | Convention::Fastcall => Model::LINUX_386,
            Convention::GoAbi0(arch) | Convention::GoInternal(arch) => arch.model(),
        }
    }

    /// How far the argument area is from the stack pointer at the callee's entry: the return address, or the slot where a Go
    /// caller on arm64 keeps its own.
    pub const fn entry_distance(self) -> u64 {
        match self {
            Convention::Aapcs64 => 0,
            _ => self.model().pointer,
        }
    }

    /// The symbol of the C function `name` on Windows: stdcall and fastcall count the bytes of the arguments, in registers or
    /// not, in words of four; the address of a result isn't one of them.
    pub fn windows_symbol(self, name: &str, signature: &Signature) -> String {
        let words = signature
            .params
            .iter()
            .map(|ty| ty.size.next_multiple_of(4));
        let bytes: u64 = words.sum();
        match self {
            Convention::Stdcall if signature.variadic.is_none() => format!("_{name}@{bytes}"),
            Convention::Fastcall if signature.variadic.is_none() => format!("@{name}@{bytes}"),
            Convention::Cdecl | Convention::Stdcall | Convention::Fastcall => format!("_{name}"),
            _ => name.to_owned(),
        }
    }
}

impl GoArch {
    pub const fn model(self) -> Model {
        match self {
            GoArch::Amd64 => Model::LINUX_AMD64,
            GoArch::Arm64 => Model::LINUX_ARM64,
            GoArch::I386 => Model::LINUX_386,
        }
    }
}

/// Says where the arguments and results of a call live.
///
/// # Errors
/// A type that the convention has no rule for; a second result where the convention is C's.
pub fn assign(convention: Convention, signature: &Signature) -> Result<Assignment, Unsupported> {
    let is_go = matches!(
        convention,
        Convention::GoAbi0(_) | Convention::GoInternal(_)
    );
    if !is_go && signature.results.len() > 1 {
        return Err(Unsupported {
            which: Which::Result(1),
            why: "a C function has one result",
        });
    }
    match convention {
        Convention::SysV => sysv::assign(signature),
        Convention::Win64 => win64::assign(signature),
        Convention::Aapcs64 => aapcs64::assign(signature),
        Convention::Cdecl | Convention::Stdcall | Convention::Fastcall => {
            i386::assign(convention, signature)
        }
        Convention::GoAbi0(arch) => go::assign(&go::STACK, arch, signature),
        Convention::GoInternal(arch) => go::assign(go::registers(arch), arch, signature),
    }
}

/// Pieces that the conventions share.
impl Place {
    fn register(register: Register, size: u64) -> Place {
        Place::Registers(vec![Part {
            register,
            offset: 0,
            size,
        }])
    }

    fn indirect(pointer: Place) -> Place {
        Place::Indirect {
            pointer: Box::new(pointer),
        }
    }

    /// A value of `size` bytes in words of eight, one to a register.
    fn words(registers: &[Register], size: u64) -> Place {
        let parts = registers.iter().zip(0..).map(|(&register, index)| Part {
            register,
            offset: index * 8,
            size: (size - index * 8).min(8),
        });
        Place::Registers(parts.collect())
    }
}

/// The argument area while it is filled.
#[derive(Clone, Copy, Debug, Default)]
struct Area {
    size: u64,
}

impl Area {
    /// The next place for `size` bytes at a multiple of `align`, the end rounded up to `word`.
    fn push(&mut self, size: u64, align: u64, word: u64) -> Place {
        let offset = self.size.next_multiple_of(align);
        self.size = (offset + size).next_multiple_of(word);
        Place::Stack { offset, size }
    }
}

/// Names to registers, for the tables.
const fn named<const N: usize>(names: [&'static str; N]) -> [Register; N] {
    let mut registers = [Register(""); N];
    let mut index = 0;
    while index < N {
        registers[index] = Register(names[index]);
        index += 1;
    }
    registers
}

/// The parameters, each with what to call it in an error.
fn params(signature: &Signature) -> impl Iterator<Item = (Which, &Type)> {
    let params = signature.params.iter().enumerate();
    params.map(|(index, ty)| (Which::Param(index), ty))
}
