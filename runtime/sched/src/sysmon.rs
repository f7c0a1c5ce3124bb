//! The watcher: a thread without a P that takes Ps from long C calls, asks long-running goroutines to leave, and looks after the network when
//! nobody else does.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{Ordering, fence};

use crate::crossing::Claim;
use crate::g::GQueue;
use crate::global::SHARED;
use crate::m::M;
use crate::netpoll;
use crate::p::{self, P, PStatus};
use crate::timer::nanotime;
use crate::{preempt, start, thread, wake};

/// How long it sleeps at first, and at most, in nanoseconds.
const SHORTEST: i64 = 20_000;
const LONGEST: i64 = 10_000_000;
/// After so many rounds without a find it sleeps twice as long each time.
const PATIENCE: u32 = 50;
/// How long a goroutine may run, and how long an M may keep its P in C while nobody needs it, in nanoseconds.
const SLICE: i64 = 10_000_000;

/// Starts the watcher.
pub fn start() {
    thread::start_own(run);
}

extern "C" fn run(_: *mut c_void) -> *mut c_void {
    thread::obey(|| SHARED.sysmon_note.wake(), watch);
    ptr::null_mut()
}

/// How the watcher watches.
#[derive(Clone, Copy)]
struct Zeal {
    /// How long a goroutine may run, and how long an M may keep its P in C while nobody needs it, in nanoseconds.
    slice: i64,
    /// The shortest and the longest sleep, in nanoseconds.
    sleep: (i64, i64),
}

const USUAL: Zeal = Zeal {
    slice: SLICE,
    sleep: (SHORTEST, LONGEST),
};

/// On request (`GORT_DEBUG=preempt`): whatever may be interrupted or taken is, all the time.
const RESTLESS: Zeal = Zeal {
    slice: 0,
    sleep: (1_000, SHORTEST),
};

fn watch() {
    let zeal = match start::debug("preempt") {
        true => RESTLESS,
        false => USUAL,
    };
    let (shortest, longest) = zeal.sleep;
    let mut idle = 0;
    let mut delay = shortest;
    while !thread::ending() {
        delay = match idle {
            0 => shortest,
            PATIENCE.. => (delay * 2).min(longest),
            _ => delay,
        };
        SHARED.sysmon_note.sleep_for(delay);
        if delay == longest && sleep_while_idle() {
            idle = 0;
            delay = shortest;
        }
        let now = nanotime();
        poll(now);
        // A timer that is overdue: its P is idle and nobody sleeps in the poller, or its P's goroutine runs for long.
        if p::all().any(|p| p.timers.next_when() < now) {
            wake::wake_p();
        }
        idle = match retake(now, zeal.slice) {
            0 => idle + 1,
            _ => 0,
        };
    }
}

/// While no P runs there is nothing to watch: for when that has been so for a while, since who takes a P then has to wake us. Whether it
/// slept.
fn sleep_while_idle() -> bool {
    let all_idle = || SHARED.idle.idle_ps() == p::count();
    let resting = || all_idle() || SHARED.stopping.load(Ordering::Acquire);
    if !resting() {
        return false;
    }
    SHARED.sysmon_rests.store(true, Ordering::Relaxed);
    fence(Ordering::SeqCst);
    if !resting() {
        SHARED.sysmon_rests.store(false, Ordering::Relaxed);
        return false;
    }
    SHARED.sysmon_note.sleep();
    true
}

/// The network, if nobody has looked for a while.
fn poll(now: i64) {
    let last = SHARED.last_poll.load(Ordering::Acquire);
    if last == 0 || last + SLICE > now || netpoll::waiters() == 0 {
        return;
    }
    let won = SHARED
        .last_poll
        .compare_exchange(last, now, Ordering::AcqRel, Ordering::Relaxed);
    if won.is_ok() {
        let mut ready = GQueue::new();
        netpoll::poll(0, &mut ready);
        crate::g::ready_all(ready);
    }
}

/// Looks at every P. How many were taken from C.
fn retake(now: i64, slice: i64) -> usize {
    p::all().filter(|p| look_at(p, now, slice)).count()
}

fn look_at(p: &'static P, now: i64, slice: i64) -> bool {
    if p.status() != PStatus::Running {
        return false;
    }
    // SAFETY: Ms are never freed.
    let Some(m) = (unsafe { p.m.load(Ordering::Acquire).as_ref::<'static>() }) else {
        return false;
    };
    let tick = p.tick.load(Ordering::Relaxed);
    if p.seen.tick.replace(tick) != tick {
        p.seen.tick_since.set(now);
    } else if now - p.seen.tick_since.get() >= slice {
        preempt::request(p);
    }
    let calls = m.thread.calls.load(Ordering::Relaxed);
    if p.seen.calls.replace(calls) != calls || m.thread.go_sp.load(Ordering::Acquire) == 0 {
        p.seen.calls_since.set(now);
        return false;
    }
    in_c(p, m, now, slice)
}

/// `p`'s M has been in the same C call, or outside of Go, since the last look.
fn in_c(p: &'static P, m: &'static M, now: i64, slice: i64) -> bool {
    let needless = p.is_idle()
        && SHARED.runq_len.load(Ordering::Acquire) == 0
        && SHARED.idle.idle_ps() + SHARED.idle.spinning() > 0
        && now - p.seen.calls_since.get() < slice;
    if needless {
        return false;
    }
    match m.crossing().request(|| m.p()) {
        Claim::Taken(Some(p)) => {
            wake::hand_off(p);
            true
        }
        Claim::Taken(None) | Claim::StillRunning | Claim::Gone => false,
    }
}
