//! `__morestack`: compiled Go has found too little stack for its next frame.
//!
//! ```text
//! old segment                                     new segment
//!   stack arguments                                 stack arguments, copied
//!   return address of the function's caller         return address into __morestack ◄─ rsp: as if called from here
//!   return address into the function (a `ret`; the body is behind it)
//!   rbp ◄─ rbp, for as long as the function runs
//!   rbx
//!   argument registers, while the runtime is asked
//! ```
//!
//! Source: LLVM's X86FrameLowering (`adjustForSegmentedStacks`): r10 = bytes of frame, r11 = bytes of stack arguments, `ret` behind the call.

use std::arch::global_asm;
use std::mem::offset_of;

use crate::memory::Segment;
use crate::{Context, Hooks, Thread};

global_asm!(
    ".text",
    ".p2align 4",
    ".globl __morestack",
    ".type __morestack, @function",
    "__morestack:",
    ".cfi_startproc",
    frame!(),
    // Code with checks that C calls runs on the system stack, which has room: it is the limit that is another stack's.
    load_thread!("rbx"),
    "test rbx, rbx",
    "jz 5f",
    "cmp qword ptr [rbx + {go_sp}], 0",
    "jne 5f",
    "push r11",
    save_arguments!(),
    "2:",
    "mov rdi, qword ptr [rbp - 80]",
    "mov rsi, qword ptr [rbp - 16]",
    "lea rdx, [rbp + 16]",
    "mov r11, qword ptr [rip + {hooks} + {newstack}]",
    "call gort_enter",
    "cmp rax, 1",
    "jb 4f",
    "je 2b",
    // Arguments go to the top of the new segment, which the scheduler has made the goroutine's.
    "mov rcx, qword ptr [rbp - 16]",
    "lea rdx, [rcx + 15]",
    "and rdx, -16",
    "sub rax, rdx",
    "mov rdi, rax",
    "lea rsi, [rbp + 24]",
    "shr rcx, 3",
    "rep movsq",
    "mov rbx, rax",
    load_thread!("rcx"),
    "mov rcx, qword ptr [rcx + {context}]",
    "mov rcx, qword ptr [rcx + {limit}]",
    "mov qword ptr fs:[0x70], rcx",
    restore_arguments!(),
    "mov r11, qword ptr [rbp + 8]",
    "inc r11",
    "mov rsp, rbx",
    "mov rbx, qword ptr [rbp - 8]",
    "call r11",
    // Back, with results in rax, rdx, xmm0, xmm1: the segment before this one is the goroutine's again.
    load_thread!("rcx"),
    "mov rcx, qword ptr [rcx + {context}]",
    "mov rsi, qword ptr [rcx + {segment}]",
    "mov rsi, qword ptr [rsi + {previous}]",
    "mov qword ptr [rcx + {segment}], rsi",
    "mov rdi, qword ptr [rsi + {segment_limit}]",
    "mov qword ptr [rcx + {limit}], rdi",
    "mov qword ptr fs:[0x70], rdi",
    "lea rsp, [rbp - 8]",
    "pop rbx",
    "pop rbp",
    ".cfi_remember_state",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_restore_state",
    // There is room after all (preemption was meant): into the body, one byte behind the return address.
    "4:",
    restore_arguments!(),
    "5:",
    "lea rsp, [rbp - 8]",
    "pop rbx",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "inc qword ptr [rsp]",
    "ret",
    ".cfi_endproc",
    ".size __morestack, . - __morestack",
    context = const offset_of!(Thread, context),
    go_sp = const offset_of!(Thread, go_sp),
    limit = const offset_of!(Context, limit),
    segment = const offset_of!(Context, segment),
    previous = const offset_of!(Segment, prev),
    segment_limit = const offset_of!(Segment, limit),
    newstack = const offset_of!(Hooks, newstack),
    hooks = sym super::HOOKS,
);
