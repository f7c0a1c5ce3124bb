//! The system refuses: whoever asked is told, and nothing is lost.

use std::sync::{Mutex, MutexGuard};

use stack::Context;
use stack::memory::{self, Cache, GrowError, NoMemory, Pool, Stack, Stats, inject};

/// Refusals hold for the whole process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    let guard = LOCK.lock().unwrap_or_else(|broken| broken.into_inner());
    inject::reset();
    guard
}

fn pool() -> &'static Pool {
    Box::leak(Box::new(Pool::new()))
}

/// Some of everything. What was had before a refusal stays in `stacks`.
fn scenario(stacks: &mut Vec<Stack>, cache: &mut Cache, guarded: bool) -> Result<(), GrowError> {
    for n in 0..12 {
        let stack = Stack::small(cache)?;
        let context = Context::default();
        stack.begin(&context);
        stacks.push(stack);
        for _ in 0..n {
            let stack = &stacks[stacks.len() - 1];
            let before = (context.segment.get(), context.limit.get(), stack.in_use());
            context.sp.set(context.limit.get());
            // SAFETY: no segment is held.
            if let Err(error) = unsafe { stack.grow(&context, 500, 0, cache) } {
                let now = (context.segment.get(), context.limit.get(), stack.in_use());
                assert_eq!(before, now, "a stack that could not grow is as it was");
                return Err(error);
            }
        }
    }
    if guarded {
        for _ in 0..20 {
            stacks.push(Stack::guarded(cache, memory::guarded_size())?);
        }
    }
    Ok(())
}

/// Every stack can still be written, and all goes back.
fn end(stacks: Vec<Stack>, cache: &mut Cache, pool: &'static Pool) {
    for stack in stacks {
        for segment in stack.segments() {
            // SAFETY: both words are the segment's.
            unsafe {
                *(segment.lo as *mut usize) = 1;
                *((segment.hi - 8) as *mut usize) = 1;
            }
        }
        // SAFETY: nobody runs on it.
        unsafe { stack.release(cache) };
    }
    cache.flush();
    let stats = pool.stats();
    assert_eq!((stats.inuse_bytes, stats.guarded_bytes), (0, 0));
}

/// Refuses everything after the first, the second … request, each time with a pool that has nothing yet, until nothing is left to refuse.
/// Returns how many requests there were.
fn refuse_each(guarded: bool) -> usize {
    for n in 0.. {
        let pool = pool();
        let mut cache = Cache::of(pool);
        let mut stacks = Vec::new();
        inject::fail_mmap_after(n);
        let result = scenario(&mut stacks, &mut cache, guarded);
        inject::reset();
        end(stacks, &mut cache, pool);
        match result {
            Ok(()) => return n,
            Err(GrowError::NoMemory(NoMemory { errno, .. })) => assert_eq!(errno, libc::ENOMEM),
            Err(GrowError::Limit) => panic!("the limit is far"),
        }
        let mut stacks = Vec::new();
        scenario(&mut stacks, &mut cache, guarded).expect("nothing is refused any more");
        end(stacks, &mut cache, pool);
        pool.scavenge();
        if !guarded {
            assert_eq!(pool.stats(), Stats::default());
        }
    }
    unreachable!()
}

#[test]
fn every_mapping_can_be_refused() {
    let _alone = alone();
    // An arena, and what is larger than its classes.
    let asked = refuse_each(false);
    assert!(asked >= 20, "{asked}");
    // A region, its header, two steps of slots, and a guard page each.
    let asked = refuse_each(true) - asked;
    assert!(asked >= 20, "{asked}");
}

#[test]
fn every_mapping_can_be_refused_with_guard_pages_of_the_old_kind() {
    let _alone = alone();
    let pool = pool();
    let mut cache = Cache::of(pool);
    for n in 0..12 {
        let mut stacks = Vec::new();
        inject::plain_guards(true);
        inject::fail_mmap_after(n);
        let _ = scenario(&mut stacks, &mut cache, true);
        inject::reset();
        end(stacks, &mut cache, pool);
    }
    let stack = Stack::guarded(&mut cache, 0).unwrap();
    end(vec![stack], &mut cache, pool);
}

#[test]
fn memory_that_cannot_be_unmapped_is_used_again() {
    let _alone = alone();
    let pool = pool();
    let mut cache = Cache::of(pool);
    let mut stacks = Vec::new();
    scenario(&mut stacks, &mut cache, false).unwrap();
    inject::fail_munmap_after(0);
    end(stacks, &mut cache, pool);
    let mapped = pool.stats().mapped_bytes;
    pool.scavenge();
    let stats = pool.stats();
    assert_eq!(stats.mapped_bytes, mapped);

    // The same again needs nothing new.
    inject::fail_mmap_after(0);
    let mut stacks = Vec::new();
    scenario(&mut stacks, &mut cache, false).unwrap();
    assert_eq!(pool.stats().mapped_bytes, mapped);
    inject::reset();
    end(stacks, &mut cache, pool);
    pool.scavenge();
    assert_eq!(pool.stats(), Stats::default(), "the next time it goes back");
}

#[test]
fn a_lower_limit_holds_for_kept_segments_too() {
    let _alone = alone();
    let pool = pool();
    let mut cache = Cache::of(pool);
    let stack = Stack::small(&mut cache).unwrap();
    let context = Context::default();
    stack.begin(&context);
    context.sp.set(context.limit.get());
    // SAFETY: no segment is held.
    unsafe { stack.grow(&context, 100, 0, &mut cache).unwrap() };
    stack.pop(&context);
    let old = memory::set_max(4096);
    context.sp.set(context.limit.get());
    // SAFETY: no segment is held.
    let refused = unsafe { stack.grow(&context, 100, 0, &mut cache).map(|_| ()) };
    assert_eq!(refused, Err(GrowError::Limit));
    assert_eq!(
        GrowError::Limit.to_string(),
        "goroutine stack exceeds 4096-byte limit"
    );
    assert_eq!(memory::set_max(old), 4096);
    end(vec![stack], &mut cache, pool);
}

#[test]
fn a_refusal_says_what_the_system_said() {
    let error = NoMemory {
        errno: libc::ENOMEM,
        bytes: 4096,
    };
    let text = GrowError::NoMemory(error).to_string();
    assert!(
        text.contains("4096 bytes: Cannot allocate memory"),
        "{text}"
    );
    assert!(text.contains("vm.max_map_count"), "{text}");
}
