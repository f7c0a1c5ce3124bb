//! A P's queue of runnable goroutines: its owner puts and gets, anyone steals.
//!
//! A ring of [`CAPACITY`] places between two counters that only grow, and one place before all, `runnext`, for what should run next
//! in the current time slice.
//!
//! | word      | owner                          | others                         |
//! |-----------|--------------------------------|--------------------------------|
//! | `head`    | compare-and-swap forwards      | compare-and-swap forwards      |
//! | `tail`    | stores                         | read                           |
//! | places    | written from `tail` on         | read between `head` and `tail` |
//! | `runnext` | swaps                          | compare-and-swap to empty      |
//!
//! The owner is who has the P. It changes only in ways that release and acquire (`crossing`, the scheduler's lock).
//!
//! A consumer reads places first and then moves `head` over them. If that succeeds, `head` hasn't moved since it was read, so the
//! owner, who writes a place again only once `head` has passed it, hasn't overwritten what was read.

use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::ptr::NonNull;

use crate::fault::{Fault, on};
use crate::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// Places in the ring; a power of two. The model checker goes through more rounds of a smaller one.
pub const CAPACITY: usize = if cfg!(loom) { 4 } else { 256 };
/// What goes to the global queue when the ring is full: half of it, and the item that didn't fit.
const BATCH: usize = CAPACITY / 2 + 1;

/// What can be queued: a word that isn't zero.
///
/// # Safety
/// `from_word(into_word(item))` is the item, on any thread.
pub unsafe trait Item: Copy {
    fn into_word(self) -> NonZeroUsize;
    /// # Safety
    /// `word` comes from `into_word` of this type.
    unsafe fn from_word(word: NonZeroUsize) -> Self;
}

// SAFETY: both are the identity.
unsafe impl Item for NonZeroUsize {
    fn into_word(self) -> NonZeroUsize {
        self
    }

    unsafe fn from_word(word: NonZeroUsize) -> NonZeroUsize {
        word
    }
}

// SAFETY: the address is exposed, so the pointer that is made of it again may be used like the first.
unsafe impl<T> Item for NonNull<T> {
    fn into_word(self) -> NonZeroUsize {
        let address = self.as_ptr().expose_provenance();
        NonZeroUsize::new(address).expect("NonNull isn't null")
    }

    unsafe fn from_word(word: NonZeroUsize) -> NonNull<T> {
        let pointer = std::ptr::with_exposed_provenance_mut(word.get());
        NonNull::new(pointer).expect("NonZero isn't zero")
    }
}

/// What to do about `runnext` when there is nothing else to steal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunNext {
    /// It stays with its P.
    Leave,
    /// It is taken.
    Take,
    /// It is taken unless its P runs it within some microseconds. For a P that is running: the usual goroutine there readies another
    /// and blocks at once, and should find it where it put it.
    TakeLate,
}

/// What didn't fit, oldest first; for the global queue.
pub struct Batch<T> {
    items: [Option<T>; BATCH],
}

impl<T> IntoIterator for Batch<T> {
    type Item = T;
    type IntoIter = std::iter::Flatten<std::array::IntoIter<Option<T>, BATCH>>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter().flatten()
    }
}

/// The queue of one P.
pub struct RunQueue<T> {
    head: AtomicU32,
    tail: AtomicU32,
    runnext: AtomicUsize,
    ring: [AtomicUsize; CAPACITY],
    items: PhantomData<T>,
}

// SAFETY: the words are atomics, and items may be handed to any thread (`Item`).
unsafe impl<T: Item> Send for RunQueue<T> {}
// SAFETY: as above.
unsafe impl<T: Item> Sync for RunQueue<T> {}

impl<T: Item> Default for RunQueue<T> {
    fn default() -> RunQueue<T> {
        RunQueue {
            head: AtomicU32::new(0),
            tail: AtomicU32::new(0),
            runnext: AtomicUsize::new(0),
            ring: std::array::from_fn(|_| AtomicUsize::new(0)),
            items: PhantomData,
        }
    }
}

/// SAFETY: for words that come from `into_word` of T, or are zero.
unsafe fn item<T: Item>(word: usize) -> Option<T> {
    // SAFETY: as asked of the caller.
    NonZeroUsize::new(word).map(|word| unsafe { T::from_word(word) })
}

impl<T: Item> RunQueue<T> {
    #[cfg(not(loom))]
    pub const fn new() -> RunQueue<T> {
        RunQueue {
            head: AtomicU32::new(0),
            tail: AtomicU32::new(0),
            runnext: AtomicUsize::new(0),
            ring: [const { AtomicUsize::new(0) }; CAPACITY],
            items: PhantomData,
        }
    }

    fn place(&self, count: u32) -> &AtomicUsize {
        &self.ring[count as usize % CAPACITY]
    }

    /// Owner: `value` at the end or, with `next`, before all; what was there goes to the end. A batch comes back if the ring is full.
    #[must_use = "what didn't fit would never run"]
    pub fn put(&self, value: T, next: bool) -> Option<Batch<T>> {
        let mut word = value.into_word().get();
        if next {
            // Release: a thief may take it from here. Acquire isn't needed: what comes out was put by the owner.
            word = self.runnext.swap(word, Ordering::Release);
            if word == 0 {
                return None;
            }
        }
        loop {
            // Acquire: thieves have read the places that they moved `head` over.
            let head = self.head.load(Ordering::Acquire);
            // Relaxed: the owner's own.
            let tail = self.tail.load(Ordering::Relaxed);
            if tail.wrapping_sub(head) < CAPACITY as u32 {
                self.place(tail).store(word, Ordering::Relaxed);
                self.publish(tail.wrapping_add(1));
                return None;
            }
            if let Some(batch) = self.overflow(word, head) {
                return Some(batch);
            }
            // A thief has made room.
        }
    }

    fn publish(&self, tail: u32) {
        // Release: the places before it, and the goroutines in them, are complete.
        let order = match on(Fault::RelaxedTail) {
            false => Ordering::Release,
            true => Ordering::Relaxed,
        };
        self.tail.store(tail, order);
    }

    /// Half of a full ring, and `word`.
    #[cold]
    fn overflow(&self, word: usize, head: u32) -> Option<Batch<T>> {
        let mut items = [None; BATCH];
        for (i, slot) in items[..CAPACITY / 2].iter_mut().enumerate() {
            // Relaxed: written by the owner.
            let word = self
                .place(head.wrapping_add(i as u32))
                .load(Ordering::Relaxed);
            // SAFETY: places hold only what `into_word` gave.
            *slot = unsafe { item(word) };
        }
        // SAFETY: as above.
        items[CAPACITY / 2] = unsafe { item(word) };
        self.advance(head, CAPACITY as u32 / 2)
            .then_some(Batch { items })
    }

    /// Moves `head` over what has been read.
    fn advance(&self, head: u32, count: u32) -> bool {
        // Release: the owner writes these places only after they have been read. Also, who reads this head sees the tail that stood
        // behind it. Relaxed on failure: the caller begins anew.
        self.head
            .compare_exchange(
                head,
                head.wrapping_add(count),
                Ordering::Release,
                Ordering::Relaxed,
            )
            .is_ok()
    }

    /// Owner: the next to run, and whether it goes on in the current time slice.
    pub fn get(&self) -> Option<(T, bool)> {
        // Relaxed: only the owner puts something there, so it needs nothing of others.
        let next = self.runnext.load(Ordering::Relaxed);
        // Release: see `is_empty`. If this fails a thief has it.
        if next != 0
            && self
                .runnext
                .compare_exchange(next, 0, Ordering::Release, Ordering::Relaxed)
                .is_ok()
        {
            // SAFETY: `runnext` holds only what `into_word` gave.
            return unsafe { item(next) }.map(|next| (next, true));
        }
        loop {
            // Relaxed: nothing of a thief's is needed, and if this is out of date `advance` fails.
            let head = self.head.load(Ordering::Relaxed);
            let tail = self.tail.load(Ordering::Relaxed);
            if head == tail {
                return None;
            }
            let word = self.place(head).load(Ordering::Relaxed);
            if self.advance(head, 1) {
                // SAFETY: between head and tail lies only what `into_word` gave.
                return unsafe { item(word) }.map(|first| (first, false));
            }
        }
    }

    /// Owner of `mine`, which has room for half a ring, steals half of this queue: one to run, the others into `mine`.
    pub fn steal_into(&self, mine: &RunQueue<T>, next: RunNext) -> Option<T> {
        let tail = mine.tail.load(Ordering::Relaxed);
        // Acquire: as in `put`.
        let used = tail.wrapping_sub(mine.head.load(Ordering::Acquire));
        let room = CAPACITY as u32 - used;
        loop {
            // Acquire, and before the tail: the tail that was seen by who moved it here, or a later one.
            let head = self.head.load(Ordering::Acquire);
            // Acquire: the places before it.
            let count = self.tail.load(Ordering::Acquire).wrapping_sub(head);
            if count == 0 {
                return self.steal_next(next);
            }
            if count > CAPACITY as u32 {
                // The head is from before others moved it. Having read this tail, the next look sees a later one.
                continue;
            }
            let half = count.div_ceil(2).min(room);
            if half == 0 {
                return None;
            }
            let late = on(Fault::ReadAfterSteal) && self.advance(head, half);
            let last = self.copy(head, half, mine, tail);
            if late || self.advance(head, half) {
                if half > 1 {
                    mine.publish(tail.wrapping_add(half - 1));
                }
                // SAFETY: between head and tail lies only what `into_word` gave.
                return unsafe { item(last) };
            }
        }
    }

    /// Copies `count` items behind the tail of `mine`, where nobody else looks, except the last, which is returned.
    fn copy(&self, head: u32, count: u32, mine: &RunQueue<T>, tail: u32) -> usize {
        let word = |i| self.place(head.wrapping_add(i)).load(Ordering::Relaxed);
        for i in 0..count - 1 {
            mine.place(tail.wrapping_add(i))
                .store(word(i), Ordering::Relaxed);
        }
        word(count - 1)
    }

    fn steal_next(&self, next: RunNext) -> Option<T> {
        if next == RunNext::Leave {
            return None;
        }
        // Acquire: the goroutine that is there.
        let word = self.runnext.load(Ordering::Acquire);
        if word == 0 {
            return None;
        }
        if next == RunNext::TakeLate {
            grace();
        }
        // Acquire: the same goroutine may have run and be there again, by another `put`. If this fails the P has run it.
        self.runnext
            .compare_exchange(word, 0, Ordering::Acquire, Ordering::Relaxed)
            .ok()?;
        // SAFETY: `runnext` holds only what `into_word` gave.
        unsafe { item(word) }
    }

    /// Whether nothing is there, for anyone. An item that moves from `runnext` to the ring meanwhile is not overlooked, unless a thief
    /// takes what drove it out before it has arrived: then `put` is not over yet, and its caller is about to look for idle Ms.
    pub fn is_empty(&self) -> bool {
        loop {
            // Acquire, each: so that they are read in this order.
            let head = self.head.load(Ordering::Acquire);
            let tail = self.tail.load(Ordering::Acquire);
            let next = self.runnext.load(Ordering::Acquire);
            // The owner may have put an item, which drives the one in `runnext` to the ring, and got the new one: then `runnext` is
            // empty, but by the release in `get` this load sees that the tail has moved.
            if on(Fault::EmptyInOneLook) || self.tail.load(Ordering::Relaxed) == tail {
                return head == tail && next == 0;
            }
        }
    }

    /// How many there are. For the owner; others get a guess.
    pub fn len(&self) -> usize {
        let head = self.head.load(Ordering::Acquire);
        let tail = self.tail.load(Ordering::Acquire);
        let next = self.runnext.load(Ordering::Relaxed) != 0;
        (tail.wrapping_sub(head) as usize).min(CAPACITY) + usize::from(next)
    }
}

#[cfg(not(loom))]
fn grace() {
    std::thread::sleep(std::time::Duration::from_micros(3));
}

#[cfg(loom)]
fn grace() {
    loom::thread::yield_now();
}
