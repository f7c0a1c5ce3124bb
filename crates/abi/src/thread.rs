//! What compiled code touches of a thread: the words that a call to C goes by.
//!
//! The runtime's `stack::Thread` begins with them; the stubs that `gort.h` makes, and later compiled Go, use them in the place of each
//! call. Whoever changes one side is told: `stack` asserts these offsets, and gort's tests compare them with the header's.

/// The goroutine's stack pointer while the thread is in C; 0 otherwise. Eight bytes.
pub const GO_SP: usize = 0;
/// Not zero if the way back from C is not the short one. Four bytes.
pub const RETAKE: usize = 8;
/// Calls between Go and C so far. Eight bytes.
pub const CALLS: usize = 16;
/// Where the system stack begins for C. Eight bytes.
pub const SYSTEM_SP: usize = 24;
