//! The scheduler: goroutines (G) on threads (M) by leave of processors (P), and what goroutines wait for.
//!
//! Everything here runs on a thread's system stack. An operation that a goroutine asks for gets the goroutine with its registers
//! already saved, so it may hand the goroutine to another thread at any time; from then on it must not touch it.

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
pub mod membarrier;
pub mod runq;
pub mod sync;
pub mod wait;

pub use g::{G, GRef, WaitReason};
