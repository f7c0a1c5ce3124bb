//! Somebody who marks: from a pointer to a mark bit. What a marked object points to is `drain`'s.

use std::sync::atomic::Ordering;

use super::queue::{Block, Queue, Work};
use crate::classes::{CLASSES, SpanClass};
use crate::layout::{self, Layout, PAGE_SHIFT};

/// Mark words in the table.
const PENDING: usize = 64;
/// Pieces of work that are being fetched.
pub(super) const AHEAD: usize = 8;
/// More pieces than that aren't kept by who doesn't work on them.
const MUCH: usize = 64;

/// What finding an object takes, by span class.
#[derive(Clone, Copy)]
struct Known {
    magic: u32,
    objects: u32,
}

static KNOWN: [Known; 256] = known();

const fn known() -> [Known; 256] {
    let nothing = Known {
        magic: 0,
        objects: 0,
    };
    let mut table = [nothing; 256];
    let mut class = 1;
    while class < SpanClass::COUNT {
        let of = &CLASSES[SpanClass(class as u8).class() as usize];
        // A mark word's number says where its span begins only if the span's first page has them all.
        assert!(of.objects as usize <= 64 * layout::MARK_WORDS);
        table[class] = Known {
            magic: of.magic,
            objects: of.objects,
        };
        class += 1;
    }
    table
}

/// A mark word, and which of its bits are to be set.
#[derive(Clone, Copy, Default)]
struct Pending {
    word: u32,
    class: u32,
    bits: u64,
}

/// Somebody who marks.
pub struct Marker {
    pub(super) layout: Layout,
    /// Bytes of the arena that there were when marking began: what came later is marked.
    limit: usize,
    pub(super) queue: &'static Queue,
    pending: [Pending; PENDING],
    /// Which places of the table are in use.
    occupied: [u64; PENDING / 64],
    /// Those between the two counts, each in the place that its count says.
    pub(super) ahead: [Work; AHEAD],
    pub(super) ahead_first: usize,
    pub(super) ahead_end: usize,
    pub(super) own: Box<Block>,
    pub(super) spare: Box<Block>,
    pub(super) asked: u32,
    /// Bytes of the objects that this has marked, and looked through, since they were last asked for.
    pub marked: usize,
    pub scanned: usize,
}

impl Marker {
    pub fn new(queue: &'static Queue) -> Marker {
        Marker {
            layout: layout::get(),
            limit: 0,
            queue,
            pending: [Pending::default(); PENDING],
            occupied: [0; PENDING / 64],
            ahead: [Work::default(); AHEAD],
            ahead_first: 0,
            ahead_end: 0,
            own: Box::default(),
            spare: Box::default(),
            asked: 0,
            marked: 0,
            scanned: 0,
        }
    }

    /// To be called before anything is marked: up to where the arena is used.
    pub fn see(&mut self, limit: usize) {
        self.layout = layout::get();
        self.limit = limit;
    }

    /// The object at an address that some word which holds a pointer holds.
    #[inline(always)]
    pub fn grey(&mut self, address: usize) {
        let offset = address.wrapping_sub(self.layout.base);
        if offset >= self.limit {
            return;
        }
        if let Some((word, class, bit)) = self.find(offset) {
            self.put(word, class, bit);
        }
    }

    /// The object at an address that some word holds which may be anything.
    #[inline]
    pub fn grey_if_allocated(&mut self, address: usize) {
        let offset = address.wrapping_sub(self.layout.base);
        if offset >= self.limit {
            return;
        }
        let Some((word, class, bit)) = self.find(offset) else {
            return;
        };
        let (page, within) = place_of(word);
        let allocated = self.layout.alloc_word(page, within).load(Ordering::Acquire);
        if allocated & bit != 0 {
            self.put(word, class, bit);
        }
    }

    /// The number of the mark word, the span's class, and the bit. None: no object can be there.
    #[inline(always)]
    fn find(&self, offset: usize) -> Option<(u32, u32, u64)> {
        let page = offset >> PAGE_SHIFT;
        // Relaxed: what is found by a pointer was there before the pointer was; what a word says that happens to look like one is checked again.
        let info = self.layout.page_info(page).load(Ordering::Relaxed);
        let class = info & 0xff;
        let known = KNOWN[class as usize];
        // Of a free page nothing of this makes sense; it has no objects either.
        let first = page.wrapping_sub((info >> 8) as usize);
        let within = offset.wrapping_sub(first << PAGE_SHIFT);
        let index = ((within as u64 * u64::from(known.magic)) >> 32) as u32;
        if index >= known.objects {
            return None;
        }
        let word = (first * layout::MARK_WORDS) as u32 + index / 64;
        Some((word, class, 1 << (index % 64)))
    }

    /// Notes that a bit is to be set.
    #[inline(always)]
    fn put(&mut self, word: u32, class: u32, bit: u64) {
        let place = (word.wrapping_mul(0x9E37_79B1) >> (32 - PENDING.ilog2())) as usize;
        let there = &mut self.pending[place];
        if there.bits != 0 {
            if there.word == word {
                there.bits |= bit;
                return;
            }
            let old = *there;
            *there = Pending {
                word,
                class,
                bits: bit,
            };
            self.prefetch_mark(word);
            self.set(old);
            return;
        }
        *there = Pending {
            word,
            class,
            bits: bit,
        };
        self.occupied[place / 64] |= 1 << (place % 64);
        self.prefetch_mark(word);
    }

    #[inline(always)]
    fn prefetch_mark(&self, word: u32) {
        let (page, within) = place_of(word);
        prefetch(std::ptr::from_ref(self.layout.mark_word(page, within)) as usize);
    }

    /// Sets the bits. The objects that weren't marked are work.
    #[inline]
    fn set(&mut self, pending: Pending) {
        let (page, within) = place_of(pending.word);
        let marks = self.layout.mark_word(page, within);
        // Mostly they are set, and then nobody needs the line for themselves.
        let mut new = pending.bits & !marks.load(Ordering::Relaxed);
        if new == 0 {
            return;
        }
        new &= !marks.fetch_or(new, Ordering::Relaxed);
        if new == 0 {
            return;
        }
        let class = SpanClass(pending.class as u8);
        let size = CLASSES[usize::from(class.class())].size as usize;
        self.marked += match size {
            0 => self.layout.span(page).size.get(),
            size => new.count_ones() as usize * size,
        };
        if class.is_noscan() {
            return;
        }
        self.push(Work {
            word: pending.word,
            class: pending.class,
            bits: new,
        });
    }

    #[inline]
    pub(super) fn push(&mut self, work: Work) {
        if self.own.is_full() {
            std::mem::swap(&mut self.own, &mut self.spare);
            if !self.own.is_empty() {
                let full = std::mem::take(&mut self.own);
                self.own = self.queue.exchange(full);
            }
        }
        self.own.push(work);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Work> {
        if let Some(work) = self.own.pop() {
            return Some(work);
        }
        std::mem::swap(&mut self.own, &mut self.spare);
        self.own.pop()
    }

    /// Sets the bits of one place of the table; false: all of them are free.
    fn settle_one(&mut self) -> bool {
        let Some(group) = self.occupied.iter().position(|group| *group != 0) else {
            return false;
        };
        let place = group * 64 + self.occupied[group].trailing_zeros() as usize;
        self.occupied[group] &= self.occupied[group] - 1;
        let pending = std::mem::take(&mut self.pending[place]);
        self.set(pending);
        true
    }

    /// Sets bits of the table until there is work; whether there is.
    #[inline]
    pub(super) fn settle(&mut self) -> bool {
        while self.settle_one() {
            if !self.own.is_empty() {
                return true;
            }
        }
        false
    }

    /// Gives all that it has to others: nothing is left here.
    pub fn give_up(&mut self) {
        while self.ahead_first != self.ahead_end {
            let work = self.next();
            self.push(work);
        }
        while self.settle_one() {}
        for block in [&mut self.own, &mut self.spare] {
            if !block.is_empty() {
                let full = std::mem::take(block);
                *block = self.queue.exchange(full);
            }
        }
    }

    /// Whether others should have some of it.
    pub fn has_much(&self) -> bool {
        self.own.len() > MUCH || !self.spare.is_empty()
    }
}

/// The page, and the word of its mark bits, that is meant by the number of a mark word.
#[inline(always)]
pub(super) fn place_of(word: u32) -> (usize, usize) {
    let word = word as usize;
    (word / layout::MARK_WORDS, word % layout::MARK_WORDS)
}

/// Begins to fetch a line.
#[inline(always)]
pub(super) fn prefetch(address: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which no address makes fault.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address as *const i8);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

const _: () = assert!(PENDING.is_power_of_two());
