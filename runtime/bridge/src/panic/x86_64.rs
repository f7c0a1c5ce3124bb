//! What panics do on the goroutine's stack.
//!
//! ```text
//!   return address of who panics
//!   rbp   ◄─ rbp
//!   rbx
//!   (alignment)
//!   Frame ◄─ rsp, rbx
//! ```
//!
//! It is a loop: ask the runtime for the next deferred function, call it, ask again. In the same way [`Record`]s of functions that return.
//! None of this is compiled Go's text, so that no signal moves the goroutine to another thread in the middle.

use std::arch::global_asm;
use std::mem::offset_of;

use sched::G;
use stack::{Context, Outcome, Thread, close_function, load_thread, open_frame, open_function};

use super::{AGAIN, Frame, Payload, RESUME, Record, begin, next, recover, source};

/// Links the record at rdi, whose function and argument are there, and saves where to go back to: rsp is `$sp` bytes above, rax the address.
/// Uses rcx, rsi.
macro_rules! link {
    ($sp:literal) => {
        concat!(
            "mov qword ptr [rdi + {back}], rax\n",
            load_thread!("rax"),
            "mov rcx, qword ptr [rax + {context}]\n",
            "mov rsi, qword ptr [rcx + {defers}]\n",
            "mov qword ptr [rdi + {link}], rsi\n",
            "mov rsi, qword ptr [rcx + {g_panics}]\n",
            "mov qword ptr [rdi + {panics}], rsi\n",
            "mov rsi, qword ptr [rax + {system_sp}]\n",
            "cmp rsi, qword ptr [rax + {system_base}]\n",
            "jne 8f\n",
            "xor esi, esi\n",
            "8:\n",
            "mov qword ptr [rdi + {record_system_sp}], rsi\n",
            "mov qword ptr [rdi + {linked}], 1\n",
            "mov qword ptr [rdi + {rbx}], rbx\n",
            "mov qword ptr [rdi + {rbp}], rbp\n",
            "mov qword ptr [rdi + {r12}], r12\n",
            "mov qword ptr [rdi + {r13}], r13\n",
            "mov qword ptr [rdi + {r14}], r14\n",
            "mov qword ptr [rdi + {r15}], r15\n",
            "lea rsi, [rsp + ",
            $sp,
            "]\n",
            "mov qword ptr [rdi + {sp}], rsi\n",
            "mov qword ptr [rcx + {defers}], rdi\n",
        )
    };
}

/// Entries to the one loop: rsi = what, edx = source.
macro_rules! entry {
    ($name:literal, $source:literal) => {
        concat!(
            open_function!($name),
            ".cfi_startproc\n",
            "mov rsi, rdi\n",
            "mov edx, ",
            $source,
            "\n",
            "jmp gort_panic_loop\n",
            ".cfi_endproc\n",
            close_function!($name),
        )
    };
}

global_asm!(
    ".text",
    entry!("gort_panic", "{VALUE}"),
    entry!("gort_panic_string", "{STRING}"),
    entry!("gort_panic_runtime", "{RUNTIME_ERROR}"),
    entry!("gort_panic_payload", "{PAYLOAD}"),
    entry!("gort_goexit", "{GOEXIT}"),
    entry!("gort_sigpanic", "{FAULT}"),
    ".p2align 4",
    ".type gort_panic_loop, @function",
    "gort_panic_loop:",
    ".cfi_startproc",
    open_frame!(),
    "push rbx",
    "sub rsp, {room} - 16",
    "mov rbx, rsp",
    "mov rdi, rbx",
    "lea r11, [rip + {begin}]",
    "call gort_enter",
    "2:",
    "mov rdi, rbx",
    "lea r11, [rip + {next}]",
    "call gort_enter",
    "test al, {RESUME}",
    "jnz 4f",
    "test al, {AGAIN}",
    "jnz 3f",
    "mov rdi, qword ptr [rax + {argument}]",
    "call qword ptr [rax + {function}]",
    "jmp 2b",
    // A Goexit goes on, in its own frame of this function.
    "3:",
    "lea rbx, [rax - {AGAIN}]",
    "mov rsp, rbx",
    "lea rbp, [rbx + {room} - 8]",
    load_thread!("rax"),
    "mov rax, qword ptr [rax + {context}]",
    "mov rax, qword ptr [rax + {limit}]",
    "mov qword ptr fs:[0x70], rax",
    "jmp 2b",
    // Back to a record, in another frame, perhaps on another segment, which the runtime has made the goroutine's.
    "4:",
    "lea rdi, [rax - {RESUME}]",
    load_thread!("rax"),
    "mov rax, qword ptr [rax + {context}]",
    "mov rax, qword ptr [rax + {limit}]",
    "mov qword ptr fs:[0x70], rax",
    "mov rbx, qword ptr [rdi + {rbx}]",
    "mov rbp, qword ptr [rdi + {rbp}]",
    "mov r12, qword ptr [rdi + {r12}]",
    "mov r13, qword ptr [rdi + {r13}]",
    "mov r14, qword ptr [rdi + {r14}]",
    "mov r15, qword ptr [rdi + {r15}]",
    "mov rsp, qword ptr [rdi + {sp}]",
    "mov eax, 1",
    "jmp qword ptr [rdi + {back}]",
    ".cfi_endproc",
    ".size gort_panic_loop, . - gort_panic_loop",
    // gort_recover(value)
    ".p2align 4",
    ".globl gort_recover",
    ".type gort_recover, @function",
    "gort_recover:",
    ".cfi_startproc",
    "lea r11, [rip + {recover}]",
    "jmp gort_enter",
    ".cfi_endproc",
    ".size gort_recover, . - gort_recover",
    // gort_defer_push(record, function, argument)
    ".p2align 4",
    ".globl gort_defer_push",
    ".type gort_defer_push, @function",
    "gort_defer_push:",
    ".cfi_startproc",
    "mov qword ptr [rdi + {function}], rsi",
    "mov qword ptr [rdi + {argument}], rdx",
    "mov rax, qword ptr [rsp]",
    link!("8"),
    "xor eax, eax",
    "ret",
    ".cfi_endproc",
    ".size gort_defer_push, . - gort_defer_push",
    // gort_defer_return(first). On the stack: a frame of two words, for which recover finds that there is no panic.
    ".p2align 4",
    ".globl gort_defer_return",
    ".type gort_defer_return, @function",
    "gort_defer_return:",
    ".cfi_startproc",
    open_frame!(),
    "push rbx",
    ".cfi_offset rbx, -24",
    "sub rsp, 24",
    "mov rbx, rdi",
    "2:",
    "cmp qword ptr [rbx + {linked}], 0",
    "je 3f",
    load_thread!("rcx"),
    "mov rcx, qword ptr [rcx + {context}]",
    "mov rax, qword ptr [rcx + {g_panics}]",
    "mov qword ptr [rsp], rax",
    "mov qword ptr [rsp + 8], 0",
    "mov qword ptr [rcx + {g_panics}], rsp",
    "mov rax, qword ptr [rcx + {defers}]",
    "mov rdx, qword ptr [rax + {link}]",
    "mov qword ptr [rcx + {defers}], rdx",
    "mov qword ptr [rax + {linked}], 0",
    "mov rdi, qword ptr [rax + {argument}]",
    "call qword ptr [rax + {function}]",
    load_thread!("rcx"),
    "mov rcx, qword ptr [rcx + {context}]",
    "mov rax, qword ptr [rsp]",
    "mov qword ptr [rcx + {g_panics}], rax",
    "jmp 2b",
    "3:",
    "add rsp, 24",
    "pop rbx",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size gort_defer_return, . - gort_defer_return",
    // gort_panic_enter(operation, a, b)
    ".p2align 4",
    ".globl gort_panic_enter",
    ".hidden gort_panic_enter",
    ".type gort_panic_enter, @function",
    "gort_panic_enter:",
    ".cfi_startproc",
    "mov r11, rdi",
    "mov rdi, rsi",
    "mov rsi, rdx",
    "jmp gort_enter",
    ".cfi_endproc",
    ".size gort_panic_enter, . - gort_panic_enter",
    // gort_call_with_border(entry, function, argument, place): calls C's function(argument) by entry, with a border around. Returns 0; 1 when a
    // panic came to the border: what it carries is in *place.
    ".p2align 4",
    ".globl gort_call_with_border",
    ".hidden gort_call_with_border",
    ".type gort_call_with_border, @function",
    "gort_call_with_border:",
    ".cfi_startproc",
    open_frame!(),
    "sub rsp, {record} + 16",
    "mov qword ptr [rbp - 8], rcx",
    "mov r8, rdi",
    "mov r11, rsi",
    "mov rdi, rsp",
    "mov qword ptr [rdi + {function}], 0",
    "lea rax, [rip + 3f]",
    link!("0"),
    "mov rdi, rdx",
    "call r8",
    load_thread!("rcx"),
    "mov rcx, qword ptr [rcx + {context}]",
    "mov rax, qword ptr [rsp + {link}]",
    "mov qword ptr [rcx + {defers}], rax",
    "xor eax, eax",
    "leave",
    ".cfi_remember_state",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_restore_state",
    "3:",
    "mov rcx, qword ptr [rbp - 8]",
    "mov rdx, qword ptr [rsp + {argument}]",
    "mov qword ptr [rcx], rdx",
    "leave",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size gort_call_with_border, . - gort_call_with_border",
    VALUE = const source::VALUE,
    STRING = const source::STRING,
    RUNTIME_ERROR = const source::RUNTIME_ERROR,
    PAYLOAD = const source::PAYLOAD,
    GOEXIT = const source::GOEXIT,
    FAULT = const source::FAULT,
    RESUME = const RESUME,
    AGAIN = const AGAIN,
    room = const ROOM,
    record = const size_of::<Record>(),
    begin = sym begin,
    next = sym next,
    recover = sym recover,
    context = const offset_of!(Thread, context),
    system_sp = const offset_of!(Thread, system_sp),
    system_base = const offset_of!(Thread, system_base),
    limit = const offset_of!(G, context) + offset_of!(Context, limit),
    defers = const offset_of!(G, defers),
    g_panics = const offset_of!(G, panics),
    link = const offset_of!(Record, link),
    function = const offset_of!(Record, function),
    argument = const offset_of!(Record, argument),
    linked = const offset_of!(Record, linked),
    record_system_sp = const offset_of!(Record, system_sp),
    panics = const offset_of!(Record, panics),
    rbx = const offset_of!(Record, rbx),
    rbp = const offset_of!(Record, rbp),
    r12 = const offset_of!(Record, r12),
    r13 = const offset_of!(Record, r13),
    r14 = const offset_of!(Record, r14),
    r15 = const offset_of!(Record, r15),
    sp = const offset_of!(Record, sp),
    back = const offset_of!(Record, back),
);

/// From the lowest byte of a [`Frame`] to the return address of who panics: the frame, rbx, rbp. The stack pointer at the calls is a multiple of
/// 16.
const ROOM: usize = size_of::<Frame>().next_multiple_of(16) + 8 + 16;

// The assembly passes a G where it has a context, and a record of two words where it has a frame.
const _: () = assert!(offset_of!(G, context) == 0);
const _: () = assert!(offset_of!(Frame, link) == 0 && offset_of!(Frame, why) == 8);

/// What compiled Go calls; `gort.h` says how.
pub mod symbols {
    unsafe extern "C" {
        pub fn gort_panic();
        pub fn gort_panic_string();
        pub fn gort_panic_runtime();
        pub fn gort_goexit() -> !;
        /// As if called by the instruction that has faulted: a signal handler sends the goroutine here.
        pub fn gort_sigpanic();
        pub fn gort_recover();
        pub fn gort_defer_push();
        pub fn gort_defer_return();
    }
}

unsafe extern "C" {
    fn gort_panic_enter(
        operation: extern "C" fn(*const u8, usize) -> Outcome,
        text: *const u8,
        length: usize,
    ) -> usize;
    fn gort_panic_payload(payload: *mut u8) -> !;
    fn gort_call_with_border(
        entry: usize,
        function: extern "C" fn(*mut u8),
        argument: *mut u8,
        place: *mut *mut u8,
    ) -> usize;
}

/// Enters an operation from a goroutine of Rust's.
///
/// # Safety
/// On a goroutine's stack; the operation takes such arguments.
pub(super) unsafe fn enter(
    operation: extern "C" fn(*const u8, usize) -> Outcome,
    text: *const u8,
    length: usize,
) -> usize {
    // SAFETY: passed on to the caller.
    unsafe { gort_panic_enter(operation, text, length) }
}

/// Calls a C function on the thread's own stack through `entry` (`gort_ccall` or `gort_ccall_nonblocking`). With a panic that came out of C, if
/// there was one.
///
/// # Safety
/// On a goroutine's stack with room for an ordinary function; the function may be called with the argument.
pub unsafe fn call_with_border(
    entry: usize,
    function: extern "C" fn(*mut u8),
    argument: *mut u8,
) -> Result<(), Box<Payload>> {
    let mut payload = std::ptr::null_mut();
    // SAFETY: passed on to the caller.
    match unsafe { gort_call_with_border(entry, function, argument, &raw mut payload) } {
        0 => Ok(()),
        // SAFETY: with this result the place holds a box that is ours.
        _ => Err(unsafe { Box::from_raw(payload.cast::<Payload>()) }),
    }
}

/// Goes on with a Rust panic as compiled Go's.
///
/// # Safety
/// On a goroutine's stack; no frame between here and the next that C calls has anything to drop.
pub(super) unsafe fn panic_with(payload: Box<Payload>) -> ! {
    // SAFETY: passed on to the caller.
    unsafe { gort_panic_payload(Box::into_raw(payload).cast()) }
}

/// # Safety
/// As for [`panic_with`].
pub(super) unsafe fn goexit() -> ! {
    // SAFETY: passed on to the caller.
    unsafe { symbols::gort_goexit() }
}
