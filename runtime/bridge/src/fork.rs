//! What a child of `fork` may do: C, then exec or `_exit`. Of the runtime's threads it has one, and locks that nobody will unlock.
//!
//! The parent notices nothing. In the child, whatever the assembly asks the runtime for ends the process with a message, and the thread's way
//! back from C, or into Go, asks.

use std::sync::Once;
use std::sync::atomic::Ordering;

use sched::M;
use sched::crossing::FALLBACK;
use stack::x86_64 as machine;
use stack::{Context, Hooks, Outcome, Thread};

/// From now on children of this process are told what they may not do.
pub fn prepare() {
    static ONCE: Once = Once::new();
    // SAFETY: registers a function that is async-signal-safe. Without memory for that, children are on their own.
    ONCE.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    });
}

unsafe extern "C" fn in_child() {
    let hooks = Hooks {
        schedule: dead_schedule,
        newstack: dead_newstack,
        reacquire: dead_return,
        reenter: dead_call,
        jumped: dead_jump,
        attach: dead_attach,
        broken_promise: dead,
        preempted: dead_preempted,
        goexit: dead_return,
    };
    crate::trace::forget();
    // SAFETY: this is the only thread, and it runs no assembly of the runtime's.
    unsafe { machine::set_hooks(hooks) };
    if let Some(m) = M::try_current() {
        m.thread.retake.fetch_or(FALLBACK, Ordering::Relaxed);
    }
}

fn end(what: &str) -> ! {
    let parts = [
        "runtime: this process is a fork of one that runs Go: it may run C, exec and _exit, but no Go (os/exec or posix_spawn can)\n",
        "fatal error: ",
        what,
        "\n",
    ];
    for part in parts {
        // SAFETY: writes bytes that are there. Only what signal handlers may do works after fork.
        unsafe { libc::write(2, part.as_ptr().cast(), part.len()) };
    }
    // SAFETY: ends the process.
    unsafe { libc::_exit(sched::fatal::EXIT_CODE) }
}

extern "C" fn dead_schedule() -> *mut Context {
    end("goroutine switch after fork")
}
extern "C" fn dead_newstack(_: usize, _: usize, _: usize) -> Outcome {
    end("stack growth after fork")
}
extern "C" fn dead_return() -> Outcome {
    end("C returned to Go after fork")
}
extern "C" fn dead_call(_: *const Thread, _: usize, _: usize) -> usize {
    end("C called Go after fork")
}
extern "C" fn dead_jump(_: *const Thread) -> ! {
    end("C jumped over Go frames after fork")
}
extern "C" fn dead_attach() -> *const Thread {
    end("C called Go after fork")
}
extern "C" fn dead() -> ! {
    end("C called Go after fork")
}
extern "C" fn dead_preempted() {
    end("goroutine switch after fork")
}
