//! What the runtime's other threads do, for a program that dies: each is interrupted, looks at its own stacks in a handler, and goes on. Nobody
//! waits long: C may block the signal.

use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};

use stack::x86_64::unwind::SignalStack;

use crate::g::GRef;
use crate::m::{self, M};
use crate::timer::nanotime;
use crate::trace::Trace;
use crate::{signal, thread};

/// The one that the runtime interrupts its threads with; from now on for this alone.
const SIGNAL: i32 = libc::SIGURG;
/// How long to wait for all of them, in nanoseconds.
const PATIENCE: i64 = 1_000_000_000;
const SLOTS: usize = 128;

/// What one thread has seen.
struct Slot {
    tid: AtomicI32,
    done: AtomicBool,
    /// Its goroutine, or 0.
    g: AtomicUsize,
    in_c: AtomicBool,
    /// The thread's until `done`.
    trace: UnsafeCell<Trace>,
    /// To look from.
    stack: SignalStack<{ 32 << 10 }>,
}

// SAFETY: the trace is written by the thread before it sets `done`, and read by others afterwards.
unsafe impl Sync for Slot {}

static ALL: [Slot; SLOTS] = [const {
    Slot {
        tid: AtomicI32::new(0),
        done: AtomicBool::new(false),
        g: AtomicUsize::new(0),
        in_c: AtomicBool::new(false),
        trace: UnsafeCell::new(Trace::new()),
        stack: SignalStack::zeroed(),
    }
}; SLOTS];
static BEGUN: AtomicBool = AtomicBool::new(false);

/// Has all other threads of the runtime look at themselves. The program is about to end: no goroutine is preempted by signal any more.
pub fn others() {
    // A handler that waits for the sanitizer would wait for ever.
    if cfg!(gort_tsan) || BEGUN.swap(true, Ordering::AcqRel) {
        return;
    }
    let action = signal::own_action(handler, libc::SA_RESTART, true);
    // SAFETY: the handler is async-signal-safe; it runs on the threads' own signal stacks.
    unsafe { signal::set_action(SIGNAL, &action) };
    let own = thread::gettid();
    let mut asked = 0;
    m::each_thread(&mut |tid| {
        if tid != own && asked < SLOTS {
            ALL[asked].tid.store(tid, Ordering::Release);
            signal::send_to(tid, SIGNAL);
            asked += 1;
        }
    });
    wait(&ALL[..asked]);
    // Who had no goroutine may have got one since: nobody is kept from that.
    for slot in &ALL[..asked] {
        if slot.done.load(Ordering::Acquire) && slot.g.load(Ordering::Relaxed) == 0 {
            slot.done.store(false, Ordering::Release);
            signal::send_to(slot.tid.load(Ordering::Relaxed), SIGNAL);
        }
    }
    wait(&ALL[..asked]);
}

/// Until all have looked, but not long.
fn wait(asked: &[Slot]) {
    let until = nanotime() + PATIENCE / 2;
    let waiting = || asked.iter().any(|s| !s.done.load(Ordering::Acquire));
    while waiting() && nanotime() < until {
        let pause = libc::timespec {
            tv_sec: 0,
            tv_nsec: 100_000,
        };
        // SAFETY: sleeps.
        unsafe { libc::nanosleep(&pause, ptr::null_mut()) };
    }
}

extern "C" fn handler(_: i32, _: *mut libc::siginfo_t, context: *mut libc::ucontext_t) {
    let own = thread::gettid();
    let own = |slot: &&Slot| slot.tid.load(Ordering::Acquire) == own;
    let Some(slot) = ALL.iter().find(own) else {
        return;
    };
    let (Some(m), false) = (M::try_current(), slot.done.load(Ordering::Relaxed)) else {
        return;
    };
    // SAFETY: nobody else has the stack of this thread's slot, writes its trace, or reads it yet. The kernel's own context.
    unsafe {
        slot.stack.run(&mut || {
            (*slot.trace.get()).clear();
            (*slot.trace.get()).of_signal(&mut *context);
        });
    }
    let g = m.g().map_or(0, |g| g.as_ptr() as usize);
    slot.g.store(g, Ordering::Relaxed);
    let in_c = m.thread.go_sp.load(Ordering::Relaxed) != 0;
    slot.in_c.store(in_c, Ordering::Relaxed);
    slot.done.store(true, Ordering::Release);
}

/// What was seen of a goroutine, and whether it was in C.
pub fn of(g: GRef) -> Option<(&'static Trace, bool)> {
    let slot = ALL.iter().find(|slot| {
        slot.done.load(Ordering::Acquire) && slot.g.load(Ordering::Relaxed) == g.as_ptr() as usize
    })?;
    // SAFETY: written before `done` was set, and by nobody since.
    let trace = unsafe { &*slot.trace.get() };
    Some((trace, slot.in_c.load(Ordering::Relaxed)))
}
