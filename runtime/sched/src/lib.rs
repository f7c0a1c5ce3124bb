//! The scheduler: goroutines (G) on threads (M) by leave of processors (P), and what goroutines wait for.
//!
//! Everything here runs on a thread's system stack. An operation that a goroutine asks for gets the goroutine with its registers
//! already saved, so it may hand the goroutine to another thread at any time; from then on it must not touch it.

#[cfg(not(loom))]
mod g;
#[cfg(loom)]
#[path = "model/g.rs"]
mod g;
pub mod sync;
pub mod wait;

pub use g::{G, GRef, WaitReason};
