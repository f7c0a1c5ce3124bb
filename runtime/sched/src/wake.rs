//! Work for Ms: goroutines become runnable, and sleeping Ms are woken for them.
//!
//! The rule (Go's): who makes a goroutine runnable wakes an M if there is an idle P and nobody is looking for work already. Who looks
//! ("spins") and finds some wakes another before it starts; who finds none looks once more everywhere after it has said that it
//! stops.

use std::ptr;
use std::sync::atomic::{Ordering, fence};

use crate::g::{GQueue, GRef};
use crate::global::{self, SHARED};
use crate::m::M;
use crate::netpoll;
use crate::p::{self, P, PStatus};
use crate::thread;

/// Puts a runnable goroutine where it will run soon: next on this thread's P, or where every P looks.
pub fn enqueue(g: GRef) {
    match P::try_current() {
        Some(p) => enqueue_on(p, g, true),
        None => global::lock().push_g(g),
    }
    wake_p();
}

/// Puts a runnable goroutine on `p`'s queue; `next`: before all others, in what is left of the current one's time.
pub fn enqueue_on(p: &P, g: GRef, next: bool) {
    if let Some(overflow) = p.runq.put(g, next) {
        let mut batch = GQueue::new();
        for g in overflow {
            batch.push(g);
        }
        global::lock().push_gs(batch);
    }
}

/// Runnable goroutines from outside (network, timers): on this thread's P, and everywhere.
pub fn inject(mut queue: GQueue) {
    let Some(p) = P::try_current() else {
        let count = queue.len();
        global::lock().push_gs(queue);
        (0..count.min(p::count())).for_each(|_| wake_p());
        return;
    };
    let idle = SHARED.idle.idle_ps().min(queue.len());
    let mut shared = GQueue::new();
    for _ in 0..idle {
        shared.push(queue.pop().expect("there are as many"));
    }
    if idle > 0 {
        global::lock().push_gs(shared);
        (0..idle).for_each(|_| wake_p());
    }
    while let Some(g) = queue.pop() {
        enqueue_on(p, g, false);
    }
}

/// Wakes an M to look for work, if that makes sense.
pub fn wake_p() {
    if let Some(id) = SHARED.idle.wake() {
        start_m(p::get(id), true);
    }
}

/// An M for `p`, which the caller owns: one that sleeps, or a new one. With `spinning` the M is counted as looking for work already.
pub fn start_m(p: &'static P, spinning: bool) {
    let mut global = global::lock();
    if let Some(m) = global.take_idle_m() {
        drop(global);
        give(m, p, spinning);
        return;
    }
    let m = global.spare_m();
    global.m_count += 1;
    let (count, most) = (global.m_count, global.max_ms);
    drop(global);
    give(m, p, spinning);
    thread::start(m, count, most);
}

/// Wakes a sleeping M, or one that will be about to sleep, with a P.
pub fn give(m: &'static M, p: &'static P, spinning: bool) {
    m.spinning.set(spinning);
    m.next_p
        .store(ptr::from_ref(p).cast_mut(), Ordering::Release);
    m.note.wake();
}

/// `p` has lost its M to C, or to a locked goroutine: another M for it if there is anything to do.
pub fn hand_off(p: &'static P) {
    if !p.is_idle() || SHARED.runq_len.load(Ordering::Acquire) > 0 {
        return start_m(p, false);
    }
    let mut global = global::lock();
    if SHARED.stopping.load(Ordering::Acquire) {
        crate::world::stopped_one(&mut global, p);
        return;
    }
    if !global.runq.is_empty() {
        drop(global);
        return start_m(p, false);
    }
    // The last P that isn't idle, while goroutines wait for the network or for a time and nobody sleeps in the poller: somebody must.
    let last = SHARED.idle.idle_ps() + 1 == p::count();
    let waits = || netpoll::waiters() > 0 || p::all().any(|p| p.timers.next_when() != i64::MAX);
    if last && SHARED.last_poll.load(Ordering::Acquire) != 0 && waits() {
        drop(global);
        return start_m(p, false);
    }
    let next = p.timers.next_when();
    put_idle(p, false);
    drop(global);
    // What was queued before the P was seen to be idle found nobody to wake.
    if SHARED.runq_len.load(Ordering::Acquire) > 0 || p::all().any(|p| !p.is_idle()) {
        wake_p();
    }
    if next != i64::MAX {
        timer_added(next);
    }
}

/// A timer fires at `when`: the thread that sleeps in the poller, or an M that is to sleep there, must know.
pub fn timer_added(when: i64) {
    if SHARED.last_poll.load(Ordering::Acquire) == 0 {
        // Zero: nobody has said until when yet; whoever is about to sleep looks at all timers after that.
        let until = SHARED.poll_until.load(Ordering::Acquire);
        if until == 0 || until > when {
            netpoll::wake();
        }
    } else {
        wake_p();
    }
}

/// Sleeps until this M is given a P.
pub fn stop_m(m: &'static M) {
    debug_assert!(m.p().is_none() && !m.spinning.get());
    {
        let mut global = global::lock();
        global.put_idle_m(m);
        crate::deadlock::check(&global);
    }
    sleep_for_p(m);
}

/// Sleeps until somebody wakes this M with a P ([`give`]), which is its own then; without one if its thread is to end.
pub fn sleep_for_p(m: &M) {
    m.note.sleep();
    let p = m.next_p.swap(ptr::null_mut(), Ordering::AcqRel);
    // SAFETY: who wakes an M stores a P before, and Ps are never freed.
    match unsafe { p.as_ref::<'static>() } {
        Some(p) => acquire(m, p),
        None => assert!(thread::ending(), "an M is woken with a P"),
    }
}

/// Ms that sleep see that they are to end.
pub fn wake_to_end() {
    let mut global = global::lock();
    while let Some(m) = global.take_idle_m() {
        m.note.wake();
    }
    drop(global);
    netpoll::wake();
}

/// `p`, which nobody has, is this M's.
pub fn acquire(m: &M, p: &'static P) {
    p.m.store(ptr::from_ref(m).cast_mut(), Ordering::Release);
    p.set_status(PStatus::Running);
    m.set_p(Some(p));
    // Whoever goes on with it has a time slice of their own.
    p.tick.fetch_add(1, Ordering::Relaxed);
    // Between this P's being taken and this look, and between sysmon's saying that it rests and its look at the Ps, there is a fence.
    fence(Ordering::SeqCst);
    if SHARED.sysmon_rests.load(Ordering::Relaxed)
        && SHARED.sysmon_rests.swap(false, Ordering::AcqRel)
    {
        SHARED.sysmon_note.wake();
    }
}

/// This M gives its P up.
pub fn release(m: &M) -> &'static P {
    let p = m.p().expect("the M has a P");
    m.set_p(None);
    m.old_p.set(p);
    p.m.store(ptr::null_mut(), Ordering::Release);
    p
}

/// `p`, which the caller has, is nobody's; `spun`: its M was looking for work and no longer is. The caller looks through all queues once more.
pub fn put_idle(p: &'static P, spun: bool) {
    p.m.store(ptr::null_mut(), Ordering::Release);
    p.set_status(PStatus::Idle);
    SHARED.idle.give_up(p.id, spun);
}

/// Gets an idle P for this M, its old one first, without waiting.
pub fn try_acquire(m: &M) -> bool {
    if SHARED.idle.idle_ps() == 0 {
        return false;
    }
    // SAFETY: Ps are never freed.
    let old = unsafe { m.old_p.get().as_ref::<'static>() };
    let same = old.filter(|old| old.id < p::count() && SHARED.idle.take_this(old.id));
    match same.or_else(|| SHARED.idle.take_p().map(p::get)) {
        Some(p) => {
            acquire(m, p);
            true
        }
        None => false,
    }
}
