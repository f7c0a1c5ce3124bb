//! Handles (`runtime/cgo.Handle`): numbers that stand for values of Go's, for C to keep.
//!
//! ```text
//! handle    tag (odd while the handle is good) │ index
//! CHUNKS    index 0 … 65,535 │ 65,536 … 131,071 │ …       made when needed, never moved, never given back
//! Slot      word │ first tag │ type │ data
//! ```
//!
//! A slot's word is the handle while there is one. Deleting adds one to the tag, and so does the next handle in the same slot: no handle is ever made
//! twice, and one that was deleted never equals its slot's word again. When a slot's tags have all been used, it is left alone for good. Tags
//! begin anywhere, so that a number near a good handle isn't one.
//!
//! | | who | how |
//! |---|---|---|
//! | a free slot becomes a handle | its owner: the M whose list it is on, or who holds the lock | fields, then the word (release) |
//! | a handle is read | anybody | word, fields, word again: the same both times, and the fields belong to it |
//! | a handle is deleted | anybody | the word, by compare-and-swap: one of many wins, and is the slot's owner |
//!
//! Free slots are linked through their data. An M keeps up to [`KEEP`] of them, so that neither making nor deleting a handle takes a lock; the fast
//! paths are assembly (`gort/src/capi/handle.rs`), since a goroutine's stack has no room for Rust. Everything is here in Rust as well.

use std::hash::BuildHasher;
use std::hash::RandomState;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{OnceLock, PoisonError};

use heap::{barrier, roots};
use sched::M;
use stack::sync::{Mutex, MutexGuard};

use super::Any;

/// Go's text for a handle that is none.
pub const MISUSE: &str = "runtime/cgo: misuse of an invalid Handle";

/// A place for one value. All zero: no handle was ever made in it.
#[repr(C)]
pub struct Slot {
    pub word: AtomicU64,
    /// The tag of the slot before its first handle; set once.
    pub first_tag: AtomicU32,
    _reserved: u32,
    pub kind: AtomicUsize,
    /// Of a free slot: the next free one.
    pub data: AtomicUsize,
}

const _: () = assert!(size_of::<Slot>() == 1 << SLOT_SHIFT);

/// A slot's size, as a power of two.
pub const SLOT_SHIFT: u32 = 5;
/// One in the tag.
pub const TAG: u64 = 1 << 32;

/// Slots of a chunk, as a power of two. So many bytes are mapped at once, and take memory only where they are touched.
pub const CHUNK_SHIFT: u32 = 16;
const CHUNK_BYTES: usize = 1 << (CHUNK_SHIFT + SLOT_SHIFT);

/// No index is as high.
const END: u64 = 1 << 32;

/// Free slots that an M keeps at most; beyond that [`BATCH`] go to all.
pub const KEEP: usize = 64;
const BATCH: usize = KEEP / 2;

/// Where the slots are; null: not made yet.
pub static CHUNKS: [AtomicPtr<Slot>; (END >> CHUNK_SHIFT) as usize] =
    [const { AtomicPtr::new(ptr::null_mut()) }; (END >> CHUNK_SHIFT) as usize];

/// What is nobody's yet.
struct Shared {
    free: *const Slot,
    /// The lowest index that was never used.
    fresh: u64,
}

// SAFETY: slots are shared anyway; the list belongs to who holds the lock.
unsafe impl Send for Shared {}

static SHARED: Mutex<Shared> = Mutex::new(Shared {
    free: ptr::null(),
    fresh: 0,
});

/// Why there is no handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// Every index is taken.
    Space,
    /// The system gave no memory for so many bytes.
    Memory(usize),
}

fn lock() -> MutexGuard<'static, Shared> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The slot that a handle's index names, if it is in a chunk that exists.
fn slot(index: u32) -> Option<&'static Slot> {
    let chunk = CHUNKS[(index >> CHUNK_SHIFT) as usize].load(Ordering::Acquire);
    if chunk.is_null() {
        return None;
    }
    // SAFETY: a chunk has so many slots, and is never given back.
    Some(unsafe { &*chunk.add((index & ((1 << CHUNK_SHIFT) - 1)) as usize) })
}

/// The slot of a number that may be a handle, seen as one at this moment.
fn find(handle: u64) -> Option<&'static Slot> {
    let slot = slot(handle as u32)?;
    let good = handle & TAG != 0 && slot.word.load(Ordering::Acquire) == handle;
    good.then_some(slot)
}

/// Makes the chunk of `index`, whose first it is.
fn make_chunk(index: u64) -> Result<(), Full> {
    let memory = super::map(CHUNK_BYTES).ok_or(Full::Memory(CHUNK_BYTES))?;
    CHUNKS[(index >> CHUNK_SHIFT) as usize].store(memory.cast(), Ordering::Release);
    Ok(())
}

/// The tag that the slot of this index begins with: even, and nothing that could be guessed.
fn first_tag(index: u64) -> u32 {
    static SEED: OnceLock<RandomState> = OnceLock::new();
    SEED.get_or_init(RandomState::new).hash_one(index) as u32 & !1
}

impl Shared {
    /// A slot that was never used.
    fn fresh(&mut self) -> Result<&'static Slot, Full> {
        let index = self.fresh;
        if index == END {
            return Err(Full::Space);
        }
        if index == 0 {
            roots::add_table(words);
        }
        if index.is_multiple_of(1 << CHUNK_SHIFT) {
            make_chunk(index)?;
        }
        self.fresh += 1;
        let slot = slot(index as u32).expect("its chunk has been made");
        let tag = first_tag(index);
        slot.first_tag.store(tag, Ordering::Relaxed);
        slot.word
            .store(u64::from(tag) << 32 | index, Ordering::Release);
        Ok(slot)
    }

    fn pop(&mut self) -> Result<&'static Slot, Full> {
        // SAFETY: what is linked is a slot.
        match unsafe { self.free.as_ref() } {
            Some(slot) => {
                self.free = next(slot);
                Ok(slot)
            }
            None => self.fresh(),
        }
    }

    fn push(&mut self, slot: &'static Slot) {
        set_next(slot, self.free);
        self.free = slot;
    }
}

fn next(slot: &Slot) -> *const Slot {
    ptr::with_exposed_provenance(slot.data.load(Ordering::Relaxed))
}

fn set_next(slot: &Slot, next: *const Slot) {
    slot.kind.store(0, Ordering::Relaxed);
    slot.data.store(next.expose_provenance(), Ordering::Relaxed);
}

/// Free slots for this M, whose list is empty.
///
/// # Errors
/// There is not a single one.
fn refill(m: &M) -> Result<(), Full> {
    let mut shared = lock();
    for taken in 0..BATCH {
        match shared.pop() {
            Ok(slot) => push_local(m, slot),
            Err(why) if taken == 0 => return Err(why),
            Err(_) => break,
        }
    }
    Ok(())
}

fn push_local(m: &M, slot: &'static Slot) {
    let list = &m.free_handles;
    set_next(slot, list.first.get().cast());
    list.first.set(ptr::from_ref(slot).cast_mut().cast());
    list.count.set(list.count.get() + 1);
}

fn pop_local(m: &M) -> Option<&'static Slot> {
    let list = &m.free_handles;
    let first = NonNull::new(list.first.get())?;
    // SAFETY: what is linked is a slot, and slots are never given back.
    let slot = unsafe { &*first.as_ptr().cast::<Slot>() };
    list.first.set(next(slot).cast_mut().cast());
    list.count.set(list.count.get() - 1);
    Some(slot)
}

/// A free slot of the caller's, who may be on any thread.
fn take() -> Result<&'static Slot, Full> {
    let Some(m) = M::try_current() else {
        return lock().pop();
    };
    if m.free_handles.first.get().is_null() {
        refill(m)?;
    }
    Ok(pop_local(m).expect("it has one now"))
}

/// The caller's slot is free again.
fn give(slot: &'static Slot) {
    match M::try_current() {
        None => lock().push(slot),
        Some(m) => {
            push_local(m, slot);
            if m.free_handles.count.get() > KEEP {
                spill(m);
            }
        }
    }
}

/// An M that has too many free slots gives some to all.
pub fn spill(m: &M) {
    let mut shared = lock();
    for _ in 0..BATCH {
        shared.push(pop_local(m).expect("it has more"));
    }
}

/// A handle for the value, which the collector keeps.
///
/// # Errors
/// See [`Full`].
pub fn new(value: Any) -> Result<u64, Full> {
    let slot = take()?;
    slot.kind.store(value.kind, Ordering::Relaxed);
    slot.data.store(value.data, Ordering::Relaxed);
    let handle = slot.word.load(Ordering::Relaxed).wrapping_add(TAG);
    slot.word.store(handle, Ordering::Release);
    Ok(handle)
}

/// The value that the handle stands for; none if it stands for none (any more).
pub fn value(handle: u64) -> Option<Any> {
    let slot = find(handle)?;
    let value = Any {
        kind: slot.kind.load(Ordering::Acquire),
        data: slot.data.load(Ordering::Acquire),
    };
    (slot.word.load(Ordering::Relaxed) == handle).then_some(value)
}

/// Whether that was a handle. It is none any more. Its value, for who has to end it. Only operations delete those whose values are in the heap.
pub fn delete(handle: u64) -> Option<Any> {
    let slot = find(handle)?;
    // The collector may not have looked at the slot yet, and who has got the value from it is never looked at again. While it is a handle, or was, this
    // is a value.
    barrier::shade(slot.kind.load(Ordering::Acquire));
    barrier::shade(slot.data.load(Ordering::Acquire));
    let free = handle.wrapping_add(TAG);
    slot.word
        .compare_exchange(handle, free, Ordering::AcqRel, Ordering::Relaxed)
        .ok()?;
    let value = Any {
        kind: slot.kind.load(Ordering::Relaxed),
        data: slot.data.load(Ordering::Relaxed),
    };
    match (free >> 32) as u32 == slot.first_tag.load(Ordering::Relaxed) {
        true => set_next(slot, ptr::null()),
        false => give(slot),
    }
    Some(value)
}

/// Where the slots' words are that the collector looks at: of all that were ever used.
fn words() -> Vec<Range<usize>> {
    let end = lock().fresh as usize;
    let chunk = 1 << CHUNK_SHIFT;
    let used = |first: usize| {
        let start = CHUNKS[first >> CHUNK_SHIFT].load(Ordering::Acquire).addr();
        start..start + ((end - first).min(chunk) << SLOT_SHIFT)
    };
    (0..end).step_by(chunk).map(used).collect()
}

#[cfg(test)]
mod tests;
