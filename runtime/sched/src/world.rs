//! Stopping the world: every P stands still, and no goroutine runs. C runs on: nobody waits for it.
//!
//! Two kinds of threads do it: an M in the middle of its goroutine's operation, which keeps its P ([`try_stop`]), and a thread of the runtime's that
//! is no M ([`stop_from_outside`]). What they may rely on while the world stands still: every goroutine is on a queue, waits, is dead, or is in C
//! (or on its way back, where it will find that its P is gone); no operation is half done on a thread with a P.

use std::ptr;
use std::sync::atomic::Ordering;

use stack::sync::{Mutex, MutexGuard};

use crate::crossing::Claim;
use crate::g::GQueue;
use crate::global::{self, Global, SHARED};
use crate::m::M;
use crate::membarrier;
use crate::p::{self, P, PStatus};
use crate::timer::nanotime;
use crate::wake;

/// Held from stop to start.
static WORLD: Mutex<()> = Mutex::new(());

/// How long the stopper sleeps before it asks again those who went into C since, in nanoseconds.
const ASK_AGAIN: i64 = 50_000;

/// The world stands still as long as this lives.
pub struct Stopped {
    /// The P of who stopped it, if that is an M.
    own: Option<&'static P>,
    /// When it was asked for, and when everything stood still, by [`nanotime`].
    asked: i64,
    stood: i64,
    /// It goes on already.
    started: bool,
    _world: MutexGuard<'static, ()>,
}

/// Stops the world, unless somebody else is at it: then the caller's goroutine must let go of its P and try again.
pub fn try_stop() -> Option<Stopped> {
    let world = WORLD.try_lock().ok()?;
    let own = M::current().p().expect("who stops the world has a P");
    Some(stop(world, Some(own)))
}

/// Stops the world from a thread that is no M, and waits for its turn if somebody else is at it.
pub fn stop_from_outside() -> Stopped {
    debug_assert!(M::try_current().is_none(), "an M has a P to stop");
    stop(WORLD.lock().expect("nobody panics with it"), None)
}

fn stop(world: MutexGuard<'static, ()>, own: Option<&'static P>) -> Stopped {
    let asked = nanotime();
    {
        let mut global = global::lock();
        global.stop_wait = p::count();
        SHARED.stopping.store(true, Ordering::SeqCst);
        if let Some(own) = own {
            own.set_status(PStatus::Stopped);
            global.stop_wait -= 1;
        }
        while let Some(id) = SHARED.idle.take_p() {
            p::get(id).set_status(PStatus::Stopped);
            global.stop_wait -= 1;
        }
    }
    while !ask_all() {
        SHARED.stop_note.sleep_for(ASK_AGAIN);
    }
    Stopped {
        own,
        asked,
        stood: nanotime(),
        started: false,
        _world: world,
    }
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
    /// Nanoseconds from the wish until everything stood still.
    pub fn took(&self) -> i64 {
        self.stood - self.asked
    }

    /// Changes GOMAXPROCS, for an M. What the Ps that go have is given to all.
    pub fn set_procs(&mut self, count: usize) {
        let before = p::count();
        let own = self.own.expect("an M changes GOMAXPROCS");
        for id in count..before {
            retire(p::get(id), own);
        }
        if own.id >= count {
            let m = M::current();
            let p = p::get(0);
            wake::release(m).set_status(PStatus::Dead);
            wake::acquire(m, p);
            p.set_status(PStatus::Stopped);
            self.own = Some(p);
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

impl Stopped {
    /// Starts the world: for how many nanoseconds it had stood still when the last of those who have something to do was told to go on.
    pub fn start(mut self) -> i64 {
        self.restart() - self.stood
    }

    /// When that was.
    fn restart(&mut self) -> i64 {
        self.started = true;
        let mut busy = Vec::new();
        {
            let global = global::lock();
            SHARED.stopping.store(false, Ordering::SeqCst);
            // Who had to leave for this is in the global queue: as many Ps go on at once.
            let mut queued = global.runq.len();
            for p in p::all() {
                if self.own.is_some_and(|own| ptr::eq(p, own)) {
                    p.set_status(PStatus::Running);
                } else if p.is_idle() && queued == 0 {
                    wake::put_idle(p, false);
                } else {
                    queued -= usize::from(p.is_idle());
                    busy.push(p);
                }
            }
        }
        let mut told = nanotime();
        for p in busy {
            // Before it is told, not after: it may run in our place then.
            told = nanotime();
            wake::start_m(p, false);
        }
        if SHARED.sysmon_rests.swap(false, Ordering::AcqRel) {
            SHARED.sysmon_note.wake();
        }
        wake::wake_p();
        told
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if !self.started {
            self.restart();
        }
    }
}
