//! How a traced crossing comes by the tracer, on C's stack, with everything kept that carries an argument or a result.
//!
//! C finds another return address than its caller's, so that its return comes by here as well; the caller's is kept in the record of the
//! crossing. Nothing else on the stack changes: arguments stay where they are looked for.
//!
//! ```text
//! untraced                             traced
//!   go_add:  …                           go_add:  …
//!            call add                             call gort_traced_call ─► begin_call ─► add ─► gort_traced_return ─► end ─┐
//!            …                                    …   ◄─────────────────────────────────────────────────────────────────┘
//! ```
//!
//! The runtime's own entries (`gort_ccall` and its like) are `push rbp; mov rbp, rsp; …`: a jump takes the place of these two, to code here
//! that does the same and goes on behind them, at the address in [`BODIES`].

use std::arch::global_asm;
use std::sync::atomic::AtomicUsize;

use stack::x86_64::symbols;
use stack::{
    Thread, close_function, load_thread, open_frame, open_function, restore_arguments,
    save_arguments,
};

use super::crossing::{begin_call, begin_callback, end};
use super::waits::{reacquire, reacquired};

/// One of the runtime's entries.
pub struct Entry {
    pub address: usize,
    /// Where its traced way begins.
    pub traced: usize,
    /// Where the address behind its frame is to be written, for the traced way to go on at.
    pub body: &'static AtomicUsize,
}

/// The addresses behind the entries' frames.
static BODIES: [AtomicUsize; 5] = [const { AtomicUsize::new(0) }; 5];

macro_rules! open {
    ($name:literal) => {
        concat!(
            ".hidden ",
            $name,
            "\n",
            open_function!($name),
            ".cfi_startproc\n",
        )
    };
}

macro_rules! close {
    ($name:literal) => {
        concat!(".cfi_endproc\n", close_function!($name))
    };
}

/// In place of an entry's first two instructions, on the goroutine's stack: the function that it is to call is told to the tracer, and the entry calls
/// that instead. rbp is saved, so it serves until it is set; no other register is free.
macro_rules! call_entry {
    ($name:literal, $body:literal) => {
        concat!(
            open!($name),
            "push rbp\n",
            ".cfi_def_cfa_offset 16\n",
            ".cfi_offset rbp, -16\n",
            "mov rbp, qword ptr [rip + gort_traced_function@GOTTPOFF]\n",
            "mov qword ptr fs:[rbp], r11\n",
            "lea r11, [rip + gort_traced_function_call]\n",
            "mov rbp, rsp\n",
            "jmp qword ptr [rip + {bodies} + ",
            $body,
            "]\n",
            close!($name)
        )
    };
}

/// The same on C's stack, for C that calls Go, in a frame around the entry's; `$copy` makes the arguments on the stack anew. Where there is a thread
/// that isn't in C, the entry itself says what is wrong.
macro_rules! callback_entry {
    ($name:literal, $body:literal, $copy:literal) => {
        concat!(
            open!($name),
            load_thread!("rax"),
            "test rax, rax\n",
            "jz 1f\n",
            "cmp qword ptr [rax + {go_sp}], 0\n",
            "je 2f\n",
            "1:\n",
            open_frame!(),
            save_arguments!(),
            "push r11\n",
            "sub rsp, 8\n",
            "mov rdx, rdi\n",
            "mov rdi, rbp\n",
            "mov rsi, r11\n",
            "call {begin_callback}\n",
            "add rsp, 8\n",
            "pop r11\n",
            restore_arguments!(),
            $copy,
            "call 2f\n",
            "push rax\n",
            "push rdx\n",
            "sub rsp, 32\n",
            "movups xmmword ptr [rsp], xmm0\n",
            "movups xmmword ptr [rsp + 16], xmm1\n",
            "mov rdi, rbp\n",
            "call {end}\n",
            "movups xmm0, xmmword ptr [rsp]\n",
            "movups xmm1, xmmword ptr [rsp + 16]\n",
            "add rsp, 32\n",
            "pop rdx\n",
            "pop rax\n",
            "leave\n",
            ".cfi_def_cfa rsp, 8\n",
            "ret\n",
            ".cfi_endproc\n",
            ".cfi_startproc\n",
            "2:\n",
            "push rbp\n",
            ".cfi_def_cfa_offset 16\n",
            ".cfi_offset rbp, -16\n",
            "mov rbp, rsp\n",
            "jmp qword ptr [rip + {bodies} + ",
            $body,
            "]\n",
            close!($name)
        )
    };
}

global_asm!(
    ".section .tbss.gort_traced_function, \"awT\", @nobits",
    ".p2align 3",
    ".type gort_traced_function, @object",
    ".size gort_traced_function, 8",
    "gort_traced_function: .zero 8",
    ".text",
    call_entry!("gort_traced_ccall", "0"),
    call_entry!("gort_traced_ccall_stack", "8"),
    call_entry!("gort_traced_ccall_nonblocking", "16"),
    callback_entry!("gort_traced_callback", "24", ""),
    // r10d: bytes of them, a multiple of 8, more than 0. rax carries nothing.
    callback_entry!(
        "gort_traced_callback_stack",
        "32",
        "mov eax, r10d
        test r10d, 8
        jz 3f
        sub rsp, 8
        3:
        push qword ptr [rbp + 8 + r10]
        sub r10d, 8
        jnz 3b
        mov r10d, eax\n"
    ),
    // In place of C's function, on C's stack: a stub's, or (above) that of an entry of the runtime's. r10 and r11 are free.
    ".p2align 4",
    ".globl gort_traced_call",
    ".hidden gort_traced_call",
    ".type gort_traced_call, @function",
    "gort_traced_call:",
    ".cfi_startproc",
    ".cfi_def_cfa rbp, 16",
    ".cfi_offset rbp, -16",
    "xor r11d, r11d",
    "jmp 1f",
    "gort_traced_function_call:",
    "mov r11, qword ptr [rip + gort_traced_function@GOTTPOFF]",
    "mov r11, qword ptr fs:[r11]",
    "1:",
    save_arguments!(),
    "sub rsp, 8",
    "lea rdi, [rsp + 200]",
    "mov rsi, r11",
    "lea rdx, [rip + 7f]",
    "call {begin_call}",
    "mov r11, rax",
    "add rsp, 8",
    restore_arguments!(),
    "jmp r11",
    ".cfi_endproc",
    ".size gort_traced_call, . - gort_traced_call",
    // What was called returns here, its results in registers. The frame is the stub's, on the goroutine's stack; an unwinder looks at the
    // instruction before.
    ".p2align 4",
    ".type gort_traced_return, @function",
    "gort_traced_return:",
    ".cfi_startproc",
    ".cfi_def_cfa rbp, 16",
    ".cfi_offset rbp, -16",
    "nop",
    "7:",
    "sub rsp, 8",
    "push rax",
    "push rdx",
    "sub rsp, 40",
    "movups xmmword ptr [rsp], xmm0",
    "movups xmmword ptr [rsp + 16], xmm1",
    "lea rdi, [rsp + 56]",
    "call {end}",
    "mov qword ptr [rsp + 56], rax",
    "movups xmm0, xmmword ptr [rsp]",
    "movups xmm1, xmmword ptr [rsp + 16]",
    "add rsp, 40",
    "pop rdx",
    "pop rax",
    "ret",
    ".cfi_endproc",
    ".size gort_traced_return, . - gort_traced_return",
    // In place of the way into the runtime, r11 being the operation, when the P may be gone; on the goroutine's stack. It may be another thread's
    // afterwards.
    ".p2align 4",
    ".globl gort_traced_reacquire",
    ".hidden gort_traced_reacquire",
    ".type gort_traced_reacquire, @function",
    "gort_traced_reacquire:",
    ".cfi_startproc",
    "sub rsp, 8",
    ".cfi_def_cfa_offset 16",
    "mov rdi, r11",
    "lea r11, [rip + {reacquire}]",
    "call gort_enter",
    "lea r11, [rip + {reacquired}]",
    "call gort_enter",
    "add rsp, 8",
    ".cfi_def_cfa_offset 8",
    "ret",
    ".cfi_endproc",
    ".size gort_traced_reacquire, . - gort_traced_reacquire",
    bodies = sym BODIES,
    go_sp = const std::mem::offset_of!(Thread, go_sp),
    begin_call = sym begin_call,
    begin_callback = sym begin_callback,
    end = sym end,
    reacquire = sym reacquire,
    reacquired = sym reacquired,
);

unsafe extern "C" {
    fn gort_traced_call();
    fn gort_traced_reacquire();
    fn gort_traced_ccall();
    fn gort_traced_ccall_stack();
    fn gort_traced_ccall_nonblocking();
    fn gort_traced_callback();
    fn gort_traced_callback_stack();
}

/// Where a stub's call goes instead.
pub fn traced_call() -> usize {
    gort_traced_call as *const () as usize
}

/// Where the call goes that asks for a P, and where it returns to.
pub fn traced_reacquire() -> (usize, usize) {
    (
        gort_traced_reacquire as *const () as usize,
        symbols::gort_ccall_reacquired as *const () as usize,
    )
}

/// Every entry that takes the address of what it is to call.
pub fn entries() -> [Entry; 5] {
    type Symbol = unsafe extern "C" fn();
    let pairs: [(Symbol, Symbol); 5] = [
        (symbols::gort_ccall, gort_traced_ccall),
        (symbols::gort_ccall_stack, gort_traced_ccall_stack),
        (
            symbols::gort_ccall_nonblocking,
            gort_traced_ccall_nonblocking,
        ),
        (symbols::gort_callback, gort_traced_callback),
        (symbols::gort_callback_stack, gort_traced_callback_stack),
    ];
    std::array::from_fn(|index| Entry {
        address: pairs[index].0 as *const () as usize,
        traced: pairs[index].1 as *const () as usize,
        body: &BODIES[index],
    })
}
