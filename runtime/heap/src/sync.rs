//! Atomics and locks: the system's, or a model checker's. As `sched::sync`.

pub use sched::sync::{Condvar, Mutex, MutexGuard, atomic};

#[cfg(loom)]
pub use loom::thread::yield_now;
#[cfg(not(loom))]
pub use std::thread::yield_now;
