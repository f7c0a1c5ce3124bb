//! Handles: `runtime/cgo.Handle`. The table and its rules are in [`bridge::memory::handle`].

use std::arch::global_asm;
use std::mem::offset_of;

use bridge::memory::Any;
use bridge::memory::handle::{self, CHUNK_SHIFT, CHUNKS, Full, KEEP, MISUSE, SLOT_SHIFT, Slot};
use sched::m::FreeList;
use sched::{M, fatal};
use stack::Outcome;

use super::c_texts;

c_texts! {
    MISUSE_TEXT = MISUSE;
    FULL_TEXT = "runtime/cgo: ran out of handle space";
}

/// 0: there is no room for another handle.
extern "C" fn new(kind: usize, data: usize) -> Outcome {
    match handle::new(Any { kind, data }) {
        Ok(handle) => Outcome::done(handle as usize),
        Err(Full::Space) => Outcome::done(0),
        Err(Full::Memory(bytes)) => fatal::throw(
            &format!("runtime/cgo: cannot allocate {bytes} bytes for handles\n"),
            "runtime: out of memory (handles)",
        ),
    }
}

/// Whether it was one.
extern "C" fn delete(handle: u64) -> Outcome {
    Outcome::done(handle::delete(handle).is_some().into())
}

extern "C" fn spill() -> Outcome {
    handle::spill(M::current());
    Outcome::done(0)
}

/// Finds the slot, in `rcx`, of the handle in `rdi`, and goes on at 9 where there is none. Uses rax.
macro_rules! find_slot {
    () => {
        concat!(
            "mov ecx, edi\n",
            "shr ecx, {chunk_shift}\n",
            "lea rax, [rip + {chunks}]\n",
            "mov rax, qword ptr [rax + rcx*8]\n",
            "test rax, rax\n",
            "jz 9f\n",
            "bt rdi, 32\n",
            "jnc 9f\n",
            "movzx ecx, di\n",
            "shl ecx, {slot_shift}\n",
            "add rcx, rax\n",
        )
    };
}

const _: () = assert!(CHUNK_SHIFT == 16, "an index in a chunk is the low word");

// None of it has a frame: in a traceback of a panic its caller is who misused the handle.
global_asm!(
    // The M's first free slot, if it has one.
    function!(
        "gort_handle_new",
        stack::load_thread!("rax"),
        "mov rcx, qword ptr [rax + {first}]",
        "test rcx, rcx",
        "jz 2f",
        "mov rdx, qword ptr [rcx + {data}]",
        "mov qword ptr [rax + {first}], rdx",
        "dec qword ptr [rax + {count}]",
        "mov qword ptr [rcx + {kind}], rdi",
        "mov qword ptr [rcx + {data}], rsi",
        "movabs rax, 0x100000000",
        "add rax, qword ptr [rcx + {word}]",
        "mov qword ptr [rcx + {word}], rax",
        "ret",
        "2:",
        stack::open_frame!(),
        "lea r11, [rip + {new}]",
        "call gort_enter",
        close_frame!(),
        "test rax, rax",
        "jz 3f",
        "ret",
        "3:",
        "lea rdi, [rip + {full_text}]",
        "jmp gort_panic_string",
    ),
    function!(
        "gort_handle_value",
        find_slot!(),
        "cmp qword ptr [rcx + {word}], rdi",
        "jne 9f",
        "mov rax, qword ptr [rcx + {kind}]",
        "mov rdx, qword ptr [rcx + {data}]",
        "cmp qword ptr [rcx + {word}], rdi",
        "jne 9f",
        "ret",
        "9:",
        "lea rdi, [rip + {misuse_text}]",
        "jmp gort_panic_string",
    ),
    // Who changes the word from the handle to what follows it has the slot.
    function!(
        "gort_handle_delete",
        "cmp byte ptr [rip + {marking}], 0",
        "jne 4f",
        find_slot!(),
        "movabs rdx, 0x100000000",
        "add rdx, rdi",
        "mov rax, rdi",
        "lock cmpxchg qword ptr [rcx + {word}], rdx",
        "jne 9f",
        "xor eax, eax",
        "mov qword ptr [rcx + {kind}], rax",
        "mov qword ptr [rcx + {data}], rax",
        "shr rdx, 32",
        "cmp dword ptr [rcx + {first_tag}], edx",
        "je 2f",
        stack::load_thread!("rax"),
        "mov rdx, qword ptr [rax + {first}]",
        "mov qword ptr [rcx + {data}], rdx",
        "mov qword ptr [rax + {first}], rcx",
        "inc qword ptr [rax + {count}]",
        "cmp qword ptr [rax + {count}], {keep}",
        "ja 3f",
        "2:",
        "ret",
        "3:",
        "lea r11, [rip + {spill}]",
        "jmp gort_enter",
        // The collector marks: it must be told of the value.
        "4:",
        stack::open_frame!(),
        "lea r11, [rip + {delete}]",
        "call gort_enter",
        close_frame!(),
        "test eax, eax",
        "jz 9f",
        "ret",
        "9:",
        "lea rdi, [rip + {misuse_text}]",
        "jmp gort_panic_string",
    ),
    ".hidden {chunks}",
    ".hidden {marking}",
    chunks = sym CHUNKS,
    chunk_shift = const CHUNK_SHIFT,
    slot_shift = const SLOT_SHIFT,
    keep = const KEEP,
    word = const offset_of!(Slot, word),
    first_tag = const offset_of!(Slot, first_tag),
    kind = const offset_of!(Slot, kind),
    data = const offset_of!(Slot, data),
    first = const offset_of!(M, free_handles) + offset_of!(FreeList, first),
    count = const offset_of!(M, free_handles) + offset_of!(FreeList, count),
    new = sym new,
    delete = sym delete,
    spill = sym spill,
    marking = sym heap::barrier::gort_marking,
    misuse_text = sym MISUSE_TEXT,
    full_text = sym FULL_TEXT,
);
