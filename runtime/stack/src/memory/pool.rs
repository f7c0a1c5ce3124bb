//! Where stacks' memory comes from when a P has none at hand, and where it goes.

use std::sync::PoisonError;

use crate::sync::{Mutex, MutexGuard};

use super::arena::Arenas;
use super::guarded::{self, Guarded};
use super::large::Large;
use super::map::NoMemory;

/// Memory of stacks for all threads. There is one, [`POOL`]; tests have more, which are never dropped.
pub struct Pool {
    arenas: Mutex<Arenas>,
    large: Mutex<Large>,
    guarded: Mutex<Guarded>,
}

/// The process's.
pub static POOL: Pool = Pool::new();

/// Bytes of stacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Segments of stacks, those that lie ready in a [`Cache`](super::Cache) included.
    pub inuse_bytes: usize,
    /// Guarded stacks, likewise. These are addresses: how much memory was touched is known to the system alone.
    pub guarded_bytes: usize,
    /// Usable addresses, whether in use or not.
    pub mapped_bytes: usize,
    /// Memory of no stack that [`Pool::scavenge`] would give back to the system; without that of guarded stacks.
    pub free_bytes: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked with a lock found what must not be (a double release) before changing anything.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    /// Without memory yet.
    pub const fn new() -> Pool {
        Pool {
            arenas: Mutex::new(Arenas::new()),
            large: Mutex::new(Large::new()),
            guarded: Mutex::new(Guarded::new()),
        }
    }

    /// Blocks of a class into `out`; returns how many there were, at least one.
    pub(super) fn take_small(&self, class: usize, out: &mut [*mut u8]) -> Result<usize, NoMemory> {
        lock(&self.arenas).take(class, out)
    }

    /// # Safety
    /// The blocks came from `take_small`, and nobody uses them any more.
    pub(super) unsafe fn give_small(&self, blocks: &[*mut u8]) {
        let mut arenas = lock(&self.arenas);
        for &block in blocks {
            // SAFETY: as the caller says.
            unsafe { arenas.give(block) };
        }
    }

    pub(super) fn take_large(&self, size: usize) -> Result<*mut u8, NoMemory> {
        lock(&self.large).take(size)
    }

    /// # Safety
    /// The memory came from `take_large` with this size, and nobody uses it any more.
    pub(super) unsafe fn give_large(&self, memory: *mut u8, size: usize) {
        // SAFETY: passed on to the caller.
        unsafe { lock(&self.large).give(memory, size) };
    }

    /// Whether the address is in memory for segments.
    pub(super) fn owns(&self, address: usize) -> bool {
        lock(&self.arenas).owns(address) || lock(&self.large).owns(address)
    }

    pub(super) fn take_guarded(&self, stack: usize) -> Result<*mut u8, NoMemory> {
        lock(&self.guarded).take(stack)
    }

    /// # Safety
    /// The slots came from `take_guarded` with this size, and nobody uses them any more.
    pub(super) unsafe fn give_guarded(&self, slots: &[*mut u8], stack: usize) {
        for &slot in slots {
            // SAFETY: as the caller says. The system is asked without the lock.
            unsafe {
                if !lock(&self.guarded).give_warm(slot, stack) {
                    guarded::cool(slot, stack);
                    lock(&self.guarded).give_cold(slot, stack);
                }
            }
        }
    }

    /// Gives memory of no stack back to the system. Returns the bytes, without those of guarded stacks. Others can take stacks meanwhile:
    /// the locks are held for 16 MiB at a time.
    pub fn scavenge(&self) -> usize {
        let mut bytes = 0;
        let arenas = lock(&self.arenas).count();
        for _ in 0..arenas {
            bytes += lock(&self.arenas).scavenge_one();
        }
        bytes += lock(&self.large).scavenge();
        lock(&self.guarded).scavenge();
        bytes
    }

    /// What there is. Takes time in proportion to the memory: for reports.
    pub fn stats(&self) -> Stats {
        let arenas = lock(&self.arenas);
        let large = lock(&self.large);
        let guarded = lock(&self.guarded);
        Stats {
            inuse_bytes: arenas.inuse() + large.inuse(),
            guarded_bytes: guarded.inuse(),
            mapped_bytes: arenas.mapped() + large.inuse() + large.free() + guarded.mapped(),
            free_bytes: arenas.free() + large.free(),
        }
    }
}

impl Default for Pool {
    fn default() -> Pool {
        Pool::new()
    }
}
