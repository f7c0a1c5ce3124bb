//! Timers against a model on a made-up clock, and under threads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::timers::Entry;
use super::{Expire, Expiry, NEVER, SendValue, Timer, Timers};
use crate::chan::{self, Chan};
use crate::g::GQueue;

/// Marsaglia's xorshift64.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Counts expiries.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

impl Expire for Count {
    fn expire(&self, expiry: Expiry, _ready: &mut GQueue) {
        assert!(expiry.late >= 0);
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn timers() -> &'static Timers {
    Box::leak(Box::default())
}

fn counted() -> (Arc<Timer>, Count) {
    let count = Count::default();
    (Timer::new(count.clone()), count)
}

fn run(timers: &'static Timers, now: i64) -> i64 {
    let mut ready = GQueue::default();
    let next = timers.run(now, &mut ready);
    assert!(ready.pop().is_none());
    next
}

#[test]
fn expires_once() {
    let (timers, (timer, count)) = (timers(), counted());
    assert!(!timer.reset_in(timers, 100, 0));
    assert_eq!(timers.next_when(), 100);
    assert_eq!(run(timers, 99), 100);
    assert_eq!(count.take(), 0);
    assert_eq!(run(timers, 100), NEVER);
    assert_eq!(count.take(), 1);
    assert!(!timer.stop());
}

#[test]
fn a_stopped_timer_is_not_the_first() {
    let (timers, (early, _), (late, _)) = (timers(), counted(), counted());
    early.reset_in(timers, 10, 0);
    late.reset_in(timers, 20, 0);
    assert!(early.stop());
    assert!(!early.stop());
    assert_eq!(timers.next_when(), 20);
    assert!(late.stop());
    assert_eq!(timers.next_when(), NEVER);
    assert_eq!(timers.len(), 0);
}

#[test]
fn put_off_and_brought_forward() {
    let (timers, (timer, count)) = (timers(), counted());
    timer.reset_in(timers, 10, 0);
    assert!(timer.reset_in(timers, 30, 0));
    assert_eq!(timers.len(), 1);
    assert_eq!(run(timers, 20), 30);
    assert_eq!(count.take(), 0);
    assert!(timer.reset_in(timers, 25, 0));
    assert_eq!(run(timers, 27), NEVER);
    assert_eq!(count.take(), 1);
    assert_eq!(run(timers, 100), NEVER);
    assert_eq!(count.take(), 0);
}

#[test]
fn periods_that_were_missed_count_once() {
    let (timers, (timer, count)) = (timers(), counted());
    timer.reset_in(timers, 10, 10);
    assert_eq!(run(timers, 10), 20);
    assert_eq!(run(timers, 57), 60);
    assert_eq!(count.take(), 2);
    assert!(timer.stop());
    assert_eq!(timers.next_when(), NEVER);
}

#[test]
fn far_times_do_not_wrap() {
    let (timers, (once, _), (again, count)) = (timers(), counted(), counted());
    once.reset_in(timers, NEVER, 0);
    assert_eq!(timers.next_when(), NEVER - 1);
    again.reset_in(timers, -5, i64::MAX);
    run(timers, 0);
    assert_eq!(count.take(), 1);
    assert!(again.stop());
}

#[test]
fn dead_entries_are_swept() {
    let timers = timers();
    let live: Vec<_> = (0..100).map(|_| counted().0).collect();
    for (i, timer) in live.iter().enumerate() {
        timer.reset_in(timers, i as i64, 0);
    }
    for _ in 0..10_000 {
        let (timer, _) = counted();
        timer.reset_in(timers, 1_000, 0);
        assert!(timer.stop());
        assert!(timers.len() < 150);
    }
    for timer in &live {
        assert!(timer.stop());
    }
    assert_eq!(timers.len(), 0);
}

#[test]
fn another_heap_takes_over() {
    let (dying, heir) = (timers(), timers());
    let (put_off, dead, soon) = (counted(), counted(), counted());
    put_off.0.reset_in(dying, 20, 0);
    put_off.0.reset_in(dying, 50, 0);
    soon.0.reset_in(dying, 5, 0);
    dead.0.reset_in(dying, 30, 0);
    dead.0.stop();
    heir.adopt(dying);
    assert_eq!((dying.next_when(), dying.len()), (NEVER, 0));
    assert_eq!((heir.next_when(), heir.len()), (5, 2));
    assert!(soon.0.stop());
    assert_eq!(heir.next_when(), 20);
    assert_eq!(run(heir, 60), NEVER);
    assert_eq!((put_off.1.take(), soon.1.take(), dead.1.take()), (1, 0, 0));
}

/// What `run` has taken out, or a reset is about to enter, may have died meanwhile.
#[test]
fn dead_entries_do_nothing() {
    let (timers, (timer, count)) = (timers(), counted());
    let fire = |number| {
        let timer = timer.clone();
        timer.fire(number, timers, 30, &mut GQueue::default());
    };
    timer.reset_in(timers, 20, 0);
    timer.reset_in(timers, 10, 0);
    fire(1);
    assert_eq!(count.take(), 0);
    fire(2);
    assert_eq!(count.take(), 1);
    fire(2);
    assert_eq!(count.take(), 0);
    run(timers, 30);
    let entry = Entry::Timer {
        timer: timer.clone(),
        number: 2,
    };
    timers.add(20, entry);
    assert_eq!((timers.len(), timers.next_when()), (0, NEVER));
}

/// When a stop has returned, nothing is received that came before it; ticks that nobody received are lost.
#[test]
fn a_stop_takes_back_what_was_sent() {
    let (timers, chan) = (timers(), Chan::new(8, 1).unwrap());
    // SAFETY: the channel's elements have eight bytes, and it is freed below.
    let timer = Timer::new(unsafe { SendValue::new(chan, |expiry| expiry.now) });
    let receive = || {
        let mut now = 0i64;
        // SAFETY: the channel is alive; `now` has room for an element.
        let outcome = unsafe { chan::try_recv(Some(chan.as_ref()), (&raw mut now).cast()) };
        (outcome.value == chan::DONE).then_some(now)
    };
    timer.reset_in(timers, 10, 10);
    run(timers, 12);
    run(timers, 25);
    assert_eq!(receive(), Some(12));
    assert_eq!(receive(), None);
    run(timers, 30);
    assert!(timer.stop());
    assert_eq!(receive(), None);
    assert!(!timer.reset_in(timers, 40, 0));
    run(timers, 40);
    assert!(timer.stop());
    assert!(!timer.stop());
    assert_eq!(receive(), None);
    drop(timer);
    // SAFETY: nobody else knows it, and the timer is gone.
    unsafe { Chan::free(chan) };
}

/// Random operations on timers in two heaps, whose clock goes on in steps, against an ordered map.
#[test]
fn agrees_with_a_model() {
    let mut random = Random(11);
    let heaps = [timers(), timers()];
    let all: Vec<_> = (0..64).map(|_| counted()).collect();
    let mut model = BTreeMap::<usize, i64>::new();
    let mut now = 0;
    for _ in 0..50_000 {
        let which = random.below(64) as usize;
        let (timer, _) = &all[which];
        match random.below(10) {
            0..6 => {
                let heap = heaps[random.below(2) as usize];
                let when = now + random.below(200) as i64;
                let was_set = timer.reset_in(heap, when, 0);
                assert_eq!(was_set, model.insert(which, when).is_some());
            }
            6..9 => assert_eq!(timer.stop(), model.remove(&which).is_some()),
            _ => {
                now += random.below(30) as i64;
                let next = heaps.map(|heap| run(heap, now)).into_iter().min().unwrap();
                for (which, (_, count)) in all.iter().enumerate() {
                    let due = model.get(&which).is_some_and(|when| *when <= now);
                    assert_eq!(count.take(), due as usize);
                }
                model.retain(|_, when| *when > now);
                assert!(next <= model.values().copied().min().unwrap_or(NEVER));
            }
        }
        assert!(heaps.iter().all(|heap| heap.len() < 100));
    }
}

/// Threads set and stop timers of their own in shared heaps that others run: each setting ends in one expiry or one successful stop.
#[test]
fn set_and_stopped_by_many_threads() {
    const OPERATIONS: usize = 20_000;
    let heaps = [timers(), timers()];
    let over = &AtomicBool::new(false);
    thread::scope(|scope| {
        let runners = heaps.map(|heap| {
            scope.spawn(move || {
                let mut now = 0;
                while !over.load(Ordering::SeqCst) || heap.next_when() != NEVER {
                    now += 1;
                    run(heap, now);
                }
            })
        });
        let setters = [1, 2, 3]
            .map(|seed| scope.spawn(move || set_and_stop(&mut Random(seed), heaps, OPERATIONS)));
        let counts = setters.map(|setter| setter.join().unwrap());
        over.store(true, Ordering::SeqCst);
        for runner in runners {
            runner.join().unwrap();
        }
        for (ends, count) in counts {
            assert_eq!(count.take(), ends);
        }
    });
}

/// How many expiries there shall have been, and the count of those that there are.
fn set_and_stop(
    random: &mut Random,
    heaps: [&'static Timers; 2],
    operations: usize,
) -> (usize, Count) {
    let (timer, count) = counted();
    let mut expected = 0;
    for _ in 0..operations {
        let heap = heaps[random.below(2) as usize];
        if random.below(3) > 0 {
            // A setting that didn't replace another is one more to expire.
            expected += !timer.reset_in(heap, random.below(60_000) as i64, 0) as usize;
        } else {
            expected -= timer.stop() as usize;
        }
    }
    (expected, count)
}
