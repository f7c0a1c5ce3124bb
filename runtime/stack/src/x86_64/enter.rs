//! From a goroutine into the runtime, and to another goroutine.
//!
//! ```text
//! goroutine's stack, once it has entered        system stack
//!   return address of the caller                  … the thread's own frames, or C's
//!   rbp  ◄─ rbp                                   ◄─ Thread::system_sp; the operation runs from here
//!   rbx
//!   r12
//!   r13
//!   r14
//!   r15  ◄─ Context::sp
//! ```
//!
//! That is all a goroutine needs to go on, on whichever thread: by System V everything else is the caller's to save.

use std::arch::global_asm;
use std::mem::offset_of;

use crate::{Context, Hooks, Thread};

global_asm!(
    ".text",
    ".p2align 4",
    ".globl gort_enter",
    ".hidden gort_enter",
    ".type gort_enter, @function",
    "gort_enter:",
    ".cfi_startproc",
    open_frame!(),
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    load_thread!("rbx"),
    "mov rax, qword ptr [rbx + {context}]",
    "mov qword ptr [rax + {sp}], rsp",
    "mov rsp, qword ptr [rbx + {system_sp}]",
    fiber!("mov rdi, qword ptr [rbx + {thread_fiber}]", ""),
    "call r11",
    "test rdx, rdx",
    "jnz 2f",
    "mov rcx, qword ptr [rbx + {context}]",
    fiber!("mov rdi, qword ptr [rcx + {fiber}]", ""),
    "mov rsp, qword ptr [rcx + {sp}]",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    // A signal handler returns to here, with rbx = Thread and the system stack.
    ".globl gort_preempted",
    ".hidden gort_preempted",
    "gort_preempted:",
    "call qword ptr [rip + {hooks} + {preempted}]",
    // The goroutine is parked or queued. Nothing on the system stack is needed any more: begin at its top again.
    "2:",
    "mov rsp, qword ptr [rbx + {system_sp}]",
    "call qword ptr [rip + {hooks} + {schedule}]",
    "test rax, rax",
    "jz 3f",
    "4:",
    fiber!("mov rdi, qword ptr [rax + {fiber}]", ""),
    "mov rsp, qword ptr [rax + {sp}]",
    "mov rcx, qword ptr [rax + {limit}]",
    "mov qword ptr fs:[0x70], rcx",
    "mov rax, qword ptr [rax + {value}]",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    // The thread leaves the scheduler: back to who called `run`, whose frame is the first on the system stack.
    "3:",
    "mov rsp, qword ptr [rbx + {system_sp}]",
    "add rsp, 8",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    ".cfi_endproc",
    ".globl gort_enter_end",
    ".hidden gort_enter_end",
    "gort_enter_end:",
    ".size gort_enter, . - gort_enter",
    // run(thread: rdi): the thread's stack becomes the system stack, from here down.
    ".p2align 4",
    ".type gort_run, @function",
    "gort_run:",
    "push rbp",
    "mov rbp, rsp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "sub rsp, 8",
    "mov rbx, rdi",
    "mov qword ptr [rbx + {system_sp}], rsp",
    "mov qword ptr [rbx + {system_base}], rsp",
    "call qword ptr [rip + {hooks} + {schedule}]",
    "test rax, rax",
    "jz 3b",
    "jmp 4b",
    ".size gort_run, . - gort_run",
    // A goroutine that a signal has preempted goes on: rbx = the context that the kernel gave the handler. The kernel takes all registers from it.
    ".p2align 4",
    ".globl gort_sigreturn",
    ".hidden gort_sigreturn",
    ".type gort_sigreturn, @function",
    "gort_sigreturn:",
    "mov rsp, rbx",
    "mov eax, 15",
    "syscall",
    "ud2",
    ".size gort_sigreturn, . - gort_sigreturn",
    // A goroutine's first frame: rbx = function, r12 = argument.
    ".p2align 4",
    ".globl gort_goroutine",
    ".hidden gort_goroutine",
    ".type gort_goroutine, @function",
    "gort_goroutine:",
    ".cfi_startproc",
    ".cfi_undefined rip",
    "mov rdi, r12",
    "call rbx",
    "mov r11, qword ptr [rip + {hooks} + {goexit}]",
    "call gort_enter",
    "ud2",
    ".cfi_endproc",
    ".size gort_goroutine, . - gort_goroutine",
    context = const offset_of!(Thread, context),
    system_sp = const offset_of!(Thread, system_sp),
    system_base = const offset_of!(Thread, system_base),
    thread_fiber = const offset_of!(Thread, fiber),
    fiber = const offset_of!(Context, fiber),
    sp = const offset_of!(Context, sp),
    limit = const offset_of!(Context, limit),
    value = const offset_of!(Context, value),
    schedule = const offset_of!(Hooks, schedule),
    preempted = const offset_of!(Hooks, preempted),
    goexit = const offset_of!(Hooks, goexit),
    hooks = sym super::HOOKS,
);

unsafe extern "C" {
    fn gort_run(thread: *const Thread);
}

/// Runs goroutines on this thread until [`Hooks::schedule`] says null.
///
/// # Safety
/// `thread` is this thread's ([`set_thread`](super::set_thread)), it runs no goroutine yet, and the hooks are set.
pub unsafe fn run(thread: *const Thread) {
    // SAFETY: passed on to the caller.
    unsafe { gort_run(thread) }
}

/// Lays the first frame on a new goroutine's stack, which ends at `top` (a multiple of 16), so that resuming it calls `function(argument)` and
/// then [`Hooks::goexit`].
///
/// # Safety
/// 56 bytes below `top` can be written, and nobody runs on that stack.
pub unsafe fn start_frame(
    context: &Context,
    top: usize,
    function: extern "C" fn(*mut u8),
    argument: *mut u8,
) {
    let start = super::symbols::gort_goroutine as *const () as usize;
    // r15, r14, r13, r12, rbx, rbp (0: the end of every chain of frames), return address.
    let frame = [0, 0, 0, argument as usize, function as usize, 0, start];
    let sp = top - size_of_val(&frame);
    // SAFETY: the room is there, says the caller; `top` and with it `sp` are aligned for words.
    unsafe { (sp as *mut [usize; 7]).write(frame) };
    context.sp.set(sp);
}
