//! Model of `swept`: a weak pointer is made strong, or something attached to an object, while the span of the object is swept.
#![cfg(loom)]

use std::mem;
use std::sync::Arc;

use heap::swept::{self, Swept};
use loom::cell::UnsafeCell;
use loom::model::Builder;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use sched::fault::{self, Fault};

const CYCLE: u32 = 4;
const ADDRESS: usize = 0x1000;

/// A span with one object.
struct Span {
    swept: Swept,
    marked: bool,
    /// The word of weak pointers to the object.
    word: AtomicUsize,
    /// What is attached to the object, and the object itself: the checker sees who touches them at the same time.
    attached: UnsafeCell<u32>,
    object: UnsafeCell<u32>,
}

impl Span {
    fn new(marked: bool) -> Span {
        Span {
            swept: Swept::new(CYCLE - 2),
            marked,
            word: AtomicUsize::new(ADDRESS),
            attached: UnsafeCell::new(1),
            object: UnsafeCell::new(1),
        }
    }

    fn sweep(&self) {
        self.swept.ensure(CYCLE, || {
            // SAFETY: the checker looks whether anyone else has it.
            let attached = self.attached.with_mut(|it| unsafe { mem::take(&mut *it) });
            assert!(attached > 0, "swept once");
            if !self.marked {
                self.word.store(0, Ordering::Relaxed);
                // SAFETY: as above.
                self.object.with_mut(|it| unsafe { *it = 0 });
            }
        });
    }

    /// `weak::value`, by an operation.
    fn look(&self) {
        let address = swept::strong(&self.word, |_| self.sweep());
        assert_eq!(address, if self.marked { ADDRESS } else { 0 });
        if address != 0 {
            // SAFETY: as above.
            assert_eq!(self.object.with(|it| unsafe { *it }), 1);
        }
    }

    /// `finalizer::set` and its like: who holds the object, which is marked then, attaches something.
    fn attach(&self) {
        self.sweep();
        // SAFETY: as above.
        self.attached.with_mut(|it| unsafe { *it += 1 });
    }
}

fn model(marked: bool, one: fn(&Span), other: fn(&Span)) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let span = Arc::new(Span::new(marked));
        let thread = {
            let span = span.clone();
            thread::spawn(move || one(&span))
        };
        other(&span);
        thread.join().unwrap();
    });
}

#[test]
fn weak_pointers_find_the_object_or_nothing() {
    for marked in [true, false] {
        model(marked, Span::sweep, Span::look);
        model(marked, Span::look, Span::look);
    }
}

#[test]
fn what_is_attached_is_seen_by_one_at_a_time() {
    model(true, Span::sweep, Span::attach);
    model(true, Span::look, Span::attach);
}

#[test]
#[should_panic(expected = "left == right")]
fn a_weak_pointer_that_looks_once_finds_what_is_gone() {
    fault::with(Fault::WeakLooksOnce, || {
        model(false, Span::sweep, Span::look)
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn who_does_not_wait_for_the_sweep_touches_what_it_touches() {
    fault::with(Fault::SweepNotAwaited, || {
        model(true, Span::sweep, Span::attach)
    });
}
