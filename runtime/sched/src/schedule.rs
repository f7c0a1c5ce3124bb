//! What a thread does next: the loop at the top of every system stack.

use std::ptr;
use std::sync::atomic::Ordering;

use stack::Context;

use crate::g::{GQueue, GRef};
use crate::global::{self, SHARED};
use crate::m::M;
use crate::netpoll;
use crate::p::{self, P};
use crate::runq::RunNext;
use crate::scan;
use crate::thread;
use crate::timer::nanotime;
use crate::wake;

/// Every so many goroutines a P looks at the global queue first, so that two that keep readying each other can't starve it.
const FAIRNESS: u32 = 61;

/// [`stack::Hooks::schedule`]: the goroutine that this thread runs next. Null when the thread is to end.
pub extern "C" fn schedule() -> *mut Context {
    let m = M::current();
    m.thread.context.set(ptr::null_mut());
    if m.leaving.replace(false) {
        if m.p().is_some() {
            wake::hand_off(wake::release(m));
        }
        return ptr::null_mut();
    }
    if m.locked_g.get().is_some() {
        return run_locked(m);
    }
    match next(m) {
        Some(g) => execute(m, g),
        None => ptr::null_mut(),
    }
}

/// The next goroutine for an M that isn't bound to one. None: the runtime ends.
fn next(m: &'static M) -> Option<GRef> {
    loop {
        let (g, inherits) = find(m)?;
        stop_spinning(m);
        if !inherits {
            // Also for one that runs elsewhere, or the turn of the global queue would never pass.
            let p = m.p().expect("who finds a goroutine has a P");
            p.tick.fetch_add(1, Ordering::Relaxed);
        }
        if g.locked_m.get().is_some_and(|its| !ptr::eq(its, m)) {
            give_to_locked(m, g);
            continue;
        }
        return Some(g);
    }
}

/// `g` goes on on this M.
pub fn execute(m: &'static M, g: GRef) -> *mut Context {
    scan::before_running(g);
    g.status.run();
    let context = g.as_ptr().cast::<Context>();
    m.thread.context.set(context);
    let p = m.p().expect("who runs a goroutine has a P");
    p.preempt.store(false, Ordering::Relaxed);
    crate::preempt::before_resuming(m, g);
    context
}

/// A spinning M has found work: others may be needed for what else there is.
fn stop_spinning(m: &M) {
    if m.spinning.replace(false) && SHARED.idle.stop_spin() {
        wake::wake_p();
    }
}

/// `g` runs on another M only: that one gets this one's P.
fn give_to_locked(m: &'static M, g: GRef) {
    let other = g.locked_m.get().expect("the goroutine is locked");
    let p = wake::release(m);
    global::lock().locked_idle -= 1;
    wake::give(other, p, false);
    wake::stop_m(m);
}

/// This M is bound to a goroutine that has left: sleeps until it is ready again, while another M has the P.
fn run_locked(m: &'static M) -> *mut Context {
    let g = m.locked_g.get().expect("the M is locked");
    if m.first.replace(false) {
        return execute(m, g);
    }
    if m.p().is_some() {
        let p = wake::release(m);
        wake::hand_off(p);
    }
    {
        let mut global = global::lock();
        global.locked_idle += 1;
        crate::deadlock::check(&global);
    }
    wake::sleep_for_p(m);
    execute(m, g)
}

/// Finds a runnable goroutine, sleeping if there is none. Whether it inherits the time of the one before it.
fn find(m: &'static M) -> Option<(GRef, bool)> {
    loop {
        if thread::ending() {
            stop_for_good(m);
            return None;
        }
        let Some(p) = m.p() else {
            wake::stop_m(m);
            continue;
        };
        if SHARED.stopping.load(Ordering::Acquire) {
            if m.spinning.replace(false) {
                let _ = SHARED.idle.stop_spin();
            }
            crate::world::stop_here(m);
            continue;
        }
        let found = from_timers_and_queues(p).or_else(|| steal(m, p).map(|g| (g, false)));
        if found.is_some() {
            return found;
        }
        if let Some(g) = give_up_p(m, p) {
            return Some((g, false));
        }
    }
}

/// There is nothing to run any more, for anybody.
fn stop_for_good(m: &'static M) {
    if m.spinning.replace(false) {
        let _ = SHARED.idle.stop_spin();
    }
    if m.p().is_some() {
        wake::put_idle(wake::release(m), false);
    }
}

/// From what is near: due timers, the own queue, the global one, the network.
fn from_timers_and_queues(p: &'static P) -> Option<(GRef, bool)> {
    run_timers(p, p);
    if p.tick.load(Ordering::Relaxed).is_multiple_of(FAIRNESS)
        && let Some(g) = from_global(p, 1)
    {
        return Some((g, false));
    }
    if let Some(found) = from_queue(p) {
        return Some(found);
    }
    if let Some(g) = from_global(p, usize::MAX) {
        return Some((g, false));
    }
    if netpoll::waiters() > 0 && SHARED.last_poll.load(Ordering::Acquire) != 0 {
        let mut ready = GQueue::new();
        netpoll::poll(0, &mut ready);
        return inject_but_first(ready).map(|g| (g, false));
    }
    None
}

/// From the P's own queue. One that would go on in the time of the goroutine before it has no claim to that when it is used up: two that keep
/// readying each other would keep all others from running.
fn from_queue(p: &'static P) -> Option<(GRef, bool)> {
    let found = p.runq.get()?;
    if !found.1 || !p.preempt.load(Ordering::Relaxed) {
        return Some(found);
    }
    wake::enqueue_on(p, found.0, false);
    p.runq.get().map(|(g, _)| (g, false))
}

/// Fires what is due of `owner`'s timers; who they wake, or start, goes on `p`'s queue. Whether anything was due.
fn run_timers(owner: &'static P, p: &P) -> bool {
    let next = owner.timers.next_when();
    if next == i64::MAX {
        return false;
    }
    let now = nanotime();
    if next > now {
        return false;
    }
    let mut ready = GQueue::new();
    owner.timers.run(now, &mut ready);
    while let Some(g) = ready.pop() {
        g.make_runnable();
        wake::enqueue_on(p, g, false);
    }
    true
}

/// Some from the global queue: one to run, more for the P's own queue.
fn from_global(p: &P, most: usize) -> Option<GRef> {
    if SHARED.runq_len.load(Ordering::Acquire) == 0 {
        return None;
    }
    let mut global = global::lock();
    let share = global.runq.len() / p::count() + 1;
    let count = share.min(most).min(RUNQ_BATCH);
    let first = global.pop_g()?;
    let rest: Vec<GRef> = (1..count).map_while(|_| global.pop_g()).collect();
    drop(global);
    for g in rest {
        wake::enqueue_on(p, g, false);
    }
    Some(first)
}

/// The most that one look at the global queue brings: half of a P's own queue.
const RUNQ_BATCH: usize = 128;

fn inject_but_first(mut ready: GQueue) -> Option<GRef> {
    let first = ready.pop()?;
    first.make_runnable();
    crate::g::ready_all(ready);
    Some(first)
}

/// From other Ps' queues and timers.
fn steal(m: &'static M, p: &'static P) -> Option<GRef> {
    if !m.spinning.get() {
        if !SHARED.idle.start_spin(p::count()) {
            return None;
        }
        m.spinning.set(true);
    }
    const ROUNDS: usize = 4;
    let count = p::count();
    for round in 0..ROUNDS {
        let last = round == ROUNDS - 1;
        let next = if last {
            RunNext::TakeLate
        } else {
            RunNext::Leave
        };
        let start = m.random() as usize;
        for i in 0..count {
            if SHARED.stopping.load(Ordering::Acquire) {
                return None;
            }
            let victim = p::get((start + i) % count);
            if ptr::eq(victim, p) {
                continue;
            }
            if last
                && run_timers(victim, p)
                && let Some((g, _)) = p.runq.get()
            {
                return Some(g);
            }
            if let Some(g) = victim.runq.steal_into(&p.runq, next) {
                return Some(g);
            }
        }
    }
    None
}

/// Nothing to do: the P becomes idle, and the thread sleeps, in the poller if nobody does. A goroutine, if one turned up on the way; none,
/// with or without a P: look again.
fn give_up_p(m: &'static M, p: &'static P) -> Option<GRef> {
    let global = global::lock();
    if SHARED.stopping.load(Ordering::Acquire) || !global.runq.is_empty() {
        return None;
    }
    wake::release(m);
    wake::put_idle(p, m.spinning.replace(false));
    drop(global);
    if look_again() && spin_on(m) {
        return None;
    }
    let until = p::all()
        .map(|p| p.timers.next_when())
        .min()
        .unwrap_or(i64::MAX);
    let waits = until != i64::MAX || netpoll::waiters() > 0;
    if waits && SHARED.last_poll.swap(0, Ordering::AcqRel) != 0 {
        return sleep_in_poller(m, until);
    }
    if waits && until != i64::MAX {
        wake::timer_added(until);
    }
    wake::stop_m(m);
    None
}

/// After the M has made its P idle: who brought work before that left it to this M.
fn look_again() -> bool {
    let queued =
        SHARED.runq_len.load(Ordering::Acquire) > 0 || p::all().any(|p| !p.runq.is_empty());
    let due = || p::all().any(|p| p.timers.next_when() <= nanotime());
    queued || due()
}

/// An idle P for this M, if there is one; it looks for work with it.
fn spin_on(m: &'static M) -> bool {
    let Some(id) = SHARED.idle.resume() else {
        return false;
    };
    wake::acquire(m, p::get(id));
    m.spinning.set(true);
    true
}

/// Sleeps in the poller until the network or a timer has something.
fn sleep_in_poller(m: &'static M, until: i64) -> Option<GRef> {
    SHARED.poll_until.store(until, Ordering::Release);
    // A timer that was added before we said until when didn't wake us.
    let until = p::all()
        .map(|p| p.timers.next_when())
        .min()
        .unwrap_or(until)
        .min(until);
    let wait = match until {
        i64::MAX => -1,
        until => (until - nanotime()).max(0),
    };
    let mut ready = GQueue::new();
    netpoll::poll(wait, &mut ready);
    SHARED.poll_until.store(0, Ordering::Release);
    SHARED.last_poll.store(nanotime(), Ordering::Release);
    if ready.is_empty() {
        // A timer is due, or somebody wanted to be heard.
        if !spin_on(m) {
            wake::stop_m(m);
        }
        return None;
    }
    if wake::try_acquire(m) {
        return inject_but_first(ready);
    }
    crate::g::ready_all(ready);
    wake::stop_m(m);
    None
}
