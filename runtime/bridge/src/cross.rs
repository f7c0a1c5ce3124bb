//! The slow ways across: somebody has wanted the P meanwhile.

use std::cell::Cell;

use sched::crossing::Settled;
use sched::{GRef, M, fatal, ops, scan, wake};
use stack::{Outcome, Thread, errno};

use crate::context;
use crate::guest::word;

/// [`stack::Hooks::reacquire`]: C has returned to Go. The goroutine goes on here if there is a P for it, else where there will be one.
pub extern "C" fn reacquire() -> Outcome {
    let m = M::current();
    word::take(GRef::current());
    if let Settled::Lost = m.crossing().settle() {
        m.set_p(None);
        if !wake::try_acquire(m) {
            let g = GRef::current();
            g.context.value.set(0);
            ops::requeue(g);
            // Whoever had a P a moment ago may have found nothing to do since, and this M can't look.
            wake::wake_p();
            return Outcome::switch();
        }
        scan::before_running(GRef::current());
    }
    ops::finish(0)
}

/// [`stack::Hooks::reenter`]: C calls Go. C's frames are on this thread, so the goroutine must go on here.
pub extern "C" fn reenter(thread: *const Thread, callee: usize, sp: usize) -> usize {
    let _errno = errno::keep();
    let (m, g) = (M::current(), GRef::current());
    let found = word::take(g);
    if let Settled::Lost = m.crossing().settle() {
        m.set_p(None);
        g.context.sp.set(sp);
        ops::come_back(m, g);
    }
    // SAFETY: the assembly passes the calling thread's.
    context::open(unsafe { &*thread }, callee, found)
}

/// [`stack::Hooks::jumped`].
pub extern "C" fn jumped(_: *const Thread) -> ! {
    fatal::throw(
        "runtime: C returned to a Go function that had been called before others that have not returned\n\
         runtime: longjmp and C++ exceptions must not cross Go frames\n",
        "C code jumped over Go frames",
    )
}

/// [`stack::Hooks::broken_promise`].
pub extern "C" fn broken_promise() -> ! {
    let here = Cell::new(0_u8);
    let g = M::try_current().and_then(M::g);
    if g.is_some_and(|g| g.stack().contains(here.as_ptr() as usize)) {
        fatal::throw(
            "runtime: a function that was made for C to call was called on a goroutine's own stack\n",
            "exported function called without going through C",
        );
    }
    fatal::throw(
        "",
        "function marked with #cgo nocallback called back into Go",
    )
}
