//! `runtime.Pinner`: see [`bridge::memory::pinner`].

use std::arch::global_asm;
use std::sync::Once;

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

fn leaked_function() -> usize {
    gort_pinner_leaked as *const () as usize
}

/// 0: the goroutine was parked, and asks again. 1: done. Otherwise the text of a panic.
extern "C" fn pin(pinner: &mut Pinner, value: Any) -> Outcome {
    static ONCE: Once = Once::new();
    ONCE.call_once(special::prepare);
    // SAFETY: the caller's pinner and `any`; this is an operation.
    match unsafe { pinner.pin(value, leaked_function()) } {
        Ok(()) => Outcome::done(1),
        Err(Refused::Again) => Outcome::switch(),
        Err(Refused::Panic(text)) => Outcome::done(lasting(text)),
        Err(Refused::Memory(bytes)) => fatal::throw(
            &format!("runtime.Pinner: cannot allocate {bytes} bytes for pins\n"),
            "runtime: out of memory (pins)",
        ),
    }
}

/// The same as quick C; 0: it is to be an operation, since it allocates, or ends the program.
extern "C" fn pin_quickly(pinner: &mut Pinner, value: Any) -> usize {
    if pinner.needs_memory() {
        return 0;
    }
    // SAFETY: the caller's pinner and `any`; it won't park.
    match unsafe { pinner.pin(value, leaked_function()) } {
        Ok(()) => 1,
        Err(Refused::Panic(text)) => lasting(text),
        Err(Refused::Again | Refused::Memory(_)) => 0,
    }
}

extern "C" fn unpin(pinner: &mut Pinner) {
    pinner.unpin();
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

checked!("gort_pinner_leaked" leaked, text panics "gort_panic_runtime");

// The arguments stay on the goroutine's stack: the operation may have to be done again.
global_asm!(
    ".hidden gort_pinner_leaked",
    function!(
        "gort_pinner_unpin",
        "lea r11, [rip + {unpin}]",
        "jmp gort_ccall_nonblocking",
    ),
    function!(
        "gort_pinner_pin",
        stack::open_frame!(),
        "push rdi",
        "push rsi",
        "push rdx",
        "sub rsp, 8",
        "lea r11, [rip + {quickly}]",
        "call gort_ccall_nonblocking",
        "jmp 5f",
        "2:",
        "lea r11, [rip + {pin}]",
        "call gort_enter",
        "5:",
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
    quickly = sym pin_quickly,
    unpin = sym unpin,
);
