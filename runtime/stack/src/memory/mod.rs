//! Memory of goroutines' stacks.
//!
//! ```text
//! Stack        a goroutine's segments: 2 KiB, 4 KiB, … each twice the one before; the first may be one with a guard page
//!   Cache      a P's: a few free ones of each size, without locks
//!     Pool     the process's
//!       arena    2 … 32 KiB, cut from mappings of 16 MiB
//!       large    64 KiB and more, a mapping each
//!       guarded  slots with a guard page, cut from regions of addresses
//! ```
//!
//! Whoever is refused memory gets [`NoMemory`]; nothing panics, and nothing that was there is lost.

mod arena;
mod cache;
mod guarded;
mod large;
pub(crate) mod map;
mod pool;
mod region;
mod segment;
mod stack;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};

pub use cache::Cache;
pub use map::{NoMemory, give_all_back, inject};
pub use pool::{POOL, Pool, Stats};
pub use region::{Slot, slot_of};
pub use segment::{GUARD, Segment};
pub use stack::{GrowError, Stack, max, set_max};

/// Bytes of a guarded stack, unless somebody asks for another size.
static GUARDED_SIZE: AtomicUsize = AtomicUsize::new(256 << 10);

/// Bytes of a guarded stack for goroutines that don't say how much they need.
pub fn guarded_size() -> usize {
    GUARDED_SIZE.load(Ordering::Relaxed)
}

/// Sets what [`guarded_size`] returns; returns what it was. Stacks that exist stay as they are.
pub fn set_guarded_size(bytes: usize) -> usize {
    GUARDED_SIZE.swap(guarded::round(bytes), Ordering::Relaxed)
}

/// Whether the address is in memory of a goroutine's stack, or in such memory that is free. Takes locks.
pub fn owns(address: usize) -> bool {
    slot_of(address).is_some() || POOL.owns(address)
}

/// The process's stacks.
pub fn stats() -> Stats {
    POOL.stats()
}
