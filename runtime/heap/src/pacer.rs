//! When a collection begins, and who works for it.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::alloc::Again;

/// Bytes that are allocated, or kept for it by a P's cache.
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// Bytes that are allocated, or kept for it by a P's cache.
pub fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// Somebody is about to take memory for so many bytes of objects, in an operation of a P's: work for the collector, in proportion. Again: the goroutine
/// has to wait, and has been parked.
pub fn assist(_bytes: usize) -> Result<(), Again> {
    Ok(())
}

/// A P has taken memory for so many bytes of objects.
pub fn take(bytes: usize) {
    LIVE.fetch_add(bytes, Ordering::Relaxed);
}

/// A P gives back what it had taken, and not used.
pub fn give(bytes: usize) {
    LIVE.fetch_sub(bytes, Ordering::Relaxed);
}

/// Objects of so many bytes were found to be garbage.
pub fn swept(bytes: usize) {
    LIVE.fetch_sub(bytes, Ordering::Relaxed);
}
