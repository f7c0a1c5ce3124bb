//! Nobody can ever run again: the program is told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::g;
use crate::global::{Global, SHARED};
use crate::gstatus::State;
use crate::netpoll;
use crate::p;

/// To be called by an M that is about to sleep, counted as idle already, with the lock held.
pub fn check(global: &Global) {
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
    if strangers(global.m_count + 1) {
        return;
    }
    let waiting = g::all()
        .into_iter()
        .any(|g| g.status.state() == State::Waiting);
    let runnable = g::all()
        .into_iter()
        .any(|g| g.status.state() == State::Runnable);
    if runnable {
        return;
    }
    match waiting {
        true => crate::fatal::throw("", "all goroutines are asleep - deadlock!"),
        false => crate::fatal::throw("", "no goroutines (main called runtime.Goexit) - deadlock!"),
    }
}

/// Whether there are threads that the runtime doesn't know beside the `ours` that it has (sysmon's is one): each may ready a goroutine, or call
/// Go, at any time. Once there were some, silence says nothing any more.
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
