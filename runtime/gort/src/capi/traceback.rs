//! `runtime.SetCgoTraceback`.

use std::ffi::c_int;

use bridge::context::{Refused, set_cgo_traceback};
use stack::Outcome;

use super::c_texts;

c_texts! {
    VERSION = Refused::Version.text();
    TWICE = Refused::Twice.text();
}

/// 0, or the text of a panic.
extern "C" fn set(version: c_int, traceback: usize, context: usize, symbolizer: usize) -> Outcome {
    // SAFETY: who calls `gort_set_cgo_traceback` says so of the functions.
    let set = unsafe { set_cgo_traceback(version, traceback, context, symbolizer) };
    Outcome::done(match set {
        Ok(()) => 0,
        Err(Refused::Version) => VERSION.as_ptr() as usize,
        Err(Refused::Twice) => TWICE.as_ptr() as usize,
    })
}

// Called by C it panics where C was called from: as Go that C calls.
global_asm_anywhere!(
    function!(
        "gort_set_cgo_traceback",
        unless_on_goroutine!(),
        stack::open_frame!(),
        "lea r11, [rip + {set}]",
        "call gort_enter",
        close_frame!(),
        "test rax, rax",
        "jnz 3f",
        "ret",
        "3:",
        "mov rdi, rax",
        "jmp gort_panic_string",
        "2:",
        stack::open_frame!(),
        "call {set}",
        close_frame!(),
        "test rax, rax",
        "jnz 4f",
        "ret",
        "4:",
        "mov rdi, rax",
        "lea r11, [rip + gort_panic_string]",
        "jmp gort_callback",
    ),
    set = sym set,
);
