//! Semaphores: what Go's `sync` parks goroutines on.
//!
//! A semaphore is a 32-bit count of tokens at some address; who waits for it is found by the address, in a table. A waiter that is
//! woken has its token already. Whoever comes while others wait may take a token that was released before them; what keeps order
//! is built on top, in the mutex.
//!
//! No wake-up is lost. Who waits counts itself in `Root::waiting`, then looks for a token; who releases adds a token, then looks at
//! `waiting`. One of the two sees the other, since each has a sequentially consistent fence between. A releaser that sees a waiter
//! comes for the root's lock: by then the waiter is queued, or has found a token and gone.

use std::ptr;

use stack::Outcome;

use crate::fault::{Fault, on};
use crate::g::{GQueue, GRef, WaitReason, ready_all};
use crate::lock::{Cell, Lock, maybe_const};
use crate::sync::atomic::{AtomicU32, Ordering, fence};
use crate::wait::Waiter;

/// Result of [`acquire`]: the goroutine has a token.
pub const ACQUIRED: usize = 1;

/// A prime, so that addresses at usual distances don't meet.
#[cfg(not(loom))]
const ROOTS: usize = 251;
#[cfg(loom)]
const ROOTS: usize = 1;

/// The waiters of the semaphores whose addresses fall on one place of the table: a list of the first waiter at each address, which
/// heads a list of the others there. A cache line of its own.
#[repr(align(64))]
struct Root {
    lock: Lock,
    /// Who waits here, or is about to. Read without the lock.
    waiting: AtomicU32,
    first: Cell<*const Waiter>,
}

// SAFETY: the cells, here and in the waiters, are touched under the lock only.
unsafe impl Sync for Root {}

#[cfg(not(loom))]
static TABLE: [Root; ROOTS] = [const { Root::new() }; ROOTS];

#[cfg(loom)]
loom::lazy_static! {
    static ref TABLE: Vec<Root> = (0..ROOTS).map(|_| Root::new()).collect();
}

fn root(address: *const AtomicU32) -> &'static Root {
    // The lowest bits are those of 8-byte words.
    &TABLE[(address.addr() >> 3) % TABLE.len()]
}

/// Takes a token if there is one. A goroutine may call this without leaving its stack.
#[inline]
pub fn try_acquire(semaphore: &AtomicU32) -> bool {
    let mut tokens = semaphore.load(Ordering::Relaxed);
    while tokens != 0 {
        let less = semaphore.compare_exchange_weak(
            tokens,
            tokens - 1,
            Ordering::Acquire,
            Ordering::Relaxed,
        );
        match less {
            Ok(_) => return true,
            Err(now) => tokens = now,
        }
    }
    false
}

/// Takes a token, or waits for one: in front of all others with `first`. Results in [`ACQUIRED`].
///
/// # Safety
/// The semaphore stays where it is while goroutines wait for it.
pub unsafe fn acquire(
    semaphore: *const AtomicU32,
    g: GRef,
    first: bool,
    why: WaitReason,
) -> Outcome {
    // SAFETY: the caller's word; it is used until the goroutine is queued.
    let tokens = unsafe { &*semaphore };
    if try_acquire(tokens) {
        return Outcome::done(ACQUIRED);
    }
    let root = root(semaphore);
    root.lock.lock();
    let late = on(Fault::SemaphoreCountsLate);
    if !late {
        root.waiting.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }
    let acquired = try_acquire(tokens);
    if late {
        root.waiting.fetch_add(1, Ordering::Relaxed);
    }
    if acquired {
        root.waiting.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: the lock is held.
        unsafe { root.lock.unlock() };
        return Outcome::done(ACQUIRED);
    }
    g.waiter.prepare(g, semaphore.cast_mut().cast(), 0);
    g.will_park(why);
    // SAFETY: the lock is held; the waiter is in no other queue, since its goroutine runs.
    unsafe {
        root.enqueue(&g.waiter, first);
        root.lock.unlock();
    }
    Outcome::switch()
}

/// Adds `tokens`. If this says true somebody may wait, and [`wake`] must follow with the same number. A goroutine may call this
/// without leaving its stack.
#[inline]
#[must_use]
pub fn add(semaphore: &AtomicU32, tokens: u32) -> bool {
    let root = root(semaphore);
    semaphore.fetch_add(tokens, Ordering::Release);
    fence(Ordering::SeqCst);
    root.waiting.load(Ordering::Relaxed) != 0
}

/// The second half of a release: gives tokens to waiters, up to `tokens` of them. The semaphore itself may be gone by now, as those
/// who waited for it are; it is touched only if a goroutine is found that still waits.
pub fn wake(semaphore: *const AtomicU32, tokens: u32) {
    ready_all(take(semaphore, tokens));
}

/// Adds a token, and wakes a waiter if there is one. With `handoff` the goroutine `g`, which releases, gives way to it at once.
///
/// # Safety
/// The semaphore is valid.
pub unsafe fn release(semaphore: *const AtomicU32, g: GRef, handoff: bool) -> Outcome {
    // SAFETY: the caller's word.
    if add(unsafe { &*semaphore }, 1) {
        release_slow(semaphore, g, handoff)
    } else {
        Outcome::done(0)
    }
}

/// What [`release`] does after [`add`] has said true.
pub fn release_slow(semaphore: *const AtomicU32, g: GRef, handoff: bool) -> Outcome {
    let Some(waiter) = take(semaphore, 1).pop() else {
        return Outcome::done(0);
    };
    if !handoff {
        waiter.ready(ACQUIRED);
        return Outcome::done(0);
    }
    // Who is readied last runs first.
    g.will_park(WaitReason::Park);
    g.ready(0);
    waiter.ready(ACQUIRED);
    Outcome::switch()
}

/// Gives up to `tokens` tokens to waiters; those who got one, with their results.
fn take(semaphore: *const AtomicU32, tokens: u32) -> GQueue {
    let mut woken = GQueue::new();
    let root = root(semaphore);
    root.lock.lock();
    // SAFETY: the lock is held.
    let link = unsafe { root.find(semaphore) };
    for _ in 0..tokens {
        // SAFETY: the lock is held; waiters in the list are valid.
        let Some(waiter) = (unsafe { head(link, semaphore) }) else {
            break;
        };
        // SAFETY: a semaphore is valid while a goroutine waits for it, and this one can't go before the lock is released.
        if !try_acquire(unsafe { &*semaphore }) {
            // Others were faster, or another releaser has given this token to a waiter.
            break;
        }
        // SAFETY: the lock is held, and `waiter` stands at `link`.
        unsafe { remove_head(link, waiter) };
        root.waiting.fetch_sub(1, Ordering::Relaxed);
        let g = waiter.g.get().expect("a queued waiter has a goroutine");
        g.context.value.set(ACQUIRED);
        woken.push(g);
    }
    // SAFETY: the lock is held.
    unsafe { root.lock.unlock() };
    woken
}

/// The first waiter for `semaphore`, if it is the one that `link` leads to.
///
/// # Safety
/// The root's lock is held.
unsafe fn head<'a>(link: &Cell<*const Waiter>, semaphore: *const AtomicU32) -> Option<&'a Waiter> {
    // SAFETY: waiters in the list are valid.
    let waiter = unsafe { link.get().as_ref() }?;
    ptr::eq(waiter.elem.get().cast(), semaphore).then_some(waiter)
}

/// Takes the first of its address, to which `link` leads, off the list.
///
/// # Safety
/// The root's lock is held.
unsafe fn remove_head(link: &Cell<*const Waiter>, waiter: &Waiter) {
    // SAFETY: waiters in the list are valid.
    match unsafe { waiter.next.get().as_ref() } {
        None => link.set(waiter.sibling.get()),
        Some(next) => {
            next.prev.set(waiter.prev.get());
            next.sibling.set(waiter.sibling.get());
            link.set(next);
        }
    }
}

impl Root {
    maybe_const! {
        fn new() -> Root {
            Root {
                lock: Lock::new(),
                waiting: AtomicU32::new(0),
                first: Cell::new(ptr::null()),
            }
        }
    }

    /// The link that leads to the first waiter for `semaphore`; the end of the list if there is none.
    ///
    /// # Safety
    /// The lock is held.
    unsafe fn find(&self, semaphore: *const AtomicU32) -> &Cell<*const Waiter> {
        let mut link = &self.first;
        // SAFETY: waiters in the list are valid while the lock is held.
        while let Some(waiter) = unsafe { link.get().as_ref() } {
            if ptr::eq(waiter.elem.get().cast(), semaphore) {
                break;
            }
            link = &waiter.sibling;
        }
        link
    }

    /// # Safety
    /// The lock is held; the waiter is prepared, with the semaphore's address, and in no queue.
    unsafe fn enqueue(&self, waiter: &Waiter, first: bool) {
        let semaphore = waiter.elem.get().cast_const().cast();
        // SAFETY: the lock is held.
        let link = unsafe { self.find(semaphore) };
        // SAFETY: as above; waiters in the list are valid.
        let Some(old) = (unsafe { link.get().as_ref() }) else {
            waiter.prev.set(waiter);
            link.set(waiter);
            return;
        };
        let last = old.prev.get();
        if first {
            waiter.next.set(old);
            waiter.prev.set(last);
            waiter.sibling.set(old.sibling.get());
            link.set(waiter);
        } else {
            // SAFETY: the last waiter at this address is in the list.
            unsafe { &*last }.next.set(waiter);
            old.prev.set(waiter);
        }
    }
}
