//! The handshake of `crossing` on real threads with the system's own membarrier, which the model only stands in for.
#![cfg(not(loom))]

use std::hint;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sched::crossing::{Claim, Crossing, Return, Serial, Settled};
use sched::membarrier;
use stack::Thread;

const MS: usize = 2;
const PS: usize = MS + 1;

/// An M as others see it.
struct M {
    thread: Thread,
    serial: Serial,
    p: AtomicUsize,
}

// SAFETY: of `Thread`, the test uses the atomics alone.
unsafe impl Sync for M {}

struct World {
    ms: [M; MS],
    /// Whether somebody uses the P at this moment.
    ps: [AtomicBool; PS],
    idle: Mutex<Vec<usize>>,
    taken: AtomicUsize,
    over: AtomicBool,
}

impl World {
    fn new(membarrier: bool) -> World {
        let world = World {
            ms: std::array::from_fn(|p| M {
                thread: Thread::default(),
                serial: Serial::new(),
                p: AtomicUsize::new(p),
            }),
            ps: std::array::from_fn(|_| AtomicBool::new(false)),
            idle: Mutex::new((MS..PS).collect()),
            taken: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        };
        (0..MS).for_each(|m| world.crossing(m).open(membarrier));
        world
    }

    fn crossing(&self, m: usize) -> Crossing<'_> {
        Crossing::of(&self.ms[m].thread, &self.ms[m].serial)
    }

    fn use_p(&self, p: usize) {
        let before = self.ps[p].swap(true, Ordering::Relaxed);
        assert!(!before, "P {p} has two owners");
        (0..20).for_each(|_| hint::spin_loop());
        self.ps[p].store(false, Ordering::Relaxed);
    }

    fn run(&self, m: usize) {
        let crossing = self.crossing(m);
        let mut p = m;
        while !self.over.load(Ordering::Relaxed) {
            crossing.enter_c(64);
            hint::spin_loop();
            if crossing.leave_c() == Return::Asked && crossing.settle() == Settled::Lost {
                let Some(idle) = self.wait_for_p() else {
                    break;
                };
                p = idle;
                self.ms[m].p.store(p, Ordering::Relaxed);
            }
            self.use_p(p);
        }
    }

    fn wait_for_p(&self) -> Option<usize> {
        while !self.over.load(Ordering::Relaxed) {
            let p = self.idle.lock().unwrap().pop();
            if p.is_some() {
                return p;
            }
            thread::yield_now();
        }
        None
    }

    fn request(&self) {
        while !self.over.load(Ordering::Relaxed) {
            for m in 0..MS {
                let held = || self.ms[m].p.load(Ordering::Relaxed);
                if let Claim::Taken(p) = self.crossing(m).request(held) {
                    self.use_p(p);
                    self.taken.fetch_add(1, Ordering::Relaxed);
                    self.idle.lock().unwrap().push(p);
                }
            }
        }
    }
}

/// Ends the others when one of them panics, too.
struct Over<'a>(&'a World);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

fn stress(membarrier: bool) {
    let seconds = std::env::var("CROSSCALL_STRESS_SECONDS").map_or(0.2, |n| n.parse().unwrap());
    let world = World::new(membarrier);
    thread::scope(|scope| {
        for m in 0..MS {
            let world = &world;
            scope.spawn(move || {
                let _over = Over(world);
                world.run(m);
            });
            scope.spawn(move || {
                let _over = Over(world);
                world.request();
            });
        }
        let _over = Over(&world);
        // At least until a P has been taken; on a busy machine that may take a while.
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        let patience = end + Duration::from_secs(60);
        let taken = || world.taken.load(Ordering::Relaxed) > 0;
        while Instant::now() < end || !taken() && Instant::now() < patience {
            if world.over.load(Ordering::Relaxed) {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
    });
    assert!(world.taken.into_inner() > 0, "no P was ever taken");
}

/// In one test: whether membarrier is used is a matter of the process.
#[test]
fn a_p_has_one_owner() {
    // Not registered yet: as on a system that has none.
    stress(false);
    if membarrier::register() {
        stress(true);
    }
}
