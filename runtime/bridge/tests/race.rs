//! The thread sanitizer sees goroutines as what they are: a race between two of them is found, and order through the runtime is understood.
//! Runs under the sanitizer only.
#![cfg(gort_tsan)]

mod common;

use std::cell::UnsafeCell;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::*;

/// A number that two goroutines write.
struct Shared(UnsafeCell<usize>);

// SAFETY: none: that is what the sanitizer is to find.
unsafe impl Sync for Shared {}

/// Each goroutine writes once. In order: one after the other, as channels or locks would have it. Otherwise at the same time, on two threads:
/// what one thread runs in turn the sanitizer takes to be in order.
fn two_writers(ordered: bool) {
    as_goroutine(move || {
        gomaxprocs(3);
        let shared = Arc::new(Shared(UnsafeCell::new(0)));
        let [begun, done] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        for turn in 0..2 {
            let (shared, begun, done) = (shared.clone(), begun.clone(), done.clone());
            go(move || {
                begun.fetch_add(1, Ordering::Relaxed);
                while !ordered && begun.load(Ordering::Relaxed) != 2 {}
                while ordered && done.load(Ordering::Acquire) != turn {
                    yield_now();
                }
                // SAFETY: see above.
                ccall(|| unsafe { *shared.0.get() += 1 });
                done.fetch_add(
                    1,
                    if ordered {
                        Ordering::AcqRel
                    } else {
                        Ordering::Relaxed
                    },
                );
            });
        }
        while done.load(Ordering::Relaxed) != 2 {
            yield_now();
        }
    });
}

const ROLE: &str = "CROSSCALL_TEST_RACE";

/// Runs this test again in a process of its own, in `role`.
fn again(role: &str) -> String {
    let me = std::env::current_exe().expect("a test has a path");
    let ran = Command::new(me)
        .args(["--exact", "races_are_found", "--nocapture"])
        .env(ROLE, role)
        .env("TSAN_OPTIONS", "halt_on_error=0")
        .output()
        .expect("it runs");
    String::from_utf8_lossy(&ran.stderr).into_owned()
}

#[test]
fn races_are_found() {
    match std::env::var(ROLE).as_deref() {
        Ok("race") => return two_writers(false),
        Ok(_) => return two_writers(true),
        Err(_) => {}
    }
    let race = again("race");
    assert!(
        race.contains("WARNING: ThreadSanitizer: data race"),
        "{race}"
    );
    let ordered = again("order");
    assert!(!ordered.contains("ThreadSanitizer"), "{ordered}");
}
