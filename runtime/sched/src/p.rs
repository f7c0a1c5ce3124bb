//! P: a processor, the right to run Go. There are GOMAXPROCS of them.

use std::cell::{Cell, UnsafeCell};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use stack::memory::Cache;

use crate::g::{GQueue, GRef};
use crate::m::M;
use crate::runq::RunQueue;
use crate::timer::Timers;

pub use crate::idle::MAX_PROCS;

/// Where a P stands. Who may change it: see `docs/runtime/transitions.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum PStatus {
    /// On the list of idle Ps, or about to be handed to an M.
    Idle,
    /// An M has it. Whether that M is in C only the M itself and [`crate::crossing`] know.
    Running,
    /// Held by who stopped the world.
    Stopped,
    /// GOMAXPROCS is smaller by now.
    Dead,
}

/// A processor. Never freed.
pub struct P {
    pub id: usize,
    status: AtomicU32,
    /// The M that has it; null while none does.
    pub m: AtomicPtr<M>,
    pub runq: RunQueue<GRef>,
    pub timers: Timers,
    /// Goroutines started or resumed so far: sysmon sees by it how long one runs.
    pub tick: AtomicU32,
    /// The goroutine that runs shall leave at its next stack check.
    pub preempt: AtomicBool,
    /// What sysmon saw last.
    pub seen: Seen,
    /// What the heap allocates from for this P; the heap's own.
    pub heap: AtomicPtr<u8>,
    /// Memory for stacks and dead Gs: the M's that has the P, or of who stopped the world.
    local: UnsafeCell<Local>,
}

/// What only the M that has the P touches.
pub struct Local {
    pub stacks: Cache,
    pub dead: GQueue,
}

/// What sysmon saw of a P when it last looked; sysmon's own.
#[derive(Default)]
pub struct Seen {
    pub tick: Cell<u32>,
    pub tick_since: Cell<i64>,
    pub calls: Cell<u64>,
    pub calls_since: Cell<i64>,
}

// SAFETY: the cells belong to one thread at a time: `local` to the M that has the P, `seen` to sysmon.
unsafe impl Sync for P {}
// SAFETY: as above.
unsafe impl Send for P {}

static ALL: [AtomicPtr<P>; MAX_PROCS] = [const { AtomicPtr::new(ptr::null_mut()) }; MAX_PROCS];
static COUNT: AtomicUsize = AtomicUsize::new(0);

impl P {
    fn new(id: usize) -> P {
        P {
            id,
            status: AtomicU32::new(PStatus::Dead as u32),
            m: AtomicPtr::default(),
            runq: RunQueue::new(),
            timers: Timers::new(),
            tick: AtomicU32::new(0),
            preempt: AtomicBool::new(false),
            seen: Seen::default(),
            heap: AtomicPtr::default(),
            local: UnsafeCell::new(Local {
                stacks: Cache::new(),
                dead: GQueue::new(),
            }),
        }
    }

    /// The P of this thread's M. Not for threads that have none: see [`P::try_current`].
    pub fn current() -> &'static P {
        let p = P::try_current().expect("the thread has a P");
        debug_assert!(
            ptr::eq(p.m.load(Ordering::Relaxed), M::current()),
            "the P is another thread's"
        );
        p
    }

    /// The P that this thread may use. A thread in C has none, for it may have been taken from it.
    pub fn try_current() -> Option<&'static P> {
        let m = M::try_current()?;
        match m.thread.go_sp.load(Ordering::Relaxed) {
            0 => m.p(),
            _ => None,
        }
    }

    pub fn status(&self) -> PStatus {
        match self.status.load(Ordering::Acquire) {
            0 => PStatus::Idle,
            1 => PStatus::Running,
            2 => PStatus::Stopped,
            _ => PStatus::Dead,
        }
    }

    /// Only who owns the P may say what it is: see the table of transitions.
    pub fn set_status(&self, status: PStatus) {
        self.status.store(status as u32, Ordering::Release);
    }

    /// The M's own part.
    ///
    /// # Safety
    /// This thread's M has the P, or this thread has stopped the world; no other reference from here is alive.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn local(&self) -> &mut Local {
        // SAFETY: by the caller's word nobody else looks.
        unsafe { &mut *self.local.get() }
    }

    /// Whether nothing waits in its queue.
    pub fn is_idle(&self) -> bool {
        self.runq.is_empty()
    }
}

/// Gives all Ps' memory back.
///
/// # Safety
/// Nobody uses a P any more.
pub unsafe fn free_all() {
    COUNT.store(0, Ordering::Release);
    for place in &ALL {
        let p = place.swap(ptr::null_mut(), Ordering::AcqRel);
        if !p.is_null() {
            // SAFETY: a leaked box, which nobody uses.
            drop(unsafe { Box::from_raw(p) });
        }
    }
}

/// GOMAXPROCS.
pub fn count() -> usize {
    COUNT.load(Ordering::Acquire)
}

/// All Ps that GOMAXPROCS allows.
pub fn all() -> impl Iterator<Item = &'static P> {
    (0..count()).map(get)
}

/// The P of that number, which must be below [`count`].
pub fn get(id: usize) -> &'static P {
    // SAFETY: Ps are leaked boxes, and everything below the count has been made.
    unsafe { &*ALL[id].load(Ordering::Acquire) }
}

/// Changes how many Ps there are and makes those that are missing. Returns those that are new or alive again, still dead by their status.
/// Only at the start and while the world is stopped.
pub fn set_count(count: usize) -> std::ops::Range<usize> {
    let before = COUNT.load(Ordering::Acquire);
    for (id, place) in ALL.iter().enumerate().take(count) {
        if place.load(Ordering::Acquire).is_null() {
            place.store(Box::leak(Box::new(P::new(id))), Ordering::Release);
        }
    }
    COUNT.store(count, Ordering::Release);
    before.min(count)..count
}
