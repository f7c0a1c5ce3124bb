//! Model of `scan`: the collector goes through a goroutine's stack, or the M that is about to let it go on does.
#![cfg(loom)]

use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;
use sched::fault::{self, Fault};
use sched::scan::{Claim, Cycle, Phase, Scanned};

/// One goroutine, one M, one P. Who holds the P's lock is the M that has it, or the collector, which has stopped the world.
struct World {
    phase: Phase,
    scanned: Scanned,
    /// What the goroutine does with its stack while it runs, others only while they scan: the checker sees when two do.
    stack: UnsafeCell<u32>,
    scans: AtomicU32,
    p: Mutex<()>,
}

impl World {
    fn new() -> World {
        World {
            phase: Phase::default(),
            scanned: Scanned::default(),
            stack: UnsafeCell::new(0),
            scans: AtomicU32::new(0),
            p: Mutex::new(()),
        }
    }

    fn scan(&self, cycle: Cycle) {
        loop {
            match self.scanned.claim(cycle) {
                Claim::Done => return,
                Claim::Busy => thread::yield_now(),
                Claim::Mine => break,
            }
        }
        // SAFETY: the checker looks whether anyone writes at the same time.
        self.stack.with(|stack| unsafe { *stack });
        self.scans.fetch_add(1, Ordering::Relaxed);
        self.scanned.finish(cycle);
    }

    fn before_running(&self) {
        if let Some(cycle) = self.phase.marking() {
            self.scan(cycle);
        }
    }

    /// The M: it comes back from C, say, `times` times, and gets a P each time.
    fn run(&self, times: usize, looks_first: bool) {
        for _ in 0..times {
            if looks_first {
                self.before_running();
            }
            let _p = self.p.lock().unwrap();
            if !looks_first {
                self.before_running();
            }
            // SAFETY: the checker looks whether anyone reads at the same time.
            self.stack.with_mut(|stack| unsafe { *stack += 1 });
        }
    }

    fn collect(&self) {
        let stopped = self.p.lock().unwrap();
        let cycle = self.phase.begin();
        drop(stopped);
        self.scan(cycle);
        let stopped = self.p.lock().unwrap();
        assert!(self.scanned.is_done(cycle));
        self.phase.end();
        drop(stopped);
    }
}

fn model(cycles: usize, times: usize, looks_first: bool) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let world = Arc::new(World::new());
        let m = {
            let world = world.clone();
            thread::spawn(move || world.run(times, looks_first))
        };
        (0..cycles).for_each(|_| world.collect());
        m.join().unwrap();
        let scans = world.scans.load(Ordering::Relaxed);
        assert_eq!(scans as usize, cycles, "scanned once in a cycle");
    });
}

#[test]
fn a_stack_is_read_once_in_a_cycle_and_before_it_changes() {
    model(1, 2, false);
    model(2, 1, false);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_claim_that_does_not_compare_lets_the_goroutine_run_while_it_is_read() {
    fault::with(Fault::ScanClaimedBlindly, || model(1, 1, false));
}

#[test]
#[should_panic(expected = "scanned once in a cycle")]
fn who_looks_before_it_has_a_p_may_run_in_the_next_cycle() {
    model(2, 1, true);
}
