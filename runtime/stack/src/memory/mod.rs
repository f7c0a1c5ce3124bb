//! Memory of goroutines' stacks.

mod segment;

pub use segment::{GUARD, Segment};
