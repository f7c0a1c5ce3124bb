//! Thousands of stacks, grown and released at random by several threads: no two ever share a byte, and in the end nothing is left.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::{Cache, Pool, Stack};
use crate::Context;

/// Marsaglia's xorshift: the same numbers every time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % n
    }
}

/// Which bytes are whose, over all threads.
#[derive(Default)]
struct Owners(Mutex<BTreeMap<usize, (usize, usize)>>);

impl Owners {
    fn add(&self, lo: usize, hi: usize, id: usize) {
        let mut owners = self.0.lock().unwrap();
        if let Some((&lo2, &(hi2, id2))) = owners.range(..hi).next_back() {
            assert!(
                hi2 <= lo,
                "{id} has {lo:#x}..{hi:#x}, {id2} has {lo2:#x}..{hi2:#x}"
            );
        }
        owners.insert(lo, (hi, id));
    }

    fn remove(&self, lo: usize, id: usize) {
        let removed = self.0.lock().unwrap().remove(&lo);
        assert!(removed.is_some_and(|(_, owner)| owner == id));
    }
}

/// A goroutine that does nothing but use its stack.
struct Goroutine {
    id: usize,
    stack: Stack,
    context: Context,
    /// The segments that it is known to have.
    known: Vec<(usize, usize)>,
}

// SAFETY: a goroutine belongs to who has it.
unsafe impl Send for Goroutine {}

impl Goroutine {
    fn new(id: usize, random: &mut Random, cache: &mut Cache) -> Goroutine {
        let stack = match random.below(8) {
            0 => Stack::guarded(cache, (16 << 10) << random.below(3)).unwrap(),
            _ => Stack::small(cache).unwrap(),
        };
        let context = Context::default();
        stack.begin(&context);
        Goroutine {
            id,
            stack,
            context,
            known: Vec::new(),
        }
    }

    /// Segments that are new are claimed and marked, the marks of the others are still there, and those that are gone are given up.
    fn check(&mut self, owners: &Owners) {
        let now: Vec<_> = self.stack.segments().map(|s| (s.lo, s.hi)).collect();
        for &(lo, hi) in &now {
            let marks = [lo as *mut usize, (hi - 8) as *mut usize];
            let known = self.known.contains(&(lo, hi));
            if !known {
                owners.add(lo, hi, self.id);
            }
            for mark in marks {
                // SAFETY: both words are this stack's, on which nobody runs.
                unsafe {
                    if known {
                        assert_eq!(*mark, self.id, "somebody wrote to another's stack");
                    }
                    *mark = self.id;
                }
            }
        }
        self.known = now;
    }

    /// Gives up those segments that a step may release.
    fn give_up(&mut self, owners: &Owners) {
        let current = self.context.segment.get().cast_const();
        let kept = self
            .stack
            .segments()
            .skip_while(|&s| !ptr::eq(s, current))
            .skip(1);
        for (lo, hi) in kept.map(|s| (s.lo, s.hi)).collect::<Vec<_>>() {
            owners.remove(lo, self.id);
            self.known.retain(|&known| known != (lo, hi));
        }
    }

    fn step(&mut self, random: &mut Random, cache: &mut Cache, owners: &Owners) {
        match random.below(10) {
            0..5 => {
                self.give_up(owners);
                let frame = [10, 100, 1000, 10_000, 100_000][random.below(5)];
                self.context.sp.set(self.context.limit.get());
                if self.stack.in_use() < 4 << 20 && !self.stack.is_guarded() {
                    // SAFETY: no segment is held.
                    unsafe { self.stack.grow(&self.context, frame, 64, cache).unwrap() };
                }
            }
            5..7 => {
                self.stack.pop(&self.context);
            }
            7 => {
                let index = random.below(self.stack.segments().count());
                let sp = self.stack.segments().nth(index).unwrap().hi;
                self.stack.rewind(&self.context, sp);
            }
            8 => {
                self.give_up(owners);
                // SAFETY: no segment is held.
                unsafe { self.stack.trim(&self.context, cache) };
            }
            _ => {
                self.stack.begin(&self.context);
                self.give_up(owners);
                // SAFETY: the goroutine is on its first segment.
                unsafe { self.stack.recycle(cache) };
            }
        }
        self.check(owners);
    }

    fn end(mut self, cache: &mut Cache, owners: &Owners) {
        self.check(owners);
        for &(lo, _) in &self.known {
            owners.remove(lo, self.id);
        }
        // SAFETY: the goroutine is over.
        unsafe { self.stack.release(cache) };
    }
}

/// One thread: takes over others' goroutines, and leaves its own to others.
fn work(
    seed: u64,
    pool: &'static Pool,
    owners: &Owners,
    from: Receiver<Goroutine>,
    to: Sender<Goroutine>,
) {
    /// The thread sanitizer makes each of them thirty times as long.
    const STEPS: usize = if cfg!(gort_tsan) { 4_000 } else { 60_000 };
    static IDS: AtomicUsize = AtomicUsize::new(1);
    let mut random = Random(seed);
    let mut cache = Cache::of(pool);
    let mut mine = Vec::new();
    for step in 0..STEPS {
        mine.extend(from.try_recv());
        let alive = mine.len();
        match random.below(4) {
            0 if alive < 1500 => {
                let id = IDS.fetch_add(1, Ordering::Relaxed);
                mine.push(Goroutine::new(id, &mut random, &mut cache));
            }
            1 if alive > 0 && random.below(2000) < alive => {
                let goroutine = mine.swap_remove(random.below(alive));
                match random.below(4) {
                    0 => drop(
                        to.send(goroutine)
                            .map_err(|back| back.0.end(&mut cache, owners)),
                    ),
                    _ => goroutine.end(&mut cache, owners),
                }
            }
            _ if alive > 0 => {
                mine[random.below(alive)].step(&mut random, &mut cache, owners);
            }
            _ => {}
        }
        if step % 5000 == 0 {
            cache.flush();
        }
    }
    drop(to);
    for goroutine in mine.into_iter().chain(from) {
        goroutine.end(&mut cache, owners);
    }
}

#[test]
fn no_two_stacks_share_a_byte() {
    let pool: &'static Pool = Box::leak(Box::new(Pool::new()));
    let owners = Owners::default();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let ((to_a, from_b), (to_b, from_a)) = (channel(), channel());
        let owners = &owners;
        let a = scope.spawn(move || work(0x9e37_79b9_7f4a_7c15, pool, owners, from_a, to_a));
        let b = scope.spawn(move || work(0xd1b5_4a32_d192_ed03, pool, owners, from_b, to_b));
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                pool.scavenge();
                thread::yield_now();
            }
        });
        let ended = [a.join(), b.join()];
        done.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(Result::unwrap);
    });
    assert!(owners.0.lock().unwrap().is_empty());
    let stats = pool.stats();
    assert_eq!((stats.inuse_bytes, stats.guarded_bytes), (0, 0));
    pool.scavenge();
    let stats = pool.stats();
    assert_eq!(stats.free_bytes, 0);
}
