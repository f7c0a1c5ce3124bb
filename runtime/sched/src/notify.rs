//! Notify list: what a condition variable is made of. Laid out as Go's `sync.notifyList`.
//!
//! Who waits takes a ticket while it holds the condition's lock, and queues after it has released it; who notifies calls tickets in
//! order. A ticket that is called before its goroutine has queued is found to be called when it does.

use std::ptr;

use stack::Outcome;

use crate::fault::{Fault, on};
use crate::g::{GQueue, GRef, WaitReason, ready_all};
use crate::lock::{Cell, Lock, maybe_const};
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::wait::Waiter;

/// Who waits for a condition.
#[repr(C)]
pub struct NotifyList {
    /// The next ticket to give; changed without the lock.
    wait: AtomicU32,
    /// The next ticket to call; changed under the lock.
    notify: AtomicU32,
    lock: Lock,
    first: Cell<*const Waiter>,
    last: Cell<*const Waiter>,
}

// SAFETY: the cells, here and in the waiters, are touched under the lock only.
unsafe impl Sync for NotifyList {}
// SAFETY: as above.
unsafe impl Send for NotifyList {}

/// Whether ticket `a` comes before `b`. They wrap around; fewer than half of all are out at once.
fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

impl Default for NotifyList {
    fn default() -> NotifyList {
        NotifyList::new()
    }
}

impl NotifyList {
    maybe_const! {
        /// Nobody waits.
        pub fn new() -> NotifyList {
            NotifyList {
                wait: AtomicU32::new(0),
                notify: AtomicU32::new(0),
                lock: Lock::new(),
                first: Cell::new(ptr::null()),
                last: Cell::new(ptr::null()),
            }
        }
    }

    /// A ticket to [`NotifyList::wait`] with. A goroutine calls it without leaving its stack.
    #[inline]
    pub fn ticket(&self) -> u32 {
        self.wait.fetch_add(1, Ordering::AcqRel)
    }

    /// Whether all tickets have been called, so that there is nobody to notify.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.wait.load(Ordering::Acquire) == self.notify.load(Ordering::Acquire)
    }

    /// Waits until `ticket` is called.
    pub fn wait(&self, g: GRef, ticket: u32) -> Outcome {
        self.lock.lock();
        let called = before(ticket, self.notify.load(Ordering::Acquire));
        if called && !on(Fault::NotifyForgetsTicket) {
            // SAFETY: the lock is held.
            unsafe { self.lock.unlock() };
            return Outcome::done(0);
        }
        g.waiter.prepare(g, ptr::null_mut(), ticket as usize);
        g.will_park(WaitReason::CondWait);
        let waiter = &raw const g.waiter;
        // SAFETY: the lock is held; waiters in the queue are valid.
        unsafe {
            match self.last.replace(waiter).as_ref() {
                None => self.first.set(waiter),
                Some(last) => last.next.set(waiter),
            }
            self.lock.unlock();
        }
        Outcome::switch()
    }

    /// Calls all tickets that were given.
    pub fn notify_all(&self) -> Outcome {
        if self.is_idle() {
            return Outcome::done(0);
        }
        let mut woken = GQueue::new();
        self.lock.lock();
        let mut next = self.first.replace(ptr::null());
        self.last.set(ptr::null());
        // Who has a ticket and hasn't queued finds it called.
        self.notify
            .store(self.wait.load(Ordering::Acquire), Ordering::Release);
        // SAFETY: the lock is held; waiters in the queue are valid, and their goroutines stay parked until they are readied below.
        unsafe {
            while let Some(waiter) = next.as_ref() {
                next = waiter.next.get();
                woken.push(goroutine(waiter));
            }
            self.lock.unlock();
        }
        ready_all(woken);
        Outcome::done(0)
    }

    /// Calls the next ticket.
    pub fn notify_one(&self) -> Outcome {
        if self.is_idle() {
            return Outcome::done(0);
        }
        self.lock.lock();
        let ticket = self.notify.load(Ordering::Acquire);
        let mut woken = None;
        if ticket != self.wait.load(Ordering::Acquire) {
            self.notify.store(ticket.wrapping_add(1), Ordering::Release);
            // SAFETY: the lock is held.
            woken = unsafe { self.remove(ticket) };
        }
        // SAFETY: the lock is held.
        unsafe { self.lock.unlock() };
        if let Some(g) = woken {
            g.ready(0);
        }
        Outcome::done(0)
    }

    /// Takes the goroutine with `ticket` off the queue, if it has queued: it stands near the front, since tickets are given in the
    /// order in which goroutines come.
    ///
    /// # Safety
    /// The lock is held.
    unsafe fn remove(&self, ticket: u32) -> Option<GRef> {
        let mut before: *const Waiter = ptr::null();
        let mut link = &self.first;
        loop {
            // SAFETY: waiters in the queue are valid.
            let waiter = unsafe { link.get().as_ref() }?;
            if waiter.tag.get() == ticket as usize {
                link.set(waiter.next.get());
                if ptr::eq(self.last.get(), waiter) {
                    self.last.set(before);
                }
                return Some(goroutine(waiter));
            }
            before = waiter;
            link = &waiter.next;
        }
    }
}

fn goroutine(waiter: &Waiter) -> GRef {
    waiter.g.get().expect("a queued waiter has a goroutine")
}
