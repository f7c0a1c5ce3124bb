//! Who has a thread's P while the thread may be in C.
//!
//! A goroutine's call to C costs a few nanoseconds only if the thread (M) neither gives its P up before nor asks for it afterwards.
//! It leaves a mark instead, with plain stores; whoever wants the P (sysmon once the call has lasted, a stop-the-world) does the work:
//!
//! | the M (assembly, or `enter_c` / `leave_c`)     | a requester (`request`)                                       |
//! |------------------------------------------------|---------------------------------------------------------------|
//! | into C: `go_sp = rsp`                          | `ask`: `retake` 0 → WANTED + a new ticket                     |
//! | back: `go_sp = 0`; *light barrier*             | *heavy barrier* (`membarrier::heavy`)                         |
//! | load `retake`: 0 → it has its P, done          | `claim`: load `go_sp`: 0 → the M runs Go, nothing is taken    |
//! | else `settle`: `retake` → 0 by compare-and-swap | else WANTED + ticket → TAKEN by compare-and-swap: P is his   |
//!
//! **One of the two sees the other.** By the barriers, the M's load of `retake` sees the request, or the requester's load of `go_sp`
//! sees 0. So a requester that reads a mark knows that the M, when it comes back from *that* call, finds the request and goes to
//! `settle`. (A mark from an earlier call can't be read: the M has not seen the request when it came back from there, so the
//! requester sees at least that return's 0.)
//!
//! **The compare-and-swap decides.** Both may see the other: the M was in C, and comes back while the requester makes up its mind.
//! `settle` and `claim` then change the same word, and the first wins: if it is `claim`, `settle` finds TAKEN and the M has lost its
//! P; if it is `settle`, the ticket is gone and `claim` fails. Tickets are never used twice, so that a requester which was held up
//! can't claim on another's later request, when the M may long be back in Go.
//!
//! **Which P.** An M changes its P only while its mark is 0. `claim` reads it between the mark and the compare-and-swap: if that
//! succeeds, the M has been in C, or waiting to settle, all the time, so it still had this P, and loses this one.
//!
//! States of `retake` (FALLBACK, which sends every return to `settle`, may be set beside each):
//!
//! | state           | meaning                                   | leaves it                                                        |
//! |-----------------|-------------------------------------------|------------------------------------------------------------------|
//! | 0               | nobody asks                               | any requester → WANTED (`ask`)                                    |
//! | WANTED + ticket | asked for; the M has its P still          | the M → 0 (`settle`: StillMine); who holds the ticket → TAKEN (`claim`) |
//! | TAKEN + ticket  | the requester has the P, the M doesn't know | the M only → 0 (`settle`: Lost)                                 |
//!
//! A request that took nothing stays: the M comes by `settle` once, at its next return, and the ticket goes with that. Until then it
//! is good for another `claim`, without another barrier. Several requesters at once share one ticket; one of them gets the P.
//!
//! Rules for who uses this: an M whose mark is set has a P (or `retake` says TAKEN); an M alone changes its own P, the mark being 0;
//! after Lost it doesn't touch the P that it had. Where membarrier is missing every M has FALLBACK from the start: the fence in
//! `settle` stands in for the light barrier.

use crate::fault::{Fault, on};
use crate::membarrier;
use crate::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};

/// Somebody wants the P.
pub const WANTED: u32 = 1 << 0;
/// Every return from C goes the slow way: there is no membarrier, or somebody wants to see them all. Once set it stays; who sets it later
/// makes the tickets that are out worthless, as settling does.
pub const FALLBACK: u32 = 1 << 1;
/// Somebody has the P.
const TAKEN: u32 = 1 << 2;
const TICKET: u32 = 1 << 3;

/// Numbers an M's requests; one in each M.
///
/// They come round after half a billion. For harm, a requester would have to be held up between two of its instructions for all
/// those requests, which sysmon alone would take hours to make.
#[derive(Default)]
pub struct Serial(AtomicU32);

impl Serial {
    #[cfg(not(loom))]
    pub const fn new() -> Serial {
        Serial(AtomicU32::new(0))
    }

    /// The next number, at the ticket's place in `retake`.
    fn next(&self) -> u32 {
        if on(Fault::Ticket) {
            return 0;
        }
        // Relaxed: only that it differs from the others counts.
        self.0.fetch_add(TICKET, Ordering::Relaxed) & !(TICKET - 1)
    }
}

/// The word `retake` as the request left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u32);

/// What became of a request.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim<P> {
    /// The caller has the M's P now; what was read is what the M had. The M will find out.
    Taken(P),
    /// The M runs Go, or the scheduler, and has its P. It will `settle` when it next returns from C, if it hasn't yet.
    StillRunning,
    /// Another requester has the P, and the M doesn't know yet.
    Gone,
}

/// What the M finds on its way back from C.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// Nobody has asked: the P is the M's.
    Free,
    /// `settle` has to be called before anything of the P is touched.
    Asked,
}

/// Who has the P after all.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The M. Somebody may have asked: what the requester did before it asked is visible, such as the wish to stop the world.
    StillMine,
    /// A requester. The M has no P; it must not touch the one that it had.
    Lost,
}

/// One M's side of the protocol, and the way to it for requesters.
#[derive(Clone, Copy)]
pub struct Crossing<'a> {
    go_sp: &'a AtomicUsize,
    retake: &'a AtomicU32,
    serial: &'a Serial,
}

impl<'a> Crossing<'a> {
    pub fn new(go_sp: &'a AtomicUsize, retake: &'a AtomicU32, serial: &'a Serial) -> Crossing<'a> {
        Crossing {
            go_sp,
            retake,
            serial,
        }
    }

    /// The crossing of the thread that the assembly knows.
    #[cfg(not(loom))]
    pub fn of(thread: &'a stack::Thread, serial: &'a Serial) -> Crossing<'a> {
        Crossing::new(&thread.go_sp, &thread.retake, serial)
    }

    /// To be called by the M, before others can see it: whether its returns need the slow way.
    pub fn open(&self, membarrier: bool) {
        // Relaxed: who learns of the M learns of this as well.
        self.retake
            .store(if membarrier { 0 } else { FALLBACK }, Ordering::Relaxed);
    }

    /// The M goes into C; `sp` is not 0. The goroutine's stack stays as it is until the M comes back.
    pub fn enter_c(&self, sp: usize) {
        debug_assert!(sp != 0);
        // Release: a requester that sees the mark may use the P, and has to see what this M did with it.
        self.go_sp.store(sp, Ordering::Release);
    }

    /// The M comes back from C, or C calls Go.
    pub fn leave_c(&self) -> Return {
        // Relaxed: what the M does from here on is published by its next mark, or by its compare-and-swap.
        self.go_sp.store(0, Ordering::Relaxed);
        membarrier::light();
        // Relaxed: 0 was stored by this M, or was there from the start, and `settle` loads again.
        match self.retake.load(Ordering::Relaxed) {
            0 => Return::Free,
            _ => Return::Asked,
        }
    }

    /// The slow way back, after [`Return::Asked`], the mark being 0. It never waits.
    pub fn settle(&self) -> Settled {
        if !on(Fault::SettleFence) {
            // For systems without membarrier. Where there is one this place is rare, and it isn't asked which it is.
            fence(Ordering::SeqCst);
        }
        let mut word = self.retake.load(Ordering::Relaxed);
        loop {
            if word & WANTED == 0 {
                return Settled::StillMine;
            }
            // Acquire: the requester's reads before `claim` come before what the M does next (it may take another P), and its writes
            // before `ask` are visible.
            match self.retake.compare_exchange_weak(
                word,
                word & FALLBACK,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) if word & TAKEN != 0 => return Settled::Lost,
                Ok(_) => return Settled::StillMine,
                Err(now) => word = now,
            }
        }
    }

    /// Asks the M for its P. `None`: another has it already. A [`membarrier::heavy`] must stand between this and [`Self::claim`]; one
    /// does for any number of Ms that were asked before it.
    pub fn ask(&self) -> Option<Ticket> {
        let mut word = self.retake.load(Ordering::Relaxed);
        loop {
            if word & TAKEN != 0 {
                return None;
            }
            let asked = match word & WANTED {
                0 => word | WANTED | self.serial.next(),
                _ => word,
            };
            // Release: see `Settled::StillMine`; that's also why a request which stands already is stored once more. Acquire: then
            // the barrier that follows covers that request as well, whoever made it.
            match self.retake.compare_exchange_weak(
                word,
                asked,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(Ticket(asked)),
                Err(now) => word = now,
            }
        }
    }

    /// Whether a requester has the P, and the M, which is in C, doesn't know yet.
    pub fn is_taken(&self) -> bool {
        self.retake.load(Ordering::Relaxed) & TAKEN != 0
    }

    /// Takes the P if the M is in C. `held` reads which P the M has; it must do nothing else.
    pub fn claim<P>(&self, ticket: Ticket, held: impl Fn() -> P) -> Claim<P> {
        // Acquire: see `enter_c`.
        if self.go_sp.load(Ordering::Acquire) == 0 {
            return Claim::StillRunning;
        }
        let early = held();
        if on(Fault::BlindClaim) {
            self.retake.store(ticket.0 | TAKEN, Ordering::Release);
            return Claim::Taken(early);
        }
        // Release: what `held` has read is from before anything that the M does after `settle`.
        let claimed = self.retake.compare_exchange(
            ticket.0,
            ticket.0 | TAKEN,
            Ordering::Release,
            Ordering::Relaxed,
        );
        match claimed {
            Ok(_) if on(Fault::LateRead) => Claim::Taken(held()),
            Ok(_) => Claim::Taken(early),
            Err(now) if now & TAKEN != 0 => Claim::Gone,
            Err(_) => Claim::StillRunning,
        }
    }

    /// Asks and claims at once: for one M.
    pub fn request<P>(&self, held: impl Fn() -> P) -> Claim<P> {
        let Some(ticket) = self.ask() else {
            return Claim::Gone;
        };
        membarrier::heavy();
        self.claim(ticket, held)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn thread() -> (stack::Thread, Serial) {
        (stack::Thread::default(), Serial::new())
    }

    #[test]
    fn a_call_that_nobody_disturbs() {
        let (thread, serial) = thread();
        let m = Crossing::of(&thread, &serial);
        m.enter_c(64);
        assert_eq!(m.leave_c(), Return::Free);
    }

    #[test]
    fn the_p_of_a_thread_in_c_is_taken_once() {
        let (thread, serial) = thread();
        let m = Crossing::of(&thread, &serial);
        m.enter_c(64);
        assert_eq!(m.request(|| 7), Claim::Taken(7));
        assert_eq!(m.request(|| 7), Claim::Gone);
        assert_eq!(m.leave_c(), Return::Asked);
        assert_eq!(m.settle(), Settled::Lost);
        m.enter_c(64);
        assert_eq!(m.leave_c(), Return::Free);
    }

    #[test]
    fn a_thread_in_go_keeps_its_p_and_settles_at_its_next_return() {
        let (thread, serial) = thread();
        let m = Crossing::of(&thread, &serial);
        assert_eq!(m.request(|| 7), Claim::StillRunning);
        m.enter_c(64);
        assert_eq!(m.leave_c(), Return::Asked);
        assert_eq!(m.settle(), Settled::StillMine);
        m.enter_c(64);
        assert_eq!(m.leave_c(), Return::Free);
    }

    #[test]
    fn a_ticket_from_before_settling_is_worth_nothing() {
        let (thread, serial) = thread();
        let m = Crossing::of(&thread, &serial);
        let old = m.ask().unwrap();
        assert_eq!(m.settle(), Settled::StillMine);
        m.enter_c(64);
        let new = m.ask().unwrap();
        assert_eq!(m.claim(old, || 7), Claim::StillRunning);
        assert_eq!(m.claim(new, || 7), Claim::Taken(7));
    }

    #[test]
    fn a_request_outlives_that_crossings_become_slow() {
        let (thread, serial) = thread();
        let m = Crossing::of(&thread, &serial);
        m.enter_c(64);
        let before = m.ask().unwrap();
        m.retake.fetch_or(FALLBACK, Ordering::SeqCst);
        assert_eq!(m.claim(before, || 7), Claim::StillRunning);
        assert_eq!(m.request(|| 7), Claim::Taken(7));
        assert_eq!(m.settle(), Settled::Lost);
    }

    #[test]
    fn without_membarrier_every_return_settles() {
        let (thread, serial) = thread();
        let m = Crossing::of(&thread, &serial);
        m.open(false);
        m.enter_c(64);
        assert_eq!(m.leave_c(), Return::Asked);
        assert_eq!(m.settle(), Settled::StillMine);
        m.enter_c(64);
        assert_eq!(m.request(|| 7), Claim::Taken(7));
        assert_eq!(m.leave_c(), Return::Asked);
        assert_eq!(m.settle(), Settled::Lost);
        assert_eq!(m.retake.load(Ordering::Relaxed), FALLBACK);
    }
}
