//! The network poller: goroutines wait for descriptors, one thread waits for all of them in the kernel's epoll.
//!
//! A descriptor is known to epoll from its opening to its closing, for both directions and edge-triggered, so that waiting costs no system
//! call: the kernel tells once when a transfer has become possible, which is remembered in the descriptor's [`state`] until somebody
//! wants to know. Therefore: try the transfer first, wait when the kernel says EAGAIN, then try again.
//!
//! An event carries the address of its [`PollDesc`] and a generation. PollDescs are never freed, so the address is always good; an event of
//! a descriptor that has been closed since shows by its generation.

pub mod state;

#[cfg(not(loom))]
mod desc;
#[cfg(not(loom))]
mod epoll;

#[cfg(not(loom))]
pub use desc::{PollDesc, free_all, waiters};
#[cfg(not(loom))]
pub use epoll::{active, end, init, is_poll_descriptor, poll, wake};
pub use state::{Mode, PollError};
