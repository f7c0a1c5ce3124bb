//! Memory that the collector manages.

use std::arch::global_asm;

use heap::types::Type;
use stack::Outcome;

use super::c_texts;

c_texts! {
    TOO_LARGE = "runtime error: makeslice: len out of range";
}

/// Memory for `count` values; 0: the goroutine was parked, and asks again. 1: that is more than there are addresses.
extern "C" fn new(ty: &Type, count: usize) -> Outcome {
    match ty.size.checked_mul(count) {
        Some(bytes) if bytes <= isize::MAX as usize => {}
        _ => return Outcome::done(1),
    }
    match heap::alloc::new(ty, count) {
        Ok(address) => Outcome::done(address.as_ptr() as usize),
        Err(heap::alloc::Again) => Outcome::switch(),
    }
}

// The arguments stay on the goroutine's stack: the operation may have to be done again.
global_asm!(
    function!(
        "gort_new",
        "mov esi, 1",
        "jmp gort_new_array",
    ),
    function!(
        "gort_new_array",
        open_frame!(),
        "push rdi",
        "push rsi",
        "2:",
        "lea r11, [rip + {op}]",
        "call gort_enter",
        "cmp rax, 1",
        "jbe 3f",
        "leave",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_def_cfa rbp, 16",
        "3:",
        "je 4f",
        "mov rdi, [rbp - 8]",
        "mov rsi, [rbp - 16]",
        "jmp 2b",
        "4:",
        "leave",
        ".cfi_def_cfa rsp, 8",
        ".cfi_restore rbp",
        "lea rdi, [rip + {text}]",
        "jmp gort_panic_runtime",
    ),
    op = sym new,
    text = sym TOO_LARGE,
);
