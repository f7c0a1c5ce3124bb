//! Memory for Go: an allocator by size classes, and a collector that marks while the program runs.
//!
//! ```text
//!  layout     one reserved stretch of addresses; tables beside it, found by a page's number
//!  pages      runs of pages: free ones, and those lent to spans
//!  span       pages with objects of one size          classes   which sizes there are
//!  object     what lies at an address                 types     where pointers lie in it
//!  central    spans of a class that no P has
//!  cache      a P's own spans: allocation without locks
//!  sweep      what was not marked is free            roots     where the collector begins
//!  swept      how far a span's sweep is
//!  collector  drives each cycle, by phases              mark      from pointers to mark bits
//!  stacks     goroutines' stacks                          barrier   what is overwritten meanwhile
//!  stats      all of it, counted                     special   finalizers, cleanups, weak pointers
//! ```

#[cfg(not(loom))]
pub mod alloc;
#[cfg(not(loom))]
pub mod barrier;
#[cfg(not(loom))]
pub mod cache;
#[cfg(not(loom))]
pub mod central;
#[cfg(not(loom))]
pub mod check;
#[cfg(not(loom))]
pub mod classes;
#[cfg(not(loom))]
pub mod collector;
#[cfg(not(loom))]
pub mod keep;
#[cfg(not(loom))]
pub mod layout;
pub mod mark;
#[cfg(not(loom))]
pub mod memory;
#[cfg(not(loom))]
pub mod object;
#[cfg(not(loom))]
pub mod pacer;
#[cfg(not(loom))]
pub mod pages;
#[cfg(not(loom))]
pub mod phase;
#[cfg(not(loom))]
pub mod roots;
#[cfg(not(loom))]
pub mod span;
#[cfg(not(loom))]
pub mod special;
#[cfg(not(loom))]
pub mod stacks;
#[cfg(not(loom))]
pub mod stats;
#[cfg(not(loom))]
pub mod stress;
#[cfg(not(loom))]
pub mod sweep;
pub mod swept;
pub mod sync;
#[cfg(not(loom))]
pub mod trace;
#[cfg(not(loom))]
pub mod types;

/// Gets the heap ready, unless it is.
#[cfg(not(loom))]
pub fn init() {
    layout::init();
    pacer::read_environment();
    stress::read_environment();
}

/// Gives all memory back to the system. Nothing of the heap can be used any more.
///
/// # Safety
/// Nobody uses an object, or asks for one.
#[cfg(not(loom))]
pub unsafe fn give_all_back() {
    // SAFETY: the caller's word.
    unsafe {
        mark::free_all();
        cache::free_all();
        special::free_all();
        memory::give_all_back();
    }
}
