//! Channels, select, semaphores and what sync is made of, with goroutines on several threads: nothing is lost, nothing comes twice,
//! nobody sleeps for ever.

mod common;

use std::cell::UnsafeCell;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{as_goroutine, yield_now};
use sched::chan::{self, CLOSED, Chan, DONE};
use sched::mutex::{self, Mutex, Unlocked};
use sched::notify::NotifyList;
use sched::reason::WaitReason;
use sched::select::{self, Case, PARKED, SUCCESS, Select};
use sched::waitgroup::{Added, WAITED, WaitGroup};
use sched::{GRef, ops, sema};
use stack::Outcome;

/// How much is done: enough to meet every path many times, in a second or so.
const MANY: u64 = if cfg!(debug_assertions) {
    4_000
} else {
    20_000
};

/// Runs `operation` on the system stack.
fn enter<F: FnOnce(GRef) -> Outcome>(operation: F) -> usize {
    extern "C" fn call<F: FnOnce(GRef) -> Outcome>(operation: *mut Option<F>) -> Outcome {
        // SAFETY: `enter` passes it, and it stays on the goroutine's stack; it is taken before the goroutine parks.
        let operation = unsafe { (*operation).take() };
        let outcome = operation.expect("entered once")(GRef::current());
        match outcome.switch {
            0 => ops::finish(outcome.value),
            _ => outcome,
        }
    }
    let mut operation = Some(operation);
    let call: extern "C" fn(*mut Option<F>) -> Outcome = call::<F>;
    common::enter(call as usize, &raw mut operation as usize, 0, 0)
}

/// Starts a goroutine, whose end `group` is told.
fn go(group: &Arc<Group>, body: impl FnOnce() + Send + 'static) {
    let told = group.clone();
    told.add(1);
    common::go(move || {
        body();
        told.add(-1);
    });
}

/// A WaitGroup as Go has it.
#[derive(Default)]
struct Group(WaitGroup);

impl Group {
    fn add(&self, delta: isize) {
        match self.0.add(delta) {
            Added::Done => {}
            Added::Release(waiters) => {
                enter(|_| self.0.release(waiters));
            }
            wrong => panic!("{wrong:?}"),
        }
    }

    fn wait(&self) {
        if !self.0.is_zero() && enter(|g| self.0.wait(g)) == WAITED {
            assert!(self.0.waited());
        }
    }
}

/// A channel of numbers.
struct Ch(NonNull<Chan>);

// SAFETY: channels may be used by all threads.
unsafe impl Send for Ch {}
// SAFETY: as above.
unsafe impl Sync for Ch {}

impl Drop for Ch {
    fn drop(&mut self) {
        // SAFETY: nobody has it any more.
        unsafe { Chan::free(self.0) };
    }
}

impl Ch {
    fn new(cap: usize) -> Arc<Ch> {
        Arc::new(Ch(Chan::new(8, cap).unwrap()))
    }

    fn get(&self) -> Option<&Chan> {
        // SAFETY: freed when this is dropped.
        Some(unsafe { self.0.as_ref() })
    }

    fn send(&self, value: u64) {
        // SAFETY: the value stays until the goroutine goes on.
        let result = enter(|g| unsafe { chan::send(self.get(), g, (&raw const value).cast()) });
        assert_eq!(result, DONE);
    }

    fn recv(&self) -> Option<u64> {
        let mut value = u64::MAX;
        let place = (&raw mut value).cast();
        // SAFETY: the place stays until the goroutine goes on.
        match enter(|g| unsafe { chan::recv(self.get(), g, place) }) {
            CLOSED => None,
            _ => Some(value),
        }
    }

    fn close(&self) {
        assert_eq!(enter(|_| chan::close(self.get())), DONE);
    }
}

/// The number of the chosen case, and its success.
fn select<const N: usize>(cases: &[Case; N]) -> (usize, bool) {
    let mut order = [[0u16; N]; 2];
    // SAFETY: the cases stay until the select has ended, and there is room for two orders.
    let statement = unsafe { Select::new(cases, order.as_mut_ptr().cast()) };
    // SAFETY: as above; this goroutine runs.
    let mut value = enter(|g| unsafe { select::begin(&statement, g, true) });
    if value & PARKED != 0 {
        // SAFETY: as above.
        value = enter(|_| unsafe { select::finish(&statement, value) });
    }
    (value >> select::CASE_SHIFT, value & SUCCESS != 0)
}

/// Fails, rather than hang, when goroutines wait for ever.
fn watch(what: &'static str) -> impl Drop {
    struct Watch(Arc<AtomicBool>);
    impl Drop for Watch {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let over = Arc::new(AtomicBool::new(false));
    let watched = over.clone();
    std::thread::spawn(move || {
        let start = Instant::now();
        while !watched.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
            if start.elapsed() > Duration::from_secs(60) {
                eprintln!("{what} hangs\n{}", sched::dump::goroutines(true));
                std::process::abort();
            }
        }
    });
    Watch(over)
}

#[test]
fn each_value_comes_once_and_in_its_sender_s_order() {
    let _watch = watch("each_value_comes_once");
    as_goroutine(|| {
        for (cap, receivers) in [(0, 1), (0, 4), (1, 1), (3, 4), (64, 2)] {
            exchange(cap, 4, receivers);
        }
    });
}

/// `senders` send, `receivers` receive until the channel is closed.
fn exchange(cap: usize, senders: u64, receivers: usize) {
    let (ch, sum) = (Ch::new(cap), Arc::new(AtomicU64::new(0)));
    let (sending, receiving) = <(Arc<Group>, Arc<Group>)>::default();
    for _ in 0..receivers {
        let (ch, sum) = (ch.clone(), sum.clone());
        go(&receiving, move || {
            let mut next = [0; 8];
            while let Some(value) = ch.recv() {
                let (sender, number) = ((value >> 32) as usize, value & 0xffff_ffff);
                assert!(number >= next[sender], "{number} after {}", next[sender]);
                next[sender] = number + 1;
                sum.fetch_add(number, Ordering::Relaxed);
            }
        });
    }
    for sender in 0..senders {
        let ch = ch.clone();
        go(&sending, move || {
            (0..MANY).for_each(|number| ch.send(sender << 32 | number));
        });
    }
    sending.wait();
    ch.close();
    receiving.wait();
    let all = senders * (MANY * (MANY - 1) / 2);
    assert_eq!(sum.load(Ordering::Relaxed), all);
}

#[test]
fn selects_among_selects_lose_nothing() {
    let _watch = watch("selects_among_selects");
    as_goroutine(|| {
        for cap in [0, 1, 5] {
            select_all_ways(cap);
        }
    });
}

/// Goroutines that send or receive on any of three channels, whichever is ready, until there were enough; then who still sends is received
/// from.
fn select_all_ways(cap: usize) {
    let chans: Arc<[Arc<Ch>; 3]> = Arc::new([Ch::new(cap), Ch::new(cap), Ch::new(cap)]);
    let stop = Ch::new(0);
    let (sent, received) = <(Arc<AtomicU64>, Arc<AtomicU64>)>::default();
    let (both, receiving) = <(Arc<Group>, Arc<Group>)>::default();
    for seed in 0..6u64 {
        let (chans, sent, received) = (chans.clone(), sent.clone(), received.clone());
        go(&both, move || {
            for number in 0..MANY {
                let value = seed << 32 | number;
                let mut place = 0u64;
                let at = (seed + number) as usize;
                let cases = [
                    Case::send(chans[at % 3].get(), (&raw const value).cast()),
                    Case::recv(chans[(at + 1) % 3].get(), (&raw mut place).cast()),
                    Case::send(None, ptr::null()),
                ];
                let (case, success) = select(&cases);
                assert!(success);
                if case == 0 {
                    sent.fetch_add(value, Ordering::Relaxed);
                } else {
                    received.fetch_add(place, Ordering::Relaxed);
                }
            }
        });
    }
    for _ in 0..2 {
        let (chans, stop, received) = (chans.clone(), stop.clone(), received.clone());
        go(&receiving, move || {
            loop {
                let mut place = 0u64;
                let cases = [
                    Case::recv(chans[0].get(), (&raw mut place).cast()),
                    Case::recv(chans[1].get(), (&raw mut place).cast()),
                    Case::recv(chans[2].get(), (&raw mut place).cast()),
                    Case::recv(stop.get(), ptr::null_mut()),
                ];
                match select(&cases) {
                    (3, success) => {
                        assert!(!success);
                        return;
                    }
                    (_, success) => assert!(success),
                }
                received.fetch_add(place, Ordering::Relaxed);
            }
        });
    }
    // Those who select both ways may all come to receive at the end, or to send.
    let feeder = {
        let (chans, sent, over) = (chans.clone(), sent.clone(), stop.clone());
        let group = Arc::new(Group::default());
        go(&group, move || {
            let value = 1u64;
            loop {
                let cases = [
                    Case::send(chans[0].get(), (&raw const value).cast()),
                    Case::send(chans[1].get(), (&raw const value).cast()),
                    Case::send(chans[2].get(), (&raw const value).cast()),
                    Case::recv(over.get(), ptr::null_mut()),
                ];
                if select(&cases).0 == 3 {
                    return;
                }
                sent.fetch_add(value, Ordering::Relaxed);
            }
        });
        group
    };
    both.wait();
    stop.close();
    feeder.wait();
    receiving.wait();
    for ch in chans.iter() {
        ch.close();
        while let Some(value) = ch.recv() {
            received.fetch_add(value, Ordering::Relaxed);
        }
    }
    assert_eq!(
        sent.load(Ordering::Relaxed),
        received.load(Ordering::Relaxed)
    );
}

#[test]
fn a_close_is_seen_by_all_who_wait() {
    let _watch = watch("a_close_is_seen");
    as_goroutine(|| {
        for round in 0..MANY / 20 {
            let (done, never) = (Ch::new(0), Ch::new(0));
            let group = Arc::new(Group::default());
            for index in 0..20 {
                let (done, never) = (done.clone(), never.clone());
                go(&group, move || {
                    if index % 2 == 0 {
                        return assert_eq!(done.recv(), None);
                    }
                    let value = 0u64;
                    let cases = [
                        Case::recv(done.get(), ptr::null_mut()),
                        Case::send(never.get(), (&raw const value).cast()),
                    ];
                    assert_eq!(select(&cases), (0, false));
                });
            }
            if round % 2 == 0 {
                yield_now();
            }
            done.close();
            group.wait();
        }
    });
}

/// What a mutex guards.
#[derive(Default)]
struct Guarded<T>(Mutex, UnsafeCell<T>);

// SAFETY: the value is touched under the mutex.
unsafe impl<T: Send> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        self.lock();
        // SAFETY: the mutex is held.
        let result = change(unsafe { &mut *self.1.get() });
        self.unlock();
        result
    }

    fn lock(&self) {
        if self.0.try_lock() {
            return;
        }
        let mut attempt = 0;
        while enter(|g| self.0.lock(g, attempt)) == mutex::AGAIN {
            attempt += 1;
        }
    }

    fn unlock(&self) {
        match self.0.unlock() {
            Unlocked::Done => {}
            Unlocked::Awaited(state) => {
                enter(|g| self.0.unlock_slow(g, state));
            }
            Unlocked::Never => panic!("not locked"),
        }
    }
}

#[test]
fn a_mutex_excludes_and_lets_everybody_in() {
    let _watch = watch("a_mutex_excludes");
    as_goroutine(|| {
        let counter = Arc::new(Guarded::<u64>::default());
        let group = Arc::new(Group::default());
        for index in 0..8 {
            let counter = counter.clone();
            go(&group, move || {
                for number in 0..MANY {
                    counter.with(|count| {
                        *count += 1;
                    });
                    if number % 100 == index {
                        // Whoever holds it across a switch lets the others queue.
                        counter.lock();
                        yield_now();
                        counter.unlock();
                    }
                }
            });
        }
        group.wait();
        assert_eq!(counter.with(|count| *count), 8 * MANY);
    });
}

#[test]
fn a_queue_by_conditions() {
    let _watch = watch("a_queue_by_conditions");
    as_goroutine(|| {
        let queue = Arc::new((
            Guarded::<Vec<u64>>::default(),
            NotifyList::new(),
            NotifyList::new(),
        ));
        let sum = Arc::new(AtomicU64::new(0));
        let group = Arc::new(Group::default());
        for index in 0..8u64 {
            let (queue, sum) = (queue.clone(), sum.clone());
            go(&group, move || {
                let (items, filled, emptied) = &*queue;
                for number in 0..MANY / 4 {
                    items.lock();
                    // SAFETY: the mutex is held whenever the vector is looked at.
                    let vec = || unsafe { &mut *items.1.get() };
                    let puts = index % 2 == 0;
                    let (mine, others) = if puts {
                        (emptied, filled)
                    } else {
                        (filled, emptied)
                    };
                    while vec().len() == if puts { 3 } else { 0 } {
                        let ticket = mine.ticket();
                        items.unlock();
                        enter(|g| mine.wait(g, ticket));
                        items.lock();
                    }
                    if puts {
                        vec().push(number);
                    } else {
                        sum.fetch_add(vec().pop().unwrap(), Ordering::Relaxed);
                    }
                    items.unlock();
                    if number % 8 == 0 {
                        enter(|_| others.notify_all());
                    } else {
                        enter(|_| others.notify_one());
                    }
                }
            });
        }
        group.wait();
        let each = (MANY / 4) * (MANY / 4 - 1) / 2;
        assert_eq!(sum.load(Ordering::Relaxed), 4 * each);
    });
}

#[test]
fn semaphores_at_many_addresses() {
    let _watch = watch("semaphores_at_many_addresses");
    as_goroutine(|| {
        // More than the table has places, so that some share one.
        let semaphores: Arc<Vec<AtomicU32>> =
            Arc::new((0..1500).map(|_| AtomicU32::new(0)).collect());
        let woken = Arc::new(AtomicUsize::new(0));
        let group = Arc::new(Group::default());
        let rounds = MANY as usize / 1000;
        for _ in 0..rounds {
            for index in 0..semaphores.len() {
                let (semaphores, woken) = (semaphores.clone(), woken.clone());
                go(&group, move || {
                    let why = WaitReason::Semacquire;
                    let semaphore = &raw const semaphores[index];
                    // SAFETY: the semaphores stay until all goroutines have ended.
                    enter(|g| unsafe { sema::acquire(semaphore, g, index % 2 == 0, why) });
                    woken.fetch_add(1, Ordering::Relaxed);
                });
            }
        }
        for index in (0..semaphores.len()).rev() {
            for round in 0..rounds {
                let semaphore = &raw const semaphores[index];
                // SAFETY: as above.
                enter(|g| unsafe { sema::release(semaphore, g, round % 2 == 0) });
            }
        }
        group.wait();
        assert_eq!(woken.load(Ordering::Relaxed), rounds * semaphores.len());
        assert!(semaphores.iter().all(|s| s.load(Ordering::Relaxed) == 0));
    });
}
