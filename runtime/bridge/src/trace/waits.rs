//! How long a goroutine has waited for a P after C had returned: its own was taken.

use sched::M;
use sched::timer::nanotime;
use stack::Outcome;

use super::Trace;
use super::crossing::{Recorder, goroutine, hold, lost_p};
use super::functions::FunctionId;

/// A goroutine that has no P.
pub struct Wait {
    /// The function that it has called.
    after: FunctionId,
    /// By the clock of [`nanotime`].
    begin: i64,
}

/// The operation in place of `hook`, which it calls: from then on the goroutine may run elsewhere.
pub extern "C" fn reacquire(hook: extern "C" fn() -> Outcome) -> Outcome {
    let m = M::try_current();
    if let Some(trace) = Trace::get().filter(|trace| trace.is_on() && lost_p(m)) {
        let begin = nanotime();
        if let Some(after) = Recorder::here(trace).last() {
            hold(&trace.waits).insert(goroutine(m), Wait { after, begin });
        }
    }
    hook()
}

/// The operation after that: the goroutine has a P again.
pub extern "C" fn reacquired() -> Outcome {
    if let Some(trace) = Trace::get().filter(|trace| trace.is_on()) {
        let goroutine = goroutine(M::try_current());
        let wait = hold(&trace.waits).remove(&goroutine);
        if let Some(Wait { after, begin }) = wait {
            Recorder::here(trace).waited(after, goroutine, begin);
        }
    }
    Outcome::done(0)
}
