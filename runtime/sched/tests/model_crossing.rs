//! Model of `crossing`: an M crosses into C and back while others want its P.
#![cfg(loom)]

use std::collections::BTreeSet;

use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;
use sched::crossing::{Claim, Crossing, Return, Serial, Settled};
use sched::fault::{self, Fault};
use sched::membarrier;

const PS: usize = 2;

/// One M, its two Ps, and what they are used for. The M has P 0 in the beginning; P 1 is idle.
struct World {
    go_sp: AtomicUsize,
    retake: AtomicU32,
    serial: Serial,
    /// The M's P.
    p: AtomicUsize,
    /// What belongs to a P's owner: the checker fails if two touch it without order between them.
    ps: [UnsafeCell<u32>; PS],
    idle: Mutex<Vec<usize>>,
}

impl World {
    fn new(membarrier: bool) -> World {
        let world = World {
            go_sp: AtomicUsize::new(0),
            retake: AtomicU32::new(0),
            serial: Serial::default(),
            p: AtomicUsize::new(0),
            ps: std::array::from_fn(|_| UnsafeCell::new(0)),
            idle: Mutex::new(vec![1]),
        };
        world.crossing().open(membarrier);
        world
    }

    fn crossing(&self) -> Crossing<'_> {
        Crossing::new(&self.go_sp, &self.retake, &self.serial)
    }

    /// What an owner of P `p` does.
    fn use_p(&self, p: usize) {
        // SAFETY: the checker looks whether anyone else does at the same time.
        self.ps[p].with_mut(|used| unsafe { *used += 1 });
    }

    /// The M: some calls to C, until it finds no P. Returns the one that it has in the end.
    fn run(&self, calls: usize) -> Option<usize> {
        let m = self.crossing();
        let mut p = 0;
        self.use_p(p);
        for _ in 0..calls {
            m.enter_c(64);
            if m.leave_c() == Return::Asked && m.settle() == Settled::Lost {
                p = self.idle.lock().unwrap().pop()?;
                self.p.store(p, Ordering::Relaxed);
            }
            self.use_p(p);
        }
        Some(p)
    }

    /// Sysmon.
    fn request(&self) {
        let claim = self.crossing().request(|| self.p.load(Ordering::Relaxed));
        self.taken(claim);
    }

    /// Who stops the world: looks again as long as the M runs, without another barrier.
    fn insist(&self) {
        let Some(ticket) = self.crossing().ask() else {
            return;
        };
        membarrier::heavy();
        for _ in 0..2 {
            let claim = self
                .crossing()
                .claim(ticket, || self.p.load(Ordering::Relaxed));
            if self.taken(claim) {
                break;
            }
        }
    }

    fn taken(&self, claim: Claim<usize>) -> bool {
        let Claim::Taken(p) = claim else {
            return false;
        };
        self.use_p(p);
        self.idle.lock().unwrap().push(p);
        true
    }
}

const SYSMON: fn(&World) = World::request;
const STOPPER: fn(&World) = World::insist;

fn model(membarrier: bool, calls: usize, requesters: &'static [fn(&World)]) {
    let mut builder = Builder::new();
    // One requester: all interleavings there are. With two there would be too many.
    builder.preemption_bound = (requesters.len() > 1).then_some(3);
    builder.check(move || {
        let world = Arc::new(World::new(membarrier));
        let requesters: Vec<_> = requesters
            .iter()
            .map(|request| {
                let world = world.clone();
                thread::spawn(move || request(&world))
            })
            .collect();
        let mut ps = Vec::from_iter(world.run(calls));
        for requester in requesters {
            requester.join().unwrap();
        }
        ps.extend(world.idle.lock().unwrap().iter());
        assert_eq!(ps.len(), PS, "a P is lost, or doubled: {ps:?}");
        assert_eq!(BTreeSet::from_iter(ps).len(), PS, "a P has two owners");
    });
}

#[test]
fn a_p_has_one_owner() {
    model(true, 2, &[SYSMON]);
    model(true, 2, &[STOPPER]);
}

#[test]
fn a_p_has_one_owner_when_two_ask() {
    model(true, 2, &[SYSMON, STOPPER]);
}

#[test]
fn without_membarrier_the_fence_in_settle_does() {
    fault::with(Fault::LightBarrier, || model(false, 2, &[SYSMON, STOPPER]));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn without_the_returning_threads_barrier_two_have_the_p() {
    fault::with(Fault::LightBarrier, || model(true, 1, &[SYSMON]));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn without_the_requesters_barrier_two_have_the_p() {
    fault::with(Fault::HeavyBarrier, || model(true, 1, &[SYSMON]));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn without_membarrier_and_fence_two_have_the_p() {
    fault::with(Fault::SettleFence, || model(false, 1, &[SYSMON]));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn without_tickets_a_late_requester_takes_a_running_p() {
    fault::with(Fault::Ticket, || model(true, 2, &[SYSMON, STOPPER]));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_claim_that_does_not_compare_takes_a_running_p() {
    fault::with(Fault::BlindClaim, || model(true, 1, &[SYSMON]));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_p_that_is_read_after_the_claim_is_another() {
    fault::with(Fault::LateRead, || model(true, 1, &[SYSMON]));
}
