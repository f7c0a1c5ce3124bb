//! Mutex: mutual exclusion of goroutines. Laid out as Go's `sync.Mutex`.
//!
//! Who comes to a free mutex takes it, even if others wait: they would have to be switched to first. One waiter at a time is awake
//! and tries again ([`WOKEN`]); when it fails it waits in front of all others. One that has failed [`PATIENCE`] times declares the mutex
//! to be starving: then it isn't free any more when it is unlocked, but goes from hand to hand in the order of the queue, until
//! the queue is at its end or its first had no reason to complain.

use stack::Outcome;

use crate::fault::{Fault, on};
use crate::g::{GRef, WaitReason};
use crate::lock::maybe_const;
use crate::sema;
use crate::sync::atomic::{AtomicU32, Ordering};

/// Somebody has it.
const LOCKED: u32 = 1;
/// A waiter is awake and tries to lock, so that none need be woken.
const WOKEN: u32 = 2;
/// It is handed over. Nobody takes it otherwise, even though it isn't [`LOCKED`] on its way.
const STARVING: u32 = 4;
/// The number of waiters stands above the bits.
const WAITER: u32 = 8;

/// Result of [`Mutex::lock`]: the goroutine has the mutex.
pub const LOCKED_NOW: usize = 0;
/// Result of [`Mutex::lock`]: the goroutine was woken, and calls it again with one attempt more.
pub const AGAIN: usize = sema::ACQUIRED;

/// So many times does a goroutine lose the mutex to others that came after it.
const PATIENCE: usize = 2;

/// Mutual exclusion of goroutines.
#[repr(C)]
pub struct Mutex {
    state: AtomicU32,
    sema: AtomicU32,
}

/// What [`Mutex::unlock`] came to.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlocked {
    Done,
    /// Others wait: [`Mutex::unlock_slow`] must follow.
    Awaited(u32),
    /// It wasn't locked: a fatal error with [`UNLOCKED`].
    Never,
}

/// The fatal error of [`Unlocked::Never`].
pub const UNLOCKED: &str = "sync: unlock of unlocked mutex";

impl Default for Mutex {
    fn default() -> Mutex {
        Mutex::new()
    }
}

impl Mutex {
    maybe_const! {
        /// An unlocked mutex.
        pub fn new() -> Mutex {
            Mutex {
                state: AtomicU32::new(0),
                sema: AtomicU32::new(0),
            }
        }
    }

    /// Locks it if it is free. A goroutine calls it without leaving its stack.
    #[inline]
    pub fn try_lock(&self) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        state & (LOCKED | STARVING) == 0 && self.change(state, state | LOCKED).is_ok()
    }

    /// Locks it, or waits. `attempt` is the number of times that this has resulted in [`AGAIN`]; otherwise in [`LOCKED_NOW`].
    pub fn lock(&self, g: GRef, attempt: usize) -> Outcome {
        let woken = if attempt > 0 { WOKEN } else { 0 };
        let mut state = self.state.load(Ordering::Relaxed);
        if attempt > 0 && state & STARVING != 0 {
            self.take_over(state, attempt);
            return Outcome::done(LOCKED_NOW);
        }
        let not_free = if on(Fault::MutexTakenOnItsWay) {
            LOCKED
        } else {
            LOCKED | STARVING
        };
        loop {
            let free = state & not_free == 0;
            let mut new = if free { state | LOCKED } else { state + WAITER };
            if !free && attempt >= PATIENCE && state & LOCKED != 0 {
                new |= STARVING;
            }
            if !on(Fault::MutexKeepsWoken) || free {
                new &= !woken;
            }
            match self.change(state, new) {
                Ok(()) if free => return Outcome::done(LOCKED_NOW),
                Ok(()) => break,
                Err(now) => state = now,
            }
        }
        // SAFETY: who waits for the mutex keeps it.
        unsafe { sema::acquire(&self.sema, g, attempt > 0, WaitReason::MutexLock) }
    }

    /// The mutex was handed to this goroutine, which is counted as a waiter still; `attempt` says how often it has waited.
    fn take_over(&self, state: u32, attempt: usize) {
        debug_assert_eq!(state & (LOCKED | WOKEN), 0);
        let last = state / WAITER == 1;
        let mut change = WAITER - LOCKED;
        if last || attempt <= PATIENCE {
            change += STARVING;
        }
        self.state.fetch_sub(change, Ordering::Acquire);
    }

    /// Unlocks it. A goroutine calls it without leaving its stack.
    #[inline]
    pub fn unlock(&self) -> Unlocked {
        let old = self.state.fetch_sub(LOCKED, Ordering::Release);
        if old & LOCKED == 0 {
            return Unlocked::Never;
        }
        match old - LOCKED {
            0 => Unlocked::Done,
            state => Unlocked::Awaited(state),
        }
    }

    /// Wakes a waiter, or hands over to it, after [`Unlocked::Awaited`] with `state`.
    pub fn unlock_slow(&self, g: GRef, mut state: u32) -> Outcome {
        if state & STARVING != 0 {
            // SAFETY: a waiter keeps the mutex, and is there: it left the state as it is.
            return unsafe { sema::release(&self.sema, g, true) };
        }
        loop {
            // Nobody waits; or somebody is awake, or has locked it and will come here.
            if state / WAITER == 0 || state & (LOCKED | WOKEN | STARVING) != 0 {
                return Outcome::done(0);
            }
            match self.change(state, (state - WAITER) | WOKEN) {
                // SAFETY: the waiter that this wakes keeps the mutex.
                Ok(()) => return unsafe { sema::release(&self.sema, g, false) },
                Err(now) => state = now,
            }
        }
    }

    fn change(&self, old: u32, new: u32) -> Result<(), u32> {
        self.state
            .compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed)
            .map(|_| ())
    }
}
