//! The collector's helpers: threads that mark beside it, while processors have nothing better to do.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sched::global::SHARED;
use sched::{p, thread};

use super::QUEUE;

/// Bytes of objects that are looked through between two looks at what else there is.
pub const CHUNK: usize = 1 << 20;
/// As long as that much, or less, was looked through in a cycle, no helper is started for it.
const SMALL: usize = 4 << 20;
/// How long a helper that isn't wanted sleeps before it looks again.
const REST: Duration = Duration::from_millis(1);
/// Without end, as far as a condition variable knows.
const EVER: Duration = Duration::from_secs(1 << 30);

/// Helpers that there are.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// How many threads may mark right now, the collector's included: a quarter of the processors' worth, as in Go, or all that have nothing to do.
pub fn allowed() -> usize {
    let procs = p::count();
    (procs / 4).max(SHARED.idle.idle_ps()).clamp(1, procs)
}

/// One more helper, if there is work for it.
pub fn start_if_useful(scanned: usize) {
    let started = STARTED.load(Ordering::Relaxed);
    if scanned > SMALL && started + 1 < allowed() {
        STARTED.store(started + 1, Ordering::Relaxed);
        thread::start_own(run);
    }
}

extern "C" fn run(_: *mut c_void) -> *mut c_void {
    // The collector is number 0.
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    thread::obey(
        || QUEUE.wake_all(),
        || {
            super::begin_thread();
            while !thread::ending() {
                help(number);
            }
            super::end_thread();
        },
    );
    ptr::null_mut()
}

fn help(number: usize) {
    QUEUE.wait(EVER);
    if number >= allowed() {
        return std::thread::sleep(REST);
    }
    QUEUE.begin();
    work(number);
    QUEUE.end();
}

/// Until there is nothing left, or the processors are wanted.
fn work(number: usize) {
    while number < allowed() && !super::work(CHUNK).done {}
    super::give_up_own();
}
