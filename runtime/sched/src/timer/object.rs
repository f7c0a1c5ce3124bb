//! One timer.

use std::sync::Arc;

use crate::g::GQueue;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

use super::NEVER;
use super::timers::{Entry, Timers};

/// What happens when a timer is due.
///
/// Both functions are called on a system stack with the timer's lock held. They must not block, nor set, stop or drop their own timer.
pub trait Expire: Send + Sync {
    /// The timer is due. Goroutines that this makes runnable go on `ready`, their results set.
    fn expire(&self, expiry: Expiry, ready: &mut GQueue);

    /// The timer is being stopped or reset: takes back what an expiry left that nobody has received yet. True if there was something:
    /// then the timer counts as not yet expired.
    fn retract(&self) -> bool {
        false
    }
}

/// When a timer expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The time by [`super::nanotime`].
    pub now: i64,
    /// By how many nanoseconds that is late.
    pub late: i64,
}

/// A timer, which any thread may set, stop and reset.
pub struct Timer {
    /// The number of the entry that counts, if the timer is set. Written under the lock; heaps read it without.
    live: AtomicU64,
    state: Mutex<State>,
    action: Box<dyn Expire>,
}

struct State {
    /// When it is due; [`NEVER`] if it isn't set.
    when: i64,
    /// Zero: once.
    period: i64,
    /// While it is set: where its entry lies and under which time, which is not later than `when`. The entry may be on its way there,
    /// or taken out already by who will look here next.
    home: Option<&'static Timers>,
    entered: i64,
}

impl Timer {
    /// A timer that isn't set.
    pub fn new(action: impl Expire + 'static) -> Arc<Timer> {
        Arc::new(Timer {
            live: AtomicU64::new(0),
            state: Mutex::new(State {
                when: NEVER,
                period: 0,
                home: None,
                entered: NEVER,
            }),
            action: Box::new(action),
        })
    }

    /// Sets the timer to expire at `when` ([`super::nanotime`]; what has passed is due at once), and if `period` isn't 0, again every
    /// `period` nanoseconds. Whether it was set before, and had not expired yet.
    pub fn reset(self: &Arc<Self>, when: i64, period: i64) -> bool {
        self.reset_in(super::local(), when, period)
    }

    /// Stops the timer. Whether it was set, and had not expired yet.
    pub fn stop(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        let pending = self.action.retract();
        if state.when == NEVER {
            return pending;
        }
        state.when = NEVER;
        self.next_number();
        let home = state.home.take();
        drop(state);
        bury(home);
        true
    }

    /// As [`Timer::reset`], with the heap to use if the timer cannot stay where it is.
    pub(super) fn reset_in(
        self: &Arc<Self>,
        timers: &'static Timers,
        when: i64,
        period: i64,
    ) -> bool {
        let when = when.min(NEVER - 1);
        let mut state = self.state.lock().unwrap();
        let was_set = state.when != NEVER;
        let pending = self.action.retract() || was_set;
        state.when = when;
        state.period = period;
        if was_set && when >= state.entered {
            return pending;
        }
        let number = self.next_number();
        let before = state.home.replace(timers);
        state.entered = when;
        drop(state);
        bury(before);
        timers.add(when, self.entry(number));
        pending
    }

    /// The entry `number` has come up in `timers`, at `now`.
    pub(super) fn fire(
        self: Arc<Self>,
        number: u64,
        timers: &'static Timers,
        now: i64,
        ready: &mut GQueue,
    ) {
        let mut state = self.state.lock().unwrap();
        if !self.is_live(number) {
            return;
        }
        if state.when <= now {
            let late = now - state.when;
            state.when = state.next_when(late);
            self.action.expire(Expiry { now, late }, ready);
        }
        let when = state.when;
        state.entered = when;
        if when == NEVER {
            self.next_number();
            state.home = None;
            return;
        }
        state.home = Some(timers);
        drop(state);
        timers.add_again(
            when,
            Entry::Timer {
                timer: self,
                number,
            },
        );
    }

    /// Its entry goes to another heap. False if it isn't the entry that counts.
    pub(super) fn move_home(&self, number: u64, timers: &'static Timers) -> bool {
        let mut state = self.state.lock().unwrap();
        let live = self.is_live(number);
        if live {
            state.home = Some(timers);
        }
        live
    }

    pub(super) fn is_live(&self, number: u64) -> bool {
        self.live.load(Ordering::Acquire) == number
    }

    /// No earlier entry counts from now on. For who holds the lock.
    fn next_number(&self) -> u64 {
        let number = self.live.load(Ordering::Relaxed) + 1;
        self.live.store(number, Ordering::Release);
        number
    }

    fn entry(self: &Arc<Self>, number: u64) -> Entry {
        Entry::Timer {
            timer: self.clone(),
            number,
        }
    }
}

impl State {
    /// After an expiry that was `late`: the next time in step with the first, or never.
    fn next_when(&self, late: i64) -> i64 {
        if self.period <= 0 {
            return NEVER;
        }
        // Of expiries that were missed there is one.
        let periods = 1 + late / self.period;
        let next = self
            .period
            .checked_mul(periods)
            .and_then(|ns| self.when.checked_add(ns));
        next.unwrap_or(NEVER).min(NEVER - 1)
    }
}

fn bury(home: Option<&'static Timers>) {
    if let Some(home) = home {
        home.bury();
    }
}
