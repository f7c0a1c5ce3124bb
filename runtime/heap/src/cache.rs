//! A P's own spans: objects are allocated from them without locks.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use sched::p::MAX_PROCS;

use crate::alloc::Again;
use crate::barrier;
use crate::central;
use crate::classes::{CLASSES, SpanClass};
use crate::layout::{self, Layout};
use crate::pacer;
use crate::span::Span;

/// What a P allocates a class's objects from.
#[repr(C)]
pub struct Slot {
    /// Bit i: object i of the current 64 is free.
    free: u64,
    /// The address of the first of these.
    at: usize,
    /// Bytes of an object.
    size: usize,
    /// The alloc bits of these.
    allocs: *const AtomicU64,
    /// Which 64 they are, of how many.
    word: u32,
    words: u32,
    span: Option<&'static Span>,
    /// Objects allocated from the span since it was taken.
    taken: u32,
    /// Free slots that it had then.
    had: u32,
    dirty: bool,
}

/// A P's spans. Only the M that has the P touches it, or who stopped the world.
pub struct Cache {
    slots: [Slot; SpanClass::COUNT + 1],
}

static CACHES: [AtomicPtr<Cache>; MAX_PROCS] =
    [const { AtomicPtr::new(ptr::null_mut()) }; MAX_PROCS];

/// Objects allocated so far, by class, large ones in place 0; those of spans that the Ps have at the moment are missing.
static ALLOCATED: [AtomicU64; crate::classes::COUNT] =
    [const { AtomicU64::new(0) }; crate::classes::COUNT];
/// The bytes of all of them.
static ALLOCATED_BYTES: AtomicU64 = AtomicU64::new(0);

/// Objects of a class allocated so far, but for those from spans that Ps have at the moment.
pub fn allocated(class: usize) -> u64 {
    ALLOCATED[class].load(Ordering::Relaxed)
}

/// Bytes of all objects allocated so far, with the same exception.
pub fn allocated_bytes() -> u64 {
    ALLOCATED_BYTES.load(Ordering::Relaxed)
}

/// Counts objects of a class as allocated.
pub fn count(class: u8, objects: u32, bytes: usize) {
    ALLOCATED[usize::from(class)].fetch_add(objects.into(), Ordering::Relaxed);
    ALLOCATED_BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
}

/// The cache of the P of that number.
///
/// # Safety
/// This thread's M has the P, or this thread has stopped the world; no other reference from here is alive.
pub unsafe fn of(p: usize) -> &'static mut Cache {
    let place = &CACHES[p];
    let mut cache = place.load(Ordering::Relaxed);
    if cache.is_null() {
        cache = Box::into_raw(Box::new(Cache::new()));
        place.store(cache, Ordering::Release);
    }
    // SAFETY: never freed, and nobody else uses it, says the caller.
    unsafe { &mut *cache }
}

/// The Ps keep no span any more. The world is stopped, by the caller.
pub fn flush_all() {
    for place in &CACHES {
        let cache = place.load(Ordering::Acquire);
        // SAFETY: never freed; the Ps stand still.
        if let Some(cache) = unsafe { cache.as_mut() } {
            cache.flush();
        }
    }
}

impl Slot {
    const EMPTY: Slot = Slot {
        free: 0,
        at: 0,
        size: 0,
        allocs: ptr::null(),
        word: 0,
        words: 0,
        span: None,
        taken: 0,
        had: 0,
        dirty: false,
    };

    /// The next free object of the span, in use from now on; and whether it is known to be zero. None: the span has no more.
    #[inline]
    fn next(&mut self, layout: &Layout) -> Option<usize> {
        if self.free == 0 && !self.next_word(layout) {
            return None;
        }
        let index = self.free.trailing_zeros();
        let bit = self.free & self.free.wrapping_neg();
        self.free ^= bit;
        self.taken += 1;
        // SAFETY: the word of the span that this slot holds. Only we write it: no read-modify-write is needed.
        let allocs = unsafe { &*self.allocs };
        allocs.store(allocs.load(Ordering::Relaxed) | bit, Ordering::Relaxed);
        if barrier::marking() {
            self.mark(layout, bit);
        }
        Some(self.at + index as usize * self.size)
    }

    /// What is allocated while the collector marks is marked.
    #[cold]
    fn mark(&self, layout: &Layout, bit: u64) {
        let span = self.span.expect("the object is in it");
        layout
            .mark_word(layout.first_page(span), self.word as usize)
            .fetch_or(bit, Ordering::Relaxed);
    }

    /// Goes on to the next 64 objects among which one is free.
    fn next_word(&mut self, layout: &Layout) -> bool {
        let Some(span) = self.span else {
            return false;
        };
        while self.word + 1 < self.words {
            self.go_to(layout, span, self.word + 1);
            if self.free != 0 {
                return true;
            }
        }
        false
    }

    fn go_to(&mut self, layout: &Layout, span: &'static Span, word: u32) {
        let first = layout.first_page(span);
        let allocs = layout.alloc_word(first, word as usize);
        let here = (span.objects.get() - word * 64).min(64);
        self.word = word;
        self.allocs = allocs;
        self.at = layout.address_of(first) + word as usize * 64 * self.size;
        self.free = !allocs.load(Ordering::Relaxed) & (u64::MAX >> (64 - here));
    }

    /// Takes over a span with free slots.
    fn hold(&mut self, layout: &Layout, span: &'static Span) {
        self.size = span.size.get();
        self.words = span.words() as u32;
        self.span = Some(span);
        self.taken = 0;
        self.had = span.objects.get() - span.used.get();
        self.dirty = span.dirty.get();
        self.go_to(layout, span, 0);
    }

    /// Lets go of the span.
    fn let_go(&mut self) {
        let slot = std::mem::replace(self, Slot::EMPTY);
        let Some(span) = slot.span else {
            return;
        };
        span.used.set(span.used.get() + slot.taken);
        count(
            span.class().class(),
            slot.taken,
            slot.taken as usize * slot.size,
        );
        pacer::give((slot.had - slot.taken) as usize * slot.size);
        central::give(span);
    }
}

impl Cache {
    fn new() -> Cache {
        Cache {
            slots: [const { Slot::EMPTY }; SpanClass::COUNT + 1],
        }
    }

    /// Memory for an object of the class; `true` with it: it is all zeros. Again: the goroutine was parked, and asks once more.
    #[inline]
    pub fn take(&mut self, class: SpanClass) -> Result<(usize, bool), Again> {
        let layout = layout::get();
        let slot = &mut self.slots[usize::from(class.0)];
        if let Some(address) = slot.next(&layout) {
            return Ok((address, !slot.dirty));
        }
        self.take_slowly(&layout, class)
    }

    #[cold]
    fn take_slowly(&mut self, layout: &Layout, class: SpanClass) -> Result<(usize, bool), Again> {
        pacer::assist(CLASSES[usize::from(class.class())].bytes())?;
        let slot = &mut self.slots[usize::from(class.0)];
        slot.let_go();
        let span = central::take(class);
        slot.hold(layout, span);
        pacer::take(slot.had as usize * slot.size);
        let address = slot.next(layout).expect("a span with a free slot");
        Ok((address, !slot.dirty))
    }

    fn flush(&mut self) {
        self.slots.iter_mut().for_each(Slot::let_go);
    }

    /// The spans that the P holds: for who looks through the heap while the world is stopped.
    pub fn spans(&self) -> impl Iterator<Item = &'static Span> {
        self.slots.iter().filter_map(|slot| slot.span)
    }
}

/// Every span that any P holds. The world is stopped, by the caller.
pub fn held() -> impl Iterator<Item = &'static Span> {
    CACHES.iter().flat_map(|place| {
        // SAFETY: never freed; the Ps stand still.
        let cache = unsafe { place.load(Ordering::Acquire).as_ref() };
        cache.into_iter().flat_map(Cache::spans)
    })
}
