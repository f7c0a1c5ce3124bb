//! What is due: finalizers and cleanups that wait for the goroutine that runs them, one after the other.
//!
//! The goroutine is made when there is something for it for the first time; see [`sched::Role`] for what sets it apart. Its body is assembly of the
//! layer above, a loop: ask for the next call ([`next`]), call it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicPtr, Ordering};

use sched::ops::{self, Function};
use sched::{GRef, Role, WaitReason};
use stack::Outcome;
use stack::sync::{Mutex, MutexGuard};

use super::table::Due;
use crate::barrier;

/// Who runs what is due.
enum Runner {
    /// Nobody yet.
    None,
    /// Parked in [`next`].
    Waits(GRef),
    /// At work: it asks again.
    Runs,
}

struct Queue {
    due: VecDeque<Due>,
    runner: Runner,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue {
    due: VecDeque::new(),
    runner: Runner::None,
});

/// The goroutine's body.
static BODY: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

fn lock() -> MutexGuard<'static, Queue> {
    QUEUE.lock().expect("nobody panics with it")
}

/// What the goroutine is to run. To be called before anything is attached to an object.
pub fn set_body(body: Function) {
    BODY.store(body as *mut (), Ordering::Release);
}

/// These are due. From any thread.
pub(super) fn push(due: Vec<Due>) {
    if due.is_empty() {
        return;
    }
    let runner = {
        let mut queue = lock();
        queue.due.extend(due);
        std::mem::replace(&mut queue.runner, Runner::Runs)
    };
    match runner {
        Runner::Runs => {}
        Runner::Waits(g) => g.ready(AGAIN),
        Runner::None => {
            let body = BODY.load(Ordering::Acquire);
            assert!(!body.is_null(), "set before anything was attached");
            // SAFETY: `set_body` has stored a function of that type.
            let body = unsafe { std::mem::transmute::<*mut (), Function>(body) };
            ops::spawn_system(body, std::ptr::null_mut());
        }
    }
}

/// Results of [`next`]: ask again, or `place` has a call.
pub const AGAIN: usize = 0;
pub const CALL: usize = 1;

/// A call, as the goroutine finds it: [`next`]'s, on its stack.
#[repr(C)]
pub struct Place {
    pub function: usize,
    pub argument: usize,
    pub closure: usize,
}

/// An operation of the goroutine's: the next call that is due, at `place`. Waits for one.
///
/// # Safety
/// A place on the goroutine's stack.
pub unsafe extern "C" fn next(place: *mut Place) -> Outcome {
    let g = GRef::current();
    g.set_role(Role::System);
    let mut queue = lock();
    let Some(due) = queue.due.pop_front() else {
        g.will_park(WaitReason::FinalizerWait);
        queue.runner = Runner::Waits(g);
        return Outcome::switch();
    };
    drop(queue);
    // The collector may not have looked at the queue yet, and won't look at this goroutine's stack again.
    barrier::shade(due.argument);
    barrier::shade(due.call.closure);
    let call = Place {
        function: due.call.function,
        argument: due.argument,
        closure: due.call.closure,
    };
    // SAFETY: the goroutine's, says the caller.
    unsafe { place.write(call) };
    g.set_role(Role::Lent);
    ops::finish(CALL)
}

/// What is due keeps alive what it needs.
pub(super) fn roots(visit: &mut dyn FnMut(usize)) {
    for due in &lock().due {
        visit(due.argument);
        visit(due.call.closure);
    }
}

/// Whether nothing is due, and no function that was is running.
pub fn is_idle() -> bool {
    let queue = lock();
    queue.due.is_empty() && !matches!(queue.runner, Runner::Runs)
}

/// Forgets who runs what is due: there are no goroutines any more.
pub(super) fn end() {
    let mut queue = lock();
    queue.runner = Runner::None;
    queue.due = VecDeque::new();
}
