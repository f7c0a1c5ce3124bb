//! The scheduler: goroutines (G) on threads (M) by leave of processors (P), and what goroutines wait for.
//!
//! Everything here runs on a thread's system stack. An operation that a goroutine asks for gets the goroutine with its registers
//! already saved, so it may hand the goroutine to another thread at any time; from then on it must not touch it.

#[cfg(not(loom))]
pub mod capture;
pub mod chan;
pub mod crossing;
#[cfg(not(loom))]
pub mod deadlock;
#[cfg(not(loom))]
pub mod dump;
#[cfg(not(loom))]
pub mod fatal;
#[doc(hidden)]
#[path = "model/fault.rs"]
pub mod fault;
#[cfg(not(loom))]
pub mod fd;
#[cfg(not(loom))]
pub mod g;
#[cfg(loom)]
#[path = "model/g.rs"]
pub mod g;
#[cfg(not(loom))]
pub mod global;
pub mod gstatus;
pub mod idle;
mod lock;
#[cfg(not(loom))]
pub mod m;
pub mod membarrier;
pub mod mutex;
pub mod netpoll;
pub mod notify;
#[cfg(not(loom))]
pub mod ops;
#[cfg(not(loom))]
pub mod p;
#[cfg(not(loom))]
pub mod preempt;
pub mod reason;
pub mod runq;
pub mod scan;
#[cfg(not(loom))]
pub mod schedule;
pub mod select;
pub mod sema;
#[cfg(not(loom))]
pub mod signal;
#[cfg(not(loom))]
pub mod start;
pub mod sync;
#[cfg(not(loom))]
pub mod sysmon;
#[cfg(not(loom))]
pub mod thread;
#[cfg(not(loom))]
pub mod timer;
#[cfg(not(loom))]
pub mod trace;
pub mod wait;
pub mod waitgroup;
#[cfg(not(loom))]
pub mod wake;
#[cfg(not(loom))]
pub mod world;

#[cfg(not(loom))]
pub use g::Role;
pub use g::{G, GQueue, GRef, WaitReason};
#[cfg(loom)]
pub use g::{Goroutines, enter};
#[cfg(not(loom))]
pub use m::M;
#[cfg(not(loom))]
pub use p::P;
