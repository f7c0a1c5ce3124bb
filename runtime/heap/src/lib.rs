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
//!  stats      all of it, counted                     special   finalizers, cleanups, weak pointers
//! ```

pub mod alloc;
pub mod barrier;
pub mod cache;
pub mod central;
pub mod classes;
pub mod layout;
pub mod memory;
pub mod object;
pub mod pacer;
pub mod pages;
pub mod roots;
pub mod span;
pub mod special;
pub mod stats;
pub mod sweep;
pub mod types;

/// Gets the heap ready, unless it is.
pub fn init() {
    layout::init();
}

/// Gives all memory back to the system. Nothing of the heap can be used any more.
///
/// # Safety
/// Nobody uses an object, or asks for one.
pub unsafe fn give_all_back() {
    // SAFETY: the caller's word.
    unsafe {
        cache::free_all();
        memory::give_all_back();
    }
}
