//! Runs of pages: what is lent is nobody else's, what is free is joined, what goes back to the system is zero.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use heap::classes::SpanClass;
use heap::layout::{self, PAGE};
use heap::span::Span;
use heap::{memory, pages};

/// The pages are the process's: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    heap::init();
    LOCK.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % n
    }
}

fn bytes(span: &Span) -> &'static mut [u8] {
    // SAFETY: pages that were lent to the test.
    unsafe { std::slice::from_raw_parts_mut(span.base() as *mut u8, span.bytes()) }
}

/// A span of so many pages, as an allocator makes one.
fn take(count: usize) -> &'static Span {
    let span = pages::take(count);
    assert_eq!(span.bytes(), count * PAGE);
    if !span.dirty.get() {
        assert!(
            bytes(span).iter().all(|byte| *byte == 0),
            "not dirty, not zero"
        );
    }
    span.make(SpanClass::new(0, true), count * PAGE, 0);
    bytes(span).fill(0xaa);
    span
}

#[test]
fn lent_pages_overlap_nobody() {
    let _alone = alone();
    let before = pages::in_use();
    let mut random = Random(1);
    let mut lent: BTreeMap<usize, &Span> = BTreeMap::new();
    for round in 0..20_000 {
        if random.below(3) > 0 && lent.len() < 400 {
            let most = if round % 50 == 0 { 2000 } else { 40 };
            let span = take(1 + random.below(most));
            let after = lent.range(span.base()..).next();
            assert!(after.is_none_or(|(base, _)| span.base() + span.bytes() <= *base));
            let below = lent.range(..span.base()).next_back();
            assert!(below.is_none_or(|(base, other)| base + other.bytes() <= span.base()));
            lent.insert(span.base(), span);
        } else if let Some(&base) = lent.keys().nth(random.below(lent.len().max(1))) {
            pages::give(lent.remove(&base).expect("it is lent"));
        }
        let sum: usize = lent.values().map(|span| span.bytes()).sum();
        assert_eq!(pages::in_use() - before, sum);
        if round % 1000 == 0 {
            pages::release_to_system(random.below(8 << 20));
        }
    }
    lent.into_values().for_each(pages::give);
    assert_eq!(pages::in_use(), before);
}

#[test]
fn neighbours_are_joined() {
    let _alone = alone();
    let spans: Vec<_> = (0..64).map(|_| take(16)).collect();
    let used = layout::used();
    // First every other one: nothing touches.
    spans.iter().step_by(2).for_each(|span| pages::give(span));
    spans
        .iter()
        .skip(1)
        .step_by(2)
        .for_each(|span| pages::give(span));
    let whole = take(64 * 16);
    assert_eq!(layout::used(), used, "the arena had to grow");
    pages::give(whole);
}

#[test]
fn memory_goes_back_and_comes_back_zero() {
    let _alone = alone();
    let span = take(4096);
    let base = span.base();
    pages::give(span);
    assert!(pages::resident() >= 4096 * PAGE);
    assert!(pages::release_to_system(0) >= 4096 * PAGE);
    assert_eq!(pages::resident(), 0);
    assert_eq!(resident_pages(base, 4096 * PAGE), 0);
    // `take` looks that it is zero.
    pages::give(take(4096));
}

/// How many of the system's pages have memory.
fn resident_pages(start: usize, bytes: usize) -> usize {
    let mut pages = vec![0_u8; bytes / memory::PAGE];
    // SAFETY: mapped addresses, and a byte for each page.
    let result = unsafe { libc::mincore(start as *mut _, bytes, pages.as_mut_ptr()) };
    assert_eq!(result, 0);
    pages.iter().filter(|page| *page & 1 != 0).count()
}

#[test]
fn a_refusal_loses_nothing() {
    let _alone = alone();
    pages::give(take(1));
    let more = layout::used() / PAGE + 1;
    let used = layout::used();
    for n in 0..7 {
        memory::refuse_after(n);
        let refused = pages::try_take(more);
        memory::refuse_after(-1);
        if let Some(span) = refused {
            span.make(SpanClass::new(0, true), span.bytes(), 0);
            pages::give(span);
            assert!(n >= 6, "six requests are made when the arena grows");
            return;
        }
        assert_eq!(layout::used(), used);
        pages::give(take(1));
    }
    panic!("it was never given");
}
