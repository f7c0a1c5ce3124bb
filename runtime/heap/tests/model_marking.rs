//! Model of marking: a goroutine changes what the collector looks at, a helper works beside it, and what could be reached is marked in the end.
#![cfg(loom)]

use std::sync::Arc;

use heap::mark::queue::{Block, Queue, Work};
use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Mutex, MutexGuard};
use loom::thread;
use sched::fault::{self, Fault, on};
use sched::scan::{Claim, Cycle, Phase, Scanned};

/// Objects, by number: `ROOT` is reached from a table of roots, `CHILD` from it, and `LAST` from that; `NEW` is allocated.
const ROOT: usize = 1;
const CHILD: usize = 2;
const LAST: usize = 3;
const NEW: usize = 4;

/// Who has it may run Go, or has stopped the world: what the barrier has found.
#[derive(Default)]
struct P {
    found: Block,
}

struct World {
    phase: Phase,
    queue: Queue,
    p: Mutex<P>,
    scanned: Scanned,
    /// The goroutine's locals: numbers of objects, or 0.
    stack: UnsafeCell<[usize; 2]>,
    /// Each object's pointer, and whether it is marked.
    field: [AtomicUsize; 5],
    marked: [AtomicBool; 5],
}

impl World {
    fn new() -> World {
        let world = World {
            phase: Phase::default(),
            queue: Queue::default(),
            p: Mutex::default(),
            scanned: Scanned::default(),
            stack: UnsafeCell::new([0; 2]),
            field: Default::default(),
            marked: Default::default(),
        };
        world.field[ROOT].store(CHILD, Ordering::Relaxed);
        world.field[CHILD].store(LAST, Ordering::Relaxed);
        world
    }

    fn grey(&self, object: usize, found: &mut Block) {
        if object != 0 && !self.marked[object].swap(true, Ordering::Relaxed) {
            found.push(Work {
                word: object as u32,
                class: 0,
                bits: 1,
            });
        }
    }

    /// Gives what was found to others.
    fn give(&self, found: &mut Block) {
        self.queue.give(Box::new(std::mem::take(found)));
    }

    /// The goroutine's stack, by its M or by the collector; the work goes into `found`.
    fn scan(&self, cycle: Cycle, found: &mut Block) {
        loop {
            match self.scanned.claim(cycle) {
                Claim::Done => return,
                Claim::Busy => thread::yield_now(),
                Claim::Mine => break,
            }
        }
        // SAFETY: the checker looks whether the goroutine runs meanwhile.
        let stack = self.stack.with(|stack| unsafe { *stack });
        stack.iter().for_each(|&object| self.grey(object, found));
        self.scanned.finish(cycle);
    }

    /// The goroutine runs for a while: `act` gets its locals, and its P.
    fn run(&self, act: impl FnOnce(&mut [usize; 2], &mut P)) {
        let mut p = self.p.lock().unwrap();
        if !on(Fault::RunsUnscanned)
            && let Some(cycle) = self.phase.marking()
        {
            self.scan(cycle, &mut p.found);
        }
        // SAFETY: the checker looks whether the stack is read meanwhile.
        self.stack
            .with_mut(|stack| act(unsafe { &mut *stack }, &mut p));
    }

    /// `gort_store`.
    fn store(&self, object: usize, value: usize, p: &mut P) {
        if self.phase.marking().is_some() && !on(Fault::StoreWithoutBarrier) {
            self.grey(self.field[object].load(Ordering::Relaxed), &mut p.found);
        }
        self.field[object].store(value, Ordering::Release);
    }

    /// Takes the child from the root to the stack, and from there into a new object.
    fn hide(&self) {
        self.run(|stack, _| stack[0] = self.field[ROOT].load(Ordering::Acquire));
        self.run(|stack, p| {
            self.store(ROOT, 0, p);
            // New objects are black.
            let marking = self.phase.marking().is_some() && !on(Fault::NewIsWhite);
            self.marked[NEW].store(marking, Ordering::Relaxed);
            self.field[NEW].store(stack[0], Ordering::Release);
            *stack = [0, NEW];
        });
    }

    /// Does what there is to do, one's own first.
    fn drain(&self, own: &mut Block) {
        loop {
            let work = own.pop().or_else(|| {
                let mut block = Box::new(Block::default());
                self.queue
                    .take(&mut block)
                    .then(|| std::mem::take(&mut *block))
                    .and_then(|mut taken| {
                        let work = taken.pop();
                        while let Some(more) = taken.pop() {
                            own.push(more);
                        }
                        work
                    })
            });
            let Some(work) = work else { return };
            self.grey(self.field[work.word as usize].load(Ordering::Acquire), own);
        }
    }

    /// A helper, once.
    fn help(&self) {
        self.queue.begin();
        self.drain(&mut Block::default());
        self.queue.end();
    }

    fn begin(&self) -> Cycle {
        let _p = self.p.lock().unwrap();
        self.queue.open();
        let cycle = self.phase.begin();
        let mut found = Block::default();
        self.grey(ROOT, &mut found);
        self.give(&mut found);
        cycle
    }

    /// The second stop; false: there is more to do.
    fn end(&self) -> bool {
        let mut p = self.p.lock().unwrap();
        if !on(Fault::EndForgetsBuffers) {
            self.give(&mut p.found);
        }
        let done = self.queue.close();
        if done {
            self.check(&p);
            self.phase.end();
        }
        done
    }

    /// What the root and the goroutine reach is marked.
    fn check(&self, _p: &MutexGuard<'_, P>) {
        // SAFETY: the goroutine doesn't run.
        let stack = self.stack.with(|stack| unsafe { *stack });
        for start in [ROOT, stack[0], stack[1]] {
            let mut object = start;
            while object != 0 {
                assert!(
                    self.marked[object].load(Ordering::Relaxed),
                    "object {object} is lost"
                );
                object = self.field[object].load(Ordering::Relaxed);
            }
        }
    }

    fn collect(&self) {
        let cycle = self.begin();
        loop {
            self.queue.begin();
            let mut own = Block::default();
            self.scan(cycle, &mut own);
            self.drain(&mut own);
            self.queue.end();
            if !self.queue.is_done() {
                thread::yield_now();
                continue;
            }
            if self.end() {
                return;
            }
        }
    }
}

fn model(other: fn(&World)) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let world = Arc::new(World::new());
        let thread = {
            let world = world.clone();
            thread::spawn(move || other(&world))
        };
        world.collect();
        thread.join().unwrap();
    });
}

#[test]
fn nothing_that_can_be_reached_is_lost() {
    model(World::hide);
}

#[test]
fn marking_ends_after_its_helpers() {
    model(World::help);
}

#[test]
#[should_panic(expected = "is lost")]
fn without_the_barrier_an_object_is_lost() {
    fault::with(Fault::StoreWithoutBarrier, || model(World::hide));
}

#[test]
#[should_panic(expected = "is lost")]
fn new_objects_that_are_white_are_lost() {
    fault::with(Fault::NewIsWhite, || model(World::hide));
}

#[test]
#[should_panic(expected = "is lost")]
fn what_the_barrier_found_last_counts() {
    fault::with(Fault::EndForgetsBuffers, || model(World::hide));
}

#[test]
#[should_panic]
fn a_goroutine_that_runs_unscanned_is_read_while_it_runs() {
    fault::with(Fault::RunsUnscanned, || model(World::hide));
}

#[test]
#[should_panic(expected = "is lost")]
fn an_end_that_does_not_ask_who_works_is_too_early() {
    fault::with(Fault::EndForgetsWorkers, || model(World::help));
}
