//! Calling a C function that is known at run time only: by its address and its signature, where `abi` says that its arguments live.
//!
//! A signature is prepared once; a call fills the registers and the stack, and runs as any other call to C, on the system stack.

use std::arch::global_asm;
use std::mem::offset_of;
use std::ptr;

use abi::call::{Assignment, Convention, Part, Place, Signature, Unsupported, assign};
use abi::types::{Kind, Type};
use stack::open_frame;

const INTEGERS: [&str; 6] = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"];
const VECTORS: [&str; 8] = [
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
];

/// What a call passes and gets; the assembly's.
#[repr(C, align(16))]
#[derive(Default)]
struct Frame {
    vectors: [[u64; 2]; 8],
    integers: [u64; 6],
    /// Number of vector registers, for functions with `...`.
    al: u64,
    function: usize,
    stack: usize,
    /// A multiple of 16.
    stack_bytes: usize,
    /// rax, rdx, then how many of the x87's numbers are results.
    results: [u64; 2],
    x87: usize,
    vector_results: [[u64; 2]; 2],
    x87_results: [[u64; 2]; 2],
}

global_asm!(
    // call(frame: rdi), on the system stack.
    ".p2align 4",
    ".globl gort_call_dynamic",
    ".hidden gort_call_dynamic",
    ".type gort_call_dynamic, @function",
    "gort_call_dynamic:",
    ".cfi_startproc",
    open_frame!(),
    "push rbx",
    ".cfi_offset rbx, -24",
    "sub rsp, 8",
    "mov rbx, rdi",
    "mov rcx, qword ptr [rbx + {stack_bytes}]",
    "mov rsi, qword ptr [rbx + {stack}]",
    "sub rsp, rcx",
    "mov rdi, rsp",
    "rep movsb",
    "movaps xmm0, xmmword ptr [rbx]",
    "movaps xmm1, xmmword ptr [rbx + 16]",
    "movaps xmm2, xmmword ptr [rbx + 32]",
    "movaps xmm3, xmmword ptr [rbx + 48]",
    "movaps xmm4, xmmword ptr [rbx + 64]",
    "movaps xmm5, xmmword ptr [rbx + 80]",
    "movaps xmm6, xmmword ptr [rbx + 96]",
    "movaps xmm7, xmmword ptr [rbx + 112]",
    "mov rdi, qword ptr [rbx + {integers}]",
    "mov rsi, qword ptr [rbx + {integers} + 8]",
    "mov rdx, qword ptr [rbx + {integers} + 16]",
    "mov rcx, qword ptr [rbx + {integers} + 24]",
    "mov r8, qword ptr [rbx + {integers} + 32]",
    "mov r9, qword ptr [rbx + {integers} + 40]",
    "mov rax, qword ptr [rbx + {al}]",
    "call qword ptr [rbx + {function}]",
    "mov qword ptr [rbx + {results}], rax",
    "mov qword ptr [rbx + {results} + 8], rdx",
    "movups xmmword ptr [rbx + {vector_results}], xmm0",
    "movups xmmword ptr [rbx + {vector_results} + 16], xmm1",
    "cmp qword ptr [rbx + {x87}], 1",
    "jb 2f",
    "fstp tbyte ptr [rbx + {x87_results}]",
    "je 2f",
    "fstp tbyte ptr [rbx + {x87_results} + 16]",
    "2:",
    "mov rbx, qword ptr [rbp - 8]",
    "mov rsp, rbp",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size gort_call_dynamic, . - gort_call_dynamic",
    // enter(frame: rdi), on the goroutine's stack.
    ".p2align 4",
    ".type gort_ccall_dynamic, @function",
    "gort_ccall_dynamic:",
    "lea r11, [rip + gort_call_dynamic]",
    "jmp gort_ccall",
    ".size gort_ccall_dynamic, . - gort_ccall_dynamic",
    integers = const offset_of!(Frame, integers),
    al = const offset_of!(Frame, al),
    function = const offset_of!(Frame, function),
    stack = const offset_of!(Frame, stack),
    stack_bytes = const offset_of!(Frame, stack_bytes),
    results = const offset_of!(Frame, results),
    x87 = const offset_of!(Frame, x87),
    vector_results = const offset_of!(Frame, vector_results),
    x87_results = const offset_of!(Frame, x87_results),
);

unsafe extern "C" {
    fn gort_ccall_dynamic(frame: *mut Frame);
    fn gort_call_dynamic(frame: *mut Frame);
}

/// What calls the function of a frame, for who sees it called.
pub(crate) fn entry() -> usize {
    gort_call_dynamic as *const () as usize
}

/// The function that [`entry`] is to call, by its argument.
pub(crate) fn called_function(frame: usize) -> usize {
    // SAFETY: the entry is called with frames only.
    unsafe { (*(frame as *const Frame)).function }
}

/// A signature of System V AMD64, ready to be called.
#[derive(Clone, Debug)]
pub struct Prepared {
    params: Vec<Type>,
    result: Option<Type>,
    assignment: Assignment,
}

impl Prepared {
    /// # Errors
    /// A type that the convention has no place for.
    pub fn new(signature: &Signature) -> Result<Prepared, Unsupported> {
        Ok(Prepared {
            assignment: assign(Convention::SysV, signature)?,
            params: signature.params.clone(),
            result: signature.results.first().cloned(),
        })
    }

    /// Calls `function` with the values that `arguments` point at, one for each parameter, and puts its result, if it has one, where `result`
    /// points. To be called by a goroutine.
    ///
    /// # Safety
    /// The function has this signature; the pointers are to values of its types, and `result` to room for its result.
    ///
    /// # Panics
    /// If there are more or fewer arguments than parameters.
    pub unsafe fn call(&self, function: *const (), arguments: &[*const u8], result: *mut u8) {
        assert_eq!(
            arguments.len(),
            self.params.len(),
            "one argument for each parameter"
        );
        let mut frame = Frame {
            function: function as usize,
            al: self.assignment.vectors.unwrap_or(0),
            ..Frame::default()
        };
        let mut stack = vec![0u128; (self.assignment.stack_bytes() as usize).div_ceil(16)];
        frame.stack_bytes = stack.len() * 16;
        frame.stack = stack.as_mut_ptr() as usize;
        if let Some(pointer) = &self.assignment.result_pointer {
            let address = result as u64;
            // SAFETY: a pointer's bytes.
            unsafe { frame.put(&pointer.place, (&raw const address).cast(), 8) };
        }
        for ((place, ty), argument) in self
            .assignment
            .params
            .iter()
            .zip(&self.params)
            .zip(arguments)
        {
            let mut widened = 0;
            // SAFETY: the argument is a value of the type, says the caller.
            unsafe {
                let value = widen(ty, *argument, &mut widened);
                frame.put(place, value, value_size(ty));
            }
        }
        if let Some(Place::Registers(parts)) = self.assignment.results.first() {
            frame.x87 = parts
                .iter()
                .filter(|part| part.register.0.starts_with("st"))
                .count();
        }
        // SAFETY: registers and stack are as the function wants them.
        unsafe { gort_ccall_dynamic(&raw mut frame) };
        drop(stack);
        if let (Some(Place::Registers(parts)), Some(ty)) =
            (self.assignment.results.first(), &self.result)
        {
            for part in parts {
                // SAFETY: `result` has room for the type.
                unsafe { frame.get(part, result, ty.size as usize) };
            }
        }
    }
}

impl Frame {
    /// Puts `size` bytes of a value in their place.
    ///
    /// # Safety
    /// `value` points at as many bytes; the frame's stack is as long as its assignment says.
    unsafe fn put(&mut self, place: &Place, value: *const u8, size: usize) {
        match place {
            Place::Nothing => {}
            Place::Registers(parts) => {
                for part in parts {
                    let bytes = match parts.len() {
                        // A widened integer is more than its type's bytes.
                        1 if size <= 8 => size,
                        _ => covered(part, size),
                    };
                    // SAFETY: a part lies in the value, and a register has room for it.
                    unsafe {
                        ptr::copy_nonoverlapping(
                            value.add(part.offset as usize),
                            self.register(part),
                            bytes,
                        )
                    };
                }
            }
            Place::Stack { offset, .. } => {
                let to = (self.stack + *offset as usize) as *mut u8;
                // SAFETY: the assignment's area holds it.
                unsafe { ptr::copy_nonoverlapping(value, to, size) };
            }
            Place::Indirect { pointer } => {
                let address = value as u64;
                // SAFETY: a pointer's bytes.
                unsafe { self.put(pointer, (&raw const address).cast(), 8) };
            }
        }
    }

    fn register(&mut self, part: &Part) -> *mut u8 {
        let name = part.register.0;
        let place = |names: &[&str]| names.iter().position(|known| *known == name);
        match (place(&INTEGERS), place(&VECTORS)) {
            (Some(index), _) => (&raw mut self.integers[index]).cast(),
            (_, Some(index)) => (&raw mut self.vectors[index]).cast(),
            _ => unreachable!("{name} carries no argument"),
        }
    }

    /// Takes a part of the result out of its register.
    ///
    /// # Safety
    /// `result` has room for `size` bytes.
    unsafe fn get(&self, part: &Part, result: *mut u8, size: usize) {
        let from: *const u8 = match part.register.0 {
            "rax" => (&raw const self.results[0]).cast(),
            "rdx" => (&raw const self.results[1]).cast(),
            "xmm0" => (&raw const self.vector_results[0]).cast(),
            "xmm1" => (&raw const self.vector_results[1]).cast(),
            "st0" => (&raw const self.x87_results[0]).cast(),
            "st1" => (&raw const self.x87_results[1]).cast(),
            name => unreachable!("{name} carries no result"),
        };
        // SAFETY: a part lies in the value, and in its register.
        unsafe {
            ptr::copy_nonoverlapping(from, result.add(part.offset as usize), covered(part, size))
        };
    }
}

/// How many bytes of a part there are in a value of `size` bytes.
fn covered(part: &Part, size: usize) -> usize {
    (part.size as usize).min(size.saturating_sub(part.offset as usize))
}

/// Bytes of a value where it is passed: integers below `int` are passed as one. (No ABI document says so; gcc and clang rely on it.)
fn value_size(ty: &Type) -> usize {
    match ty.kind {
        Kind::Integer { .. } => ty.size.max(4) as usize,
        _ => ty.size as usize,
    }
}

/// The value as it is passed, in `widened` if it is another.
///
/// # Safety
/// `value` points at a value of the type.
unsafe fn widen(ty: &Type, value: *const u8, widened: &mut i32) -> *const u8 {
    // SAFETY: as many bytes as the type has.
    *widened = unsafe {
        match (&ty.kind, ty.size) {
            (Kind::Integer { signed: true }, 1) => i32::from(value.cast::<i8>().read()),
            (Kind::Integer { signed: false }, 1) => i32::from(value.read()),
            (Kind::Integer { signed: true }, 2) => i32::from(value.cast::<i16>().read_unaligned()),
            (Kind::Integer { signed: false }, 2) => i32::from(value.cast::<u16>().read_unaligned()),
            _ => return value,
        }
    };
    ptr::from_ref(widened).cast()
}
