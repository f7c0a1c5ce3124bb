//! A million goroutines: what they cost, and that it comes back.

use std::fs;

use stack::memory::{Cache, Pool, Stack, Stats};

const MILLION: usize = 1_000_000;

/// Bytes of memory that the process has now.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps")
        .unwrap()
        .lines()
        .count()
}

#[test]
fn a_million_stacks_fit_and_go_back() {
    let pool: &'static Pool = Box::leak(Box::new(Pool::new()));
    let mut cache = Cache::of(pool);
    let mut stacks = Vec::with_capacity(MILLION);
    let (memory, maps) = (resident(), mappings());
    for _ in 0..MILLION {
        let stack = Stack::small(&mut cache).unwrap();
        let top = stack.first().unwrap().hi;
        // SAFETY: the stack's highest word: every goroutine's first frame is there.
        unsafe { *((top - 8) as *mut usize) = top };
        stacks.push(stack);
    }
    let used = resident() - memory;
    assert!(used < 2_200_000_000, "{used} bytes");
    assert!(mappings() < maps + 200, "{} mappings", mappings());
    assert_eq!(pool.stats().inuse_bytes - cache.held(), MILLION * 2048);
    assert!(pool.stats().mapped_bytes < 2_200_000_000);

    // One in a thousand lives on: the pages around it go back all the same.
    let mut survivors = Vec::with_capacity(MILLION / 1000);
    for (n, stack) in stacks.drain(..).enumerate() {
        match n % 1000 {
            500 => survivors.push(stack),
            // SAFETY: nobody runs on it.
            _ => unsafe { stack.release(&mut cache) },
        }
    }
    cache.flush();
    pool.scavenge();
    assert_eq!(pool.stats().free_bytes, 0);
    let left = resident().saturating_sub(memory);
    assert!(
        left < 40_000_000,
        "{left} bytes for {} stacks",
        survivors.len()
    );
    for stack in survivors {
        let top = stack.first().unwrap().hi;
        // SAFETY: written above.
        assert_eq!(unsafe { *((top - 8) as *const usize) }, top);
        // SAFETY: nobody runs on it.
        unsafe { stack.release(&mut cache) };
    }
    cache.flush();
    pool.scavenge();
    assert_eq!(pool.stats(), Stats::default());
    let left = resident().saturating_sub(memory);
    assert!(left < 20_000_000, "{left} bytes of nothing");
}
