//! What was not marked is free again: span by span, in the background and by those who need room.
//!
//! Who has taken a span off its list of unswept ones sweeps it, unless somebody else has asked for it before: see [`crate::swept`]. The mark bits become the alloc bits; no memory is touched but theirs (unless
//! freed memory is to be poisoned).

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::central;
use crate::classes;
use crate::layout;
use crate::pages;
use crate::span::Span;
use crate::special;

/// Counts the markings that have ended, by twos.
static CYCLE: AtomicU32 = AtomicU32::new(2);
/// Spans that are in a list of unswept ones, or were taken off it and are not yet where they belong.
static UNSWEPT: AtomicUsize = AtomicUsize::new(0);
/// Objects freed so far, by class, large ones in place 0; and the bytes of the large ones.
static FREED: [AtomicU64; classes::COUNT] = [const { AtomicU64::new(0) }; classes::COUNT];
static FREED_LARGE_BYTES: AtomicU64 = AtomicU64::new(0);
/// Freed memory is filled with [`POISON`].
static POISONING: AtomicBool = AtomicBool::new(false);

/// What freed memory is filled with on request.
pub const POISON: u8 = 0xdb;

/// What is left of a span.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept {
    /// No object: its pages may be given back.
    Empty,
    /// Some, and free slots.
    Partial,
    Full,
}

/// The number of the cycle whose marks count: spans with this number are swept.
pub fn cycle() -> u32 {
    CYCLE.load(Ordering::Acquire)
}

/// Objects freed so far, by class, large ones in place 0; and the bytes of the large ones.
pub fn freed() -> ([u64; classes::COUNT], u64) {
    let objects = FREED.each_ref().map(|of| of.load(Ordering::Relaxed));
    (objects, FREED_LARGE_BYTES.load(Ordering::Relaxed))
}

/// Fill freed memory, to find those who still use it.
pub fn set_poisoning(yes: bool) {
    POISONING.store(yes, Ordering::Relaxed);
}

/// Marking has ended: every span is to be swept. The world is stopped, every span is swept, and no P has any in its cache.
pub fn start_cycle() {
    debug_assert_eq!(UNSWEPT.load(Ordering::Relaxed), 0);
    CYCLE.fetch_add(2, Ordering::AcqRel);
    let count = central::classes()
        .map(|class| central::lock(class).start_cycle())
        .sum();
    UNSWEPT.store(count, Ordering::Release);
}

/// Sweeps all that is left; waits for those that others are at.
pub fn finish() {
    for class in central::classes() {
        loop {
            let next = central::lock(class).next_unswept();
            let Some(span) = next else { break };
            sweep_away(span);
        }
    }
    while UNSWEPT.load(Ordering::Acquire) != 0 {
        std::thread::yield_now();
    }
}

/// Sweeps a span and puts it where it belongs.
fn sweep_away(span: &'static Span) {
    match sweep(span) {
        Swept::Empty => pages::give(span),
        Swept::Partial | Swept::Full => central::give(span),
    }
    settled();
}

/// A span that was taken off a list of unswept ones is where it belongs: in a list of swept ones, a P's, or given up.
pub fn settled() {
    UNSWEPT.fetch_sub(1, Ordering::AcqRel);
}

/// Sweeps a span that the caller has taken off its list, and will call [`settled`] for.
pub fn sweep(span: &'static Span) -> Swept {
    ensure_swept(span);
    match span.used.get() {
        0 => Swept::Empty,
        used if used < span.objects.get() => Swept::Partial,
        _ => Swept::Full,
    }
}

/// Sweeps a span unless that was done, wherever it is. To be called by who keeps the next cycle from beginning: an operation, for one.
pub fn ensure_swept(span: &'static Span) {
    span.swept.ensure(cycle(), || sweep_now(span));
}

fn sweep_now(span: &'static Span) {
    if !span.specials.load(Ordering::Acquire).is_null() {
        special::before_sweep(span);
    }
    let layout = layout::get();
    let first = layout.first_page(span);
    let (mut used, mut freed) = (0, 0);
    for word in 0..span.words() {
        let marks = layout.mark_word(first, word);
        let allocs = layout.alloc_word(first, word);
        let objects = allocs.load(Ordering::Relaxed);
        // Free slots may be marked as well: see `Slot::mark_free`.
        let live = objects & marks.load(Ordering::Relaxed);
        let dead = objects & !live;
        if dead != 0 && POISONING.load(Ordering::Relaxed) {
            poison(span, word, dead);
        }
        used += live.count_ones();
        freed += dead.count_ones();
        allocs.store(live, Ordering::Release);
        marks.store(0, Ordering::Relaxed);
    }
    if freed > 0 {
        span.dirty.set(true);
        let bytes = freed as usize * span.size.get();
        FREED[usize::from(span.class().class())].fetch_add(freed.into(), Ordering::Relaxed);
        if span.is_large() {
            FREED_LARGE_BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }
    span.used.set(used);
}

fn poison(span: &Span, word: usize, mut dead: u64) {
    let (base, size) = (span.base(), span.size.get());
    while dead != 0 {
        let index = word * 64 + dead.trailing_zeros() as usize;
        // SAFETY: a slot of the span that nobody reaches any more.
        unsafe { std::ptr::write_bytes((base + index * size) as *mut u8, POISON, size) };
        dead &= dead - 1;
    }
}
