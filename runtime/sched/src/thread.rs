//! Threads of the runtime's own: their beginning and their end.
//!
//! They are waited for when they have ended, so that a library can be unloaded: none of its code runs then.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use stack::fault::AltStack;
use stack::sync::{Mutex, MutexGuard};
use stack::x86_64 as machine;

use crate::m::M;
use crate::{fatal, signal};

/// The calling thread's id, as the system has it. Async-signal-safe.
pub fn gettid() -> i32 {
    // SAFETY: asks only.
    unsafe { libc::gettid() }
}

/// What a thread runs.
pub type Main = extern "C" fn(*mut c_void) -> *mut c_void;

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

/// The runtime ends, and so do its threads.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Whether the runtime's threads are to end: each returns from its main soon.
pub fn ending() -> bool {
    ENDING.load(Ordering::Acquire)
}

struct Threads {
    live: Vec<libc::pthread_t>,
    /// Nothing of theirs runs any more but the system's own end of a thread.
    ended: Vec<libc::pthread_t>,
    /// How many of the live ones end when they are to.
    obedient: usize,
    /// Wake those that sleep, so that they see that they are to end.
    wakers: Vec<fn()>,
}

static THREADS: Mutex<Threads> = Mutex::new(Threads {
    live: Vec::new(),
    ended: Vec::new(),
    obedient: 0,
    wakers: Vec::new(),
});

fn threads() -> MutexGuard<'static, Threads> {
    THREADS.lock().expect("nobody panics with it")
}

impl Threads {
    /// Gives back what the system keeps of threads that are gone. Doesn't wait.
    fn bury(&mut self) {
        // SAFETY: the threads have ended or are about to, and nobody else waits for them.
        self.ended
            .retain(|thread| unsafe { libc::pthread_tryjoin_np(*thread, ptr::null_mut()) } != 0);
    }
}

struct Begin {
    main: Main,
    argument: *mut c_void,
}

/// Starts a thread with all signals blocked but for SIGPROF. The system's error number, or 0. Its main must be run by [`obey`] if the runtime is to be
/// one that can be unloaded.
fn spawn(main: Main, argument: *mut c_void) -> i32 {
    let left = REFUSE_AFTER.load(Ordering::Relaxed);
    if left != usize::MAX && REFUSE_AFTER.fetch_sub(1, Ordering::Relaxed) == 0 {
        REFUSE_AFTER.store(0, Ordering::Relaxed);
        return libc::EAGAIN;
    }
    let begin = Box::into_raw(Box::new(Begin { main, argument }));
    // Until the thread is on the list, it can't take itself off.
    let mut threads = threads();
    threads.bury();
    let mut thread = MaybeUninit::uninit();
    let mut all = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: every out-parameter is written by the call before another reads it; the thread takes the box if there is one.
    let error = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        // Its time is its own in profiles.
        libc::sigdelset(all.as_mut_ptr(), libc::SIGPROF);
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        let error = libc::pthread_create(thread.as_mut_ptr(), ptr::null(), run, begin.cast());
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut());
        error
    };
    match error {
        // SAFETY: written by the call that made the thread.
        0 => threads.live.push(unsafe { thread.assume_init() }),
        // SAFETY: there is no thread that has it.
        _ => drop(unsafe { Box::from_raw(begin) }),
    }
    error
}

extern "C" fn run(begin: *mut c_void) -> *mut c_void {
    // SAFETY: `spawn` made it for this thread.
    let begin = unsafe { Box::from_raw(begin.cast::<Begin>()) };
    let Begin { main, argument } = *begin;
    // So that even running out of stack is told. Without memory for it the thread does without; an M tries again.
    let signals = AltStack::install();
    main(argument);
    drop(signals);
    // SAFETY: asks who this is.
    let this = unsafe { libc::pthread_self() };
    let mut threads = threads();
    threads.bury();
    threads.live.retain(|thread| *thread != this);
    threads.ended.push(this);
    ptr::null_mut()
}

/// Runs a thread's `main`, which returns when it is to end ([`ending`]) and `wake` has been called.
pub fn obey(wake: fn(), main: impl FnOnce()) {
    {
        let mut threads = threads();
        threads.obedient += 1;
        if !threads
            .wakers
            .iter()
            .any(|known| ptr::fn_addr_eq(*known, wake))
        {
            threads.wakers.push(wake);
        }
    }
    main();
    threads().obedient -= 1;
}

/// Whether there are threads that would not end.
pub fn any_stubborn() -> bool {
    let threads = threads();
    threads.live.len() > threads.obedient
}

/// Has all threads of the runtime's own end, and waits for that. There is no goroutine, and nobody makes one; the caller is no thread of theirs.
pub fn end_all() {
    ENDING.store(true, Ordering::SeqCst);
    loop {
        let mut threads = threads();
        threads.bury();
        if threads.live.is_empty() {
            for thread in threads.ended.drain(..) {
                // SAFETY: as in `bury`.
                unsafe { libc::pthread_join(thread, ptr::null_mut()) };
            }
            threads.wakers = Vec::new();
            return;
        }
        let wakers = threads.wakers.clone();
        drop(threads);
        wakers.iter().for_each(|wake| wake());
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// Threads of the runtime's that are no Ms: they don't call into Go.
static OWN: AtomicUsize = AtomicUsize::new(0);

/// Starts a thread of the runtime's that is no M, ends when the runtime does (its main is run by [`obey`]), and has all signals blocked. What it does must not depend on there being
/// one: a failure to start it ends the program.
pub fn start_own(main: Main) {
    OWN.fetch_add(1, Ordering::Relaxed);
    start_uncounted(main);
}

/// The same for one that may ready a goroutine at any time: no deadlock is found beside it, as beside a thread that the runtime doesn't know.
pub fn start_uncounted(main: Main) {
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

/// The signals that the thread blocked which has started the runtime.
static INHERITED: AtomicU64 = AtomicU64::new(0);

/// Threads of the runtime's will block what this one does.
pub fn note_mask() {
    let mask = signal::change_mask(libc::SIG_BLOCK, 0);
    INHERITED.store(mask, Ordering::Relaxed);
}

/// Signals that a thread of the scheduler's takes, which began with all of them blocked: a host that has all its threads block one, to read it
/// from a descriptor, doesn't find it missing. Faults, and what the runtime and the C library need, are never blocked.
pub fn unblock_signals() {
    let mask = INHERITED.load(Ordering::Relaxed) & !signal::mask_of(signal::flag::UNBLOCK);
    signal::change_mask(libc::SIG_SETMASK, mask);
}

extern "C" fn run_m(m: *mut c_void) -> *mut c_void {
    // SAFETY: `start` passes an M, and Ms live as long as the runtime.
    let m: &'static M = unsafe { &*m.cast::<M>() };
    obey(crate::wake::wake_to_end, || {
        m.seize_thread();
        m.install_alternate();
        crate::preempt::prepare(m);
        unblock_signals();
        crate::wake::sleep_for_p(m);
        // SAFETY: the M is this thread's, runs nothing yet, and the hooks were set before the first thread was started.
        unsafe { machine::run(&m.thread) };
        // It may have been the last that wasn't asleep.
        crate::deadlock::check_ending(&crate::start::leave(m));
    });
    ptr::null_mut()
}
