//! A span: pages with objects of one size, or the place of a run of free pages.

use std::cell::Cell;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::classes::{CLASSES, SpanClass};
use crate::layout::{self, Layout, PAGE};
use crate::special::Specials;
use crate::swept::Swept;

/// A place in the table of spans. All zeros: a page that is not the first of anything.
///
/// Who may touch the cells: of a run of free pages, and of a span that is being made or given up, who has the lock of `pages`; of a span in a
/// list, who has the list's lock; of a span that was taken off one (to a P's cache, to be swept), who took it.
#[repr(C, align(64))]
pub struct Span {
    /// Pages of the span, or of the run.
    pub pages: Cell<u32>,
    /// The next in the list that it is in, by number of page plus one; 0: the last.
    pub next: Cell<u32>,
    /// The one before, of a run of free pages; likewise.
    pub prev: Cell<u32>,
    /// Of the last page of a free run: the distance back to its first.
    pub back: Cell<u32>,
    /// Objects in use when the span was last swept, or given up by a cache.
    pub used: Cell<u32>,
    /// The sweep that it has seen; see `sweep`.
    pub swept: Swept,
    /// How many objects it has room for.
    pub objects: Cell<u32>,
    /// Bytes of an object.
    pub size: Cell<usize>,
    /// Something is attached to objects of the span.
    pub specials: AtomicPtr<Specials>,
    /// What [`SpanClass`] it has; 0: none. Also in page_info.
    pub class: Cell<u8>,
    /// The memory may hold something else than zeros where no object is.
    pub dirty: Cell<bool>,
}

// SAFETY: the cells have one owner at a time, as said above.
unsafe impl Sync for Span {}

/// Marks a page that belongs to no span and may hold something else than zeros.
pub const DIRTY: u32 = 1 << 8;
/// Where the page's distance from its span's first page begins in its entry of page_info.
const DISTANCE_SHIFT: u32 = 8;

/// What page_info says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageInfo {
    pub class: SpanClass,
    /// The number of the span's first page.
    pub first: usize,
}

/// The span to which the page belongs; None: it is free.
#[inline]
pub fn page_info(layout: &layout::Layout, page: usize) -> Option<PageInfo> {
    // Acquire: what the span says of itself was written before.
    let word = layout.page_info(page).load(Ordering::Acquire);
    match word as u8 {
        0 => None,
        class => Some(PageInfo {
            class: SpanClass(class),
            first: page - (word >> DISTANCE_SHIFT) as usize,
        }),
    }
}

impl Span {
    /// The class; the span is one.
    pub fn class(&self) -> SpanClass {
        SpanClass(self.class.get())
    }

    pub fn is_large(&self) -> bool {
        self.class().class() == 0
    }

    /// The number of its first page.
    pub fn first_page(&self) -> usize {
        layout::get().first_page(self)
    }

    /// Its first byte.
    pub fn base(&self) -> usize {
        let layout = layout::get();
        layout.address_of(layout.first_page(self))
    }

    /// Bytes of its pages.
    pub fn bytes(&self) -> usize {
        self.pages.get() as usize * PAGE
    }

    /// 64-bit words of its mark bits.
    pub fn words(&self) -> usize {
        self.objects.get().div_ceil(64) as usize
    }

    /// How many objects are in use by their bits, which [`Span::used`] is behind of while a cache has the span.
    pub fn allocated(&self) -> u32 {
        self.count(Layout::alloc_word)
    }

    /// How many objects were reached in this cycle.
    pub fn marked(&self) -> u32 {
        self.count(Layout::mark_word)
    }

    fn count(&self, bits: fn(&Layout, usize, usize) -> &'static AtomicU64) -> u32 {
        let layout = layout::get();
        let first = layout.first_page(self);
        let words = (0..self.words()).map(|word| bits(&layout, first, word));
        words
            .map(|word| word.load(Ordering::Relaxed).count_ones())
            .sum()
    }

    /// Makes a span of pages that the caller just got: no object is in use. With `size` for a large object.
    pub fn make(&self, class: SpanClass, size: usize, swept: u32) {
        let layout = layout::get();
        let first = layout.first_page(self);
        let known = &CLASSES[usize::from(class.class())];
        let (objects, size) = match class.class() {
            0 => (1, size),
            _ => (known.objects, known.size as usize),
        };
        self.objects.set(objects);
        self.size.set(size);
        self.used.set(0);
        self.next.set(0);
        self.class.set(class.0);
        self.swept.made(swept);
        for word in 0..self.words() {
            layout.mark_word(first, word).store(0, Ordering::Relaxed);
            layout.alloc_word(first, word).store(0, Ordering::Relaxed);
        }
        for distance in 0..self.pages.get() {
            let word = u32::from(class.0) | distance << DISTANCE_SHIFT;
            // Release: who finds the span by it sees what is written above.
            layout
                .page_info(first + distance as usize)
                .store(word, Ordering::Release);
        }
    }

    /// The pages belong to no span any more.
    pub fn unmake(&self) {
        let layout = layout::get();
        let first = layout.first_page(self);
        self.class.set(0);
        for page in first..first + self.pages.get() as usize {
            layout.page_info(page).store(DIRTY, Ordering::Release);
        }
    }
}

/// A list of spans, linked through themselves. Its owner's lock is the caller's business.
#[derive(Default)]
pub struct List {
    /// By number of page plus one; 0: none.
    head: u32,
    tail: u32,
    len: usize,
}

impl List {
    pub const fn new() -> List {
        List {
            head: 0,
            tail: 0,
            len: 0,
        }
    }

    /// Puts the span at the list's front.
    pub fn push(&mut self, span: &'static Span) {
        span.next.set(self.head);
        self.head = span.first_page() as u32 + 1;
        if self.tail == 0 {
            self.tail = self.head;
        }
        self.len += 1;
    }

    pub fn pop(&mut self) -> Option<&'static Span> {
        let page = self.head.checked_sub(1)?;
        let span = layout::get().span(page as usize);
        self.head = span.next.get();
        if self.head == 0 {
            self.tail = 0;
        }
        self.len -= 1;
        Some(span)
    }

    /// Moves all spans of `other` to the end.
    pub fn append(&mut self, other: &mut List) {
        let other = std::mem::take(other);
        match self.tail.checked_sub(1) {
            _ if other.head == 0 => return,
            Some(tail) => layout::get().span(tail as usize).next.set(other.head),
            None => self.head = other.head,
        }
        self.tail = other.tail;
        self.len += other.len;
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.head == 0
    }

    /// The spans, first to last.
    pub fn iter(&self) -> impl Iterator<Item = &'static Span> {
        let mut at = self.head;
        std::iter::from_fn(move || {
            let span = layout::get().span(at.checked_sub(1)? as usize);
            at = span.next.get();
            Some(span)
        })
    }
}
