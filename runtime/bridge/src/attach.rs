//! Threads that C made: the first call into Go makes one an M with a goroutine, and both stay until the thread ends.

use std::ffi::c_void;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use sched::crossing::{Return, Settled};
use sched::{M, fatal, ops, preempt, start, wake};
use stack::{Thread, errno};

use crate::guest::{copies, inits, leaving, word};

/// The key whose destructor tells that a thread ends.
fn exit_key() -> libc::pthread_key_t {
    static KEY: OnceLock<libc::pthread_key_t> = OnceLock::new();
    *KEY.get_or_init(|| {
        let mut key = 0;
        // SAFETY: `key` is written by the call; the destructor is async-safe enough for the end of a thread.
        let error = unsafe { libc::pthread_key_create(&raw mut key, Some(thread_ends)) };
        if error != 0 {
            fatal::throw(
                &format!("runtime: no thread-specific key left (errno={error})\n"),
                "runtime.attach",
            );
        }
        key
    })
}

/// [`stack::Hooks::attach`]: runs on C's stack, in the middle of a call. The caller goes on as if C had called from within a call from Go.
pub extern "C" fn attach() -> *const Thread {
    let _errno = errno::keep();
    leaving::admit();
    crate::start(true);
    inits::wait();
    let m = start::adopt_thread();
    m.guest.set(true);
    m.install_alternate();
    crate::signals::unblock_faults();
    preempt::prepare(m);
    // SAFETY: the key exists, and the value isn't null, or the destructor would not be called.
    unsafe { libc::pthread_setspecific(exit_key(), ptr::from_ref(m).cast()) };
    let g = ops::guest_goroutine(m);
    // No C frame of its goroutine's lies on this thread's stack where a schedule could begin: it always stays here.
    m.thread.system_base.set(0);
    m.thread.system_sp.set(usize::MAX);
    word::begin(g);
    // As a call to C leaves it: 8 off a multiple of 16.
    m.crossing().enter_c(g.context.sp.get());
    &m.thread
}

/// No thread's end is told any more.
pub fn delete_key() {
    // SAFETY: the key is ours, and made here at the latest.
    unsafe { libc::pthread_key_delete(exit_key()) };
}

/// Whether this thread of C's is in none of its calls to Go.
pub fn is_outermost(m: &M) -> bool {
    m.thread.system_sp.get() == usize::MAX
}

extern "C" fn thread_ends(m: *mut c_void) {
    // SAFETY: the key's value is this thread's M.
    let m: &'static M = unsafe { &*m.cast::<M>() };
    detach(m);
}

/// Gives back what this thread of C's has of the runtime's, as its end does. In a call by Go, or to Go, nothing happens.
pub fn detach_this_thread() {
    if let Some(m) = M::try_current().filter(|m| m.guest.get() && is_outermost(m)) {
        // SAFETY: the key exists, since the thread was attached.
        unsafe { libc::pthread_setspecific(exit_key(), ptr::null()) };
        detach(m);
    }
}

fn detach(m: &'static M) {
    let g = m.g().expect("an attached thread has a goroutine");
    let sp = m.thread.go_sp.load(Ordering::Relaxed);
    let lost = match m.crossing().leave_c() {
        Return::Free => false,
        Return::Asked => m.crossing().settle() == Settled::Lost,
    };
    if lost {
        m.set_p(None);
        g.context.sp.set(sp);
        ops::come_back(m, g);
    }
    m.thread.context.set(ptr::null_mut());
    ops::end_guest(g);
    wake::hand_off(wake::release(m));
    word::end();
    m.guest.set(false);
    drop(start::leave(m));
    copies::tell_lost_signal_stack();
    leaving::dismiss();
}
