//! Rust calls C.

use bridge::panic::call_with_border;
use stack::x86_64::symbols;

use crate::enter::{Call, on_goroutine, pinned_if_panicking};
use crate::name::named_by_closure;

/// Runs `function` on the thread's own stack, where C has all the room it wants. Meanwhile other goroutines run in this one's place, even if it
/// takes for ever: for C functions, and for whatever else blocks the thread.
///
/// Inside, the goroutine's operations are not available; C may call what [`export!`](crate::export!) has made, and Rust
/// [`enter`](crate::enter()). A panic inside goes on outside. One that comes out of a function that C has called goes on outside as well: C's
/// frames are given up, and so are the closure's own, which drop nothing then. Let it do little more than the call.
///
/// Outside of a goroutine it just calls the function.
///
/// ```
/// # gort::enter(|| {
/// unsafe extern "C" {
///     fn getpid() -> i32;
/// }
/// let id = gort::ccall(|| unsafe { getpid() });
/// assert_eq!(id as u32, std::process::id());
/// # });
/// ```
pub fn ccall<R>(function: impl FnOnce() -> R) -> R {
    cross(symbols::gort_ccall as *const () as usize, function)
}

/// The same for functions that take a few microseconds at most and never call back: nobody is told of the call, which makes it cheaper by
/// half; other goroutines don't run in this one's place meanwhile. One that calls Go or Rust back all the same ends the program.
pub fn ccall_nonblocking<R>(function: impl FnOnce() -> R) -> R {
    cross(
        symbols::gort_ccall_nonblocking as *const () as usize,
        function,
    )
}

/// [`ccall`] by the name of its other use: system calls and the like that block the thread.
///
/// ```
/// # gort::enter(|| {
/// let text = gort::blocking(|| std::fs::read_to_string("/proc/self/comm")).unwrap();
/// assert!(text.ends_with('\n'));
/// # });
/// ```
pub fn blocking<R>(function: impl FnOnce() -> R) -> R {
    ccall(function)
}

fn cross<F: FnOnce() -> R, R>(entry: usize, function: F) -> R {
    if !on_goroutine() {
        return function();
    }
    named_by_closure!(Call::<F, R>::run, F);
    let mut call = Call::new(function);
    let argument = (&raw mut call).cast::<u8>();
    // SAFETY: on a goroutine of which Rust runs, so there is room; the call stays until it has been run.
    let crossed =
        pinned_if_panicking(|| unsafe { call_with_border(entry, Call::<F, R>::run, argument) });
    match crossed {
        Ok(()) => call.finish(),
        Err(panic) => std::panic::resume_unwind(panic.0),
    }
}
