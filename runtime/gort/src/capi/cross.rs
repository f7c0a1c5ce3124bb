//! Between Go and C, for those who don't use the stubs that the header makes.

use std::arch::global_asm;
use std::mem::offset_of;

use stack::Thread;

global_asm!(
    // The functions and their arguments change places; the entries do the rest.
    function!(
        "gort_cgocall",
        "mov r11, rdi",
        "mov rdi, rsi",
        "jmp gort_ccall",
    ),
    function!(
        "crosscall2",
        ".reloc ., R_X86_64_NONE, gort_start",
        "mov r11, rdi",
        "mov rdi, rsi",
        "jmp gort_callback",
    ),
    // A call to C that stays on the goroutine's stack: the same marks.
    function!(
        "gort_entersyscall",
        stack::load_thread!("rax"),
        "mov qword ptr [rax + {go_sp}], rsp",
        "inc qword ptr [rax + {calls}]",
        "ret",
    ),
    function!(
        "gort_exitsyscall",
        stack::load_thread!("rax"),
        "mov qword ptr [rax + {go_sp}], 0",
        "cmp dword ptr [rax + {retake}], 0",
        "jne 2f",
        "ret",
        "2:",
        "lea r11, [rip + {reacquire}]",
        "jmp gort_enter",
    ),
    ".hidden {reacquire}",
    go_sp = const offset_of!(Thread, go_sp),
    calls = const offset_of!(Thread, calls),
    retake = const offset_of!(Thread, retake),
    reacquire = sym bridge::reacquire,
);
