//! The loop that all of marking comes down to: from a pointer to a mark bit, from a marked object to its pointers.
//!
//! What costs is memory that isn't there yet. So nothing is looked at where it is found. A pointer's mark bit is first put down in a small table, by the
//! mark word that it belongs to (64 neighbours share one), while the word is fetched; a second pointer to one of the neighbours costs a comparison.
//! When its place in the table is needed, or there is nothing else to do, all bits go into the word by one atomic `or`; those that were new are one
//! piece of work, whose memory is fetched while other pieces are done. Objects that were allocated together are mostly found together.
//!
//! ```text
//!   pointer → page_info, class → table of mark words → mark word → block of work → a few that are being fetched → pointers
//! ```

use std::sync::atomic::{AtomicUsize, Ordering};

use super::queue::{Block, Queue, Work};
use crate::classes::{CLASSES, SpanClass};
use crate::layout::{self, Layout, PAGE, PAGE_SHIFT};
use crate::types::WORD;

/// Mark words in the table.
const PENDING: usize = 64;
/// Pieces of work that are being fetched.
const AHEAD: usize = 8;
/// Objects of a piece of work, or lines of small ones, that are asked for in advance.
const FETCHED: u32 = 16;
/// Large objects are looked through in pieces of so many bytes, so that many can work on one.
const PIECE: usize = 128 << 10;
/// More pieces than that aren't kept by who doesn't work on them.
const MUCH: usize = 64;
/// After so many pieces of work it is asked whether others have none.
const ASK: u32 = 64;

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
    layout: Layout,
    /// Bytes of the arena that there were when marking began: what came later is marked.
    limit: usize,
    queue: &'static Queue,
    pending: [Pending; PENDING],
    /// Which places of the table are in use.
    occupied: [u64; PENDING / 64],
    /// Those between the two counts, each in the place that its count says.
    ahead: [Work; AHEAD],
    ahead_first: usize,
    ahead_end: usize,
    own: Box<Block>,
    spare: Box<Block>,
    asked: u32,
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

    fn push(&mut self, work: Work) {
        if self.own.is_full() {
            std::mem::swap(&mut self.own, &mut self.spare);
            if !self.own.is_empty() {
                let full = std::mem::take(&mut self.own);
                self.own = self.queue.exchange(full);
            }
        }
        self.own.push(work);
    }

    fn pop(&mut self) -> Option<Work> {
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
    fn settle(&mut self) -> bool {
        while self.settle_one() {
            if !self.own.is_empty() {
                return true;
            }
        }
        false
    }

    /// Works until objects of `budget` bytes were looked through, or there is nothing left: true then. `others`: also what others have left.
    pub fn drain(&mut self, budget: usize, others: bool) -> bool {
        let end = self.scanned.saturating_add(budget);
        while self.scanned < end {
            if !self.fill() {
                if self.settle() || others && self.queue.take(&mut self.own) {
                    continue;
                }
                return true;
            }
            let work = self.next();
            self.look_into(work);
            self.asked += 1;
            if self.asked.is_multiple_of(ASK) && self.queue.is_hungry() {
                self.share();
            }
        }
        false
    }

    /// Begins to fetch as many pieces as there is room for; whether there are any.
    #[inline]
    fn fill(&mut self) -> bool {
        while self.ahead_end - self.ahead_first < AHEAD {
            let Some(work) = self.pop() else {
                break;
            };
            self.prefetch_objects(&work);
            self.ahead[self.ahead_end % AHEAD] = work;
            self.ahead_end += 1;
        }
        self.ahead_end != self.ahead_first
    }

    /// The piece that has been fetched for longest.
    #[inline]
    fn next(&mut self) -> Work {
        let work = self.ahead[self.ahead_first % AHEAD];
        self.ahead_first += 1;
        work
    }

    /// Begins to fetch the objects' first lines.
    #[inline]
    fn prefetch_objects(&self, work: &Work) {
        let class = SpanClass(work.class as u8);
        let size = CLASSES[usize::from(class.class())].size as usize;
        let start = self.start(work, size);
        prefetch(std::ptr::from_ref(self.layout.pointer_word(start).0) as usize);
        let mut bits = work.bits;
        let mut fetched = 0;
        // Further ones will be found by the processor itself.
        while bits != 0 && fetched < FETCHED {
            let first = bits.trailing_zeros();
            prefetch(start + first as usize * size);
            // Four of 16 bytes share a line.
            let share = if size == 16 {
                0xf << (first & !3)
            } else {
                1 << first
            };
            bits &= !share;
            fetched += 1;
        }
    }

    /// Where the first of the 64 objects lies, of `size` bytes each, that the mark word stands for.
    #[inline]
    fn start(&self, work: &Work, size: usize) -> usize {
        let (page, within) = place_of(work.word);
        self.layout.address_of(page) + within * 64 * size
    }

    #[inline]
    fn look_into(&mut self, work: Work) {
        let class = SpanClass(work.class as u8);
        let size = CLASSES[usize::from(class.class())].size as usize;
        let start = self.start(&work, size);
        match size {
            0 => return self.piece(work, start),
            16 => return self.pairs(start, work.bits),
            _ => {}
        }
        let mut bits = work.bits;
        self.scanned += bits.count_ones() as usize * size;
        while bits != 0 {
            let object = start + bits.trailing_zeros() as usize * size;
            bits &= bits - 1;
            self.words(object, object + size);
        }
    }

    /// Objects of two words each.
    #[inline]
    fn pairs(&mut self, start: usize, bits: u64) {
        self.scanned += bits.count_ones() as usize * 16;
        let (pointers, shift) = self.layout.pointer_word(start);
        debug_assert_eq!(shift, 0, "64 of them are 128 words");
        // SAFETY: 128 words of the arena have two words of pointer bits.
        let second = unsafe { &*std::ptr::from_ref(pointers).add(1) };
        for (half, pointers) in [pointers, second].into_iter().enumerate() {
            let objects = (bits >> (32 * half)) as u32;
            if objects != 0 {
                let words = pointers.load(Ordering::Relaxed) & twice(objects);
                self.follow(start + half * 512, words);
            }
        }
    }

    /// The pointers between two addresses.
    #[inline]
    fn words(&mut self, from: usize, to: usize) {
        let mut at = from;
        while at < to {
            let (word, shift) = self.layout.pointer_word(at);
            let here = ((to - at) / WORD).min(64 - shift as usize);
            let bits = word.load(Ordering::Relaxed) >> shift & u64::MAX >> (64 - here);
            self.follow(at, bits);
            at += here * WORD;
        }
    }

    /// The words of the heap from `start` on whose bits are set.
    #[inline(always)]
    fn follow(&mut self, start: usize, mut bits: u64) {
        while bits != 0 {
            let slot = (start + bits.trailing_zeros() as usize * WORD) as *const AtomicUsize;
            bits &= bits - 1;
            // SAFETY: a word of an object that is in use: it was marked. The program may write it meanwhile.
            let address = unsafe { (*slot).load(Ordering::Relaxed) };
            self.grey(address);
        }
    }

    /// One piece of a large object; the others are for whoever comes.
    #[cold]
    fn piece(&mut self, work: Work, start: usize) {
        let size = self.layout.span(self.layout.page_of(start)).size.get();
        let from = (work.bits as usize - 1) * PIECE;
        let to = size.min(from + PIECE);
        if to < size {
            self.push(Work {
                bits: work.bits + 1,
                ..work
            });
        }
        self.scanned += to - from;
        self.words(start + from, start + to);
    }

    /// Somebody has nothing to do.
    #[cold]
    fn share(&mut self) {
        if self.queue.waiting() > 0 {
            return;
        }
        if !self.spare.is_empty() {
            let spare = std::mem::take(&mut self.spare);
            self.spare = self.queue.exchange(spare);
        } else if self.own.len() > 1 {
            let mut half = self.queue.empty();
            self.own.split_into(&mut half);
            self.queue.give(half);
        }
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
fn place_of(word: u32) -> (usize, usize) {
    let word = word as usize;
    (word / layout::MARK_WORDS, word % layout::MARK_WORDS)
}

/// Each bit two times, beside each other.
#[inline]
fn twice(bits: u32) -> u64 {
    let mut wide = u64::from(bits);
    wide = (wide | wide << 16) & 0x0000_ffff_0000_ffff;
    wide = (wide | wide << 8) & 0x00ff_00ff_00ff_00ff;
    wide = (wide | wide << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    wide = (wide | wide << 2) & 0x3333_3333_3333_3333;
    wide = (wide | wide << 1) & 0x5555_5555_5555_5555;
    wide | wide << 1
}

/// Begins to fetch a line.
#[inline(always)]
fn prefetch(address: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which no address makes fault.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address as *const i8);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

const _: () = assert!(PIECE.is_multiple_of(PAGE) && PENDING.is_power_of_two());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_doubled() {
        for bits in [0, 1, 0x8000_0000, 0x1234_5678, u32::MAX] {
            let mut expected = 0;
            for bit in 0..32 {
                if bits >> bit & 1 != 0 {
                    expected |= 3_u64 << (2 * bit);
                }
            }
            assert_eq!(twice(bits), expected);
        }
    }
}
