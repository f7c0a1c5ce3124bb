//! What the environment asks for beside the collector's own business: to collect at every allocation, to poison, to check, to tell.

use std::sync::atomic::{AtomicBool, Ordering};

use sched::{GRef, start};
use stack::Outcome;

use crate::alloc::{Again, gort_alloc_slowly};
use crate::collector::{self, Why};
use crate::{check, sweep, trace};

/// A collection at every allocation.
static STRESS: AtomicBool = AtomicBool::new(false);

/// Reads `GORT_DEBUG`, and `GODEBUG` for what Go has as well.
pub fn read_environment() {
    trace::started();
    set(start::debug("gcstress"));
    sweep::set_poisoning(start::debug("poison"));
    check::set(start::debug("checkheap"));
    let go = std::env::var("GODEBUG").unwrap_or_default();
    trace::set(start::debug("gctrace=1") || go.split(',').any(|named| named == "gctrace=1"));
}

/// Collect at every allocation, or no longer. What the assembly allocates is left out until this was said once.
pub fn set(yes: bool) {
    STRESS.store(yes, Ordering::Relaxed);
    if yes {
        gort_alloc_slowly.store(1, Ordering::SeqCst);
    }
}

/// An operation is about to allocate. Again: the goroutine waits for a collection, and allocates afterwards.
#[inline]
pub fn before_allocation() -> Result<(), Again> {
    match STRESS.load(Ordering::Relaxed) {
        true => collect_first(),
        false => Ok(()),
    }
}

#[cold]
fn collect_first() -> Result<(), Again> {
    let g = GRef::current();
    // The operation comes here twice.
    if g.collected.replace(true) {
        g.collected.set(false);
        return Ok(());
    }
    let _parked: Outcome = collector::collect_for_allocation(Why::Asked);
    Err(Again)
}
