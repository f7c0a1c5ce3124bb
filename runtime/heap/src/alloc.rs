//! Allocation.

use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU8, Ordering};

use sched::p::P;

use crate::barrier;
use crate::cache;
use crate::central;
use crate::classes::{LARGEST, SpanClass, class_of};
use crate::layout::{self, Layout, PAGE};
use crate::pacer;
use crate::pages;
use crate::stress;
use crate::sweep;
use crate::types::{Type, WORD};

/// The goroutine was parked: its operation ends, and begins again when it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again;

/// Not zero: something is to happen at every allocation, so that each is an operation.
#[unsafe(no_mangle)]
pub static gort_alloc_slowly: AtomicU8 = AtomicU8::new(0);

/// What allocations of no bytes return.
#[repr(align(16))]
struct ZeroBase(#[allow(dead_code)] [u8; 16]);
static ZERO_BASE: ZeroBase = ZeroBase([0; 16]);

/// Whether that is the address of what has no bytes.
pub fn is_nothing(address: usize) -> bool {
    address == &raw const ZERO_BASE as usize
}

/// Memory for `count` values of the type, all zeros; in an operation of a goroutine's. `count * ty.size` is no more than `isize::MAX`. Ends the program
/// if there is none.
pub fn new(ty: &Type, count: usize) -> Result<NonNull<u8>, Again> {
    let bytes = ty.size * count;
    if bytes == 0 {
        return Ok(NonNull::from(&ZERO_BASE).cast());
    }
    stress::before_allocation()?;
    let noscan = !ty.has_pointers();
    if bytes > LARGEST {
        return large(ty, bytes, noscan);
    }
    let class = SpanClass::new(class_of(bytes), noscan);
    // SAFETY: an operation runs on the M that has the P, and this is the only place of the operation that uses the cache.
    let cache = unsafe { cache::of(P::current()) };
    let (address, zero) = cache.take(class)?;
    if !zero {
        clear(address, bytes);
    }
    if !noscan {
        let size = crate::classes::CLASSES[usize::from(class.class())].size;
        set_pointers(&layout::get(), address, size as usize, ty, count);
    }
    Ok(place(address))
}

fn place(address: usize) -> NonNull<u8> {
    NonNull::new(address as *mut u8).expect("not at address 0")
}

/// The slot's first `bytes`, rounded up to 16, are zero; what lies behind them is nobody's.
#[inline]
fn clear(address: usize, bytes: usize) {
    if bytes <= 64 {
        let mut at = address as *mut u128;
        for _ in 0..bytes.div_ceil(16) {
            // SAFETY: slots are multiples of 16 bytes, and this one is ours.
            unsafe {
                at.write(0);
                at = at.add(1);
            }
        }
        return;
    }
    // SAFETY: as above.
    unsafe { ptr::write_bytes(address as *mut u8, 0, bytes) };
}

/// An object with a span of its own.
#[cold]
fn large(ty: &Type, bytes: usize, noscan: bool) -> Result<NonNull<u8>, Again> {
    let pages = bytes.div_ceil(PAGE);
    let size = pages * PAGE;
    pacer::assist(size)?;
    pacer::take(size);
    let layout = layout::get();
    let span = pages::take(pages);
    let first = layout.first_page(span);
    let address = layout.address_of(first);
    if span.dirty.get() {
        // SAFETY: pages that are ours.
        unsafe { ptr::write_bytes(address as *mut u8, 0, size) };
    }
    span.make(SpanClass::new(0, noscan), size, sweep::cycle());
    if !noscan {
        set_pointers(&layout, address, size, ty, bytes / ty.size);
    }
    span.used.set(1);
    layout.alloc_word(first, 0).store(1, Ordering::Release);
    if barrier::marking() {
        layout.mark_word(first, 0).store(1, Ordering::Relaxed);
    }
    cache::count(0, 1, size);
    central::give(span);
    Ok(place(address))
}

/// Says which words of the slot the collector follows: those of `count` values of the type, and none behind them.
#[inline]
fn set_pointers(layout: &Layout, address: usize, size: usize, ty: &Type, count: usize) {
    let words = size / WORD;
    let (word, shift) = layout.pointer_word(address);
    if count == 1 && words <= 64 - shift as usize {
        let mask = u64::MAX >> (64 - words);
        let others = word.load(Ordering::Relaxed) & !(mask << shift);
        // Only the M that has the span writes bits of its pages. Release: the bits are there before the object is.
        word.store(others | ty.first_bits() << shift, Ordering::Release);
        return;
    }
    set_many(layout, address, size, ty, count);
}

/// The same for more than fits in a word.
fn set_many(layout: &Layout, address: usize, size: usize, ty: &Type, count: usize) {
    let elem = ty.size / WORD;
    let used = elem * count;
    let solid = ty.ptrmask.is_null() && ty.ptrdata == ty.size;
    let (mut at, end) = (0, size / WORD);
    // The word of the element with which the next 64 begin.
    let mut within = 0;
    while at < end {
        let (word, shift) = layout.pointer_word(address + at * WORD);
        let here = (64 - shift as usize).min(end - at);
        let mut bits = 0;
        let filled = used.saturating_sub(at).min(here);
        if solid && filled > 0 {
            bits = u64::MAX >> (64 - filled);
        } else {
            for bit in 0..filled {
                bits |= u64::from(ty.is_pointer(within)) << bit;
                within = if within + 1 == elem { 0 } else { within + 1 };
            }
        }
        let mask = (u64::MAX >> (64 - here)) << shift;
        let others = word.load(Ordering::Relaxed) & !mask;
        word.store(others | bits << shift, Ordering::Release);
        at += here;
    }
}
