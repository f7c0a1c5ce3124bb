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

use super::marker::{AHEAD, Marker, place_of, prefetch};
use super::queue::Work;
use crate::classes::{CLASSES, SpanClass};
use crate::layout::PAGE;
use crate::types::WORD;

/// Objects of a piece of work, or lines of small ones, that are asked for in advance.
const FETCHED: u32 = 16;
/// Large objects are looked through in pieces of so many bytes, so that many can work on one.
const PIECE: usize = 128 << 10;
/// After so many pieces of work it is asked whether others have none.
const ASK: u32 = 64;

impl Marker {
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
    pub(super) fn next(&mut self) -> Work {
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

const _: () = assert!(PIECE.is_multiple_of(PAGE));

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
