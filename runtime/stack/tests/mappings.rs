//! The number of a process's mappings is limited, and so are its addresses and its memory.

mod apart;

use std::fs;

use stack::memory::{Cache, NoMemory, Pool, Stack, inject, slot_of};

const CASES: &[apart::Case] = &[
    ("old guard pages", old_guard_pages),
    ("new guard pages", new_guard_pages),
    ("addresses", addresses),
    ("usable addresses", usable_addresses),
    ("released", released),
    ("regions", regions),
];

extern "C" fn before_main() {
    apart::before_main(CASES);
}

#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = before_main;

fn pool() -> &'static Pool {
    Box::leak(Box::new(Pool::new()))
}

/// Takes guarded stacks until refused, `n` at most; releases them all, and takes one again. Returns how many there were, and the refusal.
fn take(n: usize) -> (usize, Option<NoMemory>) {
    let pool = pool();
    let mut cache = Cache::of(pool);
    let mut refused = None;
    let mut stacks = Vec::with_capacity(n);
    while stacks.len() < n && refused.is_none() {
        match Stack::guarded(&mut cache, 64 << 10) {
            Ok(stack) => stacks.push(stack),
            Err(error) => refused = Some(error),
        }
    }
    let taken = stacks.len();
    for stack in stacks.drain(..) {
        // SAFETY: nobody runs on it.
        unsafe { stack.release(&mut cache) };
    }
    cache.flush();
    assert_eq!(pool.stats().guarded_bytes, 0);
    assert!(Stack::guarded(&mut cache, 64 << 10).is_ok());
    (taken, refused)
}

/// A number of `/proc/self/statm`, in bytes.
fn statm(field: usize) -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm
        .split_whitespace()
        .nth(field)
        .unwrap()
        .parse()
        .unwrap();
    pages * 4096
}

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps")
        .unwrap()
        .lines()
        .count()
}

/// Limits what this process has of something that it has `now` bytes of to so many more.
fn limit(resource: libc::__rlimit_resource_t, now: usize, more: usize) {
    let most = (now + more) as u64;
    let limit = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    // SAFETY: limits this process, which is there for nothing else.
    assert_eq!(unsafe { libc::setrlimit(resource, &limit) }, 0);
}

#[test]
fn guard_pages_of_the_old_kind_run_out_of_mappings() {
    apart::check("old guard pages");
}

fn old_guard_pages() {
    inject::plain_guards(true);
    let (taken, refused) = take(40_000);
    match refused {
        Some(error) => assert!(
            error.errno == libc::ENOMEM && taken > 30_000,
            "{taken}: {error}"
        ),
        // The system's limit was raised.
        None => assert_eq!(taken, 40_000),
    }
}

#[test]
fn guard_pages_of_the_new_kind_need_no_mappings() {
    apart::check("new guard pages");
}

fn new_guard_pages() {
    let before = mappings();
    let stack = Stack::guarded(&mut Cache::of(pool()), 0).unwrap();
    let slot = slot_of(stack.first().unwrap().lo).unwrap();
    // SAFETY: asks whether a page can be made to fault (MADV_GUARD_INSTALL) that does so already.
    let known = unsafe { libc::madvise(slot.guard as *mut _, 4096, 102) } == 0;
    if known {
        assert_eq!(take(40_000), (40_000, None));
        assert!(mappings() < before + 50, "{} mappings", mappings());
    }
}

#[test]
fn few_addresses_are_enough() {
    apart::check("addresses");
}

fn addresses() {
    limit(libc::RLIMIT_AS, statm(0), 200 << 20);
    assert!(Stack::small(&mut Cache::of(pool())).is_ok());
    let (taken, _) = take(1000);
    assert!(taken > 500, "{taken}");
}

#[test]
fn usable_addresses_may_be_few_too() {
    apart::check("usable addresses");
}

fn usable_addresses() {
    // Less than is made usable at once as a rule.
    limit(libc::RLIMIT_DATA, statm(5), 2 << 20);
    let (taken, refused) = take(1000);
    assert!((10..50).contains(&taken), "{taken}");
    assert_eq!(refused.unwrap().errno, libc::ENOMEM);
}

#[test]
fn few_released_guarded_stacks_keep_their_memory() {
    apart::check("released");
}

fn released() {
    const STACKS: usize = 300;
    const BYTES: usize = 128 << 10;
    let pool = pool();
    let mut cache = Cache::of(pool);
    let mut stacks = Vec::with_capacity(STACKS);
    let before = statm(1);
    let more = || statm(1).saturating_sub(before);
    for _ in 0..STACKS {
        let stack = Stack::guarded(&mut cache, BYTES).unwrap();
        let first = stack.first().unwrap();
        // SAFETY: all of a stack can be written.
        unsafe { std::ptr::write_bytes(first.lo as *mut u8, 1, first.hi - first.lo) };
        stacks.push(stack);
    }
    assert!(more() >= STACKS * BYTES);
    for stack in stacks.drain(..) {
        // SAFETY: nobody runs on it.
        unsafe { stack.release(&mut cache) };
    }
    assert!(more() < 100 * BYTES, "{}", more());
    cache.flush();
    pool.scavenge();
    assert!(more() < 10 * BYTES, "{}", more());
}

#[test]
fn regions_are_limited() {
    apart::check("regions");
}

fn regions() {
    let refused = (0..65).find_map(|_| Stack::guarded(&mut Cache::of(pool()), 0).err());
    assert_eq!(refused.unwrap().errno, libc::ENOMEM);
}
