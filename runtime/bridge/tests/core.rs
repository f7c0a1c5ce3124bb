//! The core by itself: goroutines with guarded stacks on threads that the test has made, C calls, calls back.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use sched::{GRef, ops};
use stack::Outcome;

fn wait_until(count: &AtomicUsize, value: usize) {
    let start = Instant::now();
    while count.load(Ordering::SeqCst) != value {
        yield_now();
        let stuck = start.elapsed() > Duration::from_secs(10);
        assert!(
            !stuck,
            "{} of {value}\n{}",
            count.load(Ordering::SeqCst),
            sched::dump::goroutines(true)
        );
    }
}

#[test]
fn a_thread_of_c_runs_a_goroutine() {
    let ran = Arc::new(AtomicUsize::new(0));
    for _ in 0..2 {
        let ran = ran.clone();
        as_goroutine(move || {
            assert!(GRef::current().id.load(Ordering::Relaxed) > 0);
            ran.fetch_add(1, Ordering::SeqCst);
        });
    }
    assert_eq!(ran.load(Ordering::SeqCst), 2);
}

/// Starts `count` goroutines, each with a number, and waits until all have ended.
fn all(count: usize, body: impl Fn(usize) + Send + Sync + 'static) {
    as_goroutine(move || {
        let done = Arc::new(AtomicUsize::new(0));
        let body = Arc::new(body);
        for number in 0..count {
            let (done, body) = (done.clone(), body.clone());
            go(move || {
                body(number);
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        wait_until(&done, count);
    });
}

#[test]
fn goroutines_run_and_yield() {
    all(1000, |_| (0..10).for_each(|_| yield_now()));
}

/// C calls Go calls C …: how often.
fn nest(depth: usize) -> usize {
    if depth == 0 {
        return 0;
    }
    let below = Arc::new(AtomicUsize::new(0));
    let result = below.clone();
    ccall(move || callback(move || result.store(nest(depth - 1), Ordering::SeqCst)));
    below.load(Ordering::SeqCst) + 1
}

#[test]
fn c_and_go_nest() {
    as_goroutine(|| assert_eq!(nest(50), 50));
}

#[test]
fn while_threads_sit_in_c_others_run() {
    let start = Instant::now();
    all(50, |_| ccall(|| thread::sleep(Duration::from_millis(200))));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "they slept one after the other"
    );
}

#[test]
fn a_parked_goroutine_is_woken_from_any_thread() {
    as_goroutine(|| {
        let woken = Arc::new(AtomicUsize::new(0));
        let address = Arc::new(AtomicUsize::new(0));
        let (counts, tells) = (woken.clone(), address.clone());
        go(move || {
            tells.store(GRef::current().as_ptr() as usize, Ordering::SeqCst);
            for _ in 0..100 {
                park();
                counts.fetch_add(1, Ordering::SeqCst);
            }
        });
        while address.load(Ordering::SeqCst) == 0 {
            yield_now();
        }
        // SAFETY: the goroutine's own address.
        let sleeper = unsafe { GRef::from_ptr(address.load(Ordering::SeqCst) as *mut _) };
        for i in 0..100 {
            ccall(|| {
                thread::spawn(move || ops::unpark(sleeper))
                    .join()
                    .expect("it ends")
            });
            wait_until(&woken, i + 1);
        }
    });
}

#[test]
fn gomaxprocs_changes_while_running() {
    all(50, |number| {
        gomaxprocs(1 + number % 7);
        (0..100).for_each(|_| yield_now());
    });
}

#[test]
fn threads_come_and_go() {
    let calls = Arc::new(AtomicUsize::new(0));
    for _ in 0..100 {
        let call = || {
            let calls = calls.clone();
            move || {
                for _ in 0..10 {
                    let calls = calls.clone();
                    as_goroutine(move || {
                        yield_now();
                        calls.fetch_add(1, Ordering::SeqCst);
                    });
                }
            }
        };
        let threads: Vec<_> = (0..8).map(|_| thread::spawn(call())).collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().expect("it ends"));
    }
    assert_eq!(calls.load(Ordering::SeqCst), 8000);
}

#[test]
fn two_that_ready_each_other_leave_time_for_others() {
    as_goroutine(|| {
        gomaxprocs(1);
        let [over, turns] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let places: Arc<[AtomicUsize; 2]> = Arc::default();
        for me in 0..2 {
            let (over, turns, places) = (over.clone(), turns.clone(), places.clone());
            go(move || {
                places[me].store(GRef::current().as_ptr() as usize, Ordering::SeqCst);
                while over.load(Ordering::SeqCst) == 0 {
                    turns.fetch_add(1, Ordering::SeqCst);
                    match places[1 - me].load(Ordering::SeqCst) {
                        0 => yield_now(),
                        other => wake_and_park(other),
                    }
                }
            });
        }
        // On the one P's queue behind them.
        let (stop, partners) = (over.clone(), places.clone());
        go(move || {
            while turns.load(Ordering::SeqCst) < 1000 {
                yield_now();
            }
            stop.store(1, Ordering::SeqCst);
            let wake = |place: &AtomicUsize| {
                let g = place.load(Ordering::SeqCst) as *mut _;
                // SAFETY: the goroutines' own addresses; one may still sleep.
                ops::unpark(unsafe { GRef::from_ptr(g) })
            };
            ccall(|| partners.iter().for_each(wake));
        });
        wait_until(&over, 1);
        gomaxprocs(2);
    });
}

/// Readies another goroutine and sleeps, in one operation, which doesn't look at the time.
fn wake_and_park(other: usize) {
    extern "C" fn operation(other: *mut sched::G) -> Outcome {
        // SAFETY: a goroutine's own address.
        ops::unpark(unsafe { GRef::from_ptr(other) });
        ops::park()
    }
    enter(operation as *const () as usize, other, 0, 0);
}

#[test]
fn an_operation_gives_its_result() {
    extern "C" fn answer() -> Outcome {
        Outcome::done(42)
    }
    as_goroutine(|| assert_eq!(enter(answer as *const () as usize, 0, 0, 0), 42));
}
