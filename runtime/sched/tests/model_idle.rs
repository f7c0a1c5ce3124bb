//! Model of `idle`: work is put on a queue while the Ms that could run it give up.
#![cfg(loom)]

use std::num::NonZeroUsize;

use loom::model::Builder;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use sched::fault::{self, Fault};
use sched::idle::Idle;
use sched::runq::{RunNext, RunQueue};

type Queue = RunQueue<NonZeroUsize>;

/// Submitters, each with its P and queue, which they never run themselves; one M that runs everything, with P 0.
struct World {
    idle: Idle,
    queues: [Queue; 2],
    note: Mutex<Note>,
    woken: Condvar,
}

#[derive(Default)]
struct Note {
    /// The P that comes with a wake-up.
    p: Option<usize>,
    /// How many may still wake the M. At 0 the checker needn't wait for a deadlock, which it can't report in order.
    submitters: usize,
}

impl World {
    fn submit(&self, queue: usize) {
        let fits = self.queues[queue].put(NonZeroUsize::MIN, false).is_none();
        assert!(fits);
        let p = self.idle.wake();
        let mut note = self.note.lock().unwrap();
        assert!(p.is_none() || note.p.is_none(), "one P given to two");
        note.p = note.p.or(p);
        note.submitters -= 1;
        self.woken.notify_one();
    }

    fn steal(&self) -> bool {
        let mine = Queue::default();
        self.queues
            .iter()
            .any(|queue| queue.steal_into(&mine, RunNext::Leave).is_some())
    }

    fn sleep(&self) -> usize {
        let mut note = self.note.lock().unwrap();
        loop {
            if let Some(p) = note.p.take() {
                return p;
            }
            assert!(note.submitters > 0, "work waits for ever");
            note = self.woken.wait(note).unwrap();
        }
    }

    /// The M runs `work` items, then ends.
    fn run(&self, work: usize, mut spins: bool, look_again: bool) {
        let mut p = 0;
        for _ in 0..work {
            while !self.steal() {
                self.idle.give_up(p, spins);
                let found = look_again && self.queues.iter().any(|queue| !queue.is_empty());
                p = match found {
                    // Nobody but a submitter can have taken the P, and the wake-up is on its way.
                    true => self.idle.resume().unwrap_or_else(|| self.sleep()),
                    false => self.sleep(),
                };
                spins = true;
            }
            if spins {
                spins = false;
                if self.idle.stop_spin() {
                    assert_eq!(self.idle.wake(), None, "there is no other P");
                }
            }
        }
    }
}

fn model(submitters: usize, spins: bool, look_again: bool) {
    let mut builder = Builder::new();
    // One submitter: all interleavings there are. With two there would be too many.
    builder.preemption_bound = (submitters > 1).then_some(3);
    builder.check(move || {
        let world = Arc::new(World {
            idle: Idle::default(),
            queues: std::array::from_fn(|_| Queue::default()),
            note: Mutex::new(Note {
                p: None,
                submitters,
            }),
            woken: Condvar::new(),
        });
        if spins {
            assert!(world.idle.start_spin(3));
        }
        let submitters: Vec<_> = (0..submitters)
            .map(|queue| {
                let world = world.clone();
                thread::spawn(move || world.submit(queue))
            })
            .collect();
        world.run(submitters.len(), spins, look_again);
        for submitter in submitters {
            submitter.join().unwrap();
        }
    });
}

#[test]
fn the_last_that_spins_is_woken_or_sees_the_work() {
    model(1, true, true);
}

#[test]
fn an_m_that_does_not_spin_is_woken_or_sees_the_work() {
    model(1, false, true);
}

#[test]
fn two_submitters_and_one_that_spins() {
    model(2, true, true);
}

#[test]
fn two_submitters_and_one_that_does_not_spin() {
    model(2, false, true);
}

#[test]
#[should_panic(expected = "work waits for ever")]
fn without_the_second_look_the_work_waits_for_ever() {
    model(1, true, false);
}

#[test]
#[should_panic(expected = "work waits for ever")]
fn without_the_submitters_fence_the_work_waits_for_ever() {
    fault::with(Fault::WakeFence, || model(1, true, true));
}

#[test]
#[should_panic(expected = "work waits for ever")]
fn without_the_fence_of_who_gives_up_the_work_waits_for_ever() {
    fault::with(Fault::SpinFence, || model(1, true, true));
}
