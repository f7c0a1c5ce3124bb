//! The write barrier.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::cache;

/// Not zero while the collector marks. Changes only while the world is stopped.
#[unsafe(no_mangle)]
static gort_marking: AtomicU8 = AtomicU8::new(0);

/// Whether the collector marks: stores into the heap pass the barrier, and what is allocated is marked.
#[inline]
pub fn marking() -> bool {
    gort_marking.load(Ordering::Relaxed) != 0
}

/// The world is stopped.
pub fn set_marking(yes: bool) {
    gort_marking.store(yes.into(), Ordering::SeqCst);
    if yes {
        cache::start_marking();
    }
}
