//! What lies at an address of the heap.

use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::classes::CLASSES;
use crate::layout::{self, Layout};
use crate::span::{self, Span};
use crate::types::WORD;

/// An object, by what is found from any address inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// The first page of its span.
    pub page: usize,
    /// Its number in the span.
    pub index: u32,
    /// Its first byte.
    pub base: usize,
    /// Bytes, those included that the class has over what was asked for.
    pub size: usize,
    /// It holds no pointers.
    pub noscan: bool,
}

/// The object in which the address lies; None: outside of the heap, or nothing is allocated there.
///
/// For an address that somebody keeps alive the answer holds as long as they do; else it may be out of date at once, but never wrong in itself.
#[inline]
pub fn find(address: usize) -> Option<Object> {
    if !layout::contains(address) {
        return None;
    }
    find_in(&layout::get(), address).filter(Object::is_allocated)
}

/// The slot in which the address, which is in the used part of the arena, lies: an object or a free one.
#[inline]
pub fn find_in(layout: &Layout, address: usize) -> Option<Object> {
    let info = span::page_info(layout, layout.page_of(address))?;
    let start = layout.address_of(info.first);
    let class = &CLASSES[usize::from(info.class.class())];
    if class.size == 0 {
        let size = layout.span(info.first).size.get();
        return Some(Object {
            page: info.first,
            index: 0,
            base: start,
            size,
            noscan: info.class.is_noscan(),
        });
    }
    let index = ((address - start) as u64 * u64::from(class.magic)) >> 32;
    if index >= u64::from(class.objects) {
        return None;
    }
    Some(Object {
        page: info.first,
        index: index as u32,
        base: start + index as usize * class.size as usize,
        size: class.size as usize,
        noscan: info.class.is_noscan(),
    })
}

impl Object {
    pub fn span(&self) -> &'static Span {
        layout::get().span(self.page)
    }

    fn bit(&self) -> (usize, u64) {
        (self.index as usize / 64, 1 << (self.index % 64))
    }

    /// Whether it is in use: not a free slot.
    #[inline]
    pub fn is_allocated(&self) -> bool {
        let (word, bit) = self.bit();
        let word = layout::get().alloc_word(self.page, word);
        word.load(Ordering::Acquire) & bit != 0
    }

    /// Whether it was reached in this cycle.
    pub fn is_marked(&self) -> bool {
        let (word, bit) = self.bit();
        let word = layout::get().mark_word(self.page, word);
        word.load(Ordering::Relaxed) & bit != 0
    }

    /// Marks it; whether it was not.
    pub fn mark(&self) -> bool {
        let (word, bit) = self.bit();
        let word = layout::get().mark_word(self.page, word);
        // Mostly it is, and then nobody needs the line for themselves.
        word.load(Ordering::Relaxed) & bit == 0 && word.fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    /// Calls `look` with each word that the collector follows.
    #[inline]
    pub fn for_each_pointer(&self, mut look: impl FnMut(&AtomicUsize)) {
        if self.noscan {
            return;
        }
        let layout = layout::get();
        let mut at = self.base;
        let end = self.base + self.size;
        while at < end {
            let (word, shift) = layout.pointer_word(at);
            let here = (end - at).div_ceil(WORD).min(64 - shift as usize);
            let mut bits = word.load(Ordering::Relaxed) >> shift;
            if here < 64 {
                bits &= (1 << here) - 1;
            }
            while bits != 0 {
                let slot = at + bits.trailing_zeros() as usize * WORD;
                // SAFETY: a word of the arena's, which is never given back to others.
                look(unsafe { &*ptr::with_exposed_provenance(slot) });
                bits &= bits - 1;
            }
            at += here * WORD;
        }
    }
}
