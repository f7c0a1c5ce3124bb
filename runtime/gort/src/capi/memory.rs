//! What memory there is for goroutines.

use std::sync::atomic::Ordering;

use sched::G;
use sched::global::{self, SHARED};
use stack::Outcome;

/// `struct gort_memstats`.
#[repr(C)]
struct MemStats {
    stacks_inuse: u64,
    stacks_free: u64,
    goroutines_inuse: u64,
    goroutines_free: u64,
    threads: u64,
}

extern "C" fn read(stats: *mut MemStats) -> Outcome {
    let stacks = stack::memory::stats();
    let record = size_of::<G>() as u64;
    let made = G::made() as u64;
    let alive = SHARED.goroutines.load(Ordering::Relaxed) as u64;
    let now = MemStats {
        stacks_inuse: (stacks.inuse_bytes + stacks.guarded_bytes) as u64,
        stacks_free: stacks.free_bytes as u64,
        goroutines_inuse: alive * record,
        goroutines_free: made.saturating_sub(alive) * record,
        threads: global::lock().m_count as u64,
    };
    // SAFETY: the caller's variable.
    unsafe { stats.write(now) };
    Outcome::done(0)
}

anywhere!("gort_read_memstats" read);
