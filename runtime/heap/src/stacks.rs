//! Goroutines' stacks: every word may be a pointer.
//!
//! `sched::scan` says when a stack is read, and by whom: once in a cycle, before the goroutine first runs in it. Therefore *every goroutine that runs
//! has been scanned*: what it can get hold of was reached by something when marking began, or is new; and the barrier sees to it that what was reached then
//! will be marked, whatever is done to what reached it. So the barrier needs to shade only what is overwritten. Go also shades what is stored, for
//! stacks that weren't scanned yet while their goroutines run; here there are none.
//!
//! What belongs to a stack beside its frames: registers that a signal has saved, with the red zone below the stack pointer; the result that the
//! goroutine will find when it goes on; what it waits to receive into or to send from, whose address may be nowhere else. What is deferred, and
//! panics, lie in frames.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use sched::gstatus::State;
use sched::scan::peek;
use sched::{GRef, preempt};

use crate::mark::{self, Marker};
use crate::types::WORD;

/// What the scheduler is told of the collector.
pub const COLLECTOR: sched::scan::Collector = sched::scan::Collector {
    scan,
    shade: mark::shade,
};

/// Bytes of stacks that were read in this cycle.
static READ: AtomicUsize = AtomicUsize::new(0);

/// Marking begins.
pub fn begin() {
    READ.store(0, Ordering::Relaxed);
}

/// Bytes of stacks that were read in this cycle.
pub fn read() -> usize {
    READ.load(Ordering::Relaxed)
}

/// Bytes below its stack pointer that a function may use without telling anybody (System V).
const RED_ZONE: usize = 128;

/// Scans a goroutine that doesn't run, whose stack ends at `sp`. Marking is on.
fn scan(g: GRef, sp: usize) {
    mark::with(|marker| {
        for_each_range(g, sp, |range| {
            READ.fetch_add(range.len(), Ordering::Relaxed);
            scan_words(marker, range);
        });
        let state = g.status.observe();
        // Who is in C, or on the way back, has no result yet.
        if state != State::Running {
            marker.grey_if_allocated(g.context.value.get());
        }
        if state == State::Waiting {
            marker.grey_if_allocated(g.waiter.element());
        }
    });
}

/// Every stretch of memory in which a goroutine that doesn't run may hold pointers.
pub fn for_each_range(g: GRef, sp: usize, mut look: impl FnMut(Range<usize>)) {
    if g.stack().is_empty() {
        return;
    }
    let mut sp = sp;
    if let Some(registers) = preempt::saved(g, sp) {
        sp = registers.sp.saturating_sub(RED_ZONE);
        look(registers.memory);
    }
    g.stack().ranges(&g.context, sp).for_each(look);
}

/// Everything between two addresses that may be a pointer.
pub fn scan_words(marker: &mut Marker, range: Range<usize>) {
    let (mut at, end) = (range.start.next_multiple_of(WORD), range.end & !(WORD - 1));
    while at < end {
        marker.grey_if_allocated(peek(at));
        at += WORD;
    }
}
