//! What there is, counted: `runtime.MemStats` and its like.

use stack::sync::Mutex;

use crate::classes::{CLASSES, COUNT};
use crate::{cache, layout, pages, sweep};

/// Objects of one size, since the program began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    pub allocated: u64,
    pub freed: u64,
}

/// The heap at one moment.
#[derive(Clone, Debug)]
pub struct Heap {
    /// By class; large ones in place 0.
    pub by_class: [Objects; COUNT],
    /// Of all objects.
    pub objects: Objects,
    /// Their bytes.
    pub bytes: Objects,
    pub pages: pages::Stats,
    /// Bytes of tables beside the heap.
    pub tables: usize,
}

/// The heap as it is. The world is stopped, by the caller; a sweep may go on, which is seen for what it has counted.
pub fn heap() -> Heap {
    // Before what the sweep has freed: an object is not counted as allocated without its pages.
    let pages = pages::stats();
    let (freed, large_freed) = sweep::freed();
    let (allocated, large_allocated) = cache::allocated();
    let mut by_class = [Objects::default(); COUNT];
    let mut objects = Objects::default();
    let mut bytes = Objects {
        allocated: large_allocated,
        freed: large_freed,
    };
    for (class, own) in by_class.iter_mut().enumerate() {
        *own = Objects {
            allocated: allocated[class],
            freed: freed[class],
        };
        let size = u64::from(CLASSES[class].size);
        objects.allocated += own.allocated;
        objects.freed += own.freed;
        bytes.allocated += own.allocated * size;
        bytes.freed += own.freed * size;
    }
    Heap {
        by_class,
        objects,
        bytes,
        pages,
        tables: layout::table_bytes(),
    }
}

/// How many cycles' pauses are remembered.
pub const PAUSES: usize = 256;

/// A collection that is over.
#[derive(Clone, Copy, Debug)]
pub struct Cycle {
    /// The program has asked for it.
    pub forced: bool,
    /// For how long the world stood still in it, in nanoseconds.
    pub pause: u64,
    /// When it ended, in nanoseconds since 1970.
    pub ended: u64,
    /// The time of processors that it took, in nanoseconds.
    pub cpu: u64,
}

/// All collections so far.
#[derive(Clone, Debug)]
pub struct Cycles {
    pub count: u32,
    pub forced: u32,
    pub pause_total: u64,
    /// When the last one ended, in nanoseconds since 1970.
    pub last: u64,
    pub cpu: u64,
    /// The last [`PAUSES`] ones, round and round: that of the n-th cycle, counted from 1, in place (n - 1) % PAUSES.
    pub pauses: [u64; PAUSES],
    /// When they ended, likewise.
    pub ends: [u64; PAUSES],
}

static CYCLES: Mutex<Cycles> = Mutex::new(Cycles::new());

impl Cycles {
    const fn new() -> Cycles {
        Cycles {
            count: 0,
            forced: 0,
            pause_total: 0,
            last: 0,
            cpu: 0,
            pauses: [0; PAUSES],
            ends: [0; PAUSES],
        }
    }

    /// The part that the collector has had of so many nanoseconds of processors' time.
    pub fn cpu_fraction(&self, of: i64) -> f64 {
        (self.cpu as f64 / of.max(1) as f64).min(1.0)
    }

    fn add(&mut self, cycle: Cycle) {
        let place = self.count as usize % PAUSES;
        self.pauses[place] = cycle.pause;
        self.ends[place] = cycle.ended;
        self.count += 1;
        self.forced += u32::from(cycle.forced);
        self.pause_total += cycle.pause;
        self.last = cycle.ended;
        self.cpu += cycle.cpu;
    }
}

/// A collection is over.
pub fn add_cycle(cycle: Cycle) {
    CYCLES.lock().expect("nobody panics with it").add(cycle);
}

/// The collections so far.
pub fn cycles() -> Cycles {
    CYCLES.lock().expect("nobody panics with it").clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_go_round() {
        let mut cycles = Cycles::new();
        for n in 1..=300 {
            cycles.add(Cycle {
                forced: n % 3 == 0,
                pause: n,
                ended: 1000 + n,
                cpu: 2,
            });
        }
        assert_eq!((cycles.count, cycles.forced), (300, 100));
        assert_eq!(cycles.pause_total, 300 * 301 / 2);
        assert_eq!((cycles.last, cycles.cpu), (1300, 600));
        assert_eq!(cycles.cpu_fraction(1200), 0.5);
        assert_eq!(cycles.cpu_fraction(0), 1.0);
        let newest = (cycles.count as usize - 1) % PAUSES;
        assert_eq!((cycles.pauses[newest], cycles.ends[newest]), (300, 1300));
        let oldest = cycles.count as usize % PAUSES;
        assert_eq!(cycles.pauses[oldest], 300 - PAUSES as u64 + 1);
    }
}
