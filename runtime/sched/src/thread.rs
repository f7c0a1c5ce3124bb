//! Threads of the scheduler's own: their beginning and their end.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use stack::x86_64 as machine;

use crate::fatal;
use crate::m::M;

/// Starts a thread for `m`, which has a P to come. `count` of them exist with it, `most` may.
pub fn start(m: &'static M, count: usize, most: usize) {
    if count > most {
        fatal::throw(
            &format!("runtime: program exceeds {most}-thread limit\n"),
            "thread exhaustion",
        );
    }
    let error = spawn(run_m, ptr::from_ref(m).cast_mut().cast());
    if error != 0 {
        let why = format!(
            "runtime: failed to create new OS thread (have {} already; errno={error})\n",
            count - 1
        );
        let advice = match error {
            libc::EAGAIN => "runtime: may need to increase max user processes (ulimit -u)\n",
            _ => "",
        };
        fatal::throw(&(why + advice), "runtime.newosproc");
    }
}

/// How many more threads may be made before the system is said to refuse; for tests of that.
pub static REFUSE_AFTER: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Starts a detached thread with all signals blocked. The system's error number, or 0.
pub(crate) fn spawn(main: extern "C" fn(*mut c_void) -> *mut c_void, argument: *mut c_void) -> i32 {
    let left = REFUSE_AFTER.load(Ordering::Relaxed);
    if left != usize::MAX && REFUSE_AFTER.fetch_sub(1, Ordering::Relaxed) == 0 {
        REFUSE_AFTER.store(0, Ordering::Relaxed);
        return libc::EAGAIN;
    }
    let mut thread = MaybeUninit::uninit();
    let mut attributes = MaybeUninit::uninit();
    let mut all = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: every out-parameter is written by the call before another reads it, and `argument` is an M or nothing.
    unsafe {
        libc::pthread_attr_init(attributes.as_mut_ptr());
        libc::pthread_attr_setdetachstate(attributes.as_mut_ptr(), libc::PTHREAD_CREATE_DETACHED);
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        let error = libc::pthread_create(thread.as_mut_ptr(), attributes.as_ptr(), main, argument);
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut());
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        error
    }
}

/// Threads of the runtime's that are no Ms: they don't call into Go.
static OWN: AtomicUsize = AtomicUsize::new(0);

/// Starts a detached thread of the runtime's that is no M, never ends, and has all signals blocked. What it does must not depend on there being
/// one: a failure to start it ends the program.
pub fn start_own(main: extern "C" fn(*mut c_void) -> *mut c_void) {
    OWN.fetch_add(1, Ordering::Relaxed);
    let error = spawn(main, ptr::null_mut());
    if error != 0 {
        fatal::throw(
            &format!("runtime: failed to create new OS thread (errno={error})\n"),
            "runtime.newosproc",
        );
    }
}

/// How many [`start_own`] has started.
pub fn own() -> usize {
    OWN.load(Ordering::Relaxed)
}

/// Signals that a thread of the scheduler's takes: all but none; it began with all of them blocked.
pub fn unblock_signals() {
    let mut none = MaybeUninit::uninit();
    // SAFETY: `none` is written before it is read.
    unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut());
    }
}

extern "C" fn run_m(m: *mut c_void) -> *mut c_void {
    // SAFETY: `start` passes an M, and Ms live for ever.
    let m: &'static M = unsafe { &*m.cast::<M>() };
    m.seize_thread();
    m.install_alternate();
    crate::preempt::prepare(m);
    unblock_signals();
    crate::wake::sleep_for_p(m);
    // SAFETY: the M is this thread's, runs nothing yet, and the hooks were set before the first thread was started.
    unsafe { machine::run(&m.thread) };
    // It may have been the last that wasn't asleep.
    crate::deadlock::check_ending(&crate::start::leave(m));
    ptr::null_mut()
}
