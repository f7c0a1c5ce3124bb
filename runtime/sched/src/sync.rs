//! Atomics and locks: the system's, or a model checker's (`RUSTFLAGS="--cfg loom"`). All of the scheduler's come from here.

#[cfg(not(loom))]
pub use stack::sync::{Mutex, MutexGuard};
#[cfg(not(loom))]
pub use std::sync::{Condvar, RwLock, atomic};

#[cfg(loom)]
pub use loom::sync::{Condvar, Mutex, MutexGuard, RwLock, atomic};
