//! Nobody can ever run again: the program is told.

use crate::g;
use crate::global::{Global, SHARED};
use crate::gstatus::State;
use crate::netpoll;
use crate::p;

/// To be called by an M that is about to sleep, counted as idle already, with the lock held.
pub fn check(global: &Global) {
    // Somebody else's process may call in at any time.
    if global.guest || SHARED.stopping.load(std::sync::atomic::Ordering::Acquire) {
        return;
    }
    let idle = global.idle_m_count as isize + global.locked_idle;
    if global.m_count as isize > idle || !global.runq.is_empty() {
        return;
    }
    if netpoll::waiters() > 0 || p::all().any(|p| p.timers.next_when() != i64::MAX) {
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
