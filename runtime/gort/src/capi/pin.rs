//! `runtime.Pinner`: see [`bridge::memory::pinner`].

use std::arch::global_asm;

use bridge::memory::Any;
use bridge::memory::pinner::{self, LEAKED, Pinner, Record, Refused};
use sched::fatal;
use stack::Outcome;

use super::check::lasting;
use super::{c_texts, special};

c_texts! {
    LEAKED_TEXT = LEAKED;
}

unsafe extern "C" {
    fn gort_pinner_leaked(record: *mut u8, closure: *mut u8);
}

/// 0: the goroutine was parked, and asks again. 1: done. Otherwise the text of a panic.
extern "C" fn pin(pinner: &mut Pinner, value: Any) -> Outcome {
    special::prepare();
    // SAFETY: the caller's pinner and `any`; this is an operation.
    match unsafe { pinner.pin(value, gort_pinner_leaked as *const () as usize) } {
        Ok(()) => Outcome::done(1),
        Err(Refused::Again) => Outcome::switch(),
        Err(Refused::Panic(text)) => Outcome::done(lasting(text)),
        Err(Refused::Memory(bytes)) => fatal::throw(
            &format!("runtime.Pinner: cannot allocate {bytes} bytes for pins\n"),
            "runtime: out of memory (pins)",
        ),
    }
}

extern "C" fn unpin(pinner: &mut Pinner) -> Outcome {
    pinner.unpin();
    Outcome::done(0)
}

/// 0, or the text of a panic.
extern "C" fn leaked(record: *mut Record) -> Outcome {
    // SAFETY: the argument of a record's finalizer.
    let leaked = unsafe { pinner::has_leaked(record) };
    Outcome::done(if leaked {
        LEAKED_TEXT.as_ptr() as usize
    } else {
        0
    })
}

operation! {
    "gort_pinner_unpin" unpin;
}

checked!("gort_pinner_leaked" leaked, text panics "gort_panic_runtime");

// The arguments stay on the goroutine's stack: the operation may have to be done again.
global_asm!(
    ".hidden gort_pinner_leaked",
    function!(
        "gort_pinner_pin",
        open_frame!(),
        "push rdi",
        "push rsi",
        "push rdx",
        "sub rsp, 8",
        "2:",
        "lea r11, [rip + {pin}]",
        "call gort_enter",
        "cmp rax, 1",
        "jne 3f",
        "leave",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_def_cfa rbp, 16",
        "3:",
        "ja 4f",
        "mov rdi, qword ptr [rbp - 8]",
        "mov rsi, qword ptr [rbp - 16]",
        "mov rdx, qword ptr [rbp - 24]",
        "jmp 2b",
        "4:",
        "leave",
        ".cfi_def_cfa rsp, 8",
        ".cfi_restore rbp",
        "mov rdi, rax",
        "jmp gort_panic_runtime",
    ),
    pin = sym pin,
);
