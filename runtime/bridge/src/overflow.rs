//! A stack that has no room left is reported as what it is: C's, the thread's own, or a Rust goroutine's. (One that grows reports for
//! itself.)

use sched::fatal;
use stack::fault::{Message, Overflow, classify, describe, stack_at};

use crate::guest::copies;

/// Ends the program if the fault is of that kind. Async-signal-safe.
pub(crate) fn report(address: usize, sp: usize) {
    let overflow = classify(address, sp, stack_at(sp));
    let elsewhere =
        matches!(overflow, Overflow::SystemStack(_)) && copies::another_has_stack(address);
    if overflow == Overflow::None || elsewhere {
        return;
    }
    let mut message = Message::new();
    describe(&overflow, sp, &mut message);
    let text = message.as_bytes();
    // SAFETY: writes bytes that are there.
    unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
    fatal::leave(fatal::EXIT_CODE)
}
