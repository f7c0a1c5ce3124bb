//! Stacks: their memory, and the switch from one to another.
//!
//! A *goroutine's stack* begins small and grows by segments, never by moving. Each thread has a *system stack* of its own (g0 in Go's
//! words), on which C and the runtime itself run. What the assembly must know of a goroutine is its [`Context`]; of a thread (an M), its
//! [`Thread`]; what it cannot decide alone it asks through [`Hooks`].

mod context;
pub mod errno;
pub mod fault;
pub mod memory;
pub mod sanitizer;
pub mod sync;
#[cfg(target_arch = "x86_64")]
pub mod x86_64;

pub use context::{Context, Hooks, Outcome, Thread};
