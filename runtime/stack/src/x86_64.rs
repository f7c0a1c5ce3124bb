//! Every switch between stacks on x86-64, System V: the only assembly of the runtime.
//!
//! Where things are at each entry:
//!
//! ```text
//! enter           r11 = operation, its arguments in C's registers                 goroutine's stack → system stack
//! gort_ccall      r11 = C function, its arguments where C wants them              goroutine's stack → system stack
//! gort_callback   r11 = Go function, its arguments where C put them               system stack → goroutine's stack
//! __morestack     r10 = bytes of frame, r11 = bytes of stack arguments, all       goroutine's stack → system stack → its next segment
//!                 argument registers live
//! ```
//!
//! The thread's [`Thread`](crate::Thread) is found through one thread-local word (initial-exec: one load in an executable). Goroutines move between
//! threads, so nothing keeps its address across a switch but code that cannot be moved.

/// In assembly: this thread's [`Thread`](crate::Thread), or null, into `$register`.
#[macro_export]
macro_rules! load_thread {
    ($register:literal) => {
        concat!(
            "mov ",
            $register,
            ", qword ptr [rip + gort_thread@GOTTPOFF]\n",
            "mov ",
            $register,
            ", qword ptr fs:[",
            $register,
            "]\n",
        )
    };
}

/// In assembly: a function of that name begins.
#[macro_export]
macro_rules! open_function {
    ($name:literal) => {
        concat!(
            ".p2align 4\n.globl ",
            $name,
            "\n.type ",
            $name,
            ", @function\n",
            $name,
            ":\n",
        )
    };
}

/// In assembly: the function ends that [`open_function`](crate::open_function) began.
#[macro_export]
macro_rules! close_function {
    ($name:literal) => {
        concat!(".size ", $name, ", . - ", $name, "\n")
    };
}

/// In assembly: opens a frame, and says so to unwinders.
#[macro_export]
macro_rules! open_frame {
    () => {
        concat!(
            "push rbp\n",
            ".cfi_def_cfa_offset 16\n",
            ".cfi_offset rbp, -16\n",
            "mov rbp, rsp\n",
            ".cfi_def_cfa_register rbp\n",
        )
    };
}

/// Opens a frame with rbx saved: the stack is 8 off a multiple of 16 afterwards.
macro_rules! frame {
    () => {
        concat!(open_frame!(), "push rbx\n", ".cfi_offset rbx, -24\n")
    };
}

/// In assembly: saves all that can carry an argument, for a detour into Rust; 192 bytes.
#[macro_export]
macro_rules! save_arguments {
    () => {
        concat!(
            "push rdi\n",
            "push rsi\n",
            "push rdx\n",
            "push rcx\n",
            "push r8\n",
            "push r9\n",
            "push rax\n",
            "push r10\n",
            "sub rsp, 128\n",
            "movups xmmword ptr [rsp], xmm0\n",
            "movups xmmword ptr [rsp + 16], xmm1\n",
            "movups xmmword ptr [rsp + 32], xmm2\n",
            "movups xmmword ptr [rsp + 48], xmm3\n",
            "movups xmmword ptr [rsp + 64], xmm4\n",
            "movups xmmword ptr [rsp + 80], xmm5\n",
            "movups xmmword ptr [rsp + 96], xmm6\n",
            "movups xmmword ptr [rsp + 112], xmm7\n",
        )
    };
}

/// In assembly: takes back what [`save_arguments`](crate::save_arguments) has saved.
#[macro_export]
macro_rules! restore_arguments {
    () => {
        concat!(
            "movups xmm0, xmmword ptr [rsp]\n",
            "movups xmm1, xmmword ptr [rsp + 16]\n",
            "movups xmm2, xmmword ptr [rsp + 32]\n",
            "movups xmm3, xmmword ptr [rsp + 48]\n",
            "movups xmm4, xmmword ptr [rsp + 64]\n",
            "movups xmm5, xmmword ptr [rsp + 80]\n",
            "movups xmm6, xmmword ptr [rsp + 96]\n",
            "movups xmm7, xmmword ptr [rsp + 112]\n",
            "add rsp, 128\n",
            "pop r10\n",
            "pop rax\n",
            "pop r9\n",
            "pop r8\n",
            "pop rcx\n",
            "pop rdx\n",
            "pop rsi\n",
            "pop rdi\n",
        )
    };
}

/// Tells the thread sanitizer of a switch, with all registers that may carry something kept: `$load` puts the fiber to switch to into rdi,
/// `$after` may tell more. The stack is the system's.
#[cfg(gort_tsan)]
macro_rules! fiber {
    ($load:literal, $after:literal) => {
        concat!(
            "push rbp\n",
            "mov rbp, rsp\n",
            "sub rsp, 72\n",
            "mov qword ptr [rbp - 8], r10\n",
            "mov qword ptr [rbp - 16], r11\n",
            "and rsp, -16\n",
            "sub rsp, 8\n",
            "push r8\n",
            save_arguments!(),
            $load,
            "\n",
            "xor esi, esi\n",
            "call __tsan_switch_to_fiber\n",
            $after,
            "\n",
            restore_arguments!(),
            "pop r8\n",
            "mov r10, qword ptr [rbp - 8]\n",
            "mov r11, qword ptr [rbp - 16]\n",
            "mov rsp, rbp\n",
            "pop rbp\n",
        )
    };
}

/// Without the sanitizer there is nobody to tell; the operands count as used.
#[cfg(not(gort_tsan))]
macro_rules! fiber {
    ($load:literal, $after:literal) => {
        concat!("/* ", $load, " */\n")
    };
}

mod call;
mod enter;
mod grow;
pub mod unwind;
mod walk;

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

use crate::{Hooks, Thread};

/// Set once, before the first goroutine exists.
#[repr(transparent)]
struct HookTable(UnsafeCell<MaybeUninit<Hooks>>);

// SAFETY: written once by `set_hooks`, whose caller promises that nothing runs yet; read-only afterwards.
unsafe impl Sync for HookTable {}

static HOOKS: HookTable = HookTable(UnsafeCell::new(MaybeUninit::uninit()));

/// Tells the assembly whom to ask.
///
/// # Safety
/// No goroutine exists yet, and no other thread is in this runtime.
pub unsafe fn set_hooks(hooks: Hooks) {
    // SAFETY: nobody else reads or writes, says the caller.
    unsafe { (*HOOKS.0.get()).write(hooks) };
}

std::arch::global_asm!(
    ".section .tbss.gort_thread, \"awT\", @nobits",
    ".p2align 3",
    ".globl gort_thread",
    ".hidden gort_thread",
    ".type gort_thread, @object",
    ".size gort_thread, 8",
    "gort_thread: .zero 8",
    ".text",
);

/// This thread's [`Thread`]; null on a thread that is unknown to the runtime.
#[inline(always)]
pub fn thread() -> *const Thread {
    let thread;
    // SAFETY: reads one thread-local word. Not `pure`: a goroutine may find itself on another thread after any call.
    unsafe {
        std::arch::asm!(
            "mov {t}, qword ptr [rip + gort_thread@GOTTPOFF]",
            "mov {t}, qword ptr fs:[{t}]",
            t = out(reg) thread,
            options(nostack, preserves_flags, readonly),
        );
    }
    thread
}

/// Makes `thread` this thread's.
///
/// # Safety
/// `thread` is null, or lives until another takes its place, and belongs to no other thread.
pub unsafe fn set_thread(thread: *const Thread) {
    // SAFETY: writes one thread-local word.
    unsafe {
        std::arch::asm!(
            "mov {t}, qword ptr [rip + gort_thread@GOTTPOFF]",
            "mov qword ptr fs:[{t}], {v}",
            t = out(reg) _,
            v = in(reg) thread,
            options(nostack, preserves_flags),
        );
    }
}

/// Address of the word that compiled code compares its stack pointer with: glibc keeps it free for split stacks.
pub fn limit_word() -> *const std::sync::atomic::AtomicUsize {
    let base: usize;
    // SAFETY: the first word of the thread control block is its own address (x86-64 TLS ABI, variant II).
    unsafe {
        std::arch::asm!("mov {b}, qword ptr fs:[0]", b = out(reg) base, options(nostack, preserves_flags, readonly));
    }
    (base + 0x70) as *const _
}

/// The limit of the stack check as it is.
pub fn limit() -> usize {
    let limit;
    // SAFETY: reads a word of the thread's own.
    unsafe {
        std::arch::asm!("mov {l}, qword ptr fs:[0x70]", l = out(reg) limit, options(nostack, preserves_flags, readonly));
    }
    limit
}

/// Sets the limit of the stack check for the stack that this thread will run Go on.
pub fn set_limit(limit: usize) {
    // SAFETY: the word is this thread's own and nobody's but the stack check's.
    unsafe {
        std::arch::asm!("mov qword ptr fs:[0x70], {l}", l = in(reg) limit, options(nostack, preserves_flags));
    }
}

pub use enter::{run, start_frame};
pub use walk::walk;

/// Entries that compiled Go and C jump to; they are not functions of Rust's.
pub mod symbols {
    unsafe extern "C" {
        pub fn gort_enter();
        pub fn gort_enter_end();
        pub fn gort_ccall();
        pub fn gort_ccall_stack();
        pub fn gort_ccall_nonblocking();
        pub fn gort_callback();
        pub fn gort_callback_stack();
        pub fn gort_ccall_reacquired();
        pub fn gort_goroutine();
        pub fn gort_preempted();
        pub fn gort_sigreturn();
        pub fn __morestack();
    }
}
