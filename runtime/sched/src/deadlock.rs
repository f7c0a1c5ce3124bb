//! Nobody can ever run again: the program is told.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::g;
use crate::global::{self, Global, SHARED};
use crate::gstatus::State;
use crate::netpoll;
use crate::p;
use crate::thread;

/// Threads that are no Ms any more, sleep for ever, and so will not call in.
static RETIRED: AtomicUsize = AtomicUsize::new(0);

/// Goroutines that a thread of the runtime's own will ready though nothing shows it: see [`promise`].
static PROMISED: AtomicUsize = AtomicUsize::new(0);

/// A goroutine is about to wait for a thread of the runtime's own, which will ready it, and call [`keep`] after that.
pub fn promise() {
    PROMISED.fetch_add(1, Ordering::SeqCst);
}

/// It was readied.
pub fn keep() {
    PROMISED.fetch_sub(1, Ordering::SeqCst);
}

/// The calling thread, which has just ceased to be an M's, is going to sleep for ever: the process's first cannot end by itself.
pub fn retire_thread() {
    RETIRED.fetch_add(1, Ordering::Relaxed);
    check(&global::lock());
}

/// To be called by an M that is about to sleep, counted as idle already, with the lock held.
pub fn check(global: &Global) {
    check_without(global, 0);
}

/// The same by a thread that is about to end, and not counted any more.
pub fn check_ending(global: &Global) {
    check_without(global, 1);
}

/// `ending` threads of the runtime's are there still, and will not call in.
fn check_without(global: &Global, ending: usize) {
    // Somebody else's process may call in at any time.
    if global.guest || SHARED.stopping.load(Ordering::Acquire) {
        return;
    }
    let idle = global.idle_m_count as isize + global.locked_idle;
    if global.m_count as isize > idle || !global.runq.is_empty() {
        return;
    }
    if netpoll::waiters() > 0 || p::all().any(|p| p.timers.next_when() != i64::MAX) {
        return;
    }
    if PROMISED.load(Ordering::SeqCst) > 0 {
        return;
    }
    // Beside the Ms' there are sysmon's, the collector's and their like.
    if strangers(global.m_count + thread::own() + ending + RETIRED.load(Ordering::Relaxed)) {
        return;
    }
    let all = g::all();
    // What the runtime's own ones wait for comes from the others.
    let any = |state| {
        all.iter()
            .any(|g| g.status.state() == state && !g.is_system())
    };
    if any(State::Runnable) {
        return;
    }
    match any(State::Waiting) {
        true => crate::fatal::throw("", "all goroutines are asleep - deadlock!"),
        false => crate::fatal::throw("", "no goroutines (main called runtime.Goexit) - deadlock!"),
    }
}

/// Whether there are threads that the runtime doesn't know beside the `ours` that it has: each may ready a goroutine, or call Go, at any time. Once there were some, silence says nothing any more.
fn strangers(ours: usize) -> bool {
    static SEEN: AtomicBool = AtomicBool::new(false);
    /// A thread of the runtime's own that is counted no more may not be quite gone.
    const LOOKS: usize = 10;
    if SEEN.load(Ordering::Relaxed) {
        return true;
    }
    // Where the system doesn't say, there are none.
    let all = || std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    for _ in 0..LOOKS {
        if all() <= ours {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    SEEN.store(true, Ordering::Relaxed);
    true
}
