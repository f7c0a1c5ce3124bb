//! Where everything is: one stretch of addresses for the heap (the arena), and tables beside it, reserved together and given memory as the arena
//! grows. What is known of an address is found by arithmetic alone.
//!
//! | table        | one entry for        | says                                                                     |
//! |--------------|----------------------|--------------------------------------------------------------------------|
//! | page_info    | a page               | class of the span it belongs to, and how far from the span's first page it is |
//! | spans        | a page               | the [`Span`] that begins there, or the run of free pages                  |
//! | marks, allocs | an object           | bits: reached in this cycle; in use. 512 bits a page, from the span's first page on |
//! | pointers     | a word               | bit: the collector follows it                                             |

use std::sync::Once;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::memory;
use crate::span::Span;

/// Bytes of a page: what spans are made of.
pub const PAGE: usize = 1 << PAGE_SHIFT;
pub const PAGE_SHIFT: u32 = 13;
/// 64-bit words of mark bits, or of alloc bits, for a page.
pub const MARK_WORDS: usize = PAGE / crate::classes::ALIGN / 64;
/// 64-bit words of pointer bits for a page.
pub const POINTER_WORDS: usize = PAGE / 8 / 64;

/// What is asked for first, in pages: 256 GiB.
const MOST_PAGES: usize = (256 << 30) / PAGE;
/// With less there is no point in starting: 4 MiB.
const LEAST_PAGES: usize = (4 << 20) / PAGE;

/// The tables' start addresses. Copied about: it never changes once it is there.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The arena's first byte.
    pub base: usize,
    /// Pages reserved.
    pub pages: usize,
    page_info: *const AtomicU32,
    spans: *const Span,
    marks: *const AtomicU64,
    allocs: *const AtomicU64,
    pointers: *const AtomicU64,
}

struct Place(std::cell::UnsafeCell<Layout>);

// SAFETY: written once, before anybody gets a reference (`init`).
unsafe impl Sync for Place {}

static LAYOUT: Place = Place(std::cell::UnsafeCell::new(Layout {
    base: 0,
    pages: 0,
    page_info: std::ptr::null(),
    spans: std::ptr::null(),
    marks: std::ptr::null(),
    allocs: std::ptr::null(),
    pointers: std::ptr::null(),
}));

/// Bytes of the arena, from its start, that have memory, and so have their tables. Only grows.
static USED: AtomicUsize = AtomicUsize::new(0);
/// The arena's start, for those who only ask whether an address lies in it; `usize::MAX` before it is reserved.
static BASE: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Bytes of the tables for a page, and the tables' order.
const TABLES: [usize; 5] = [
    size_of::<AtomicU32>(),
    size_of::<Span>(),
    8 * MARK_WORDS,
    8 * MARK_WORDS,
    8 * POINTER_WORDS,
];

/// Reserves the addresses, unless that is done. Ends the program if there are none.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(layout) = reserve() else {
            crate::pages::out_of_memory(LEAST_PAGES * PAGE);
        };
        // SAFETY: the first time, and nobody reads before BASE says that it is there, or before `init` returns.
        unsafe { *LAYOUT.0.get() = layout };
        BASE.store(layout.base, Ordering::Release);
    });
}

fn reserve() -> Option<Layout> {
    let mut pages = MOST_PAGES;
    while pages >= LEAST_PAGES {
        let bytes = pages * (PAGE + TABLES.iter().sum::<usize>()) + TABLES.len() * PAGE + PAGE;
        if let Ok(start) = memory::reserve(bytes) {
            return Some(divide(start, pages));
        }
        pages /= 2;
    }
    None
}

fn divide(start: usize, pages: usize) -> Layout {
    let base = start.next_multiple_of(PAGE);
    let mut at = base + pages * PAGE;
    let [page_info, spans, marks, allocs, pointers] = TABLES.map(|bytes| {
        let table = at;
        at += (pages * bytes).next_multiple_of(PAGE);
        table
    });
    Layout {
        base,
        pages,
        page_info: page_info as *const _,
        spans: spans as *const _,
        marks: marks as *const _,
        allocs: allocs as *const _,
        pointers: pointers as *const _,
    }
}

/// The tables. [`init`] has been called.
pub fn get() -> Layout {
    // SAFETY: written before anybody could call this.
    unsafe { *LAYOUT.0.get() }
}

/// Bytes of the arena that have memory.
pub fn used() -> usize {
    USED.load(Ordering::Acquire)
}

/// Bytes of the tables' parts that have memory.
pub fn table_bytes() -> usize {
    used() / PAGE * TABLES.iter().sum::<usize>()
}

/// Whether the address lies in the part of the arena that has memory.
#[inline]
pub fn contains(address: usize) -> bool {
    address.wrapping_sub(BASE.load(Ordering::Relaxed)) < USED.load(Ordering::Relaxed)
}

/// Gives the next `pages` pages memory, and their tables; they are all zero. False: they are refused, or the arena is at its end. The caller
/// has the lock of `pages`.
pub fn grow(pages: usize) -> bool {
    let layout = get();
    let used = USED.load(Ordering::Relaxed) / PAGE;
    if used + pages > layout.pages {
        return false;
    }
    let tables = [
        layout.page_info as usize,
        layout.spans as usize,
        layout.marks as usize,
        layout.allocs as usize,
        layout.pointers as usize,
    ];
    for (table, bytes) in tables.into_iter().zip(TABLES) {
        let start = (table + used * bytes) & !(memory::PAGE - 1);
        let end = (table + (used + pages) * bytes).next_multiple_of(memory::PAGE);
        // SAFETY: part of what was reserved: the tables are as long as the arena has pages. The first page may be in use already.
        if unsafe { memory::commit(start, end - start) }.is_err() {
            return false;
        }
    }
    // SAFETY: as above.
    if unsafe { memory::commit(layout.base + used * PAGE, pages * PAGE) }.is_err() {
        return false;
    }
    USED.store((used + pages) * PAGE, Ordering::Release);
    true
}

impl Layout {
    /// The number of the page at an address of the arena.
    #[inline]
    pub fn page_of(&self, address: usize) -> usize {
        (address - self.base) >> PAGE_SHIFT
    }

    /// The address of a page.
    #[inline]
    pub fn address_of(&self, page: usize) -> usize {
        self.base + (page << PAGE_SHIFT)
    }

    /// The page's entry in page_info.
    #[inline]
    pub fn page_info(&self, page: usize) -> &'static AtomicU32 {
        debug_assert!(page < self.pages);
        // SAFETY: the table has an entry for each page of the arena that has memory, for ever.
        unsafe { &*self.page_info.add(page) }
    }

    /// The span that begins at the page, or the free pages.
    #[inline]
    pub fn span(&self, page: usize) -> &'static Span {
        debug_assert!(page < self.pages);
        // SAFETY: as above; all zeros is a Span.
        unsafe { &*self.spans.add(page) }
    }

    /// The number of the page at which the span begins.
    #[inline]
    pub fn first_page(&self, span: &Span) -> usize {
        (std::ptr::from_ref(span) as usize - self.spans as usize) / size_of::<Span>()
    }

    /// Word `word` of the mark bits of the span that begins at the page.
    #[inline]
    pub fn mark_word(&self, page: usize, word: usize) -> &'static AtomicU64 {
        // SAFETY: as above; a span has no more objects than its pages have bits.
        unsafe { &*self.marks.add(page * MARK_WORDS + word) }
    }

    /// Word `word` of the alloc bits of the span that begins at the page.
    #[inline]
    pub fn alloc_word(&self, page: usize, word: usize) -> &'static AtomicU64 {
        // SAFETY: as above.
        unsafe { &*self.allocs.add(page * MARK_WORDS + word) }
    }

    /// The pointer bits of the 64 words of the heap among which `address` lies, and the number of its own word among them.
    #[inline]
    pub fn pointer_word(&self, address: usize) -> (&'static AtomicU64, u32) {
        let word = (address - self.base) / 8;
        // SAFETY: as above.
        (
            unsafe { &*self.pointers.add(word / 64) },
            (word % 64) as u32,
        )
    }
}
