//! Ps that nobody uses, and Ms that look for work: when a new runnable goroutine wakes an M.
//!
//! An M that has run out of work *spins*: it looks through the queues of others for a while. A new goroutine wakes an M only if some
//! P is idle and no M spins, since one that spins will find it. That must not fail while Ms give up, so both sides look twice:
//!
//! | who has new work (`wake`)                   | an M that finds nothing (`give_up`)          |
//! |---------------------------------------------|----------------------------------------------|
//! | puts it on a queue                          | its P is idle; if it spun, one less does     |
//! | fence                                       | fence                                        |
//! | nobody spins and a P is idle: takes that P  | looks through all queues once more           |
//!
//! By the fences either the submitter sees what `give_up` did, or the M sees the work. Then the M takes a P again and spins again
//! (`resume`); if there is none, all are busy, and who gives up one of them looks for itself. A submitter that saw another M spin left
//! the work to it: that M's own `give_up` comes later. If that M finds *other* work it calls `stop_spin` and, if it was the last,
//! `wake`. A submitter that counts as spinning on behalf of the M that it is about to wake and finds no P has perhaps kept a third
//! from waking one, so it asks again.
//!
//! Every M looks once more, not only those that spun as in Go: that costs a look at each queue and spares a second handshake
//! (Go's `needspinning`) between Ms that spin and Ms that drop their P.

use crate::fault::{Fault, on};
use crate::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

/// The most Ps that there can be. Go had the same limit for years.
pub const MAX_PROCS: usize = if cfg!(loom) { 64 } else { 1024 };
const WORDS: usize = MAX_PROCS / 64;

/// Who is idle.
pub struct Idle {
    spinning: AtomicU32,
    /// Words of the mask that have ever been used.
    words: AtomicUsize,
    /// One bit for each P. Who clears a bit has the P; who has a P sets its bit.
    mask: [AtomicU64; WORDS],
}

impl Default for Idle {
    fn default() -> Idle {
        Idle {
            spinning: AtomicU32::new(0),
            words: AtomicUsize::new(0),
            mask: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl Idle {
    #[cfg(not(loom))]
    pub const fn new() -> Idle {
        Idle {
            spinning: AtomicU32::new(0),
            words: AtomicUsize::new(0),
            mask: [const { AtomicU64::new(0) }; WORDS],
        }
    }

    fn words(&self) -> &[AtomicU64] {
        // Acquire: the word that an M had to add counts as much as its bit in there.
        &self.mask[..self.words.load(Ordering::Acquire)]
    }

    /// How many Ps are idle; out of date at once.
    pub fn idle_ps(&self) -> usize {
        let ones = |word: &AtomicU64| word.load(Ordering::Relaxed).count_ones() as usize;
        self.words().iter().map(ones).sum()
    }

    /// How many Ms spin; out of date at once.
    pub fn spinning(&self) -> usize {
        self.spinning.load(Ordering::Relaxed) as usize
    }

    /// Whether P number `id` is idle: thieves needn't look there. Out of date at once.
    pub fn is_idle(&self, id: usize) -> bool {
        self.mask[id / 64].load(Ordering::Relaxed) & 1 << (id % 64) != 0
    }

    /// P number `id` is idle from now on. For Ps that never had work; an M that runs out of it calls `give_up`.
    pub fn put_p(&self, id: usize) {
        let word = id / 64;
        if self.words.load(Ordering::Acquire) <= word {
            self.words.fetch_max(word + 1, Ordering::AcqRel);
        }
        let bit = 1 << (id % 64);
        // Release: the next one gets the P as it is now.
        let old = self.mask[word].fetch_or(bit, Ordering::Release);
        debug_assert!(old & bit == 0, "P {id} was idle already");
    }

    /// An M has found nothing to run: its P number `id` is idle from now on, and if it spun it no longer does. The caller must look
    /// through all queues once more, and on finding something `resume`.
    pub fn give_up(&self, id: usize, spun: bool) {
        self.put_p(id);
        if spun {
            self.one_less();
        }
        if !on(Fault::SpinFence) {
            fence(Ordering::SeqCst);
        }
    }

    /// An idle P, which is the caller's from now on.
    pub fn take_p(&self) -> Option<usize> {
        for (i, word) in self.words().iter().enumerate() {
            let mut bits = word.load(Ordering::Relaxed);
            while bits != 0 {
                let id = i * 64 + bits.trailing_zeros() as usize;
                if self.take_this(id) {
                    return Some(id);
                }
                bits &= bits - 1;
            }
        }
        None
    }

    /// P number `id`, if it is idle; it is the caller's then. For an M that had this one before.
    #[must_use]
    pub fn take_this(&self, id: usize) -> bool {
        let bit = 1 << (id % 64);
        // Acquire: see `put_p`.
        self.mask[id / 64].fetch_and(!bit, Ordering::Acquire) & bit != 0
    }

    /// To be called by who has put work on a queue. If an M is to be woken, the P for it: it counts as spinning already.
    #[must_use = "the P is nobody's then"]
    pub fn wake(&self) -> Option<usize> {
        while self.need_wake() {
            let p = self.take_p();
            if p.is_some() {
                return p;
            }
            // Others have taken them all since `need_wake` looked.
            self.one_less();
        }
        None
    }

    /// Whether an M should be woken; if so it counts as spinning.
    fn need_wake(&self) -> bool {
        if !on(Fault::WakeFence) {
            fence(Ordering::SeqCst);
        }
        // Acquire: an M that has stopped spinning has made its P idle before.
        self.spinning.load(Ordering::Acquire) == 0
            && self.idle_ps() != 0
            // Relaxed: one of those who see 0 is enough, and the M gets the work by the queue.
            && self
                .spinning
                .compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// An M without work wants to look for some. Not if as many as half of the busy Ps do so already: they would only heat the machine.
    #[must_use]
    pub fn start_spin(&self, procs: usize) -> bool {
        let busy = procs.saturating_sub(self.idle_ps());
        if 2 * self.spinning() >= busy {
            return false;
        }
        // Relaxed: others rely on this M only from when it is seen, and until it stops; that is ordered.
        self.spinning.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// The M's last look has found work: a P for it, and it spins, regardless of how many others do. `None`: all are busy.
    #[must_use = "the P is nobody's then"]
    pub fn resume(&self) -> Option<usize> {
        let p = self.take_p();
        if p.is_some() {
            self.spinning.fetch_add(1, Ordering::Relaxed);
        }
        p
    }

    /// An M that spun has found work. True: it was the last, and should `wake` another.
    #[must_use]
    pub fn stop_spin(&self) -> bool {
        self.one_less() == 1
    }

    /// How many there were.
    fn one_less(&self) -> u32 {
        // Release: see `need_wake`.
        let old = self.spinning.fetch_sub(1, Ordering::Release);
        debug_assert!(old != 0, "more Ms stopped spinning than began");
        old
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_m_is_woken_for_many_goroutines() {
        let idle = Idle::new();
        assert_eq!(idle.wake(), None);
        idle.put_p(70);
        idle.put_p(3);
        assert_eq!(idle.wake(), Some(3));
        assert_eq!(idle.wake(), None);
        assert!(idle.stop_spin());
        assert_eq!(idle.wake(), Some(70));
        assert_eq!(idle.idle_ps(), 0);
    }

    #[test]
    fn an_m_prefers_the_p_that_it_had() {
        let idle = Idle::new();
        idle.put_p(1);
        idle.put_p(2);
        assert!(idle.take_this(2));
        assert!(!idle.take_this(2));
        assert!(idle.is_idle(1) && !idle.is_idle(2));
        assert_eq!(idle.take_p(), Some(1));
        assert_eq!(idle.take_p(), None);
    }

    #[test]
    fn half_of_the_busy_ps_may_be_looked_for() {
        let idle = Idle::new();
        assert!(idle.start_spin(4));
        assert!(idle.start_spin(4));
        assert!(!idle.start_spin(4));
        idle.give_up(0, true);
        assert_eq!(idle.spinning(), 1);
        assert_eq!(idle.resume(), Some(0));
        assert_eq!(idle.spinning(), 2);
    }
}
