//! A collection's two stops: where marking begins, and where it ends.
//!
//! | phase     | barrier | new objects | stacks                                   | leaves it                                     |
//! |-----------|---------|-------------|------------------------------------------|-----------------------------------------------|
//! | off       | off     | white       | of no interest                           | [`begin`]: everything is swept                |
//! | marking   | on      | black       | scanned before their goroutines run      | [`end`]: nobody has work, all stacks are scanned |
//! | sweeping  | off     | white, in swept spans | of no interest                 | by itself, span by span; [`begin`] finishes it |
//!
//! What both do while the world stands still doesn't grow with the heap: the first asks the tables of roots and looks at each thread, the second takes
//! what the Ps have found, which is at most a table of a few hundred entries each.

use sched::scan::{self, Cycle, PHASE};
use sched::world::{self, Stopped};

use crate::barrier;
use crate::cache;
use crate::check;
use crate::mark;
use crate::pacer;
use crate::roots;
use crate::stacks;
use crate::sweep;

/// A stop, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pause {
    /// From the wish until everything stood still.
    pub stopping: i64,
    /// From then on.
    pub stopped: i64,
}

impl Pause {
    /// For how long goroutines may have been kept from running.
    pub fn total(self) -> i64 {
        self.stopping + self.stopped
    }
}

fn go_on(stopped: Stopped) -> Pause {
    Pause {
        stopping: stopped.took(),
        stopped: stopped.start(),
    }
}

/// Marking begins; everything is swept.
pub fn begin() -> (Cycle, Pause) {
    let stopped = world::stop_from_outside();
    mark::begin();
    stacks::begin();
    pacer::begin();
    barrier::set_marking(true);
    let cycle = PHASE.begin();
    scan::note_in_c(cycle);
    mark::with(|marker| roots::each_of_sources(&mut |address| marker.grey_if_allocated(address)));
    (cycle, go_on(stopped))
}

/// Marking ends, if mutators have found nothing more; `globals`: bytes of ranges that were read.
pub fn end(globals: usize) -> (bool, Pause) {
    let stopped = world::stop_from_outside();
    let done = mark::end();
    if done {
        barrier::set_marking(false);
        PHASE.end();
        cache::flush_all();
        check::marked();
        pacer::end(globals + stacks::read());
        sweep::start_cycle();
    }
    (done, go_on(stopped))
}
