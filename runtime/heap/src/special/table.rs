//! The table of a span: what is attached to its objects, sorted by where.
//!
//! Nothing here knows of spans or of the collector, so that it can be tested alone.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A function of the program's, to be run with an argument in a goroutine of the runtime's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// `void (*)(void *argument, void *closure)`
    pub function: usize,
    /// What it closes over: an address of the heap, or anything else.
    pub closure: usize,
}

/// A call with its argument, which is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub call: Call,
    pub argument: usize,
}

/// What is attached to an object.
#[derive(Clone, Copy, Debug)]
pub enum What {
    /// Is called with the object, which lives on until then. At most one for an object.
    Finalizer(Call),
    /// Is run when the object is gone.
    Cleanup { id: u64, due: Due },
    /// The word that weak pointers to this place go through: an object of the heap, which holds the address, or 0 once the object is unreachable.
    Weak(&'static AtomicUsize),
}

/// Something attached to a place of an object.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// From the span's first byte.
    pub offset: usize,
    pub what: What,
}

/// What is attached to a span's objects, by offset; of the same offset, in order of arrival.
#[derive(Debug, Default)]
pub struct Table(Vec<Record>);

/// What the sweep does with what is attached to an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The object was reached.
    Keep,
    /// It was not, and has a finalizer, for which it is kept: its cleanups are for later.
    Finalize,
    /// It is gone.
    Free,
}

impl Table {
    pub const fn new() -> Table {
        Table(Vec::new())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Record> {
        self.0.iter()
    }

    /// Where the records of that place are.
    fn at(&self, offset: usize) -> Range<usize> {
        let start = self.0.partition_point(|record| record.offset < offset);
        let more = self.0[start..].partition_point(|record| record.offset == offset);
        start..start + more
    }

    /// Attaches something, behind what is there already.
    pub fn add(&mut self, offset: usize, what: What) {
        self.0.insert(self.at(offset).end, Record { offset, what });
    }

    fn find(&self, offset: usize, is_it: impl Fn(&What) -> bool) -> Option<usize> {
        self.at(offset).find(|at| is_it(&self.0[*at].what))
    }

    /// Attaches a finalizer; false: there is one already.
    #[must_use]
    pub fn add_finalizer(&mut self, offset: usize, call: Call) -> bool {
        let free = self.find(offset, is_finalizer).is_none();
        if free {
            self.add(offset, What::Finalizer(call));
        }
        free
    }

    /// Takes the finalizer off, if there is one.
    pub fn remove_finalizer(&mut self, offset: usize) {
        if let Some(at) = self.find(offset, is_finalizer) {
            self.0.remove(at);
        }
    }

    /// Takes the cleanup of that number off, if it is still there.
    pub fn remove_cleanup(&mut self, number: u64) {
        let is_it =
            |record: &Record| matches!(record.what, What::Cleanup { id, .. } if id == number);
        if let Some(at) = self.0.iter().position(is_it) {
            self.0.remove(at);
        }
    }

    /// The word of weak pointers to that place.
    pub fn weak(&self, offset: usize) -> Option<&'static AtomicUsize> {
        let at = self.find(offset, |what| matches!(what, What::Weak(_)))?;
        match self.0[at].what {
            What::Weak(word) => Some(word),
            _ => None,
        }
    }

    /// Before the span's unmarked objects are freed: takes off what their end ends, clears weak pointers, and puts calls that are due into `due`.
    /// `object_at` says of an offset where the object begins and ends in which it lies; `marked` whether that was reached; `revive` marks it.
    /// All three are given or give offsets.
    pub fn sweep(
        &mut self,
        base: usize,
        object_at: impl Fn(usize) -> Range<usize>,
        marked: impl Fn(usize) -> bool,
        revive: impl Fn(usize),
        due: &mut Vec<Due>,
    ) {
        let mut fates = Vec::new();
        let mut start = 0;
        while let Some(first) = self.0.get(start) {
            let object = object_at(first.offset);
            let rest = &self.0[start..];
            let count = rest.partition_point(|record| record.offset < object.end);
            let mut own = rest[..count].iter();
            let fate = match marked(object.start) {
                true => Fate::Keep,
                false if own.any(|record| is_finalizer(&record.what)) => Fate::Finalize,
                false => Fate::Free,
            };
            if fate == Fate::Finalize {
                revive(object.start);
            }
            fates.extend(std::iter::repeat_n(fate, count));
            start += count;
        }
        if fates.iter().all(|fate| *fate == Fate::Keep) {
            return;
        }
        let mut fates = fates.into_iter();
        self.0.retain(|record| {
            let fate = fates.next().expect("one for each record");
            fate == Fate::Keep || !end(record, base, fate, due)
        });
    }
}

fn is_finalizer(what: &What) -> bool {
    matches!(what, What::Finalizer(_))
}

/// Ends what is attached to an object that was not reached; false: it stays attached.
fn end(record: &Record, base: usize, fate: Fate, due: &mut Vec<Due>) -> bool {
    match record.what {
        What::Finalizer(call) => due.push(Due {
            call,
            argument: base + record.offset,
        }),
        What::Cleanup { .. } if fate == Fate::Finalize => return false,
        What::Cleanup { due: it, .. } => due.push(it),
        // Relaxed: who reads it has the span swept before, and that synchronizes.
        What::Weak(word) => word.store(0, Ordering::Relaxed),
    }
    true
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::*;

    const SIZE: usize = 48;
    const BASE: usize = 0x10000;

    fn call(number: usize) -> Call {
        Call {
            function: number,
            closure: 0,
        }
    }

    fn cleanup(number: usize) -> What {
        let due = Due {
            call: call(number),
            argument: 7,
        };
        What::Cleanup {
            id: number as u64,
            due,
        }
    }

    fn word(offset: usize) -> &'static AtomicUsize {
        Box::leak(Box::new(AtomicUsize::new(BASE + offset)))
    }

    /// Sweeps with those objects marked; which functions are due, and which objects live on.
    fn sweep(table: &mut Table, marked: &[usize]) -> (Vec<usize>, BTreeSet<usize>) {
        let alive = RefCell::new(marked.iter().map(|n| n * SIZE).collect::<BTreeSet<_>>());
        let mut due = Vec::new();
        table.sweep(
            BASE,
            |offset| offset / SIZE * SIZE..offset / SIZE * SIZE + SIZE,
            |start| alive.borrow().contains(&start),
            |start| assert!(alive.borrow_mut().insert(start)),
            &mut due,
        );
        let functions = due.iter().map(|due| due.call.function).collect();
        let alive = alive.into_inner().into_iter().map(|start| start / SIZE);
        (functions, alive.collect())
    }

    #[test]
    fn what_is_reached_keeps_everything() {
        let mut table = Table::new();
        assert!(table.add_finalizer(0, call(1)));
        table.add(8, cleanup(2));
        let weak = word(16);
        table.add(16, What::Weak(weak));
        assert_eq!(sweep(&mut table, &[0]), (vec![], BTreeSet::from([0])));
        assert_eq!(table.iter().count(), 3);
        assert_eq!(weak.load(Ordering::Relaxed), BASE + 16);
    }

    #[test]
    fn a_finalizer_runs_first_and_cleanups_when_the_object_is_gone() {
        let mut table = Table::new();
        table.add(SIZE + 40, cleanup(2));
        assert!(table.add_finalizer(SIZE, call(1)));
        let weak = [word(SIZE), word(SIZE + 8)];
        table.add(SIZE, What::Weak(weak[0]));
        table.add(SIZE + 8, What::Weak(weak[1]));
        table.add(2 * SIZE, cleanup(3));

        let (due, alive) = sweep(&mut table, &[2]);
        assert_eq!((due, alive), (vec![1], BTreeSet::from([1, 2])));
        assert!(weak.iter().all(|word| word.load(Ordering::Relaxed) == 0));
        assert_eq!(table.iter().count(), 2, "both cleanups");
        assert!(table.add_finalizer(SIZE, call(4)), "the first one is gone");
        table.remove_finalizer(SIZE);

        let (due, alive) = sweep(&mut table, &[]);
        assert_eq!((due, alive), (vec![2, 3], BTreeSet::new()));
        assert!(table.is_empty());
    }

    #[test]
    fn one_finalizer_and_many_cleanups_for_an_object() {
        let mut table = Table::new();
        assert!(table.add_finalizer(0, call(1)));
        assert!(!table.add_finalizer(0, call(2)));
        table.remove_finalizer(8);
        table.remove_finalizer(0);
        table.remove_finalizer(0);
        assert!(table.is_empty());
        (1..=5).for_each(|n| table.add(16, cleanup(n)));
        table.remove_cleanup(3);
        table.remove_cleanup(3);
        assert_eq!(sweep(&mut table, &[]).0, [1, 2, 4, 5]);
    }

    #[test]
    fn weak_pointers_are_told_apart_by_place() {
        let mut table = Table::new();
        let (first, second) = (word(0), word(8));
        table.add(8, What::Weak(second));
        table.add(0, What::Weak(first));
        let found = |offset| table.weak(offset).map(std::ptr::from_ref);
        assert_eq!(found(0), Some(std::ptr::from_ref(first)));
        assert_eq!(found(8), Some(std::ptr::from_ref(second)));
        assert_eq!(found(16), None);
    }

    /// Against the simplest thing that could work: every object with a list of its own.
    #[test]
    fn any_order_of_things_ends_as_it_should() {
        let mut state = 1_u64;
        let mut random = move |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize % below
        };
        for _ in 0..200 {
            let mut table = Table::new();
            let mut plain: Vec<Vec<(bool, usize)>> = vec![Vec::new(); 10];
            for n in 1..40 {
                let object = random(10);
                let finalizer = random(4) == 0;
                match finalizer {
                    true => {
                        let had = plain[object].iter().any(|(is, _)| *is);
                        assert_eq!(table.add_finalizer(object * SIZE, call(n)), !had);
                        if had {
                            continue;
                        }
                    }
                    false => table.add(object * SIZE + random(SIZE), cleanup(n)),
                }
                plain[object].push((finalizer, n));
            }
            let marked: Vec<usize> = (0..10).filter(|_| random(2) == 0).collect();
            let mut want = Vec::new();
            let mut alive: BTreeSet<usize> = marked.iter().copied().collect();
            for (n, own) in plain
                .iter()
                .enumerate()
                .filter(|(n, _)| !marked.contains(n))
            {
                let finalized = own.iter().any(|(is, _)| *is);
                if finalized {
                    alive.insert(n);
                }
                want.extend(
                    own.iter()
                        .filter(|(is, _)| *is == finalized)
                        .map(|own| own.1),
                );
            }
            let (mut due, lives) = sweep(&mut table, &marked);
            due.sort_unstable();
            want.sort_unstable();
            assert_eq!((due, lives), (want, alive));
        }
    }
}
