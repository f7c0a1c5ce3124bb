//! The thread sanitizer must know of stacks that are not threads': it calls them fibers. With `--cfg gort_tsan` each goroutine has one, each
//! thread's system stack another, and the assembly tells of every switch (`fiber!` in [`crate::x86_64`]). Otherwise nothing is left of it.

use crate::{Context, Thread};

#[cfg(gort_tsan)]
unsafe extern "C" {
    fn __tsan_get_current_fiber() -> *mut u8;
    fn __tsan_create_fiber(flags: u32) -> *mut u8;
}

/// The calling thread's stack is `thread`'s system stack.
#[cfg(gort_tsan)]
pub fn know_thread(thread: &Thread) {
    // SAFETY: the sanitizer's runtime is linked; the call has no conditions.
    thread.fiber.set(unsafe { __tsan_get_current_fiber() });
}

/// `context` is going to have a stack.
#[cfg(gort_tsan)]
pub fn know_goroutine(context: &Context) {
    if context.fiber.get().is_null() {
        // SAFETY: as above.
        context.fiber.set(unsafe { __tsan_create_fiber(0) });
    }
}

/// The calling thread's stack is `thread`'s system stack: of interest to the thread sanitizer only.
#[cfg(not(gort_tsan))]
pub fn know_thread(_: &Thread) {}

/// `context` is going to have a stack: of interest to the thread sanitizer only.
#[cfg(not(gort_tsan))]
pub fn know_goroutine(_: &Context) {}
