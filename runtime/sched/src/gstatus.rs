//! What a goroutine is doing, and the permit that lets it through `park`.
//!
//! Two words, because they have different writers. The **state** is written by the goroutine's owner alone: the thread that runs it,
//! or took it off a queue. Ownership passes through queues that release and acquire, so plain stores do, and a switch of goroutines
//! pays no atomic read-modify-write; others (dumps, sysmon) read it and know that it may be out of date.
//!
//! | state     | owner                        | leaves it                                                            |
//! |-----------|------------------------------|----------------------------------------------------------------------|
//! | Idle      | who made the G               | `create` → Runnable                                                  |
//! | Runnable  | the run queue that it is on  | `run` → Running, by the M that took it off                           |
//! | Running   | its M                        | `requeue` → Runnable, `wait` or `park` → Waiting, `preempt` → Preempted, `exit` → Dead |
//! | Waiting   | the queue that it waits in   | `ready` → Runnable, by who took it off, or whose `unpark` said Wake  |
//! | Preempted | who stopped it               | `ready` → Runnable                                                   |
//! | Dead      | the list of free Gs          | `create` → Runnable                                                  |
//!
//! The **permit** is what `park` and `unpark` agree on, whoever calls them and in whichever order:
//!
//! | permit | `park`, by the goroutine | `unpark`, by anyone                          | `withdraw` (a time limit), by anyone |
//! |--------|--------------------------|----------------------------------------------|--------------------------------------|
//! | None   | → Parked: it waits       | → Given                                      | —                                    |
//! | Given  | → None: it goes on       | stays: two count once                        | —                                    |
//! | Parked | —                        | → None, and the caller readies the goroutine | as `unpark`                          |
//!
//! A goroutine that waits for something else (a channel) is not Parked: `unpark` leaves a permit for later and doesn't wake it.

use crate::fault::{Fault, on};
use crate::sync::atomic::{AtomicU32, Ordering};

/// What a goroutine is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// Made, not started.
    Idle,
    /// On a run queue.
    Runnable,
    /// An M runs it, or is in C for it.
    Running,
    /// Parked; somebody else holds the way back.
    Waiting,
    /// Stopped where it was, on nobody's queue.
    Preempted,
    /// Over; may be used for another.
    Dead,
}

impl State {
    const ALL: [State; 6] = [
        State::Idle,
        State::Runnable,
        State::Running,
        State::Waiting,
        State::Preempted,
        State::Dead,
    ];

    /// As goroutine dumps say it.
    pub const fn text(self) -> &'static str {
        match self {
            State::Idle => "idle",
            State::Runnable => "runnable",
            State::Running => "running",
            State::Waiting => "waiting",
            State::Preempted => "preempted",
            State::Dead => "dead",
        }
    }
}

const NONE: u32 = 0;
const GIVEN: u32 = 1;
const PARKED: u32 = 2;

/// What became of `park`.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Park {
    /// There was a permit: the goroutine goes on.
    GoOn,
    /// The goroutine waits, or runs elsewhere already: the caller must not touch it any more.
    Parked,
}

/// What became of `unpark`.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpark {
    /// The goroutine was parked and is the caller's now, who readies it.
    Wake,
    /// The next `park` returns at once.
    Kept,
}

/// A goroutine's status. Each transition checks in debug builds that it is a legal one.
pub struct Status {
    state: AtomicU32,
    permit: AtomicU32,
}

impl Default for Status {
    fn default() -> Status {
        Status {
            state: AtomicU32::new(State::Idle as u32),
            permit: AtomicU32::new(NONE),
        }
    }
}

impl Status {
    #[cfg(not(loom))]
    pub const fn new() -> Status {
        Status {
            state: AtomicU32::new(State::Idle as u32),
            permit: AtomicU32::new(NONE),
        }
    }

    /// For the owner: the state. For others: what it was a moment ago.
    pub fn state(&self) -> State {
        State::ALL[self.state.load(Ordering::Relaxed) as usize]
    }

    /// For who finds goroutines in the list of all: with the state comes what its owner did before it changed it.
    pub fn observe(&self) -> State {
        State::ALL[self.state.load(Ordering::Acquire) as usize]
    }

    #[track_caller]
    fn change(&self, from: &[State], to: State) {
        debug_assert!(
            from.contains(&self.state()),
            "goroutine's status: {} to {}, legal from {from:?}",
            self.state().text(),
            to.text(),
        );
        // Release: see `observe`. Everybody else who relies on it is the owner.
        self.state.store(to as u32, Ordering::Release);
    }

    /// A new goroutine, or one in the place of one that is over, goes on a queue. A permit for the one that is over is forgotten.
    #[track_caller]
    pub fn create(&self) {
        self.change(&[State::Idle, State::Dead], State::Runnable);
        self.permit.store(NONE, Ordering::Relaxed);
    }

    /// Taken off a run queue by the M that will run it.
    #[track_caller]
    pub fn run(&self) {
        self.change(&[State::Runnable], State::Running);
    }

    /// Back on a run queue.
    #[track_caller]
    pub fn requeue(&self) {
        self.change(&[State::Running], State::Runnable);
    }

    /// About to be put in a queue where others can find it.
    #[track_caller]
    pub fn wait(&self) {
        self.change(&[State::Running], State::Waiting);
    }

    /// About to be put on a run queue, by who has it off the queue where it waited.
    #[track_caller]
    pub fn ready(&self) {
        self.change(&[State::Waiting, State::Preempted], State::Runnable);
    }

    /// After `wait`, when it turned out that there is nothing to wait for and nobody else has seen the goroutine.
    #[track_caller]
    pub fn dont_wait(&self) {
        self.change(&[State::Waiting], State::Running);
    }

    /// Stopped by its M at somebody's wish.
    #[track_caller]
    pub fn preempt(&self) {
        self.change(&[State::Running], State::Preempted);
    }

    /// Over.
    #[track_caller]
    pub fn exit(&self) {
        self.change(&[State::Running], State::Dead);
    }

    /// The goroutine, its context complete, waits for a permit.
    #[track_caller]
    pub fn park(&self) -> Park {
        self.wait();
        if on(Fault::BlindPark) {
            self.permit.store(PARKED, Ordering::Release);
            return Park::Parked;
        }
        // Release: who wakes the goroutine gets it as it is now. Acquire: with the permit comes what was done before `unpark`.
        match self
            .permit
            .compare_exchange(NONE, PARKED, Ordering::Release, Ordering::Acquire)
        {
            Ok(_) => Park::Parked,
            Err(found) => {
                debug_assert_eq!(found, GIVEN, "goroutine parked twice");
                // Relaxed: another `unpark` just before would have changed nothing, and its release is read by this swap.
                self.permit.swap(NONE, Ordering::Acquire);
                self.dont_wait();
                Park::GoOn
            }
        }
    }

    /// Lets the goroutine through its next `park`, or the one that it is in.
    pub fn unpark(&self) -> Unpark {
        let mut permit = self.permit.load(Ordering::Relaxed);
        loop {
            let (to, outcome) = match permit {
                PARKED => (NONE, Unpark::Wake),
                _ => (GIVEN, Unpark::Kept),
            };
            // Acquire: see `park`. Release, also where a permit is there already: what was done before any `unpark` that has been
            // called before `park` took the permit is visible after `park`.
            match self
                .permit
                .compare_exchange_weak(permit, to, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return outcome,
                Err(now) => permit = now,
            }
        }
    }

    /// The time limit of a `park` has come. True: the goroutine was parked and is the caller's now, who readies it.
    pub fn withdraw(&self) -> bool {
        // Acquire: see `park`.
        self.permit
            .compare_exchange(PARKED, NONE, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn running() -> Status {
        let status = Status::new();
        status.create();
        status.run();
        status
    }

    #[test]
    fn two_permits_count_once() {
        let g = running();
        assert_eq!(g.unpark(), Unpark::Kept);
        assert_eq!(g.unpark(), Unpark::Kept);
        assert_eq!(g.park(), Park::GoOn);
        assert_eq!(g.state(), State::Running);
        assert_eq!(g.park(), Park::Parked);
        assert_eq!(g.state(), State::Waiting);
        assert_eq!(g.unpark(), Unpark::Wake);
        g.ready();
    }

    #[test]
    fn a_goroutine_that_waits_for_a_channel_is_not_woken_by_a_permit() {
        let g = running();
        g.wait();
        assert_eq!(g.unpark(), Unpark::Kept);
        assert!(!g.withdraw());
        assert_eq!(g.state(), State::Waiting);
        g.ready();
        g.run();
        assert_eq!(g.park(), Park::GoOn);
    }

    #[test]
    fn a_time_limit_wakes_once_and_leaves_no_permit() {
        let g = running();
        assert_eq!(g.park(), Park::Parked);
        assert!(g.withdraw());
        assert!(!g.withdraw());
        g.ready();
        g.run();
        assert_eq!(g.park(), Park::Parked);
    }

    #[test]
    fn a_permit_dies_with_its_goroutine() {
        let g = running();
        assert_eq!(g.unpark(), Unpark::Kept);
        g.exit();
        g.create();
        g.run();
        assert_eq!(g.park(), Park::Parked);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "waiting to running, legal from [Runnable]")]
    fn an_illegal_transition_is_named() {
        let g = running();
        g.wait();
        g.run();
    }
}
