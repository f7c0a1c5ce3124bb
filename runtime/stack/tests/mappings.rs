//! The number of a process's mappings is limited, and so are its addresses.

use std::fs;
use std::panic::{self, AssertUnwindSafe};

use stack::memory::{Cache, NoMemory, Pool, Stack, inject, slot_of};

fn pool() -> &'static Pool {
    Box::leak(Box::new(Pool::new()))
}

/// Runs `body` in a process of its own, where it must find everything as expected: it lacks what others need too, a test's output for one.
fn forked(body: impl FnOnce() -> bool) {
    // SAFETY: the child has one thread and leaves when `body` is done. No lock that it needs is held by a thread that it lacks: the C library sees
    // to its own, and stacks are asked for in children only.
    unsafe {
        match libc::fork() {
            0 => {
                let fine = panic::catch_unwind(AssertUnwindSafe(body));
                libc::_exit(if fine.is_ok_and(|fine| fine) { 0 } else { 1 });
            }
            child => {
                let mut status = 0;
                assert_eq!(libc::waitpid(child, &mut status, 0), child);
                assert_eq!(status, 0, "the child's status");
            }
        }
    }
}

/// Takes guarded stacks until refused, `n` at most; releases them all, and takes one again.
fn take(n: usize, stacks: &mut Vec<Stack>) -> (usize, Option<NoMemory>) {
    let pool = pool();
    let mut cache = Cache::of(pool);
    let mut refused = None;
    for _ in 0..n {
        match Stack::guarded(&mut cache, 64 << 10) {
            Ok(stack) => stacks.push(stack),
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    let taken = stacks.len();
    for stack in stacks.drain(..) {
        // SAFETY: nobody runs on it.
        unsafe { stack.release(&mut cache) };
    }
    cache.flush();
    if pool.stats().guarded_bytes != 0 || Stack::guarded(&mut cache, 64 << 10).is_err() {
        return (0, refused);
    }
    (taken, refused)
}

#[test]
fn guard_pages_of_the_old_kind_run_out_of_mappings() {
    let mut stacks = Vec::with_capacity(40_000);
    forked(|| {
        inject::plain_guards(true);
        let (taken, refused) = take(40_000, &mut stacks);
        let full = refused.is_some_and(|error| error.errno == libc::ENOMEM);
        // Unless the system's limit was raised.
        taken == 40_000 || (full && taken > 30_000)
    });
}

#[test]
fn guard_pages_of_the_new_kind_need_no_mappings() {
    let mut stacks = Vec::with_capacity(40_000);
    forked(|| {
        let maps = || {
            fs::read("/proc/self/maps")
                .unwrap()
                .iter()
                .filter(|&&b| b == b'\n')
                .count()
        };
        let before = maps();
        let stack = Stack::guarded(&mut Cache::of(pool()), 0).unwrap();
        let slot = slot_of(stack.first().unwrap().lo).unwrap();
        // SAFETY: asks whether the page can be made to fault (MADV_GUARD_INSTALL), which it does already.
        let new_kind = unsafe { libc::madvise(slot.guard as *mut _, 4096, 102) } == 0;
        let (taken, refused) = take(40_000, &mut stacks);
        !new_kind || (taken == 40_000 && refused.is_none() && maps() < before + 50)
    });
}

/// Lets this process have `more` bytes more of what `resource` limits, of which it has what field `field` of `statm` says.
fn limit(resource: libc::__rlimit_resource_t, field: usize, more: usize) -> bool {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let now: usize = statm.split(' ').nth(field).unwrap().parse().unwrap();
    let most = (now * 4096 + more) as u64;
    let limit = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    // SAFETY: limits this process, which is there for nothing else.
    unsafe { libc::setrlimit(resource, &limit) == 0 }
}

#[test]
fn few_addresses_are_enough() {
    let mut stacks = Vec::with_capacity(1000);
    forked(|| {
        let limited = limit(libc::RLIMIT_AS, 0, 200 << 20);
        let small = Stack::small(&mut Cache::of(pool())).is_ok();
        let (taken, _) = take(1000, &mut stacks);
        limited && small && taken > 500
    });
}

#[test]
fn usable_addresses_may_be_few_too() {
    let mut stacks = Vec::with_capacity(1000);
    forked(|| {
        let limited = limit(libc::RLIMIT_DATA, 5, 2 << 20);
        let (taken, refused) = take(1000, &mut stacks);
        limited
            && (10..50).contains(&taken)
            && refused.is_some_and(|error| error.errno == libc::ENOMEM)
    });
}

#[test]
fn few_released_guarded_stacks_keep_their_memory() {
    const STACKS: usize = 300;
    const BYTES: usize = 128 << 10;
    let resident = || -> usize {
        let statm = fs::read_to_string("/proc/self/statm").unwrap();
        let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
        pages * 4096
    };
    let mut stacks = Vec::with_capacity(STACKS);
    forked(|| {
        let pool = pool();
        let mut cache = Cache::of(pool);
        let before = resident();
        for _ in 0..STACKS {
            let stack = Stack::guarded(&mut cache, BYTES).unwrap();
            let first = stack.first().unwrap();
            // SAFETY: all of a stack can be written.
            unsafe { std::ptr::write_bytes(first.lo as *mut u8, 1, first.hi - first.lo) };
            stacks.push(stack);
        }
        let used = resident() - before;
        for stack in stacks.drain(..) {
            // SAFETY: nobody runs on it.
            unsafe { stack.release(&mut cache) };
        }
        let kept = resident().saturating_sub(before);
        cache.flush();
        pool.scavenge();
        let left = resident().saturating_sub(before);
        used >= STACKS * BYTES && kept < 100 * BYTES && left < 10 * BYTES
    });
}

#[test]
fn regions_are_limited() {
    forked(|| {
        let refused = (0..65).find_map(|_| Stack::guarded(&mut Cache::of(pool()), 0).err());
        refused.is_some_and(|error| error.errno == libc::ENOMEM)
    });
}
