//! Profiles of CPU time: SIGPROF interrupts who runs, and a function of the program's gets the stack, through Go and C.

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use sched::fatal;
use sched::trace::{MOST, Trace};
use stack::sync::Mutex;
use stack::x86_64::unwind::SignalStack;

use super::{Signal, claim, hand_back};

/// What gets samples, in a signal handler, on any thread: addresses, innermost first, and how many.
pub type Sample = extern "C" fn(argument: *mut c_void, pcs: *const usize, n: i32);

const SIGNAL: i32 = libc::SIGPROF;
const FASTEST: i32 = 1_000_000;

/// 0: nobody wants samples.
static SAMPLE: AtomicUsize = AtomicUsize::new(0);
static ARGUMENT: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
/// Handlers that may be about to call it.
static SAMPLING: AtomicUsize = AtomicUsize::new(0);

/// What one sample takes.
struct Desk {
    busy: AtomicBool,
    trace: UnsafeCell<Trace>,
    pcs: UnsafeCell<[usize; MOST]>,
    stack: SignalStack<{ 32 << 10 }>,
}

// SAFETY: all else belongs to who has made it busy.
unsafe impl Sync for Desk {}

/// As many threads at once as are likely to be interrupted: beyond that samples are lost.
static DESKS: [Desk; 32] = [const {
    Desk {
        busy: AtomicBool::new(false),
        trace: UnsafeCell::new(Trace::new()),
        pcs: UnsafeCell::new([0; MOST]),
        stack: SignalStack::zeroed(),
    }
}; 32];

/// `runtime.SetCPUProfileRate`, and where the samples go. 0: no more samples, from now on. Another rate needs that first.
pub fn set_rate(hz: i32, sample: Option<Sample>, argument: *mut c_void) {
    static LOCK: Mutex<()> = Mutex::new(());
    let _lock = LOCK.lock().expect("nobody panics with it");
    let hz = hz.clamp(0, FASTEST);
    match sample.filter(|_| hz > 0) {
        None => end(),
        Some(_) if SAMPLE.load(Ordering::Relaxed) != 0 => {
            fatal::write("runtime: cannot set rate until previous profile has finished.\n");
        }
        Some(sample) => begin(hz, sample, argument),
    }
}

fn begin(hz: i32, sample: Sample, argument: *mut c_void) {
    ARGUMENT.store(argument, Ordering::Release);
    SAMPLE.store(sample as usize, Ordering::SeqCst);
    claim(SIGNAL);
    set_timer(1_000_000 / hz);
}

fn end() {
    set_timer(0);
    SAMPLE.store(0, Ordering::SeqCst);
    while SAMPLING.load(Ordering::SeqCst) != 0 {
        std::thread::yield_now();
    }
    hand_back(SIGNAL);
}

fn set_timer(microseconds: i32) {
    let every = libc::timeval {
        tv_sec: i64::from(microseconds / 1_000_000),
        tv_usec: i64::from(microseconds % 1_000_000),
    };
    let timer = libc::itimerval {
        it_interval: every,
        it_value: every,
    };
    // SAFETY: sets a timer of the process.
    unsafe { libc::setitimer(libc::ITIMER_PROF, &timer, ptr::null_mut()) };
}

/// In the handler.
pub(super) fn sample(signal: &mut Signal<'_>) {
    SAMPLING.fetch_add(1, Ordering::SeqCst);
    let function = SAMPLE.load(Ordering::SeqCst);
    let free = |desk: &&Desk| !desk.busy.swap(true, Ordering::AcqRel);
    if function != 0
        && let Some(desk) = DESKS.iter().find(free)
    {
        // SAFETY: `begin` has put it there.
        let function = unsafe { std::mem::transmute::<usize, Sample>(function) };
        // SAFETY: the desk is ours; a handler of the kernel's to call.
        unsafe { desk.stack.run(&mut || take(desk, function, signal)) };
        desk.busy.store(false, Ordering::Release);
    }
    SAMPLING.fetch_sub(1, Ordering::SeqCst);
}

fn take(desk: &Desk, function: Sample, signal: &mut Signal<'_>) {
    // SAFETY: the desk is the caller's.
    let (trace, pcs) = unsafe { (&mut *desk.trace.get(), &mut *desk.pcs.get()) };
    trace.clear();
    trace.of_signal(signal.context);
    let frames = trace.frames();
    for (pc, frame) in pcs.iter_mut().zip(frames) {
        *pc = frame.at.wrapping_add(1);
    }
    // Where the thread was, and then where calls return to.
    pcs[0] = frames.first().map_or(0, |frame| frame.at);
    if !frames.is_empty() {
        function(
            ARGUMENT.load(Ordering::Acquire),
            pcs.as_ptr(),
            frames.len() as i32,
        );
    }
}
