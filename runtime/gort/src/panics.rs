//! Catching panics on goroutines.

use std::any::Any;
use std::panic::UnwindSafe;

/// As [`std::panic::catch_unwind`], for goroutines that may come back on another thread.
///
/// The standard library counts panics in a thread-local variable. Where it is inlined (link-time optimisation does that), the compiler may find
/// the variable's address once for a whole loop, and a goroutine that changes its thread in that loop then counts on the thread that it was on
/// before. Here nothing is inlined, and nothing is kept.
///
/// # Errors
/// What `function` has panicked with.
#[inline(never)]
pub fn catch_unwind<R>(
    function: impl FnOnce() -> R + UnwindSafe,
) -> Result<R, Box<dyn Any + Send>> {
    std::panic::catch_unwind(function)
}
