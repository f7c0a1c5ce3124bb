//! Go calls C, C calls Go.
//!
//! ```text
//!  goroutine's stack                     system stack (the thread's own)
//!    frame of Go
//!    return address                        … scheduler
//!    rbp                                   ─────────────── ◄─ system_sp at the first call
//!    rbx   ◄─ go_sp while in C             C's frames
//!    ┄┄┄┄┄┄┄ C calls back ┄┄┄┄┄┄┄           return address into C
//!    Go's frames                           rbp
//!    …                                     rbx
//!    rbx   ◄─ go_sp of the inner call      r12
//!                                          the outer system_sp
//!                                          the outer go_sp  ◄─ system_sp at the inner call
//!                                          C's frames
//! ```
//!
//! On the way out: one store says "in C" and where (`go_sp`). On the way back: one store takes it back, one load asks whether anybody wanted
//! the P meanwhile. On x86 the load may overtake the store; who wants the P makes up for it (`sched::crossing`).

use std::arch::global_asm;
use std::mem::offset_of;

use crate::{Context, Hooks, Thread};

/// Before an entry: a jump can be put here, and one to it in place of the entry's `push rbp; mov rbp, rsp`, by who wants to see what crosses.
/// Multiples of 32 stay such.
macro_rules! room_for_jump {
    () => {
        ".skip 32, 0xcc"
    };
}

/// C calls Go.
macro_rules! callback_enter {
    () => {
        concat!(
            frame!(),
            "push r12\n",
            ".cfi_offset r12, -32\n",
            load_thread!("rbx"),
            "test rbx, rbx\n",
            "jz 5f\n",
            "1:\n",
            "mov r12, qword ptr [rbx + {go_sp}]\n",
            "test r12, r12\n",
            "jz gort_callback_broken\n",
            "mov qword ptr [rbx + {go_sp}], 0\n",
            "inc qword ptr [rbx + {calls}]\n",
            "cmp dword ptr [rbx + {retake}], 0\n",
            "jne 6f\n",
            "2:\n",
            "push qword ptr [rbx + {system_sp}]\n",
            "push r12\n",
            "mov qword ptr [rbx + {system_sp}], rsp\n",
            fiber!(
                "mov rdi, qword ptr [rbx + {context}]\nmov rdi, qword ptr [rdi + {fiber}]",
                ""
            ),
            "lea rsp, [r12 - 8]\n",
        )
    };
}

macro_rules! callback_leave {
    () => {
        concat!(
            "mov rsp, qword ptr [rbx + {system_sp}]\n",
            fiber!(
                "mov rdi, qword ptr [rbx + {thread_fiber}]",
                "lea rdi, [rbx + {go_sp}]\ncall __tsan_release"
            ),
            "mov rcx, qword ptr [rsp + 8]\n",
            "mov qword ptr [rbx + {system_sp}], rcx\n",
            "mov qword ptr [rbx + {go_sp}], r12\n",
            "add rsp, 16\n",
            "pop r12\n",
            "pop rbx\n",
            "pop rbp\n",
            ".cfi_remember_state\n",
            ".cfi_def_cfa rsp, 8\n",
            "ret\n",
            ".cfi_restore_state\n",
            // 5: an unknown thread. 6: somebody wants the P, or has it.
            "5:\n",
            save_arguments!(),
            "push r11\n",
            "sub rsp, 8\n",
            "call qword ptr [rip + {hooks} + {attach}]\n",
            "add rsp, 8\n",
            "pop r11\n",
            "mov rbx, rax\n",
            restore_arguments!(),
            "jmp 1b\n",
            "6:\n",
            save_arguments!(),
            "mov rdi, rbx\n",
            "mov rsi, r11\n",
            "mov rdx, r12\n",
            "call qword ptr [rip + {hooks} + {reenter}]\n",
            "mov r11, rax\n",
            restore_arguments!(),
            "jmp 2b\n",
        )
    };
}

/// Into C: the mark, and the system stack.
macro_rules! ccall_enter {
    () => {
        concat!(
            frame!(),
            load_thread!("rbx"),
            "mov qword ptr [rbx + {go_sp}], rsp\n",
            "inc qword ptr [rbx + {calls}]\n",
            "mov rsp, qword ptr [rbx + {system_sp}]\n",
            fiber!(
                "mov rdi, qword ptr [rbx + {thread_fiber}]",
                "lea rdi, [rbx + {go_sp}]\ncall __tsan_release"
            ),
        )
    };
}

/// C has returned: its results stay where they are.
macro_rules! ccall_return {
    () => {
        concat!(
            fiber!(
                "mov rdi, qword ptr [rbx + {context}]\nmov rdi, qword ptr [rdi + {fiber}]",
                ""
            ),
            "lea rsp, [rbp - 8]\n",
            "cmp qword ptr [rbx + {go_sp}], rsp\n",
            "jne gort_ccall_jumped\n",
            "mov qword ptr [rbx + {go_sp}], 0\n",
            "cmp dword ptr [rbx + {retake}], 0\n",
            "jne gort_ccall_slow\n",
            "pop rbx\n",
            "pop rbp\n",
            ".cfi_remember_state\n",
            ".cfi_def_cfa rsp, 8\n",
            "ret\n",
            ".cfi_restore_state\n",
        )
    };
}

global_asm!(
    ".text",
    // C's stack arguments need no copy: there are none.
    ".p2align 5",
    room_for_jump!(),
    ".globl gort_ccall",
    ".type gort_ccall, @function",
    "gort_ccall:",
    ".cfi_startproc",
    ccall_enter!(),
    "call r11",
    ccall_return!(),
    ".cfi_endproc",
    ".size gort_ccall, . - gort_ccall",
    // r10d: bytes of stack arguments, a multiple of 8, more than 0.
    ".p2align 5",
    room_for_jump!(),
    ".globl gort_ccall_stack",
    ".type gort_ccall_stack, @function",
    "gort_ccall_stack:",
    ".cfi_startproc",
    ccall_enter!(),
    // Sixteen bytes at a time: one more word than there is, perhaps, of what the caller has on its stack anyway. xmm8 carries no argument.
    "add r10d, 8",
    "and r10d, -16",
    "sub rsp, r10",
    "2:",
    "movups xmm8, xmmword ptr [rbp + r10]",
    "movups xmmword ptr [rsp + r10 - 16], xmm8",
    "sub r10d, 16",
    "jnz 2b",
    "call r11",
    ccall_return!(),
    ".cfi_endproc",
    ".size gort_ccall_stack, . - gort_ccall_stack",
    // Promised to be short and never to call Go: only the stack changes.
    ".p2align 5",
    room_for_jump!(),
    ".globl gort_ccall_nonblocking",
    ".type gort_ccall_nonblocking, @function",
    "gort_ccall_nonblocking:",
    ".cfi_startproc",
    frame!(),
    load_thread!("rbx"),
    "mov rsp, qword ptr [rbx + {system_sp}]",
    fiber!("mov rdi, qword ptr [rbx + {thread_fiber}]", "lea rdi, [rbx + {go_sp}]\ncall __tsan_release"),
    "call r11",
    fiber!("mov rdi, qword ptr [rbx + {context}]\nmov rdi, qword ptr [rdi + {fiber}]", ""),
    "lea rsp, [rbp - 8]",
    "pop rbx",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size gort_ccall_nonblocking, . - gort_ccall_nonblocking",
    // For stubs of `gort.h` that have not pushed rbx: it is the caller's still, and its place is free. r10 is the thread.
    ".p2align 4",
    ".globl gort_ccall_slow_r10",
    ".hidden gort_ccall_slow_r10",
    ".type gort_ccall_slow_r10, @function",
    "gort_ccall_slow_r10:",
    ".cfi_startproc",
    ".cfi_def_cfa rbp, 16",
    ".cfi_offset rbp, -16",
    "mov qword ptr [rsp], rbx",
    "jmp gort_ccall_slow",
    ".cfi_endproc",
    ".size gort_ccall_slow_r10, . - gort_ccall_slow_r10",
    ".globl gort_ccall_jumped_r10",
    ".hidden gort_ccall_jumped_r10",
    ".type gort_ccall_jumped_r10, @function",
    "gort_ccall_jumped_r10:",
    "mov rbx, r10",
    "jmp gort_ccall_jumped",
    ".size gort_ccall_jumped_r10, . - gort_ccall_jumped_r10",
    // The P may be gone: ask as an operation, which may leave the goroutine to another thread. The results of C are kept.
    ".p2align 4",
    ".globl gort_ccall_slow",
    ".hidden gort_ccall_slow",
    ".type gort_ccall_slow, @function",
    "gort_ccall_slow:",
    ".cfi_startproc",
    ".cfi_def_cfa rbp, 16",
    ".cfi_offset rbp, -16",
    ".cfi_offset rbx, -24",
    "push rax",
    "push rdx",
    "sub rsp, 40",
    "movups xmmword ptr [rsp], xmm0",
    "movups xmmword ptr [rsp + 16], xmm1",
    "mov r11, qword ptr [rip + {hooks} + {reacquire}]",
    "call gort_enter",
    // For who wants to see it go there.
    ".globl gort_ccall_reacquired",
    ".hidden gort_ccall_reacquired",
    "gort_ccall_reacquired:",
    "movups xmm0, xmmword ptr [rsp]",
    "movups xmm1, xmmword ptr [rsp + 16]",
    "add rsp, 40",
    "pop rdx",
    "pop rax",
    "pop rbx",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size gort_ccall_slow, . - gort_ccall_slow",
    ".p2align 4",
    ".globl gort_ccall_jumped",
    ".hidden gort_ccall_jumped",
    ".type gort_ccall_jumped, @function",
    "gort_ccall_jumped:",
    "mov rdi, rbx",
    "mov rsp, qword ptr [rbx + {system_sp}]",
    "call qword ptr [rip + {hooks} + {jumped}]",
    "ud2",
    ".size gort_ccall_jumped, . - gort_ccall_jumped",
    ".p2align 5",
    room_for_jump!(),
    ".globl gort_callback",
    ".type gort_callback, @function",
    "gort_callback:",
    ".cfi_startproc",
    callback_enter!(),
    "call r11",
    callback_leave!(),
    ".cfi_endproc",
    ".size gort_callback, . - gort_callback",
    // r10d: bytes of stack arguments, a multiple of 8, more than 0. The goroutine's stack must have room for them and the callee's check.
    ".p2align 5",
    room_for_jump!(),
    ".globl gort_callback_stack",
    ".type gort_callback_stack, @function",
    "gort_callback_stack:",
    ".cfi_startproc",
    callback_enter!(),
    "test r10d, 8",
    "jz 3f",
    "sub rsp, 8",
    "3:",
    "push qword ptr [rbp + 8 + r10]",
    "sub r10d, 8",
    "jnz 3b",
    "call r11",
    callback_leave!(),
    ".cfi_endproc",
    ".size gort_callback_stack, . - gort_callback_stack",
    ".p2align 4",
    ".type gort_callback_broken, @function",
    "gort_callback_broken:",
    "and rsp, -16",
    "call qword ptr [rip + {hooks} + {broken_promise}]",
    "ud2",
    ".size gort_callback_broken, . - gort_callback_broken",
    context = const offset_of!(Thread, context),
    thread_fiber = const offset_of!(Thread, fiber),
    fiber = const offset_of!(Context, fiber),
    go_sp = const offset_of!(Thread, go_sp),
    calls = const offset_of!(Thread, calls),
    retake = const offset_of!(Thread, retake),
    system_sp = const offset_of!(Thread, system_sp),
    reacquire = const offset_of!(Hooks, reacquire),
    reenter = const offset_of!(Hooks, reenter),
    jumped = const offset_of!(Hooks, jumped),
    attach = const offset_of!(Hooks, attach),
    broken_promise = const offset_of!(Hooks, broken_promise),
    hooks = sym super::HOOKS,
);
