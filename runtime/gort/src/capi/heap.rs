//! Memory that the collector manages.

use std::arch::global_asm;
use std::mem::offset_of;

use heap::alloc::gort_alloc_slowly;
use heap::cache::Slot;
use heap::classes::{self, QUICK_CLASSES};
use heap::types::Type;
use sched::ops;
use stack::Outcome;

use super::c_texts;

c_texts! {
    TOO_LARGE = "runtime error: makeslice: len out of range";
}

/// Memory for `count` values; 0: the goroutine was away, and asks again. 1: that is more than there are addresses.
extern "C" fn new(ty: &Type, count: usize) -> Outcome {
    // A loop that allocates is hardly ever found in compiled Go's text, where a signal could preempt it.
    if let Some(left) = ops::leave_first(0) {
        return left;
    }
    match ty.size.checked_mul(count) {
        Some(bytes) if bytes <= isize::MAX as usize => {}
        _ => return Outcome::done(1),
    }
    match heap::alloc::new(ty, count) {
        Ok(address) => Outcome::done(address.as_ptr() as usize),
        Err(heap::alloc::Again) => Outcome::switch(),
    }
}

/// What the assembly compares: the largest size that it allocates by itself, less one.
const QUICK: usize = classes::QUICK - 1;

// Allocates by itself what is small, of a type all of whose pointers are among its first eight words, from the 64 objects at hand. It needs no stack, and keeps
// its P: it is not compiled Go, so no signal interrupts it for another goroutine.
//
//   rdi  the type                   r8   the pointer bits to be
//   r10  the P's cache, its Slot    rax  the new object
//   rcx  bit numbers, counts        rdx  the object's number among the 64; then the place of its pointer bits
global_asm!(
    function!(
        "gort_new",
        stack::load_thread!("r11"),
        "mov r10, qword ptr [r11 + {heap}]",
        "mov rax, qword ptr [rdi + {ty_size}]",
        "cmp byte ptr [rip + {slowly}], 0",
        "jne 9f",
        "test r10, r10",
        "jz 9f",
        "dec rax",
        "cmp rax, {quick}",
        "ja 9f",
        "shr eax, 4",
        "lea rcx, [rip + {classes}]",
        "movzx ecx, byte ptr [rcx + rax]",
        // The pointers' bits; a type without any has no mask, and the class before.
        "xor r8d, r8d",
        "mov rdx, qword ptr [rdi + {ty_ptrdata}]",
        "test rdx, rdx",
        "jz 2f",
        "inc ecx",
        "cmp rdx, 64",
        "ja 9f",
        "mov r8, qword ptr [rdi + {ty_ptrmask}]",
        "test r8, r8",
        "jz 3f",
        "movzx r8d, byte ptr [r8]",
        "2:",
        "shl ecx, 6",
        "add r10, rcx",
        // The first free one of the 64.
        "mov rcx, qword ptr [r10 + {free}]",
        "test rcx, rcx",
        "jz 9f",
        "bsf rdx, rcx",
        "lea rsi, [rcx - 1]",
        "and rsi, rcx",
        "mov r9, qword ptr [r10 + {allocs}]",
        "mov eax, dword ptr [r10 + {size}]",
        "xor rcx, rsi",
        "mov qword ptr [r10 + {free}], rsi",
        "mov esi, eax",
        "imul rax, rdx",
        // Whether its pointer bits lie in one word: they do unless it begins too late in it.
        "shr esi, 3",
        "imul edx, esi",
        "mov r11, rcx",
        "mov ecx, edx",
        "shr edx, 6",
        "and ecx, 63",
        "or qword ptr [r9], r11",
        "add rax, qword ptr [r10 + {at}]",
        "cmp qword ptr [rdi + {ty_ptrdata}], 0",
        "jz 5f",
        "mov r9, qword ptr [r10 + {pointers}]",
        "lea r9, [r9 + 8*rdx]",
        "mov r11, -1",
        "add esi, ecx",
        "cmp esi, 64",
        "ja 4f",
        "sub esi, ecx",
        "mov edx, ecx",
        "mov ecx, esi",
        "shl r11, cl",
        "not r11",
        "mov ecx, edx",
        "shl r11, cl",
        "not r11",
        "shl r8, cl",
        "and r11, qword ptr [r9]",
        "or r11, r8",
        "mov qword ptr [r9], r11",
        "5:",
        "cmp byte ptr [r10 + {dirty}], 0",
        "jne 6f",
        "ret",
        // Zeros, from the end down.
        "6:",
        "mov ecx, dword ptr [r10 + {size}]",
        "pxor xmm0, xmm0",
        "7:",
        "movaps xmmword ptr [rax + rcx - 16], xmm0",
        "sub ecx, 16",
        "jnz 7b",
        "ret",
        // The bits lie in two words: the first has those from bit ecx on, the second the rest.
        "4:",
        "mov rdx, r8",
        "shl rdx, cl",
        "shl r11, cl",
        "not r11",
        "and r11, qword ptr [r9]",
        "or r11, rdx",
        "mov qword ptr [r9], r11",
        "mov edx, ecx",
        "mov ecx, 64",
        "sub ecx, edx",
        "shr r8, cl",
        "lea ecx, [rsi - 64]",
        "mov r11, -1",
        "shl r11, cl",
        "and r11, qword ptr [r9 + 8]",
        "or r11, r8",
        "mov qword ptr [r9 + 8], r11",
        "jmp 5b",
        // No mask: all words of the prefix.
        "3:",
        "mov r9d, ecx",
        "mov ecx, 64",
        "sub ecx, edx",
        "shr ecx, 3",
        "mov r8d, 255",
        "shr r8d, cl",
        "mov ecx, r9d",
        "jmp 2b",
        "9:",
        "mov esi, 1",
        "jmp gort_new_array",
    ),
    heap = const offset_of!(stack::Thread, heap),
    ty_size = const offset_of!(Type, size),
    ty_ptrdata = const offset_of!(Type, ptrdata),
    ty_ptrmask = const offset_of!(Type, ptrmask),
    free = const offset_of!(Slot, free),
    at = const offset_of!(Slot, at),
    allocs = const offset_of!(Slot, allocs),
    pointers = const offset_of!(Slot, pointers),
    size = const offset_of!(Slot, size),
    dirty = const offset_of!(Slot, dirty),
    quick = const QUICK,
    slowly = sym gort_alloc_slowly,
    classes = sym QUICK_CLASSES,
);

const _: () = assert!(size_of::<Slot>() == 64);

// The arguments stay on the goroutine's stack: the operation may have to be done again.
global_asm!(
    function!(
        "gort_new_array",
        stack::open_frame!(),
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
