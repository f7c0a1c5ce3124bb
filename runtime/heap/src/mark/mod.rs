//! Marking: which objects are reached from the roots.
//!
//! Everybody who marks has a [`Marker`]: the collector and its helpers each their own; and each P one, which whoever has the P uses: for what the write
//! barrier finds, for stacks that are scanned because their goroutines are to go on, and to help out.

#[cfg(not(loom))]
mod drain;
#[cfg(not(loom))]
mod marker;
pub mod queue;
#[cfg(not(loom))]
mod system;
#[cfg(not(loom))]
pub mod workers;

#[cfg(not(loom))]
pub use marker::Marker;
pub use queue::Queue;
#[cfg(not(loom))]
pub use system::*;
