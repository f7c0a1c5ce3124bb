//! Which goroutines' stacks the collector has seen: each once in a cycle, before the goroutine first runs in it.
//!
//! Marking begins while the world stands still. From then on a goroutine that hasn't been scanned doesn't run, and its stack doesn't change. Two may
//! want to scan it: the collector, which goes through all of them, and the M that is about to let it go on, which can't wait for the collector's
//! turn. A word in each goroutine decides who does; the other finds it done, or waits for as long as it takes to read a stack.
//!
//! | word         | meaning                                  | leaves it                                                      |
//! |--------------|------------------------------------------|----------------------------------------------------------------|
//! | another cycle | not scanned in this one; does not run    | `claim`, by anyone → busy                                      |
//! | cycle + BUSY | somebody reads its stack; does not run   | who claimed → cycle (`finish`)                                 |
//! | cycle        | scanned, or made in this cycle: it may run | the next cycle's claim                                       |
//!
//! **The cycle doesn't change under a claim.** Who claims is the collector itself, which ends a cycle only after everybody was scanned; or an M with
//! a P, which the collector must stop before it begins or ends one. So an M that comes back from C, where it has lost its P, gets another first.
//!
//! **Who has nothing to scan.** A goroutine that is made while marking is on counts as scanned: its stack holds nothing but the argument, which
//! [`born`] has shaded. Dead ones have no stack to speak of.
//!
//! **Where the stack ends.** `Context::sp`, for who waits or is queued. Who was in C when the world stood still: the mark that its M had left, which
//! the collector has noted then ([`note_in_c`]); the stack above it stays as it is until the M has claimed. Who was on the way back from C just then
//! has neither: its M scans it.

use crate::fault::{Fault, on};
use crate::sync::atomic::{AtomicU32, Ordering};

const BUSY: u32 = 1;

/// The number of a collection, shifted to leave room for a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle(u32);

impl Cycle {
    /// The one after this. They come round after two billions, which is a year of collections without a pause between them.
    pub fn next(self) -> Cycle {
        Cycle(self.0.wrapping_add(2))
    }

    pub fn number(self) -> u32 {
        self.0 >> 1
    }
}

/// Whether marking is on, and in which cycle. Changed while the world stands still.
pub struct Phase(AtomicU32);

impl Default for Phase {
    fn default() -> Phase {
        Phase(AtomicU32::new(0))
    }
}

impl Phase {
    /// A bit beside the cycle.
    const MARKING: u32 = 1;

    #[cfg(not(loom))]
    pub const fn new() -> Phase {
        Phase(AtomicU32::new(0))
    }

    /// The cycle, if its marking is on.
    #[inline]
    pub fn marking(&self) -> Option<Cycle> {
        // Acquire: for those without a P. All others have been stopped since it was changed.
        let word = self.0.load(Ordering::Acquire);
        (word & Phase::MARKING != 0).then_some(Cycle(word & !Phase::MARKING))
    }

    /// The current cycle, or the last.
    pub fn cycle(&self) -> Cycle {
        Cycle(self.0.load(Ordering::Acquire) & !Phase::MARKING)
    }

    /// Begins a cycle's marking.
    pub fn begin(&self) -> Cycle {
        let cycle = self.cycle().next();
        self.0.store(cycle.0 | Phase::MARKING, Ordering::Release);
        cycle
    }

    /// Ends it.
    pub fn end(&self) {
        self.0.store(self.cycle().0, Ordering::Release);
    }
}

/// Who scans.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The caller, who calls [`Scanned::finish`] afterwards.
    Mine,
    /// Nobody: it is done.
    Done,
    /// Somebody else is at it.
    Busy,
}

/// A goroutine's word.
pub struct Scanned(AtomicU32);

impl Default for Scanned {
    fn default() -> Scanned {
        Scanned(AtomicU32::new(0))
    }
}

impl Scanned {
    #[cfg(not(loom))]
    pub const fn new() -> Scanned {
        Scanned(AtomicU32::new(0))
    }

    /// Wants to scan the goroutine in `cycle`, which is on.
    pub fn claim(&self, cycle: Cycle) -> Claim {
        // Acquire: what was found by who has scanned it is in the collector's queues by then, and the stack may change from now on.
        let word = self.0.load(Ordering::Acquire);
        match word {
            done if done == cycle.0 => return Claim::Done,
            busy if busy & BUSY != 0 => return Claim::Busy,
            _ => {}
        }
        if on(Fault::ScanClaimedBlindly) {
            self.0.store(cycle.0 | BUSY, Ordering::Release);
            return Claim::Mine;
        }
        let claimed =
            self.0
                .compare_exchange(word, cycle.0 | BUSY, Ordering::Acquire, Ordering::Acquire);
        match claimed {
            Ok(_) => Claim::Mine,
            Err(now) if now == cycle.0 => Claim::Done,
            Err(_) => Claim::Busy,
        }
    }

    /// The stack has been read, and what was found in it is where the collector looks.
    pub fn finish(&self, cycle: Cycle) {
        self.0.store(cycle.0, Ordering::Release);
    }

    /// There is nothing to scan in this cycle: for who makes a goroutine, before others can see it.
    pub fn skip(&self, cycle: Cycle) {
        self.0.store(cycle.0, Ordering::Release);
    }

    /// Whether it is done.
    pub fn is_done(&self, cycle: Cycle) -> bool {
        self.0.load(Ordering::Acquire) == cycle.0
    }
}

#[cfg(not(loom))]
pub use system::{Collector, PHASE, before_running, born, note_in_c, peek, set_collector, visit};

#[cfg(not(loom))]
mod system {
    use std::sync::OnceLock;

    use super::{Claim, Cycle, Ordering, Phase};
    use crate::g::GRef;
    use crate::gstatus::State;
    use crate::m;

    /// The program's.
    pub static PHASE: Phase = Phase::new();

    /// What the collector does for the scheduler.
    pub struct Collector {
        /// Reads the stack of a goroutine that does not run, down to the address given, and puts what it finds where the collector looks.
        pub scan: fn(GRef, usize),
        /// Puts an address there, if it is one of the heap's.
        pub shade: fn(usize),
    }

    static COLLECTOR: OnceLock<Collector> = OnceLock::new();

    /// To be called before marking begins for the first time.
    pub fn set_collector(collector: Collector) {
        let _ = COLLECTOR.set(collector);
    }

    fn collector() -> &'static Collector {
        COLLECTOR
            .get()
            .expect("marking is on, so there is a collector")
    }

    /// `g` is about to run on this thread's M, which has a P for it; its context says where its stack ends.
    #[inline]
    pub fn before_running(g: GRef) {
        if let Some(cycle) = PHASE.marking() {
            scan(g, cycle);
        }
    }

    #[cold]
    fn scan(g: GRef, cycle: Cycle) {
        loop {
            match g.scanned.claim(cycle) {
                Claim::Done => return,
                // A few microseconds, unless the stack is huge.
                Claim::Busy => std::thread::yield_now(),
                Claim::Mine => {
                    (collector().scan)(g, g.context.sp.get());
                    g.scanned.finish(cycle);
                    return;
                }
            }
        }
    }

    /// `g` is new, and nobody else has seen it: all that its stack holds is `argument`.
    pub fn born(g: GRef, argument: *mut u8) {
        let marking = PHASE.marking();
        if marking.is_some() {
            (collector().shade)(argument.addr());
        }
        g.scanned.skip(PHASE.cycle());
    }

    /// The collector's turn: scans `g` unless others have, or do. False: it must come again.
    pub fn visit(g: GRef, cycle: Cycle) -> bool {
        let state = g.status.observe();
        let (noted, in_c) = g.in_c.get();
        match state {
            State::Dead | State::Idle => return true,
            // Either it has been scanned, or its M is on the way back from C and will see to it.
            State::Running if noted != cycle.number() => return g.scanned.is_done(cycle),
            _ => {}
        }
        match g.scanned.claim(cycle) {
            Claim::Done => true,
            Claim::Busy => false,
            Claim::Mine => {
                let sp = match state {
                    State::Running => in_c,
                    _ => g.context.sp.get(),
                };
                (collector().scan)(g, sp);
                g.scanned.finish(cycle);
                true
            }
        }
    }

    /// A word of somebody's memory, which may change, and which a sanitizer may have reasons to keep others from.
    #[inline(always)]
    pub fn peek(address: usize) -> usize {
        let word: usize;
        // SAFETY: callers pass addresses of memory that stays readable: stacks that exist, ranges that were said to be roots.
        unsafe {
            std::arch::asm!(
                "mov {w}, qword ptr [{a}]",
                w = out(reg) word,
                a = in(reg) address,
                options(nostack, preserves_flags, readonly),
            );
        }
        word
    }

    /// Notes where the stacks of goroutines in C end, which marking begins with. The world stands still.
    pub fn note_in_c(cycle: Cycle) {
        m::for_each(|m| {
            let mark = || m.thread.go_sp.load(Ordering::Acquire);
            let sp = mark();
            // Who comes back meanwhile may have left the goroutine to others, but has no P to let it run.
            let context = peek(m.thread.context.as_ptr().addr()) as *mut stack::Context;
            if let Some(g) = GRef::from_context(context).filter(|_| sp != 0 && mark() == sp) {
                g.in_c.set((cycle.number(), sp));
            }
        });
    }
}
