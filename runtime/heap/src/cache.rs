//! A P's own spans: objects are allocated from them without locks.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use sched::m::M;
use sched::p::{MAX_PROCS, P};

use crate::alloc::Again;
use crate::barrier;
use crate::central;
use crate::classes::{CLASSES, COUNT, SpanClass};
use crate::layout::{self, Layout};
use crate::pacer;
use crate::span::Span;

/// What a P allocates a class's objects from. The assembly of `gort_new` knows it.
#[repr(C, align(64))]
pub struct Slot {
    /// Bit i: object i of the current 64 is free.
    pub free: u64,
    /// The address of the first of these.
    pub at: usize,
    /// Their alloc bits.
    pub allocs: *const AtomicU64,
    /// The pointer bits from the first of these on.
    pub pointers: *const AtomicU64,
    /// Bytes of an object.
    pub size: u32,
    /// Free slots that the span had when it was taken.
    had: u32,
    /// Which 64 they are, of how many.
    word: u32,
    words: u32,
    span: Option<&'static Span>,
    /// Free slots may hold something else than zeros.
    pub dirty: bool,
}

/// A P's spans. Only the M that has the P touches it, or who stopped the world.
pub struct Cache {
    slots: [Slot; SpanClass::COUNT + 1],
}

static CACHES: [AtomicPtr<Cache>; MAX_PROCS] =
    [const { AtomicPtr::new(ptr::null_mut()) }; MAX_PROCS];

/// Objects allocated so far, by class, large ones in place 0; those of spans that the Ps have at the moment are missing.
static ALLOCATED: [AtomicU64; COUNT] = [const { AtomicU64::new(0) }; COUNT];
/// The bytes of the large ones.
static LARGE_BYTES: AtomicU64 = AtomicU64::new(0);

/// Objects allocated so far, by class, large ones in place 0; and the bytes of the large ones. The world is stopped, by the caller.
pub fn allocated() -> ([u64; COUNT], u64) {
    let mut objects = ALLOCATED.each_ref().map(|of| of.load(Ordering::Relaxed));
    for span in held() {
        let taken = span.allocated() - span.used.get();
        objects[usize::from(span.class().class())] += u64::from(taken);
    }
    (objects, LARGE_BYTES.load(Ordering::Relaxed))
}

/// Counts objects of a class as allocated; `large`: bytes of an object without a class.
pub fn count(class: u8, objects: u32, large: usize) {
    ALLOCATED[usize::from(class)].fetch_add(objects.into(), Ordering::Relaxed);
    if large > 0 {
        LARGE_BYTES.fetch_add(large as u64, Ordering::Relaxed);
    }
}

/// The P's cache.
///
/// # Safety
/// This thread's M has the P; no other reference from here is alive.
#[allow(clippy::mut_from_ref)]
pub unsafe fn of(p: &'static P) -> &'static mut Cache {
    let mut cache = p.heap.load(Ordering::Relaxed).cast::<Cache>();
    if cache.is_null() {
        cache = Box::into_raw(Box::new(Cache::new()));
        CACHES[p.id].store(cache, Ordering::Release);
        p.heap.store(cache.cast(), Ordering::Relaxed);
        M::current().thread.heap.set(cache.cast());
    }
    // SAFETY: never freed, and nobody else uses it, says the caller.
    unsafe { &mut *cache }
}

/// Gives the caches' memory back.
///
/// # Safety
/// Nobody uses a cache any more.
pub(crate) unsafe fn free_all() {
    for place in &CACHES {
        let cache = place.swap(ptr::null_mut(), Ordering::AcqRel);
        if !cache.is_null() {
            // SAFETY: a leaked box, which nobody uses.
            drop(unsafe { Box::from_raw(cache) });
        }
    }
}

/// Marking begins: what the Ps allocate from now on is marked. The world is stopped, by the caller, and [`barrier::marking`] holds.
pub fn start_marking() {
    let layout = layout::get();
    for cache in all() {
        cache.slots.iter().for_each(|slot| slot.mark_free(&layout));
    }
}

/// Every P's. The world is stopped, by the caller.
fn all() -> impl Iterator<Item = &'static mut Cache> {
    CACHES.iter().filter_map(|place| {
        // SAFETY: never freed; the Ps stand still, and each is in one place only.
        unsafe { place.load(Ordering::Acquire).as_mut() }
    })
}

/// The Ps keep no span any more. The world is stopped, by the caller.
pub fn flush_all() {
    all().for_each(Cache::flush);
}

impl Slot {
    const EMPTY: Slot = Slot {
        free: 0,
        at: 0,
        allocs: ptr::null(),
        pointers: ptr::null(),
        size: 0,
        had: 0,
        word: 0,
        words: 0,
        span: None,
        dirty: false,
    };

    /// The next free object of the span, in use from now on. None: the span has no more.
    fn next(&mut self, layout: &Layout) -> Option<usize> {
        if self.free == 0 && !self.next_word(layout) {
            return None;
        }
        let index = self.free.trailing_zeros();
        let bit = self.free & self.free.wrapping_neg();
        self.free ^= bit;
        // SAFETY: the word of the span that this slot holds. Only we write it: no read-modify-write is needed.
        let allocs = unsafe { &*self.allocs };
        allocs.store(allocs.load(Ordering::Relaxed) | bit, Ordering::Relaxed);
        Some(self.at + index as usize * self.size as usize)
    }

    /// Marks the free ones of the 64, for what is allocated while the collector marks is marked. Those that stay free are no objects, whatever is
    /// marked.
    fn mark_free(&self, layout: &Layout) {
        if let Some(span) = self.span {
            layout
                .mark_word(layout.first_page(span), self.word as usize)
                .fetch_or(self.free, Ordering::Relaxed);
        }
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
        self.at = layout.address_of(first) + word as usize * 64 * self.size as usize;
        self.pointers = layout.pointer_word(self.at).0;
        self.free = !allocs.load(Ordering::Relaxed) & (u64::MAX >> (64 - here));
        if barrier::marking() {
            self.mark_free(layout);
        }
    }

    /// Takes over a span with free slots.
    fn hold(&mut self, layout: &Layout, span: &'static Span) {
        self.size = span.size.get() as u32;
        self.words = span.words() as u32;
        self.span = Some(span);
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
        let used = span.allocated();
        let taken = used - span.used.replace(used);
        count(span.class().class(), taken, 0);
        pacer::give((slot.had - taken) as usize * slot.size as usize);
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
        pacer::take(slot.had as usize * slot.size as usize);
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
    all().flat_map(|cache| cache.spans())
}
