//! Waiters: the places of parked goroutines in the queues of channels and semaphores (Go's sudog).
//!
//! Each G has one of its own, since it waits for one thing at a time. A select waits for many: the caller gives an array of waiters
//! on the goroutine's stack, which never moves.

use std::ptr::{self, NonNull};

use crate::fault::{Fault, on};
use crate::g::GRef;
use crate::lock::{Cell, maybe_const};
use crate::sync::atomic::{AtomicPtr, Ordering};

/// A goroutine's place in one queue.
///
/// All fields belong to who holds the lock of the queue that the waiter is in; while it is in none, to the goroutine's operation.
/// A waiter that was taken off its queue belongs to who took it off, until the goroutine is readied.
///
/// | field     | channel                  | semaphore                                  | notify list         |
/// |-----------|--------------------------|--------------------------------------------|---------------------|
/// | `next`    | behind in the queue      | behind at the same address                 | behind in the queue |
/// | `prev`    | before in the queue      | of the first: the last at the address      |                     |
/// | `sibling` |                          | of the first: the first of another address |                     |
/// | `elem`    | value to take or to give | the address                                |                     |
/// | `tag`     | of a select: the case    |                                            | ticket              |
#[repr(C)]
pub struct Waiter {
    pub(crate) g: Cell<Option<GRef>>,
    pub(crate) next: Cell<*const Waiter>,
    pub(crate) prev: Cell<*const Waiter>,
    pub(crate) sibling: Cell<*const Waiter>,
    pub(crate) elem: Cell<*mut u8>,
    /// In a channel's queue: what the goroutine's result is made of, success apart. Zero: no select.
    pub(crate) tag: Cell<usize>,
}

impl Default for Waiter {
    fn default() -> Waiter {
        Waiter::new()
    }
}

impl Waiter {
    maybe_const! {
        /// One that waits for nothing.
        pub fn new() -> Waiter {
            Waiter {
                g: Cell::new(None),
                next: Cell::new(ptr::null()),
                prev: Cell::new(ptr::null()),
                sibling: Cell::new(ptr::null()),
                elem: Cell::new(ptr::null_mut()),
                tag: Cell::new(0),
            }
        }
    }

    /// Ready to be put in a queue.
    pub(crate) fn prepare(&self, g: GRef, elem: *mut u8, tag: usize) {
        self.g.set(Some(g));
        self.next.set(ptr::null());
        self.prev.set(ptr::null());
        self.sibling.set(ptr::null());
        self.elem.set(elem);
        self.tag.set(tag);
    }

    /// The address of what its goroutine waits with, or waited with last: a value to give, room for one, a semaphore.
    pub fn element(&self) -> usize {
        self.elem.get().addr()
    }
}

/// A waiter that was taken off its queue: its goroutine sleeps until who holds this readies it.
#[must_use = "its goroutine would sleep for ever"]
pub(crate) struct Taken(NonNull<Waiter>);

impl Taken {
    /// # Safety
    /// The waiter is in no queue any more, its goroutine is parked, and nobody else will ready it.
    pub(crate) unsafe fn new(waiter: NonNull<Waiter>) -> Taken {
        Taken(waiter)
    }

    fn waiter(&self) -> &Waiter {
        // SAFETY: a waiter lives as long as its goroutine sleeps, and that is until `resume` or `detach`, which consume this.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn elem(&self) -> *mut u8 {
        self.waiter().elem.get()
    }

    /// The goroutine, with what its operation resulted in: for lists of those who are readied together.
    pub(crate) fn detach(self, success: bool) -> (GRef, usize) {
        let waiter = self.waiter();
        let g = waiter.g.get().expect("a queued waiter has a goroutine");
        (g, waiter.tag.get() | usize::from(success))
    }

    /// Readies the goroutine.
    pub(crate) fn resume(self, success: bool) {
        let (g, value) = self.detach(success);
        g.ready(value);
    }
}

/// The goroutines that wait to send to a channel, or to receive from it, in the order in which they came. The channel's lock guards it.
pub(crate) struct WaitQueue {
    first: AtomicPtr<Waiter>,
    last: Cell<*const Waiter>,
}

impl WaitQueue {
    pub(crate) fn new() -> WaitQueue {
        WaitQueue {
            first: AtomicPtr::new(ptr::null_mut()),
            last: Cell::new(ptr::null()),
        }
    }

    /// Whether nobody waits; without the lock, whether nobody did a moment ago.
    pub(crate) fn is_empty(&self) -> bool {
        self.first.load(Ordering::Acquire).is_null()
    }

    /// # Safety
    /// The lock is held; the waiter is prepared, in no queue, and stays where it is until it is taken off this one.
    pub(crate) unsafe fn push(&self, waiter: &Waiter) {
        let last = self.last.replace(waiter);
        // SAFETY: a waiter in the queue is valid, and the lock is held.
        match unsafe { last.as_ref() } {
            None => self.set_first(waiter),
            Some(last) => {
                last.next.set(waiter);
                waiter.prev.set(last);
            }
        }
    }

    /// Takes the first waiter off that nobody else readies: one of a select may have been won through another of its channels,
    /// and is still here because the select has not yet run.
    ///
    /// # Safety
    /// The lock is held.
    pub(crate) unsafe fn pop(&self) -> Option<Taken> {
        loop {
            // Writes to `first` happen under the lock, which is held.
            let first = NonNull::new(self.first.load(Ordering::Relaxed))?;
            // SAFETY: a waiter in the queue is valid, and the lock is held.
            let waiter = unsafe { first.as_ref() };
            // SAFETY: as above.
            unsafe { self.remove(waiter) };
            if waiter.tag.get() == 0 || wins(waiter) {
                // SAFETY: it was in the queue, so its goroutine is parked, and nobody else finds it or has won its select.
                return Some(unsafe { Taken::new(first) });
            }
        }
    }

    /// Takes `waiter` off, wherever it stands; nothing happens if it is in the queue no longer.
    ///
    /// # Safety
    /// The lock is held; the waiter is in this queue or in none.
    pub(crate) unsafe fn remove(&self, waiter: &Waiter) {
        let (prev, next) = (waiter.prev.get(), waiter.next.get());
        // SAFETY: neighbours in the queue are valid, and the lock is held.
        match unsafe { prev.as_ref() } {
            Some(prev) => prev.next.set(next),
            None if ptr::eq(self.first.load(Ordering::Relaxed), waiter) => self.set_first(next),
            None => return,
        }
        // SAFETY: as above.
        match unsafe { next.as_ref() } {
            Some(next) => next.prev.set(prev),
            None => self.last.set(prev),
        }
        waiter.next.set(ptr::null());
        waiter.prev.set(ptr::null());
    }

    fn set_first(&self, waiter: *const Waiter) {
        // Released with what happened to the channel before: see `Chan::would_block_recv`.
        self.first.store(waiter.cast_mut(), Ordering::Release);
    }
}

/// Whether the caller is the one who readies the select that `waiter` is part of.
fn wins(waiter: &Waiter) -> bool {
    let g = waiter.g.get().expect("a queued waiter has a goroutine");
    let done = g
        .select_done
        .compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed)
        .is_ok();
    done || on(Fault::SelectWonTwice)
}
