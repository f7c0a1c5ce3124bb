//! How one stack grows, shrinks and goes back.

use std::ptr;

use stack::Context;
use stack::memory::{self, Cache, GUARD, GrowError, Pool, Stack};

fn cache() -> (Cache, &'static Pool) {
    let pool: &'static Pool = Box::leak(Box::new(Pool::new()));
    (Cache::of(pool), pool)
}

/// Enters the runtime with the current segment full, and grows.
fn grow<'a>(
    stack: &'a Stack,
    context: &Context,
    frame: usize,
    cache: &mut Cache,
) -> Result<&'a memory::Segment, GrowError> {
    context.sp.set(context.limit.get());
    // SAFETY: no segment is held here.
    unsafe { stack.grow(context, frame, 0, cache) }
}

fn sizes(stack: &Stack) -> Vec<usize> {
    stack
        .segments()
        .map(|segment| segment.size() >> 10)
        .collect()
}

#[test]
fn segments_double_and_are_kept() {
    let (mut cache, pool) = cache();
    let stack = Stack::small(&mut cache).unwrap();
    let context = Context::default();
    let top = stack.begin(&context);
    assert_eq!(top % 16, 0);
    for _ in 0..9 {
        let old = context.limit.get();
        let next = grow(&stack, &context, 100, &mut cache).unwrap();
        assert_eq!(context.limit.get(), next.lo + GUARD);
        assert_ne!(context.limit.get(), old);
        assert_eq!(next.hi % 16, 0);
    }
    let kib = [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
    assert_eq!(sizes(&stack), kib);
    assert_eq!(stack.in_use(), kib.iter().sum::<usize>() << 10);

    let last = context.segment.get();
    assert!(stack.pop(&context));
    grow(&stack, &context, 100, &mut cache).unwrap();
    assert_eq!(context.segment.get(), last, "the kept one serves again");

    while stack.pop(&context) {}
    assert_eq!(context.limit.get(), stack.first().unwrap().limit.get());
    // SAFETY: nobody runs on this stack.
    unsafe { stack.recycle(&mut cache) };
    assert_eq!(sizes(&stack), [2]);
    // SAFETY: as before.
    unsafe { stack.release(&mut cache) };
    cache.flush();
    assert_eq!(pool.stats().inuse_bytes, 0);
    pool.scavenge();
    assert_eq!(pool.stats(), memory::Stats::default());
}

#[test]
fn large_frames_get_what_they_need() {
    let (mut cache, _) = cache();
    let stack = Stack::small(&mut cache).unwrap();
    let context = Context::default();
    stack.begin(&context);
    for (frame, kib) in [(3000, 4), (20_000, 32), (32_000, 64), (5_000_000, 8192)] {
        let next = grow(&stack, &context, frame, &mut cache).unwrap();
        assert_eq!(next.size() >> 10, kib);
        assert!(next.has_room(next.hi - 32, frame));
        stack.pop(&context);
    }
    assert_eq!(sizes(&stack), [2, 8192], "smaller ones made way");
    grow(&stack, &context, 1, &mut cache).unwrap();
    stack.pop(&context);
    assert_eq!(sizes(&stack), [2, 8192]);
    // SAFETY: the goroutine is on the first segment.
    unsafe { stack.trim(&context, &mut cache) };
    assert_eq!(sizes(&stack), [2]);
    // SAFETY: nobody runs on this stack.
    unsafe { stack.release(&mut cache) };
}

#[test]
fn the_limit_is_one_gigabyte() {
    let (mut cache, pool) = cache();
    let stack = Stack::small(&mut cache).unwrap();
    let context = Context::default();
    stack.begin(&context);
    let error = loop {
        let before = (context.segment.get(), context.limit.get(), stack.in_use());
        match grow(&stack, &context, 100, &mut cache) {
            Ok(_) => {}
            Err(error) => {
                let now = (context.segment.get(), context.limit.get(), stack.in_use());
                assert_eq!(before, now);
                break error;
            }
        }
    };
    assert_eq!(error, GrowError::Limit);
    assert_eq!(
        error.to_string(),
        "goroutine stack exceeds 1000000000-byte limit"
    );
    // The last segment is what the doubling leaves.
    assert!((999_990_000..=1_000_000_000).contains(&stack.in_use()));
    for frame in [usize::MAX, usize::MAX - 4096, usize::MAX / 2, 1_000_000_000] {
        assert_eq!(
            grow(&stack, &context, frame, &mut cache).err(),
            Some(GrowError::Limit)
        );
    }
    // SAFETY: nobody runs on this stack.
    unsafe { stack.release(&mut cache) };
    cache.flush();
    assert_eq!(pool.stats().inuse_bytes, 0);
}

#[test]
fn a_recovered_panic_goes_back_to_an_older_segment() {
    let (mut cache, _) = cache();
    let stack = Stack::small(&mut cache).unwrap();
    let context = Context::default();
    let top = stack.begin(&context);
    for _ in 0..5 {
        grow(&stack, &context, 100, &mut cache).unwrap();
    }
    let third = stack.segments().nth(2).unwrap();
    assert!(stack.contains(third.hi) && stack.contains(third.lo + 8));
    assert!(
        !stack.contains(third.lo),
        "a stack pointer there would mean a frame in the header"
    );
    assert!(ptr::eq(stack.segment_of(third.hi - 64).unwrap(), third));
    assert!(stack.rewind(&context, third.hi - 64));
    assert_eq!(context.segment.get().cast_const(), ptr::from_ref(third));
    assert_eq!(context.limit.get(), third.limit.get());
    assert_eq!(stack.segments().count(), 6, "the others are kept");

    let before = context.segment.get();
    assert!(!stack.rewind(&context, 4096));
    assert_eq!(context.segment.get(), before);
    assert!(stack.rewind(&context, top));
    // SAFETY: nobody runs on this stack.
    unsafe { stack.release(&mut cache) };
}

#[test]
fn a_collector_sees_live_bytes_only() {
    let (mut cache, _) = cache();
    let stack = Stack::small(&mut cache).unwrap();
    let context = Context::default();
    let top = stack.begin(&context);
    let only = stack.ranges(&context, top - 64).next();
    assert_eq!(only, Some(top - 64..top));
    let mut expected = Vec::new();
    for depth in 0..4 {
        // SAFETY: as everywhere here, the goroutine's segment is its stack's.
        let current = unsafe { &*context.segment.get() };
        context.sp.set(current.hi - 32 * (depth + 1));
        expected.push(context.sp.get()..current.hi);
        // SAFETY: no segment after the current one is held.
        unsafe { stack.grow(&context, 100, 0, &mut cache).unwrap() };
    }
    // SAFETY: as above.
    let current = unsafe { &*context.segment.get() };
    expected.push(current.hi - 8..current.hi);
    assert_eq!(
        stack.ranges(&context, current.hi - 8).collect::<Vec<_>>(),
        expected
    );
    // What is only kept is not looked at.
    stack.pop(&context);
    assert_eq!(
        stack
            .ranges(&context, expected[3].start)
            .collect::<Vec<_>>(),
        expected[..4]
    );
    // SAFETY: nobody runs on this stack.
    unsafe { stack.release(&mut cache) };
}

#[test]
fn a_guarded_stack_has_room_and_grows_for_those_who_ask() {
    let (mut cache, pool) = cache();
    let stack = Stack::guarded(&mut cache, 100_000).unwrap();
    assert!(stack.is_guarded());
    assert_eq!(stack.in_use(), 128 << 10);
    assert_eq!(pool.stats().guarded_bytes, 128 << 10);
    let context = Context::default();
    let top = stack.begin(&context);
    assert_eq!(top % 16, 0);
    let lo = stack.first().unwrap().lo;
    let slot = memory::slot_of(lo).unwrap();
    assert_eq!((slot.lo, slot.hi - slot.lo), (lo, 128 << 10));
    assert_eq!(memory::slot_of(slot.guard), Some(slot));
    assert_eq!(memory::slot_of(top), Some(slot));
    let next = grow(&stack, &context, 100, &mut cache).unwrap().size();
    assert_eq!((next, stack.in_use()), (256 << 10, 384 << 10));
    assert!(stack.pop(&context));
    // SAFETY: all of a stack can be written.
    unsafe { ptr::write_bytes(lo as *mut u8, 0xaa, top - lo) };
    // SAFETY: nobody runs on this stack.
    unsafe { stack.release(&mut cache) };
    assert_eq!(cache.held_guarded(), 128 << 10);
    cache.flush();
    assert_eq!(pool.stats().guarded_bytes, 0);
    pool.scavenge();
    let again = Stack::guarded(&mut cache, 128 << 10).unwrap();
    assert_eq!(again.first().unwrap().lo, lo, "the slot is used again");
    // SAFETY: a stack can be read.
    let lowest = unsafe { *(lo as *const u8) };
    assert_eq!(lowest, 0, "the system had its memory back");
    // SAFETY: nobody runs on this stack.
    unsafe { again.release(&mut cache) };
}
