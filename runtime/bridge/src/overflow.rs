//! A stack that has no room left is reported as what it is: C's, the thread's own, or a Rust goroutine's. (One that grows reports for
//! itself.) Any other fault goes to who had the signal before.

use std::sync::Once;

use sched::fatal;
use sched::signal::Before;
use stack::fault::{Message, Overflow, classify, describe, stack_at};

use crate::guest::copies;

const SIGNALS: [i32; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// What was there before our handler.
static BEFORE: [Before; 2] = [const { Before::new() }; 2];

/// Listens for faults.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (signal, before) in SIGNALS.iter().zip(&BEFORE) {
            before.replace(*signal, handler, 0, false);
        }
    });
}

extern "C" fn handler(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::ucontext_t) {
    // SAFETY: the kernel passes both; these signals carry an address.
    let (address, sp) = unsafe {
        let registers = &(*context).uc_mcontext.gregs;
        (
            (*info).si_addr() as usize,
            registers[libc::REG_RSP as usize] as usize,
        )
    };
    let overflow = classify(address, sp, stack_at(sp));
    let elsewhere =
        matches!(overflow, Overflow::SystemStack(_)) && copies::another_has_stack(address);
    if overflow != Overflow::None && !elsewhere {
        let mut message = Message::new();
        describe(&overflow, sp, &mut message);
        // SAFETY: writes bytes that are there; ends the process.
        unsafe {
            libc::write(
                2,
                message.as_bytes().as_ptr().cast(),
                message.as_bytes().len(),
            );
            libc::_exit(fatal::EXIT_CODE);
        }
    }
    let index = usize::from(signal != SIGNALS[0]);
    // SAFETY: the kernel's own arguments.
    if !unsafe { BEFORE[index].call(signal, info, context) } {
        // The fault happens again when we return, and then the system does what it does.
        // SAFETY: the default needs nothing.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}
