//! How far the sweep of a span is: whoever wants it swept does it, alone, or waits for who does.
//!
//! | word      | the span is          | becomes                                                                |
//! |-----------|----------------------|------------------------------------------------------------------------|
//! | cycle - 2 | not swept            | cycle - 1, by `claim` of the one who goes on to sweep it               |
//! | cycle - 1 | being swept          | cycle, by their `finish`                                               |
//! | cycle     | swept, or made since | cycle - 2, when the next marking has ended: the cycle's number grows by 2 |
//!
//! **The cycle doesn't change under a claim.** Spans are swept by operations, which keep the world from standing still, and by the collector, which
//! begins the next cycle only when all are swept.

use sched::fault::{Fault, on};

use crate::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// How far the sweep of a span is.
pub struct Swept(AtomicU32);

/// What is to be done by who wants a span to be swept.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// To sweep it, and to call [`Swept::finish`].
    Mine,
    /// To wait for somebody else.
    Busy,
    /// Nothing.
    Done,
}

impl Swept {
    pub fn new(cycle: u32) -> Swept {
        Swept(AtomicU32::new(cycle))
    }

    /// The span is made in this cycle: there is nothing to sweep.
    pub fn made(&self, cycle: u32) {
        self.0.store(cycle, Ordering::Relaxed);
    }

    /// Wants the span to be swept; its marks are those of `cycle`.
    pub fn claim(&self, cycle: u32) -> Claim {
        // Acquire: what the sweep has changed is seen by who finds it done.
        match self.0.load(Ordering::Acquire) {
            done if done == cycle => Claim::Done,
            busy if busy == cycle - 1 => Claim::Busy,
            old => {
                let claimed =
                    self.0
                        .compare_exchange(old, cycle - 1, Ordering::Acquire, Ordering::Acquire);
                match claimed {
                    Ok(_) => Claim::Mine,
                    Err(done) if done == cycle => Claim::Done,
                    Err(_) => Claim::Busy,
                }
            }
        }
    }

    /// It is swept, by the caller.
    pub fn finish(&self, cycle: u32) {
        self.0.store(cycle, Ordering::Release);
    }

    /// Sees to it that the span is swept, by `sweep` if nobody else is at it.
    pub fn ensure(&self, cycle: u32, sweep: impl FnOnce()) {
        loop {
            match self.claim(cycle) {
                Claim::Done => return,
                Claim::Busy if on(Fault::SweepNotAwaited) => return,
                Claim::Busy => crate::sync::yield_now(),
                Claim::Mine => break,
            }
        }
        sweep();
        self.finish(cycle);
    }
}

/// What a weak pointer's word says once the span of the object is swept: `sweep` sees to that for an address. 0: the object is gone.
///
/// The first look may find an object that was not reached and is about to be swept, or was, so that its memory is another's. Sweeping whatever span
/// is there clears the word if it was the object's.
pub fn strong(word: &AtomicUsize, sweep: impl FnOnce(usize)) -> usize {
    // Relaxed: the sweep is what synchronizes.
    let address = word.load(Ordering::Relaxed);
    if address == 0 {
        return 0;
    }
    sweep(address);
    if on(Fault::WeakLooksOnce) {
        return address;
    }
    word.load(Ordering::Relaxed)
}
