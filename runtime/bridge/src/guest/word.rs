//! The word that stack checks compare the stack pointer with, `%fs:0x70`: a thread has one, whoever's code it runs.
//!
//! As long as nobody else uses it, a thread's word is set when it takes up a goroutine, and stays right whatever C does in between. Others that
//! use it are other copies of the runtime, and programs compiled with `gcc -fsplit-stack`. From when there are any, every crossing takes the
//! slow way, and there
//!
//! ```text
//!   C calls Go           the word is kept and set to the goroutine's limit; when Go returns, it is put back as it was found
//!   C returns to Go      the word is set to the goroutine's limit
//! ```
//!
//! The second alone would do for copies of the runtime, but for C that they call without leaving a mark (`GORT_CCALL_NONBLOCKING`), from
//! which they come back the fast way.

use std::sync::atomic::{AtomicBool, Ordering};

use sched::{GRef, m};
use stack::x86_64 as machine;

/// Once set it stays: threads may have been in the middle of a call.
static SHARED: AtomicBool = AtomicBool::new(false);

/// Somebody else uses the word.
pub fn share() {
    if !SHARED.swap(true, Ordering::SeqCst) {
        m::make_crossings_slow();
    }
}

/// Whether somebody else uses the word.
pub fn is_shared() -> bool {
    SHARED.load(Ordering::SeqCst)
}

/// The calling thread is going to run Go on `g`'s stack. The word as it was found.
pub fn take(g: GRef) -> usize {
    let found = machine::limit();
    machine::set_limit(g.context.limit.get());
    found
}

/// The thread is going to run what C has called Go from.
pub fn put_back(found: usize) {
    if is_shared() {
        machine::set_limit(found);
    }
}

/// A thread that has no goroutine yet gets `g`: its first way into Go asks for the word if that is shared.
pub fn begin(g: GRef) {
    if machine::limit() != 0 {
        share();
    }
    if !is_shared() {
        machine::set_limit(g.context.limit.get());
    }
}

/// A thread of C's has no goroutine any more.
pub fn end() {
    if !is_shared() {
        machine::set_limit(0);
    }
}
