//! Time.

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use heap::keep::Keeper;
use sched::ops::{Function, StackKind};
use sched::timer::{self, Expire, Expiry, StartGoroutine, Timer};
use sched::{GQueue, GRef};
use stack::Outcome;

use super::leave_if_asked;

/// `gort_timer *`: a reference that counts.
type TimerPtr = *const Timer;

/// The timer, still the caller's.
///
/// # Safety
/// From [`start`], and not freed.
unsafe fn borrow(timer: TimerPtr) -> ManuallyDrop<Arc<Timer>> {
    // SAFETY: the caller's word.
    ManuallyDrop::new(unsafe { Arc::from_raw(timer) })
}

extern "C" fn sleep(ns: i64) -> Outcome {
    leave_if_asked(timer::sleep(GRef::current(), ns))
}

extern "C" fn nanotime() -> Outcome {
    Outcome::done(timer::nanotime() as usize)
}

/// What a timer does: its function's argument lives as long as the timer.
struct Start {
    goroutine: StartGoroutine,
    _argument: Keeper,
}

impl Expire for Start {
    fn expire(&self, expiry: Expiry, ready: &mut GQueue) {
        self.goroutine.expire(expiry, ready);
    }
}

extern "C" fn start(ns: i64, function: Function, argument: *mut c_void) -> Outcome {
    bridge::start(true);
    // SAFETY: the caller says that the function may be called when the timer expires.
    let goroutine = unsafe { StartGoroutine::new(function, argument.cast(), StackKind::Small) };
    let action = Start {
        goroutine,
        _argument: Keeper::new(argument.addr()),
    };
    let timer = Timer::new(action);
    timer.reset(timer::after(ns), 0);
    Outcome::done(Arc::into_raw(timer) as usize)
}

extern "C" fn stop(timer: TimerPtr) -> Outcome {
    // SAFETY: the caller's timer.
    Outcome::done(usize::from(unsafe { borrow(timer) }.stop()))
}

extern "C" fn reset(timer: TimerPtr, ns: i64) -> Outcome {
    // SAFETY: the caller's timer.
    let timer = unsafe { borrow(timer) };
    Outcome::done(usize::from(timer.reset(timer::after(ns), 0)))
}

extern "C" fn free(timer: TimerPtr) -> Outcome {
    if !timer.is_null() {
        // SAFETY: the caller's timer, which it gives up.
        unsafe { Arc::from_raw(timer) }.stop();
    }
    Outcome::done(0)
}

operation! {
    "gort_sleep" sleep;
}

anywhere!("gort_nanotime" nanotime);
anywhere!("gort_timer_start" start);
anywhere!("gort_timer_stop" stop);
anywhere!("gort_timer_reset" reset);
anywhere!("gort_timer_free" free);
