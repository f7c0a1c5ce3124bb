//! Waiters: the places of parked goroutines in the queues of channels and semaphores (Go's sudog).
//!
//! Each G has one of its own, since it waits for one thing at a time. A select waits for many: the caller gives an array of waiters
//! on the goroutine's stack, which never moves.

use std::cell::Cell;
use std::ptr;

use crate::g::GRef;

/// `Waiter::case` of one that isn't part of a select.
pub(crate) const NO_CASE: usize = usize::MAX;

/// A goroutine's place in one queue.
///
/// All fields belong to who holds the lock of the queue that the waiter is in; while it is in none, to the goroutine's operation.
/// A waiter that was taken off its queue belongs to who took it off, until the goroutine is readied.
///
/// | field     | channel                       | semaphore                            | notify list         |
/// |-----------|-------------------------------|--------------------------------------|---------------------|
/// | `next`    | behind in the queue           | behind at the same address           | behind in the queue |
/// | `prev`    | before in the queue           | of the first: the last at the address | –                   |
/// | `sibling` | –                             | of the first: the first of another address | –             |
/// | `elem`    | value to take or to give      | the address                          | –                   |
/// | `case`    | number in the select          | –                                    | ticket              |
pub struct Waiter {
    pub(crate) g: Cell<Option<GRef>>,
    pub(crate) next: Cell<*const Waiter>,
    pub(crate) prev: Cell<*const Waiter>,
    pub(crate) sibling: Cell<*const Waiter>,
    pub(crate) elem: Cell<*mut u8>,
    pub(crate) case: Cell<usize>,
}

impl Default for Waiter {
    fn default() -> Waiter {
        Waiter::new()
    }
}

impl Waiter {
    /// A waiter that waits for nothing.
    pub const fn new() -> Waiter {
        Waiter {
            g: Cell::new(None),
            next: Cell::new(ptr::null()),
            prev: Cell::new(ptr::null()),
            sibling: Cell::new(ptr::null()),
            elem: Cell::new(ptr::null_mut()),
            case: Cell::new(NO_CASE),
        }
    }
}
