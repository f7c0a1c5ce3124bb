//! What all threads share, mostly under one lock: the global run queue, idle Ms, dead Gs.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use stack::sync::{Mutex, MutexGuard};

use crate::g::{GQueue, GRef};
use crate::idle::Idle;
use crate::m::{M, Note};

/// Under the lock.
pub struct Global {
    /// Goroutines that no P has.
    pub runq: GQueue,
    idle_ms: *const M,
    pub idle_m_count: usize,
    /// Ms of guests' threads that are gone.
    spare_ms: *const M,
    dead: GQueue,
    /// Ms that there are; with a thread of their own or a guest's.
    pub m_count: usize,
    /// Ms that sleep because their locked goroutine is not ready.
    pub locked_idle: isize,
    /// Ps that the one who stops the world still waits for.
    pub stop_wait: usize,
    /// The process belongs to somebody else: it may call at any time, so that no silence is a deadlock.
    pub guest: bool,
    /// Most threads that may be made (debug.SetMaxThreads).
    pub max_ms: usize,
}

// SAFETY: the pointers are to Ms, which are never freed, and whose links are touched under this lock only.
unsafe impl Send for Global {}

static GLOBAL: Mutex<Global> = Mutex::new(Global {
    runq: GQueue::new(),
    idle_ms: ptr::null(),
    idle_m_count: 0,
    spare_ms: ptr::null(),
    dead: GQueue::new(),
    m_count: 0,
    locked_idle: 0,
    stop_wait: 0,
    guest: false,
    max_ms: 10_000,
});

/// What is read without the lock.
pub struct Shared {
    /// Length of the global run queue.
    pub runq_len: AtomicUsize,
    pub idle: Idle,
    /// The world is being stopped, or is.
    pub stopping: AtomicBool,
    pub stop_note: Note,
    /// When the network was last polled (`nanotime`); 0 while a thread sleeps in it.
    pub last_poll: AtomicI64,
    /// Until when the thread that sleeps in the poller does; `i64::MAX`: for ever.
    pub poll_until: AtomicI64,
    pub sysmon_note: Note,
    /// sysmon sleeps, or is about to, because no P runs.
    pub sysmon_rests: AtomicBool,
    /// Goroutines that are not dead.
    pub goroutines: AtomicUsize,
}

pub static SHARED: Shared = Shared {
    runq_len: AtomicUsize::new(0),
    idle: Idle::new(),
    stopping: AtomicBool::new(false),
    stop_note: Note::new(),
    last_poll: AtomicI64::new(1),
    poll_until: AtomicI64::new(0),
    sysmon_note: Note::new(),
    sysmon_rests: AtomicBool::new(false),
    goroutines: AtomicUsize::new(0),
};

pub fn lock() -> MutexGuard<'static, Global> {
    GLOBAL.lock().expect("nobody panics with it")
}

fn pop<T>(
    head: &mut *const T,
    link: impl Fn(&'static T) -> &'static Cell<*const T>,
) -> Option<&'static T> {
    // SAFETY: lists hold Ms or Ps, which are never freed.
    let first: &'static T = unsafe { head.as_ref()? };
    *head = link(first).replace(ptr::null());
    Some(first)
}

impl Global {
    pub fn push_g(&mut self, g: GRef) {
        self.runq.push(g);
        SHARED.runq_len.store(self.runq.len(), Ordering::Release);
    }

    pub fn push_gs(&mut self, queue: GQueue) {
        self.runq.append(queue);
        SHARED.runq_len.store(self.runq.len(), Ordering::Release);
    }

    pub fn pop_g(&mut self) -> Option<GRef> {
        let g = self.runq.pop();
        SHARED.runq_len.store(self.runq.len(), Ordering::Release);
        g
    }

    pub fn take_idle_m(&mut self) -> Option<&'static M> {
        let m = pop(&mut self.idle_ms, |m| &m.link)?;
        self.idle_m_count -= 1;
        Some(m)
    }

    pub fn put_idle_m(&mut self, m: &'static M) {
        m.link.set(self.idle_ms);
        self.idle_ms = m;
        self.idle_m_count += 1;
    }

    /// An M whose thread is gone, or a new one.
    pub fn spare_m(&mut self) -> &'static M {
        pop(&mut self.spare_ms, |m| &m.link).unwrap_or_else(M::new)
    }

    pub fn put_spare_m(&mut self, m: &'static M) {
        m.link.set(self.spare_ms);
        self.spare_ms = m;
    }
}

/// A batch of dead Gs.
pub fn take_dead() -> GQueue {
    let mut global = lock();
    let mut batch = GQueue::new();
    while batch.len() < 32 {
        let Some(g) = global.dead.pop() else { break };
        batch.push(g);
    }
    batch
}

/// One dead G, for who has no P.
pub fn take_dead_one() -> GRef {
    let mut global = lock();
    if global.dead.is_empty() {
        global.dead = GRef::make_chunk();
    }
    global.dead.pop().expect("a chunk has some")
}

/// Gives back what a P has too many of.
pub fn put_dead(mut batch: GQueue) {
    let mut global = lock();
    // In front: their stacks are the warmest.
    batch.append(std::mem::take(&mut global.dead));
    global.dead = batch;
}
