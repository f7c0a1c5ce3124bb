//! G for the model checker: a goroutine is one of the checker's threads, and blocks where it would be parked.
//!
//! Queues, waiters and locks are those of the real scheduler; what runs goroutines is not. This G checks what the real one relies
//! on: a goroutine says that it parks before it can be found, and is readied once.

use std::cell::UnsafeCell;
use std::ops::Deref;
use std::ptr::NonNull;

use loom::sync::{Condvar, Mutex};
use loom::thread::{self, JoinHandle};
use stack::Outcome;

use crate::lock::Cell;
pub use crate::reason::WaitReason;
use crate::sync::atomic::AtomicU32;
use crate::wait::Waiter;

/// As much of `stack::Context` as the scheduler's queues touch.
pub struct Context {
    pub value: Cell<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Running,
    Waiting,
    Runnable,
}

pub struct G {
    pub context: Context,
    pub waiter: Waiter,
    pub select_done: AtomicU32,
    link: Cell<Option<GRef>>,
    status: Mutex<Status>,
    readied: Condvar,
}

/// A goroutine. It lives as long as the [`Goroutines`] of its model.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GRef(NonNull<G>);

// SAFETY: G's cells are checked by loom, and the rest is synchronized.
unsafe impl Send for GRef {}
// SAFETY: as above.
unsafe impl Sync for GRef {}

impl Deref for GRef {
    type Target = G;

    fn deref(&self) -> &G {
        // SAFETY: Gs outlive the threads of their model.
        unsafe { self.0.as_ref() }
    }
}

loom::thread_local! {
    static CURRENT: UnsafeCell<Option<GRef>> = UnsafeCell::new(None);
}

impl GRef {
    pub fn current() -> GRef {
        // SAFETY: set once, by the thread itself, when it begins.
        CURRENT
            .with(|g| unsafe { *g.get() })
            .expect("the thread is a goroutine")
    }

    /// # Safety
    /// The address is that of a G of the model.
    pub unsafe fn from_ptr(g: *mut G) -> GRef {
        GRef(NonNull::new(g).expect("a goroutine's address"))
    }

    pub fn will_park(self, _: WaitReason) {
        let mut status = self.status.lock().unwrap();
        assert_eq!(*status, Status::Running, "parked twice");
        *status = Status::Waiting;
    }

    pub fn ready(self, value: usize) {
        self.context.value.set(value);
        self.run();
    }

    fn run(self) {
        let mut status = self.status.lock().unwrap();
        assert_eq!(*status, Status::Waiting, "readied while it isn't parked");
        *status = Status::Runnable;
        self.readied.notify_one();
    }

    /// What the assembly and `Hooks::schedule` do together.
    fn resume(self) -> usize {
        let mut status = self.status.lock().unwrap();
        while *status != Status::Runnable {
            status = self.readied.wait(status).unwrap();
        }
        *status = Status::Running;
        self.context.value.get()
    }
}

/// Enters the runtime from a goroutine.
pub fn enter(operation: impl FnOnce(GRef) -> Outcome) -> usize {
    let g = GRef::current();
    let outcome = operation(g);
    if outcome.switch == 0 {
        outcome.value
    } else {
        g.resume()
    }
}

/// The goroutines of one execution of a model. Dropping it waits for them.
#[derive(Default)]
pub struct Goroutines {
    all: Vec<(GRef, JoinHandle<()>)>,
}

impl Goroutines {
    /// `go body()`
    pub fn go(&mut self, body: impl FnOnce() + 'static) {
        let g = Box::new(G {
            context: Context {
                value: Cell::new(0),
            },
            waiter: Waiter::default(),
            select_done: AtomicU32::new(0),
            link: Cell::new(None),
            status: Mutex::new(Status::Running),
            readied: Condvar::new(),
        });
        let g = GRef(NonNull::from(Box::leak(g)));
        let thread = thread::spawn(move || {
            // SAFETY: nobody else sees this thread's variable.
            CURRENT.with(|current| unsafe { *current.get() = Some(g) });
            body();
        });
        self.all.push((g, thread));
    }

    /// Waits until all have ended.
    pub fn join(self) {
        let (all, threads): (Vec<_>, Vec<_>) = self.all.into_iter().unzip();
        for thread in threads {
            thread.join().unwrap();
        }
        for g in all {
            // SAFETY: allocated by `go`, and the threads are gone.
            drop(unsafe { Box::from_raw(g.0.as_ptr()) });
        }
    }
}

/// Goroutines in line, linked through `G::link`.
#[derive(Default)]
pub struct GQueue {
    first: Option<GRef>,
    last: Option<GRef>,
}

impl GQueue {
    pub fn new() -> GQueue {
        GQueue::default()
    }

    pub fn push(&mut self, g: GRef) {
        g.link.set(None);
        match self.last.replace(g) {
            None => self.first = Some(g),
            Some(last) => last.link.set(Some(g)),
        }
    }

    pub fn pop(&mut self) -> Option<GRef> {
        let g = self.first?;
        self.first = g.link.take();
        if self.first.is_none() {
            self.last = None;
        }
        Some(g)
    }
}

/// Readies goroutines whose results are set.
pub fn ready_all(mut queue: GQueue) {
    while let Some(g) = queue.pop() {
        g.run();
    }
}
