//! Model of `gstatus`: a goroutine parks while others give it permits.
#![cfg(loom)]

use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use sched::fault::{self, Fault};
use sched::gstatus::{Park, State, Status, Unpark};

/// A goroutine, and the run queue that it goes on when it is readied.
struct Goroutine {
    status: Status,
    /// Belongs to who owns the goroutine: the checker fails if two touch it without order between them.
    context: UnsafeCell<u32>,
    /// Written by the only unparker before `unpark`.
    message: UnsafeCell<u32>,
    queue: Mutex<Queue>,
    more: Condvar,
}

#[derive(Default)]
struct Queue {
    queued: bool,
    /// How many may still ready the goroutine. At 0 the checker needn't wait for a deadlock, which it can't report in order.
    unparkers: usize,
}

impl Goroutine {
    fn new(unparkers: usize) -> Arc<Goroutine> {
        let g = Goroutine {
            status: Status::default(),
            context: UnsafeCell::new(0),
            message: UnsafeCell::new(0),
            queue: Mutex::new(Queue {
                queued: false,
                unparkers,
            }),
            more: Condvar::new(),
        };
        g.status.create();
        g.status.run();
        Arc::new(g)
    }

    fn own(&self) {
        // SAFETY: the checker looks whether anyone else does at the same time.
        self.context.with_mut(|context| unsafe { *context += 1 });
    }

    /// The goroutine, on whichever M: whether it had to be woken.
    fn park(&self) -> bool {
        self.own();
        let woken = self.status.park() == Park::Parked;
        if woken {
            self.wait();
            self.status.run();
        }
        self.own();
        assert_eq!(self.status.state(), State::Running);
        woken
    }

    fn wait(&self) {
        let mut queue = self.queue.lock().unwrap();
        while !queue.queued {
            assert!(queue.unparkers > 0, "parked for ever");
            queue = self.more.wait(queue).unwrap();
        }
        queue.queued = false;
    }

    /// One of the unparkers: readies the goroutine if `wake`.
    fn end(&self, wake: bool) -> bool {
        if wake {
            self.own();
            self.status.ready();
        }
        let mut queue = self.queue.lock().unwrap();
        queue.queued |= wake;
        queue.unparkers -= 1;
        self.more.notify_one();
        wake
    }

    fn unpark(&self) -> bool {
        self.end(self.status.unpark() == Unpark::Wake)
    }

    fn time_out(&self) -> bool {
        self.end(self.status.withdraw())
    }
}

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn one_permit() {
    check(|| {
        let g = Goroutine::new(1);
        let other = g.clone();
        let unparker = thread::spawn(move || {
            // SAFETY: nobody reads it before the permit has come.
            other.message.with_mut(|message| unsafe { *message = 7 });
            other.unpark()
        });
        let woken = g.park();
        // SAFETY: the unparker has written it before it gave the permit.
        g.message.with(|message| assert_eq!(unsafe { *message }, 7));
        assert_eq!(woken, unparker.join().unwrap());
    });
}

#[test]
fn a_permit_is_never_lost() {
    one_permit();
}

#[test]
#[should_panic(expected = "parked for ever")]
fn a_park_that_does_not_compare_loses_the_permit() {
    fault::with(Fault::BlindPark, one_permit);
}

#[test]
fn two_permits_wake_once() {
    check(|| {
        let g = Goroutine::new(2);
        let unparkers = [g.clone(), g.clone()].map(|g| thread::spawn(move || g.unpark()));
        let woken = g.park();
        let wakes = unparkers.map(|unparker| unparker.join().unwrap());
        assert_eq!(
            wakes.into_iter().filter(|&wake| wake).count(),
            usize::from(woken)
        );
    });
}

#[test]
fn one_permit_for_each_of_two_parks() {
    check(|| {
        let g = Goroutine::new(1);
        let other = g.clone();
        let unparker = thread::spawn(move || {
            other.unpark();
        });
        g.park();
        unparker.join().unwrap();
        assert_eq!(g.status.unpark(), Unpark::Kept);
        assert!(!g.park());
    });
}

#[test]
fn a_time_limit_and_a_permit_wake_once() {
    check(|| {
        let g = Goroutine::new(2);
        let other = g.clone();
        let timer = thread::spawn(move || other.time_out());
        let other = g.clone();
        let unparker = thread::spawn(move || other.unpark());
        let woken = g.park();
        let timed = timer.join().unwrap();
        let permitted = unparker.join().unwrap();
        assert_eq!(u32::from(woken), u32::from(timed) + u32::from(permitted));
        // What woke it by the time limit has left the permit.
        assert_eq!(g.status.unpark(), Unpark::Kept);
    });
}
