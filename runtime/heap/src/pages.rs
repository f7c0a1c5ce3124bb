//! Runs of pages: which are free, and how more are got from the system.
//!
//! Free runs are kept in lists by length, linked through the table of spans; no two of them touch. The first page of a run knows its length, the
//! last one the way back, so that a run that becomes free finds its neighbours by arithmetic.
//!
//! A page that may hold something else than zeros is marked [`DIRTY`] in page_info; one that was never used, or whose memory went back to the
//! system, is not.

use std::sync::atomic::{AtomicUsize, Ordering};

use stack::sync::{Mutex, MutexGuard};

use crate::layout::{self, Layout, PAGE};
use crate::memory;
use crate::span::{DIRTY, Span};

/// Runs up to this length have a list for each length.
const EXACT: usize = 64;
/// Longer ones: eight lists from one power of two to the next.
const LISTS: usize = EXACT + 8 * 24;
/// So many pages go back to the system at a time, for the lock is held meanwhile: 4 MiB, which take a few tenths of a millisecond.
const PART: usize = (4 << 20) / PAGE;
/// What the arena grows by at least, in pages: 4 MiB.
const GROWTH: usize = (4 << 20) / PAGE;

/// Free runs.
pub struct Pages {
    /// The first run of each list, by number of page plus one.
    heads: [u32; LISTS],
    /// Which lists have any.
    filled: [u64; LISTS.div_ceil(64)],
}

static PAGES: Mutex<Pages> = Mutex::new(Pages {
    heads: [0; LISTS],
    filled: [0; LISTS.div_ceil(64)],
});

/// Pages in use by spans.
static IN_USE: AtomicUsize = AtomicUsize::new(0);
/// Free pages whose memory the system has back, or never gave.
static CLEAN: AtomicUsize = AtomicUsize::new(0);

/// Bytes that spans have.
pub fn in_use() -> usize {
    IN_USE.load(Ordering::Relaxed) * PAGE
}

/// Bytes of free pages which take no memory.
pub fn released() -> usize {
    CLEAN.load(Ordering::Relaxed) * PAGE
}

/// The list for runs of that length.
fn list_for(pages: usize) -> usize {
    if pages < EXACT {
        return pages;
    }
    let log = pages.ilog2() as usize;
    let eighth = (pages >> (log - 3)) & 7;
    (EXACT + 8 * (log - EXACT.ilog2() as usize) + eighth).min(LISTS - 1)
}

fn lock() -> MutexGuard<'static, Pages> {
    PAGES
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A span's worth of pages; its table entry says how many and whether they are dirty. Ends the program if there is no memory.
pub fn take(pages: usize) -> &'static Span {
    match try_take(pages) {
        Some(span) => span,
        None => out_of_memory(pages * PAGE),
    }
}

/// The same; None if there is no memory.
pub fn try_take(pages: usize) -> Option<&'static Span> {
    let mut free = lock();
    let layout = layout::get();
    let run = free
        .find(&layout, pages)
        .or_else(|| free.grow(&layout, pages))?;
    let first = layout.first_page(run);
    let length = run.pages.get() as usize;
    free.remove(&layout, run);
    if length > pages {
        free.insert(&layout, first + pages, length - pages);
    }
    let dirty = (first..first + pages)
        .filter(|page| layout.page_info(*page).load(Ordering::Relaxed) & DIRTY != 0)
        .count();
    CLEAN.fetch_sub(pages - dirty, Ordering::Relaxed);
    IN_USE.fetch_add(pages, Ordering::Relaxed);
    run.pages.set(pages as u32);
    run.dirty.set(dirty != 0);
    Some(run)
}

/// A span's pages are free again. It is in no list, and nobody has a reference into it.
pub fn give(span: &'static Span) {
    span.unmake();
    let layout = layout::get();
    let mut free = lock();
    let pages = span.pages.get() as usize;
    IN_USE.fetch_sub(pages, Ordering::Relaxed);
    free.insert(&layout, layout.first_page(span), pages);
}

/// Gives memory of free pages back to the system, longest runs first, until `keep` bytes of free pages still have theirs. Returns how many bytes
/// went.
pub fn release_to_system(keep: usize) -> usize {
    let layout = layout::get();
    let mut went = 0;
    for list in (0..LISTS).rev() {
        while resident() > keep {
            let free = lock();
            let Some((first, pages)) = free.dirty_part(&layout, list) else {
                break;
            };
            free.clean(&layout, first, pages);
            went += pages;
        }
    }
    went * PAGE
}

/// Bytes of free pages that have memory.
pub fn resident() -> usize {
    layout::used() - in_use() - released()
}

/// Bytes of the arena by what they are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// All that have, or had, memory.
    pub used: usize,
    /// Those that spans have.
    pub in_use: usize,
    /// Free ones which take no memory.
    pub released: usize,
}

/// The arena as it is.
pub fn stats() -> Stats {
    let _free = lock();
    Stats {
        used: layout::used(),
        in_use: in_use(),
        released: released(),
    }
}

/// The end of the program: there is no memory for a block of so many bytes.
pub fn out_of_memory(bytes: usize) -> ! {
    sched::fatal::throw(
        &format!(
            "runtime: out of memory: cannot allocate {bytes}-byte block ({} in use)\n",
            layout::used()
        ),
        "runtime: out of memory",
    )
}

impl Pages {
    /// The shortest run that is long enough, more or less.
    fn find(&self, layout: &Layout, pages: usize) -> Option<&'static Span> {
        let mut list = list_for(pages);
        if pages >= EXACT {
            // Runs of this list may be a little too short.
            let fits = self
                .runs(layout, list)
                .find(|run| run.pages.get() as usize >= pages);
            if fits.is_some() {
                return fits;
            }
            list += 1;
        }
        let mut word = list / 64;
        let mut bits = self.filled.get(word)? & (u64::MAX << (list % 64));
        while bits == 0 {
            word += 1;
            bits = *self.filled.get(word)?;
        }
        let head = self.heads[word * 64 + bits.trailing_zeros() as usize];
        Some(layout.span(head as usize - 1))
    }

    fn runs(&self, layout: &Layout, list: usize) -> impl Iterator<Item = &'static Span> {
        let mut at = self.heads[list];
        let layout = *layout;
        std::iter::from_fn(move || {
            let run = layout.span(at.checked_sub(1)? as usize);
            at = run.next.get();
            Some(run)
        })
    }

    /// More of the arena, as a free run of `pages` at least.
    fn grow(&mut self, layout: &Layout, pages: usize) -> Option<&'static Span> {
        let first = layout::used() / PAGE;
        let more = [pages.next_multiple_of(GROWTH), pages]
            .into_iter()
            .find(|more| layout::grow(*more))?;
        CLEAN.fetch_add(more, Ordering::Relaxed);
        self.insert(layout, first, more);
        self.find(layout, pages)
    }

    /// A run of free pages, joined with its neighbours.
    fn insert(&mut self, layout: &Layout, first: usize, pages: usize) {
        let (mut first, mut pages) = (first, pages);
        let end = layout::used() / PAGE;
        if first > 0 && is_free(layout, first - 1) {
            let before = first - 1 - layout.span(first - 1).back.get() as usize;
            pages += first - before;
            first = before;
            self.remove(layout, layout.span(before));
        }
        let next = first + pages;
        if next < end && is_free(layout, next) {
            let after = layout.span(next);
            pages += after.pages.get() as usize;
            self.remove(layout, after);
        }
        self.push(layout, first, pages);
    }

    fn push(&mut self, layout: &Layout, first: usize, pages: usize) {
        let list = list_for(pages);
        let run = layout.span(first);
        let head = self.heads[list];
        run.pages.set(pages as u32);
        run.prev.set(0);
        run.next.set(head);
        layout.span(first + pages - 1).back.set(pages as u32 - 1);
        set_free(layout, first, pages, true);
        if let Some(head) = head.checked_sub(1) {
            layout.span(head as usize).prev.set(first as u32 + 1);
        }
        self.heads[list] = first as u32 + 1;
        self.filled[list / 64] |= 1 << (list % 64);
    }

    /// Takes a run off its list.
    fn remove(&mut self, layout: &Layout, run: &'static Span) {
        let pages = run.pages.get() as usize;
        let list = list_for(pages);
        let (prev, next) = (run.prev.get(), run.next.get());
        if let Some(next) = next.checked_sub(1) {
            layout.span(next as usize).prev.set(prev);
        }
        match prev.checked_sub(1) {
            Some(prev) => layout.span(prev as usize).next.set(next),
            None => self.heads[list] = next,
        }
        if self.heads[list] == 0 {
            self.filled[list / 64] &= !(1 << (list % 64));
        }
        set_free(layout, layout.first_page(run), pages, false);
    }

    /// Pages of a free run in that list that may hold something: [`PART`] at most.
    fn dirty_part(&self, layout: &Layout, list: usize) -> Option<(usize, usize)> {
        let dirty = |page: &usize| layout.page_info(*page).load(Ordering::Relaxed) & DIRTY != 0;
        self.runs(layout, list).find_map(|run| {
            let first = layout.first_page(run);
            let mut pages = first..first + run.pages.get() as usize;
            let start = pages.find(dirty)?;
            let end = pages.find(|page| !dirty(page)).unwrap_or(pages.end);
            Some((start, (end - start).min(PART)))
        })
    }

    /// Gives the memory of pages of a free run back.
    fn clean(&self, layout: &Layout, first: usize, pages: usize) {
        // SAFETY: whole pages of a free run, whose lock we have.
        unsafe { memory::release(layout.address_of(first), pages * PAGE) };
        for page in first..first + pages {
            layout.page_info(page).fetch_and(!DIRTY, Ordering::Relaxed);
        }
        CLEAN.fetch_add(pages, Ordering::Relaxed);
    }
}

/// The first or the last page of a free run.
const FREE: u32 = 1 << 9;

fn is_free(layout: &Layout, page: usize) -> bool {
    let word = layout.page_info(page).load(Ordering::Relaxed);
    word as u8 == 0 && word & FREE != 0
}

/// Marks both ends of a run.
fn set_free(layout: &Layout, first: usize, pages: usize, free: bool) {
    for page in [first, first + pages - 1] {
        let info = layout.page_info(page);
        match free {
            true => info.fetch_or(FREE, Ordering::Relaxed),
            false => info.fetch_and(!FREE, Ordering::Relaxed),
        };
    }
}
