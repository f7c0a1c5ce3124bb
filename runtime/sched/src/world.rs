//! Stopping the world: every P stands still, and no goroutine runs. C runs on: nobody waits for it.

use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use crate::crossing::Claim;
use crate::g::GQueue;
use crate::global::{self, Global, SHARED};
use crate::m::M;
use crate::membarrier;
use crate::p::{self, P, PStatus};
use crate::wake;

/// Held from stop to start.
static WORLD: Mutex<()> = Mutex::new(());

/// How long the stopper sleeps before it asks again those who went into C since, in nanoseconds.
const ASK_AGAIN: i64 = 50_000;

/// The world stands still as long as this lives.
pub struct Stopped {
    _world: std::sync::MutexGuard<'static, ()>,
}

/// Stops the world, unless somebody else is at it: then the caller's goroutine must let go of its P and try again.
pub fn try_stop() -> Option<Stopped> {
    let world = WORLD.try_lock().ok()?;
    let m = M::current();
    let own = m.p().expect("who stops the world has a P");
    {
        let mut global = global::lock();
        global.stop_wait = p::count() - 1;
        SHARED.stopping.store(true, Ordering::SeqCst);
        own.set_status(PStatus::Stopped);
        while let Some(id) = SHARED.idle.take_p() {
            p::get(id).set_status(PStatus::Stopped);
            global.stop_wait -= 1;
        }
    }
    while !ask_all() {
        SHARED.stop_note.sleep_for(ASK_AGAIN);
    }
    Some(Stopped { _world: world })
}

/// Asks every P that runs; takes those whose Ms are in C. Whether all stand still.
fn ask_all() -> bool {
    let running = || p::all().filter(|p| p.status() == PStatus::Running);
    let holder = |p: &'static P| {
        // SAFETY: Ms are never freed.
        unsafe { p.m.load(Ordering::Acquire).as_ref::<'static>() }
    };
    let asked: Vec<_> = running()
        .filter_map(holder)
        .filter_map(|m| Some((m, m.crossing().ask()?)))
        .collect();
    membarrier::heavy();
    for (m, ticket) in asked {
        if let Claim::Taken(Some(p)) = m.crossing().claim(ticket, || m.p()) {
            stopped_one(&mut global::lock(), p);
        }
    }
    running().for_each(crate::preempt::request);
    global::lock().stop_wait == 0
}

/// `p` stands still from now on.
pub fn stopped_one(global: &mut Global, p: &'static P) {
    p.m.store(ptr::null_mut(), Ordering::Release);
    p.set_status(PStatus::Stopped);
    global.stop_wait -= 1;
    if global.stop_wait == 0 {
        SHARED.stop_note.wake();
    }
}

/// This M's P stands still; the M sleeps.
pub fn stop_here(m: &'static M) {
    {
        let mut global = global::lock();
        if !SHARED.stopping.load(Ordering::Acquire) {
            return;
        }
        let p = wake::release(m);
        stopped_one(&mut global, p);
    }
    wake::stop_m(m);
}

impl Stopped {
    /// Changes GOMAXPROCS. What the Ps that go have is given to all.
    pub fn set_procs(&self, count: usize) {
        let before = p::count();
        let own = M::current().p().expect("who stopped the world has a P");
        for id in count..before {
            retire(p::get(id), own);
        }
        if own.id >= count {
            let m = M::current();
            let p = p::get(0);
            wake::release(m).set_status(PStatus::Dead);
            wake::acquire(m, p);
            p.set_status(PStatus::Stopped);
        }
        for id in p::set_count(count) {
            p::get(id).set_status(PStatus::Stopped);
        }
    }
}

/// Takes all that `p` has; its timers go to a P that stays.
fn retire(p: &'static P, own: &'static P) {
    let mut rest = GQueue::new();
    while let Some((g, _)) = p.runq.get() {
        rest.push(g);
    }
    let heir = p::get(0);
    heir.timers.adopt(&p.timers);
    // SAFETY: the world is stopped, by us.
    let local = unsafe { p.local() };
    global::put_dead(std::mem::take(&mut local.dead));
    global::lock().push_gs(rest);
    if !ptr::eq(p, own) {
        p.set_status(PStatus::Dead);
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let own = M::current().p().expect("who stopped the world has a P");
        let mut busy = Vec::new();
        {
            let _global = global::lock();
            SHARED.stopping.store(false, Ordering::SeqCst);
            for p in p::all() {
                if ptr::eq(p, own) {
                    p.set_status(PStatus::Running);
                } else if p.is_idle() {
                    wake::put_idle(p, false);
                } else {
                    busy.push(p);
                }
            }
        }
        if SHARED.sysmon_rests.swap(false, Ordering::AcqRel) {
            SHARED.sysmon_note.wake();
        }
        for p in busy {
            wake::start_m(p, false);
        }
        wake::wake_p();
    }
}
