//! What is marked and not yet looked into, on its way between those who mark.
//!
//! Work travels in blocks, so that the lock is taken once for hundreds of objects. Who finds nothing waits here: marking is done when nobody has a
//! block any more, which is known by the count of those who work ([`Queue::begin`], [`Queue::end`]).

use std::mem;
#[cfg(not(loom))]
use std::time::Duration;

use sched::fault::{Fault, on};

use crate::sync::Condvar;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// Objects of one span that were marked by the same stroke: those whose bits are set in `bits`, of the 64 that the mark word stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// The number of the mark word: eight for each page, counted from the arena's start.
    pub word: u32,
    /// The span's class.
    pub class: u32,
    /// Which objects. Of a large object: the number of the piece, from 1 on.
    pub bits: u64,
}

/// How much a block holds.
pub const BLOCK: usize = if cfg!(loom) { 2 } else { 256 };

/// Some work: last in, first out.
pub struct Block {
    len: usize,
    items: [Work; BLOCK],
}

impl Default for Block {
    fn default() -> Block {
        Block {
            len: 0,
            items: [Work::default(); BLOCK],
        }
    }
}

impl Block {
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn is_full(&self) -> bool {
        self.len == BLOCK
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Adds one; the block isn't full.
    #[inline]
    pub fn push(&mut self, work: Work) {
        self.items[self.len] = work;
        self.len += 1;
    }

    #[inline]
    pub fn pop(&mut self) -> Option<Work> {
        self.len = self.len.checked_sub(1)?;
        Some(self.items[self.len])
    }

    /// The older half goes into `other`, which is empty.
    pub fn split_into(&mut self, other: &mut Block) {
        let half = self.len / 2;
        other.items[..half].copy_from_slice(&self.items[..half]);
        other.len = half;
        self.items.copy_within(half..self.len, 0);
        self.len -= half;
    }
}

/// The blocks that nobody works on.
#[derive(Default)]
pub struct Queue {
    shared: Mutex<Blocks>,
    /// Full blocks; read without the lock to see whether it is worth while to take it.
    full: AtomicUsize,
    /// Who waits for work.
    hungry: AtomicUsize,
    more: Condvar,
}

#[derive(Default)]
struct Blocks {
    // Boxed: they move between lists by their addresses.
    #[allow(clippy::vec_box)]
    full: Vec<Box<Block>>,
    #[allow(clippy::vec_box)]
    empty: Vec<Box<Block>>,
    /// Marking is on: what comes later is of no use.
    open: bool,
    /// How many work, and may bring more.
    working: usize,
}

impl Queue {
    #[cfg(not(loom))]
    pub const fn new() -> Queue {
        Queue {
            shared: Mutex::new(Blocks {
                full: Vec::new(),
                empty: Vec::new(),
                open: false,
                working: 0,
            }),
            full: AtomicUsize::new(0),
            hungry: AtomicUsize::new(0),
            more: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Blocks> {
        self.shared.lock().expect("nobody panics with it")
    }

    /// Gives the blocks' memory back.
    #[cfg(not(loom))]
    pub(super) fn free_all(&self) {
        let mut shared = self.lock();
        shared.full = Vec::new();
        shared.empty = Vec::new();
    }

    /// Marking begins.
    pub fn open(&self) {
        self.lock().open = true;
    }

    /// Marking ends, unless there is work: whether it does. The world is stopped, and who has a P has given what it had.
    #[must_use]
    pub fn close(&self) -> bool {
        let mut shared = self.lock();
        let working = shared.working != 0 && !on(Fault::EndForgetsWorkers);
        shared.open = working || !shared.full.is_empty();
        !shared.open
    }

    /// A block without work.
    pub fn empty(&self) -> Box<Block> {
        self.lock().empty.pop().unwrap_or_default()
    }

    /// Gives a block to whoever finds it.
    pub fn give(&self, block: Box<Block>) {
        let mut shared = self.lock();
        self.put(&mut shared, block);
    }

    fn put(&self, shared: &mut Blocks, block: Box<Block>) {
        match shared.open && !block.is_empty() {
            true => shared.full.push(block),
            // Who has no P may come late: nothing that it found is news.
            false => {
                let mut block = block;
                block.len = 0;
                shared.empty.push(block);
            }
        }
        self.full.store(shared.full.len(), Ordering::Release);
        if self.is_hungry() {
            self.more.notify_one();
        }
    }

    /// Gives a full block and takes an empty one.
    pub fn exchange(&self, block: Box<Block>) -> Box<Block> {
        let mut shared = self.lock();
        let empty = shared.empty.pop().unwrap_or_default();
        self.put(&mut shared, block);
        empty
    }

    /// Puts a block with work in the place of an empty one, if there is any.
    pub fn take(&self, block: &mut Box<Block>) -> bool {
        if self.full.load(Ordering::Acquire) == 0 {
            return false;
        }
        let mut shared = self.lock();
        let Some(full) = shared.full.pop() else {
            return false;
        };
        self.full.store(shared.full.len(), Ordering::Release);
        shared.empty.push(mem::replace(block, full));
        true
    }

    /// Blocks that nobody works on; out of date at once.
    pub fn waiting(&self) -> usize {
        self.full.load(Ordering::Relaxed)
    }

    /// Whether somebody has nothing to do: others share what they have.
    #[inline]
    pub fn is_hungry(&self) -> bool {
        self.hungry.load(Ordering::Relaxed) != 0
    }

    /// Sleeps until there is work, or for so long.
    #[cfg(not(loom))]
    pub fn wait(&self, most: Duration) {
        let shared = self.lock();
        if shared.full.is_empty() {
            self.hungry.fetch_add(1, Ordering::Relaxed);
            let woken = self.more.wait_timeout(shared, most);
            drop(woken.expect("nobody panics with it"));
            self.hungry.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whoever sleeps in [`Queue::wait`] looks around.
    #[cfg(not(loom))]
    pub fn wake_all(&self) {
        drop(self.lock());
        self.more.notify_all();
    }

    /// The caller is going to take work, and may bring more.
    pub fn begin(&self) {
        self.lock().working += 1;
    }

    /// It has nothing left.
    pub fn end(&self) {
        self.lock().working -= 1;
    }

    /// Whether nobody works, and there is nothing to do; but for what mutators still have.
    pub fn is_done(&self) -> bool {
        let shared = self.lock();
        let working = shared.working != 0 && !on(Fault::EndForgetsWorkers);
        !working && shared.full.is_empty()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn work(word: u32) -> Work {
        Work {
            word,
            class: 2,
            bits: 1,
        }
    }

    #[test]
    fn work_comes_back_last_first_and_old_work_is_shared() {
        let mut block = Block::default();
        (0..10).for_each(|word| block.push(work(word)));
        let mut other = Block::default();
        block.split_into(&mut other);
        let words = |block: &mut Block| -> Vec<u32> {
            std::iter::from_fn(|| block.pop())
                .map(|work| work.word)
                .collect()
        };
        assert_eq!(words(&mut block), [9, 8, 7, 6, 5]);
        assert_eq!(words(&mut other), [4, 3, 2, 1, 0]);
    }

    #[test]
    fn what_comes_after_the_end_is_dropped() {
        let queue = Queue::new();
        queue.open();
        let mut block = queue.empty();
        block.push(work(1));
        queue.give(block);
        assert!(!queue.close());
        let mut mine = queue.empty();
        assert!(queue.take(&mut mine));
        assert!(queue.close());
        queue.give(mine);
        assert_eq!(queue.waiting(), 0);
    }
}
