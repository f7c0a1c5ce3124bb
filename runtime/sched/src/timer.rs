//! Timers: sleeping goroutines, functions to call later, tickers, deadlines.
//!
//! Each P has a heap of timers ([`Timers`]), so that Ps set timers without meeting each other; the scheduler asks a P's heap by one load
//! whether anything is due. A [`Timer`] can be stopped and reset from any thread, whichever P's heap it lies in.
//!
//! A heap's entries are never searched for. An entry carries a number, a timer the number of the entry that counts; to stop a timer is
//! to change its number, which leaves a dead entry behind. To put a timer off is to note the later time in it: its entry stays where it
//! is, and when it comes up the timer is entered again. So a connection's deadline that moves with every read costs no heap operation.
//! Dead entries go when they reach the top, or when they are more than a quarter of a heap.
//!
//! ## Locks
//! A timer's own lock comes first, a heap's lock after it; under a heap's lock no other is taken and no foreign code is called. A timer's
//! [`Expire::expire`] is called under the timer's lock. So when [`Timer::stop`] or [`Timer::reset`] has returned, an earlier expiry is over
//! and none can begin: what Go promises for the channels of stopped timers, and what lets netpoll's deadlines do without sequence numbers.

mod action;
mod heap;
mod object;
mod timers;

#[cfg(test)]
pub(crate) mod tests;

use stack::Outcome;

pub use action::{SendValue, StartGoroutine};
pub use object::{Expire, Expiry, Timer};
pub use timers::Timers;

use crate::g::{GRef, WaitReason};
use crate::p::{self, P};

/// The time of timers that aren't set, and of empty heaps.
pub const NEVER: i64 = i64::MAX;

/// Nanoseconds of the monotonic clock. Never 0 and never negative.
pub fn nanotime() -> i64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is the caller's to write; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// The time in `ns` nanoseconds, or as late as can be.
pub fn after(ns: i64) -> i64 {
    nanotime().saturating_add(ns).min(NEVER - 1)
}

/// The goroutine's operation `time.Sleep`: at once if `ns` isn't positive.
pub fn sleep(g: GRef, ns: i64) -> Outcome {
    if ns <= 0 {
        return Outcome::done(0);
    }
    let when = after(ns);
    g.will_park(WaitReason::Sleep);
    local().add_sleeper(when, g);
    Outcome::switch()
}

/// The heap for new timers: the current P's. A thread without one takes the first P's, which is never retired.
fn local() -> &'static Timers {
    &P::try_current().unwrap_or_else(|| p::get(0)).timers
}
