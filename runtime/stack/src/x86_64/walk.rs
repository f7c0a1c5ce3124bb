//! Looking at a goroutine that is parked with the system's unwinder: by its tables, where code keeps no chain of frame pointers, as Rust's and C's.

use std::arch::global_asm;

global_asm!(
    // walk(sp, function, argument): calls function(argument) in a frame whose caller, as the tables have it, is the one whose registers `gort_enter`
    // has left at sp.
    ".text",
    ".p2align 4",
    ".globl gort_walk",
    ".hidden gort_walk",
    ".type gort_walk, @function",
    "gort_walk:",
    ".cfi_startproc",
    "push rbx",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbx, -16",
    "mov rbx, rdi",
    "mov rdi, rdx",
    ".cfi_remember_state",
    ".cfi_def_cfa rbx, 56",
    ".cfi_offset rbp, -16",
    ".cfi_offset rbx, -24",
    ".cfi_offset r12, -32",
    ".cfi_offset r13, -40",
    ".cfi_offset r14, -48",
    ".cfi_offset r15, -56",
    "call rsi",
    ".cfi_restore_state",
    "pop rbx",
    ".cfi_def_cfa_offset 8",
    "ret",
    ".cfi_endproc",
    ".size gort_walk, . - gort_walk",
);

unsafe extern "C" {
    fn gort_walk(sp: usize, function: extern "C" fn(*mut u8), argument: *mut u8);
}

/// Calls `look`, to which an unwinder shows the frames of the goroutine that has entered the runtime at `sp` as those of its callers.
///
/// # Safety
/// The goroutine has left its registers there, and does not go on meanwhile. `look` doesn't unwind into them: it may only look.
pub unsafe fn walk(sp: usize, look: &mut dyn FnMut()) {
    extern "C" fn call(look: *mut u8) {
        // SAFETY: below; nobody else has the reference meanwhile.
        (unsafe { &mut *look.cast::<&mut dyn FnMut()>() })();
    }
    let mut look = look;
    // SAFETY: the caller's word; the argument is of the function's type.
    unsafe { gort_walk(sp, call, (&raw mut look).cast()) };
}
