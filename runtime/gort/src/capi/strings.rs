//! Strings and bytes between Go and C: `C.malloc`, `C.free`, `C.CString`, `C.CBytes`, `C.GoString`, `C.GoStringN`, `C.GoBytes`.

use std::mem::offset_of;

use bridge::memory::strings::{self, MALLOC_FAILED};
use heap::types::{Kind, Type};
use sched::fatal;
use stack::Outcome;

use super::c_texts;

c_texts! {
    OUT_OF_RANGE = "runtime error: gobytes: length out of range";
}

extern "C" fn failed() -> Outcome {
    fatal::throw("", MALLOC_FAILED)
}

/// Runs a function of C's kind that is quick on the system stack; null is the end of the program.
macro_rules! never_null {
    ($($name:literal $function:path;)+) => {
        $(std::arch::global_asm!(
            function!(
                $name,
                stack::open_frame!(),
                "lea r11, [rip + {function}]",
                "call gort_ccall_nonblocking",
                "test rax, rax",
                "jz 2f",
                close_frame!(),
                "ret",
                "2:",
                "lea r11, [rip + {failed}]",
                "call gort_enter",
                "ud2",
            ),
            ".hidden {function}",
            function = sym $function,
            failed = sym failed,
        );)+
    };
}

never_null! {
    "gort_malloc" strings::malloc;
    "gort_cbytes" strings::bytes;
    "gort_cstring" strings::c_string;
}

// What is given back may be much, and take long.
std::arch::global_asm!(function!(
    "gort_free",
    "mov r11, qword ptr [rip + free@GOTPCREL]",
    "jmp gort_ccall",
));

extern "C" fn too_long() -> Outcome {
    fatal::throw("", "out of memory")
}

// A copy in the heap: of an object without pointers, whose type is made up on the stack, as long as the string is. From the allocation on nothing
// else can happen, so that nobody needs to find the string in a register.
//
//   rbx  the bytes to copy, in C's memory      r12  how many
std::arch::global_asm!(
    function!(
        "gort_gostring",
        "xor esi, esi",
        "test rdi, rdi",
        "jz gort_gostringn",
        stack::open_frame!(),
        "push rdi",
        "sub rsp, 8",
        "call strlen@PLT",
        "mov rsi, rax",
        "mov rdi, qword ptr [rbp - 8]",
        "leave",
        ".cfi_def_cfa rsp, 8",
        "jmp gort_gostringn",
    ),
    function!(
        "gort_gostringn",
        "test rsi, rsi",
        "jz 2f",
        "js 3f",
        "jmp gort_copy_bytes",
        "2:",
        "xor eax, eax",
        "xor edx, edx",
        "ret",
        "3:",
        "lea r11, [rip + {too_long}]",
        "jmp gort_enter",
    ),
    // rdi: where to put the slice.
    function!(
        "gort_gobytes",
        "test rdx, rdx",
        "js 3f",
        stack::open_frame!(),
        "push rbx",
        "sub rsp, 8",
        "mov rbx, rdi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "call gort_copy_bytes",
        "mov qword ptr [rbx], rax",
        "mov qword ptr [rbx + 8], rdx",
        "mov qword ptr [rbx + 16], rdx",
        "mov rax, rbx",
        "mov rbx, qword ptr [rbp - 8]",
        "leave",
        ".cfi_def_cfa rsp, 8",
        "ret",
        "3:",
        "lea rdi, [rip + {out_of_range}]",
        "jmp gort_panic_runtime",
    ),
    // rsi bytes at rdi, in the heap: rax, and how many: rdx.
    ".hidden gort_copy_bytes",
    function!(
        "gort_copy_bytes",
        stack::open_frame!(),
        "push rbx",
        ".cfi_offset rbx, -24",
        "push r12",
        ".cfi_offset r12, -32",
        "sub rsp, {type_size}",
        "mov rbx, rdi",
        "mov r12, rsi",
        "pxor xmm0, xmm0",
        "movups xmmword ptr [rsp], xmm0",
        "movups xmmword ptr [rsp + 16], xmm0",
        "movups xmmword ptr [rsp + 32], xmm0",
        "movups xmmword ptr [rsp + 48], xmm0",
        "mov qword ptr [rsp + {size}], rsi",
        "mov word ptr [rsp + {kind}], 0x100 + {uint8}",
        "mov rdi, rsp",
        "call gort_new",
        "mov rdi, rax",
        "mov rsi, rbx",
        "mov rdx, r12",
        "call memcpy@PLT",
        "mov rdx, r12",
        "add rsp, {type_size}",
        "pop r12",
        "pop rbx",
        close_frame!(),
        "ret",
    ),
    type_size = const size_of::<Type>().next_multiple_of(16),
    size = const offset_of!(Type, size),
    kind = const offset_of!(Type, kind),
    uint8 = const Kind::Uint8 as u8,
    too_long = sym too_long,
    out_of_range = sym OUT_OF_RANGE,
);

const _: () =
    assert!(size_of::<Type>() <= 64 + 16 && offset_of!(Type, align) == offset_of!(Type, kind) + 1);
