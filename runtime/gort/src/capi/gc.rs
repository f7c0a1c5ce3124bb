//! The collector's C ABI.

use std::arch::global_asm;
use std::mem::offset_of;

use heap::types::Type;
use heap::{barrier, collector, pacer};
use stack::Outcome;

extern "C" fn set_gc_percent(percent: i32) -> Outcome {
    Outcome::done(pacer::set_percent(percent) as usize)
}

extern "C" fn set_memory_limit(bytes: i64) -> Outcome {
    Outcome::done(pacer::set_limit(bytes) as usize)
}

operation! {
    "gort_gc" collector::collect;
}

anywhere!("gort_set_gc_percent" set_gc_percent);
anywhere!("gort_set_memory_limit" set_memory_limit);

// While the collector doesn't mark, these are what they would be without it. Between the look at `gort_marking` and the store nobody stops the world:
// this is not compiled Go, so no signal interrupts it for another goroutine, and it checks no stack.
global_asm!(
    function!(
        "gort_store",
        "cmp byte ptr [rip + {marking}], 0",
        "jne 2f",
        "mov qword ptr [rdi], rsi",
        "ret",
        "2:",
        "test byte ptr [rip + {marking}], {checks}",
        "jnz 3f",
        // What is overwritten is mostly nothing.
        "cmp qword ptr [rdi], 0",
        "jne 3f",
        "mov qword ptr [rdi], rsi",
        "ret",
        "3:",
        "lea r11, [rip + {store}]",
        "jmp gort_enter",
    ),
    function!(
        "gort_typed_memmove",
        "cmp byte ptr [rip + {marking}], 0",
        "jne 2f",
        "imul rcx, qword ptr [rdi + {size}]",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "mov rdx, rcx",
        "jmp memmove@PLT",
        "2:",
        "lea r11, [rip + {memmove}]",
        "jmp gort_enter",
    ),
    function!(
        "gort_typed_memclr",
        "cmp byte ptr [rip + {marking}], 0",
        "jne 2f",
        "imul rdx, qword ptr [rdi + {size}]",
        "mov rdi, rsi",
        "xor esi, esi",
        "jmp memset@PLT",
        "2:",
        "lea r11, [rip + {memclr}]",
        "jmp gort_enter",
    ),
    ".hidden {marking}",
    marking = sym barrier::gort_marking,
    checks = const barrier::CHECKS,
    store = sym barrier::store,
    memmove = sym barrier::typed_memmove,
    memclr = sym barrier::typed_memclr,
    size = const offset_of!(Type, size),
);
