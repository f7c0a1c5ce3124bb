//! The scheduler: goroutines (G) on threads (M) by leave of processors (P), and what goroutines wait for.
//!
//! Everything here runs on a thread's system stack. An operation that a goroutine asks for gets the goroutine with its registers
//! already saved, so it may hand the goroutine to another thread at any time; from then on it must not touch it.

pub mod chan;
pub mod crossing;
#[cfg(not(loom))]
#[path = "model/fault.rs"]
mod fault;
#[cfg(loom)]
#[path = "model/fault.rs"]
pub mod fault;
#[cfg(not(loom))]
mod g;
#[cfg(loom)]
#[path = "model/g.rs"]
mod g;
pub mod gstatus;
pub mod idle;
mod lock;
pub mod membarrier;
pub mod mutex;
pub mod notify;
pub mod reason;
pub mod runq;
pub mod select;
pub mod sema;
pub mod sync;
pub mod wait;
pub mod waitgroup;

#[cfg(loom)]
pub use g::{Goroutines, enter};
pub use g::{G, GRef, WaitReason};
