//! Time.

use std::time::Duration;

use sched::GRef;
use sched::g::GQueue;
use sched::timer::{self, Expire, Expiry, Timer};
use stack::Outcome;

use crate::channel::{Receiver, Sender};
use crate::enter::operate;

/// As many nanoseconds as there can be.
fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// The goroutine sleeps for at least that long; its thread doesn't.
///
/// # Panics
/// Outside of a goroutine.
#[track_caller]
pub fn sleep(duration: Duration) {
    // SAFETY: the operation takes a number.
    unsafe { operate!(sleep_op, nanoseconds(duration)) };
}

extern "C" fn sleep_op(ns: i64) -> Outcome {
    timer::sleep(GRef::current(), ns)
}

/// A channel that gets a value when so much time has passed: Go's `time.After`. Callable from anywhere.
///
/// ```
/// use std::time::Duration;
///
/// # gort::enter(|| {
/// let (_sender, receiver) = gort::channel::<i32>(0);
/// let answer = gort::select! {
///     recv(receiver) -> value => value,
///     recv(gort::after(Duration::from_millis(5))) -> _ => None,
/// };
/// assert_eq!(answer, None);
/// # });
/// ```
pub fn after(duration: Duration) -> Receiver<()> {
    let (sender, receiver) = crate::channel(1);
    let timer = Timer::new(Fire(sender));
    let when = timer::after(nanoseconds(duration));
    // SAFETY: the operation takes a timer that stays, and a time. The heap keeps it until then.
    crate::enter(|| unsafe {
        operate!(set, &raw const timer, when);
    });
    receiver
}

struct Fire(Sender<()>);

impl Expire for Fire {
    fn expire(&self, _: Expiry, _: &mut GQueue) {
        // SAFETY: a value without bytes; the buffer has room for one, so nobody waits.
        let _ = unsafe {
            sched::chan::try_send(
                self.0.address().as_ref(),
                std::ptr::NonNull::<u8>::dangling().as_ptr(),
            )
        };
    }
}

extern "C" fn set(timer: *const std::sync::Arc<Timer>, when: i64) -> Outcome {
    // SAFETY: `after` keeps it.
    unsafe { &*timer }.reset(when, 0);
    Outcome::done(0)
}
