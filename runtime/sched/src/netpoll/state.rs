//! The state words of a descriptor, and what may become of them.
//!
//! Each direction has one word:
//!
//! | word  | [`PollState::consume`] | [`PollState::publish`]     | [`PollState::event`] | [`PollState::fail`] |
//! |-------|------------------------|----------------------------|----------------------|---------------------|
//! | nil   | nil: not ready         | → G: parked                | → ready              | nil                 |
//! | ready | → nil: ready           | → nil: withdrawn           | ready                | ready               |
//! | G     | panic: double wait     | panic: double wait         | → nil: woken         | → nil: woken        |
//!
//! Who moves a word away from G has that goroutine, and nobody else has: he readies it. To the goroutine every wake-up means no more
//! than "look again", so one too many does no harm; one too few would be for ever.
//!
//! The info word belongs to both directions: bits that say what is wrong, and the generation. The order between it and a direction's
//! word is what deadlines and closing live by:
//!
//! | the waiter                          | who makes it fail                  |
//! |-------------------------------------|------------------------------------|
//! | 1. direction's word: nil → G        | 1. info word: sets the bit         |
//! | 2. info word: looks, as an RMW      | 2. direction's word: G → nil       |
//!
//! Both touch the info word by read-modify-writes, so one comes after the other. If the waiter's is second, it sees the bit, and takes
//! its goroutine back unless the other has. If it is first, the other has acquired what the waiter released, and finds G.

use std::ptr;

use crate::fault::{Fault, on};
use crate::g::{G, GRef};
use crate::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// A direction of transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Read,
    Write,
}

/// Why it is no use to wait. The numbers are those of Go's `internal/poll`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum PollError {
    /// The descriptor is being closed.
    Closing = 1,
    /// The deadline has passed.
    Timeout = 2,
    /// The kernel reported an error and nothing else.
    NotPollable = 3,
}

/// What makes waiting fail; bits of the info word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Failure {
    Closing = 1,
    ReadExpired = 2,
    WriteExpired = 4,
}

const EVENT_ERROR: u32 = 8;
const FLAGS: u32 = 0xff;
const GENERATION_SHIFT: u32 = 8;

/// How many bits a generation has.
pub const GENERATION_BITS: u32 = 32 - GENERATION_SHIFT;

/// How publishing a parked goroutine ended.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// Whoever wakes it has it; perhaps it runs already.
    Parked,
    /// There is something to look at. This goroutine is the caller's to ready: the one that it published, or one that has come to wait
    /// since.
    Withdrawn(GRef),
}

/// Whom something has woken.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    Nobody,
    /// It is the caller's to ready.
    Goroutine(GRef),
}

/// The state of a descriptor: see the module's tables.
pub struct PollState {
    info: AtomicU32,
    read: Slot,
    write: Slot,
}

impl Default for PollState {
    fn default() -> PollState {
        PollState::new()
    }
}

impl PollState {
    pub fn new() -> PollState {
        PollState {
            info: AtomicU32::new(1 << GENERATION_SHIFT),
            read: Slot::new(),
            write: Slot::new(),
        }
    }

    /// Nothing wrong, nothing ready, a new generation: events of earlier ones no longer count. For who has the descriptor alone. An event
    /// that is being delivered meanwhile may still leave a direction ready, which costs one more look.
    pub fn renew(&self) {
        self.read.clear();
        self.write.clear();
        let generation = self.generation().wrapping_add(1);
        self.info
            .swap(generation << GENERATION_SHIFT, Ordering::AcqRel);
    }

    pub fn generation(&self) -> u32 {
        self.info.load(Ordering::Acquire) >> GENERATION_SHIFT
    }

    /// Whether waiting would fail.
    pub fn check(&self, mode: Mode) -> Result<(), PollError> {
        verdict(self.info.load(Ordering::Acquire), mode)
    }

    /// Takes readiness, if there is some, or says what is wrong.
    pub fn consume(&self, mode: Mode) -> Result<bool, PollError> {
        self.check(mode)?;
        Ok(self.slot(mode).consume())
    }

    /// Publishes a goroutine that is parked already; then it must not be touched, whatever the result.
    pub fn publish(&self, mode: Mode, g: GRef) -> Published {
        let slot = self.slot(mode);
        if !slot.publish(g) {
            return Published::Withdrawn(g);
        }
        let info = if on(Fault::PollLooksPlainly) {
            self.info.load(Ordering::Acquire)
        } else {
            // Adds nothing, but comes before or after each change of the word.
            self.info.fetch_or(0, Ordering::AcqRel)
        };
        if verdict(info, mode).is_ok() || on(Fault::PollLooksOnce) {
            return Published::Parked;
        }
        match slot.interrupt() {
            Woken::Goroutine(g) => Published::Withdrawn(g),
            Woken::Nobody => Published::Parked,
        }
    }

    /// The kernel says that a transfer is possible.
    pub fn event(&self, mode: Mode) -> Woken {
        self.slot(mode).event()
    }

    /// Notes whether the kernel's last event was an error alone, if it was for this generation.
    pub fn set_event_error(&self, error: bool, generation: u32) {
        let mut info = self.info.load(Ordering::Acquire);
        loop {
            let new = if error {
                info | EVENT_ERROR
            } else {
                info & !EVENT_ERROR
            };
            if new == info || info >> GENERATION_SHIFT != generation {
                return;
            }
            match self
                .info
                .compare_exchange(info, new, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return,
                Err(now) => info = now,
            }
        }
    }

    /// From now on waiting fails in the directions that the failure is about: whom that wakes, reader first.
    pub fn fail(&self, failure: Failure) -> [Woken; 2] {
        let say = || self.info.fetch_or(failure as u32, Ordering::AcqRel);
        if !on(Fault::PollWakesEarly) {
            say();
        }
        let interrupt = |mode, slot: &Slot| match failure.is_about(mode) {
            true => slot.interrupt(),
            false => Woken::Nobody,
        };
        let woken = [
            interrupt(Mode::Read, &self.read),
            interrupt(Mode::Write, &self.write),
        ];
        if on(Fault::PollWakesEarly) {
            say();
        }
        woken
    }

    /// That has ceased to be wrong.
    pub fn mend(&self, failure: Failure) {
        self.info.fetch_and(!(failure as u32), Ordering::AcqRel);
    }

    /// Whether nobody waits.
    pub fn is_idle(&self) -> bool {
        self.read.is_idle() && self.write.is_idle()
    }

    fn slot(&self, mode: Mode) -> &Slot {
        match mode {
            Mode::Read => &self.read,
            Mode::Write => &self.write,
        }
    }
}

impl Failure {
    /// Of a deadline that has passed.
    pub fn expired(mode: Mode) -> Failure {
        match mode {
            Mode::Read => Failure::ReadExpired,
            Mode::Write => Failure::WriteExpired,
        }
    }

    fn is_about(self, mode: Mode) -> bool {
        self == Failure::Closing || self == Failure::expired(mode)
    }
}

fn verdict(info: u32, mode: Mode) -> Result<(), PollError> {
    if info & FLAGS == 0 {
        Ok(())
    } else if info & Failure::Closing as u32 != 0 {
        Err(PollError::Closing)
    } else if info & Failure::expired(mode) as u32 != 0 {
        Err(PollError::Timeout)
    } else if info & EVENT_ERROR != 0 && mode == Mode::Read {
        // Who writes learns a better reason from the next write.
        Err(PollError::NotPollable)
    } else {
        Ok(())
    }
}

const NIL: *mut G = ptr::null_mut();
/// No G has this address.
const READY: *mut G = ptr::without_provenance_mut(1);

/// One direction's word: nil, ready, or a goroutine.
struct Slot(AtomicPtr<G>);

impl Slot {
    fn new() -> Slot {
        Slot(AtomicPtr::new(NIL))
    }

    fn clear(&self) {
        let before = self.0.swap(NIL, Ordering::AcqRel);
        assert!(
            goroutine(before).is_none(),
            "a goroutine waits for a free descriptor"
        );
    }

    fn is_idle(&self) -> bool {
        goroutine(self.0.load(Ordering::Acquire)).is_none()
    }

    fn consume(&self) -> bool {
        match self.replace(READY, NIL) {
            Ok(_) => true,
            Err(word) => {
                assert!(word == NIL, "double wait");
                false
            }
        }
    }

    /// False if there was readiness, which is consumed.
    fn publish(&self, g: GRef) -> bool {
        let g = ptr::from_ref::<G>(&g).cast_mut();
        while self.replace(NIL, g).is_err() {
            if self.consume() {
                return false;
            }
        }
        true
    }

    fn event(&self) -> Woken {
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            let new = match word {
                READY => return Woken::Nobody,
                NIL if on(Fault::PollForgetsEvent) => return Woken::Nobody,
                NIL => READY,
                _ => NIL,
            };
            match self.replace(word, new) {
                Ok(woken) => return woken,
                Err(now) => word = now,
            }
        }
    }

    fn interrupt(&self) -> Woken {
        let mut word = self.0.load(Ordering::Acquire);
        while goroutine(word).is_some() {
            match self.replace(word, NIL) {
                Ok(woken) => return woken,
                Err(now) => word = now,
            }
        }
        Woken::Nobody
    }

    /// Whom the change from `word` has set free, or what the word is instead.
    fn replace(&self, word: *mut G, new: *mut G) -> Result<Woken, *mut G> {
        self.0
            .compare_exchange(word, new, Ordering::AcqRel, Ordering::Acquire)?;
        Ok(goroutine(word).map_or(Woken::Nobody, Woken::Goroutine))
    }
}

/// The goroutine that a direction's word is.
fn goroutine(word: *mut G) -> Option<GRef> {
    // SAFETY: a word that is neither nil nor ready comes from `publish`, which had it of a GRef.
    (word != NIL && word != READY).then(|| unsafe { GRef::from_ptr(word) })
}
