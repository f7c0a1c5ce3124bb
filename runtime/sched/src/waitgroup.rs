//! WaitGroup: goroutines wait until a counter is zero. Laid out as Go's `sync.WaitGroup`.

use stack::Outcome;

use crate::fault::{Fault, on};
use crate::g::{GRef, WaitReason};
use crate::lock::maybe_const;
use crate::sema;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The panic of [`Added::Negative`].
pub const NEGATIVE: &str = "sync: negative WaitGroup counter";
/// The panic of [`Added::Misuse`].
pub const MISUSE: &str = "sync: WaitGroup misuse: Add called concurrently with Wait";
/// The panic when [`WaitGroup::waited`] says false.
pub const REUSED: &str = "sync: WaitGroup is reused before previous Wait has returned";

/// Result of [`WaitGroup::wait`]: the counter was zero already.
pub const WAS_ZERO: usize = 0;
/// Result of [`WaitGroup::wait`]: the goroutine has waited, and asks [`WaitGroup::waited`].
pub const WAITED: usize = sema::ACQUIRED;

/// A counter and who waits for its end.
///
/// What a goroutine did before it took one off the counter, it did before the wait of those who find zero, or whom the last wakes.
#[repr(C)]
pub struct WaitGroup {
    /// The counter, signed, in the upper half; the number of waiters below.
    state: AtomicU64,
    sema: AtomicU32,
}

/// What [`WaitGroup::add`] came to.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    Done,
    /// The counter is zero, and so many wait: [`WaitGroup::release`] must follow.
    Release(u32),
    /// The counter is below zero: a panic with [`NEGATIVE`].
    Negative,
    /// A panic with [`MISUSE`].
    Misuse,
}

fn counter(state: u64) -> i32 {
    (state >> 32) as i32
}

/// Go's have 31 bits; the highest marks a state that there is no use for here.
fn waiters(state: u64) -> u32 {
    state as u32 & 0x7fff_ffff
}

impl Default for WaitGroup {
    fn default() -> WaitGroup {
        WaitGroup::new()
    }
}

impl WaitGroup {
    maybe_const! {
        /// A counter of zero.
        pub fn new() -> WaitGroup {
            WaitGroup {
                state: AtomicU64::new(0),
                sema: AtomicU32::new(0),
            }
        }
    }

    /// Adds to the counter. A goroutine calls it without leaving its stack; waking, if it must, is done on the system stack.
    #[inline]
    pub fn add(&self, delta: isize) -> Added {
        let delta = delta as i64 as u64;
        let state = self
            .state
            .fetch_add(delta << 32, Ordering::AcqRel)
            .wrapping_add(delta << 32);
        let (now, waiters) = (counter(state), waiters(state));
        if now < 0 {
            return Added::Negative;
        }
        if waiters != 0 && delta as i64 > 0 && now == delta as i32 {
            return Added::Misuse;
        }
        if now > 0 || waiters == 0 {
            return Added::Done;
        }
        // Nobody else changes the state from here on: who adds while others wait for the end misuses it, and who begins to wait finds
        // the counter to be zero.
        if self.state.load(Ordering::Relaxed) != state {
            return Added::Misuse;
        }
        if !on(Fault::WaitGroupResetsLate) {
            // Released for those who find zero here, and don't read what the others have written to the state.
            self.state.store(0, Ordering::Release);
        }
        Added::Release(waiters)
    }

    /// Wakes those who wait, after [`Added::Release`]. They may free the WaitGroup as soon as they run.
    pub fn release(&self, waiters: u32) -> Outcome {
        let sema = &raw const self.sema;
        if sema::add(&self.sema, waiters) {
            sema::wake(sema, waiters);
        }
        if on(Fault::WaitGroupResetsLate) {
            self.state.store(0, Ordering::Relaxed);
        }
        Outcome::done(0)
    }

    /// Whether the counter is zero, so that there is nothing to wait for.
    #[inline]
    pub fn is_zero(&self) -> bool {
        counter(self.state.load(Ordering::Acquire)) == 0
    }

    /// Waits until the counter is zero. Results in [`WAS_ZERO`] or [`WAITED`].
    pub fn wait(&self, g: GRef) -> Outcome {
        let mut state = self.state.load(Ordering::Acquire);
        loop {
            if counter(state) == 0 {
                return Outcome::done(WAS_ZERO);
            }
            match self.state.compare_exchange_weak(
                state,
                state + 1,
                Ordering::Acquire,
                Ordering::Acquire,
            ) {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        // SAFETY: who waits keeps the WaitGroup until it goes on.
        unsafe { sema::acquire(&self.sema, g, false, WaitReason::WaitGroup) }
    }

    /// Asked by a goroutine that has waited: whether nobody has begun to use the WaitGroup again. If not, a panic with [`REUSED`].
    #[inline]
    pub fn waited(&self) -> bool {
        self.state.load(Ordering::Relaxed) == 0
    }
}
