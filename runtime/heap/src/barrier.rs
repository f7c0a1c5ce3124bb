//! The write barrier: what is overwritten in the heap while the collector marks is marked.
//!
//! Whatever could be reached when marking began is marked: the collector follows the pointers that there were then, and a pointer that is
//! overwritten before the collector has seen it is put where it will see it (Yuasa's barrier). What is new is marked from the start. A goroutine has
//! nothing else: its stack was scanned before it went on ([`crate::stacks`]), and all that it loads was either there or stored since by one like it.
//!
//! Who moves pointers without a store into the heap:
//!
//! | from → to                                       | while the collector marks                                                        |
//! |-------------------------------------------------|----------------------------------------------------------------------------------|
//! | sender's stack → waiting receiver's stack       | nothing: the sender runs, so what it has is marked or will be; what the receiver had in that place only it could read, and it waits |
//! | waiting sender's stack → receiver's stack       | nothing: the value stays where it was until the sender has been scanned, and goes on |
//! | stack → heap (a receiver's place, a channel's buffer) | what was in that place is shaded                                            |
//! | channel's buffer → stack                        | the value is shaded: it leaves the heap                                          |
//! | a select's cases, `defer`s, panics              | nothing: they lie in frames                                                      |
//! | the argument of `go`, of a timer's function     | is shaded: the new goroutine counts as scanned ([`sched::scan`])                  |
//! | an operation's result, `Context::value`         | nothing: who sets it runs; it is read with the stack                              |
//! | out of a table of roots                         | nothing, if the table was asked when marking began; else it is shaded             |

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use sched::ops;
use stack::Outcome;

use crate::cache;
use crate::layout;
use crate::mark;
use crate::types::{Type, WORD};

/// Not zero: stores take the slow way, for the reasons that the bits say. Changes only while the world is stopped, or before there are goroutines.
#[unsafe(no_mangle)]
pub static gort_marking: AtomicU8 = AtomicU8::new(0);

/// The collector marks.
const MARKS: u8 = 1;
/// Stores are checked.
pub const CHECKS: u8 = 2;

/// Who checks stores.
#[derive(Clone, Copy, Debug)]
pub struct StoreChecks {
    /// Of a value, at that address: `store(slot, value)`.
    pub store: fn(usize, usize),
    /// Of bytes of values of the type: `copy(type, to, from, bytes)`.
    pub copy: unsafe fn(&Type, usize, usize, usize),
}

static STORE_CHECKS: OnceLock<StoreChecks> = OnceLock::new();

/// Stores that go through the barrier are checked before they are done, from now on. There are no goroutines yet.
pub fn check_stores(checks: StoreChecks) {
    if STORE_CHECKS.set(checks).is_ok() {
        gort_marking.fetch_or(CHECKS, Ordering::SeqCst);
    }
}

/// Whether the collector marks: stores into the heap pass the barrier, and what is allocated is marked.
#[inline]
pub fn marking() -> bool {
    gort_marking.load(Ordering::Relaxed) & MARKS != 0
}

/// The object at that address, if there is one, is marked if the collector marks: somebody gets it from where the collector may not have looked yet, or
/// takes it away from there. In an operation.
pub fn shade(address: usize) {
    if marking() {
        mark::shade(address);
    }
}

/// The world is stopped.
pub fn set_marking(yes: bool) {
    match yes {
        true => gort_marking.fetch_or(MARKS, Ordering::SeqCst),
        false => gort_marking.fetch_and(!MARKS, Ordering::SeqCst),
    };
    if yes {
        cache::start_marking();
    }
}

/// The operation of a store while the collector marks, or stores are checked.
///
/// # Safety
/// `slot` is a word that the caller's goroutine may write.
pub unsafe extern "C" fn store(slot: *mut usize, value: usize) -> Outcome {
    if let Some(checks) = STORE_CHECKS.get() {
        (checks.store)(slot.addr(), value);
    }
    // SAFETY: the caller's word; others may read it.
    let slot = unsafe { AtomicUsize::from_ptr(slot) };
    shade(slot.load(Ordering::Relaxed));
    // Release: as a plain store of the program's on x86, behind which its earlier ones stay.
    slot.store(value, Ordering::Release);
    ops::finish(0)
}

/// `count` values at `place` are about to be overwritten: marks what they refer to, if the collector marks. Stacks need nothing of the kind.
///
/// # Safety
/// They are values of the type, in memory that can be read.
pub unsafe fn before_overwriting(ty: &Type, place: *const u8, count: usize) {
    if marking() && ty.has_pointers() && layout::contains(place.addr()) {
        // SAFETY: the caller's word.
        unsafe { shade_values(ty, place, count) };
    }
}

/// `count` values at `place` are about to leave the heap's knowledge: marks what they refer to, if the collector marks.
///
/// # Safety
/// As for [`before_overwriting`].
pub unsafe fn before_moving(ty: &Type, place: *const u8, count: usize) {
    if marking() && ty.has_pointers() {
        // SAFETY: the caller's word.
        unsafe { shade_values(ty, place, count) };
    }
}

#[cold]
unsafe fn shade_values(ty: &Type, place: *const u8, count: usize) {
    mark::with(|marker| {
        for value in 0..count {
            for word in 0..ty.ptrdata / WORD {
                // SAFETY: a word of one of the values, which are aligned; the caller's word.
                let slot = unsafe { &*place.add(value * ty.size).cast::<AtomicUsize>().add(word) };
                let address = slot.load(Ordering::Relaxed);
                // Most words are nothing, and types are slow to ask.
                if address != 0 && ty.is_pointer(word) {
                    marker.grey_if_allocated(address);
                }
            }
        }
    });
}

/// The operation of a copy of `count` values while the collector marks, or stores are checked. The places may overlap.
///
/// # Safety
/// Values of the type at `from`, and room for as many at `to`.
pub unsafe extern "C" fn typed_memmove(
    ty: &Type,
    to: *mut u8,
    from: *const u8,
    count: usize,
) -> Outcome {
    if let Some(checks) = STORE_CHECKS.get() {
        // SAFETY: the caller's word.
        unsafe { (checks.copy)(ty, to.addr(), from.addr(), ty.size * count) };
    }
    // SAFETY: the caller's word.
    unsafe {
        before_overwriting(ty, to, count);
        std::ptr::copy(from, to, ty.size * count);
    }
    ops::finish(0)
}

/// The operation that makes `count` values zero while the collector marks.
///
/// # Safety
/// Values of the type.
pub unsafe extern "C" fn typed_memclr(ty: &Type, place: *mut u8, count: usize) -> Outcome {
    // SAFETY: the caller's word.
    unsafe {
        before_overwriting(ty, place, count);
        std::ptr::write_bytes(place, 0, ty.size * count);
    }
    ops::finish(0)
}
