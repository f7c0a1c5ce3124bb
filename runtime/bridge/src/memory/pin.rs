//! Which objects are pinned (`runtime.Pinner`). Nothing ever moves; what is pinned is kept alive by its pinner, and C may be given memory that
//! points to it.
//!
//! How often an object is pinned says a byte, found from its address by arithmetic; a look at it takes no lock:
//!
//! ```text
//! LEAVES     one for 4 MiB of the heap, made when something there is pinned for the first time; never given back
//! Leaf       a byte for each 16 bytes of the heap, of which an object's first counts
//!              0 … 254   so many pins
//!              255       MANY has the number
//! ```

use std::collections::HashMap;
use std::ptr;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

use heap::classes::ALIGN;
use heap::layout;
use heap::object::Object;
use stack::sync::{Mutex, MutexGuard};

/// Bytes of the heap that a leaf is for, as a power of two.
const LEAF_SHIFT: u32 = 22;
const LEAF_LEN: usize = (1 << LEAF_SHIFT) / ALIGN;
/// As many as the largest arena needs.
const COUNT: usize = (256 << 30) >> LEAF_SHIFT;
/// The count is in the map.
const FULL: u8 = u8::MAX;

struct Leaf([AtomicU8; LEAF_LEN]);

static LEAVES: [AtomicPtr<Leaf>; COUNT] = [const { AtomicPtr::new(ptr::null_mut()) }; COUNT];

/// How often objects are pinned that are pinned too often for a byte, by their addresses.
static MANY: Mutex<Option<HashMap<usize, usize>>> = Mutex::new(None);

/// The system gave no memory for so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory(pub usize);

fn many() -> MutexGuard<'static, Option<HashMap<usize, usize>>> {
    MANY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the byte of the object that begins there is: which leaf, and where in it.
#[inline]
fn place(base: usize) -> (&'static AtomicPtr<Leaf>, usize) {
    let offset = base - layout::get().base;
    let leaf = &LEAVES[offset >> LEAF_SHIFT];
    (leaf, (offset >> ALIGN.ilog2()) & (LEAF_LEN - 1))
}

/// The object's byte, if there is one for that part of the heap.
#[inline]
fn count(base: usize) -> Option<&'static AtomicU8> {
    let (leaf, at) = place(base);
    // SAFETY: null, or a leaf, and leaves are never given back.
    let leaf = unsafe { leaf.load(Ordering::Acquire).as_ref() };
    Some(&leaf?.0[at])
}

/// The object's byte. The first time it makes a leaf, which takes memory where it is touched.
fn make_count(base: usize) -> Result<&'static AtomicU8, NoMemory> {
    if let Some(count) = count(base) {
        return Ok(count);
    }
    let (place, at) = place(base);
    let bytes = size_of::<Leaf>();
    let new = super::map(bytes).ok_or(NoMemory(bytes))?;
    let swapped = place.compare_exchange(
        ptr::null_mut(),
        new.cast(),
        Ordering::AcqRel,
        Ordering::Acquire,
    );
    let leaf = match swapped {
        Ok(_) => new.cast(),
        Err(other) => {
            // SAFETY: the mapping above, which nobody knows.
            unsafe { libc::munmap(new, bytes) };
            other
        }
    };
    // SAFETY: a leaf that is in the table: all zeros to begin with, which is a leaf, and never given back.
    Ok(&unsafe { &*leaf }.0[at])
}

/// Whether somebody has pinned the object.
#[inline]
pub fn is_pinned(object: &Object) -> bool {
    count(object.base).is_some_and(|count| count.load(Ordering::Acquire) != 0)
}

/// Pins the object once more.
pub fn pin(object: &Object) -> Result<(), NoMemory> {
    let count = make_count(object.base)?;
    let add = |pins: u8| (pins < FULL - 1).then(|| pins + 1);
    if count
        .fetch_update(Ordering::AcqRel, Ordering::Relaxed, add)
        .is_ok()
    {
        return Ok(());
    }
    let mut many = many();
    // With the lock nobody else takes it from FULL or brings it there; it may have fallen since.
    match count.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |pins| {
        (pins < FULL).then(|| pins + 1)
    }) {
        Ok(pins) if pins + 1 < FULL => {}
        _ => {
            let map = many.get_or_insert_default();
            *map.entry(object.base).or_insert(usize::from(FULL) - 1) += 1;
        }
    }
    Ok(())
}

/// Takes one pin back of the object that begins there; false: it has none.
pub fn unpin(base: usize) -> bool {
    let Some(count) = count(base) else {
        return false;
    };
    let subtract = |pins: u8| (1..FULL).contains(&pins).then(|| pins - 1);
    let taken = || count.fetch_update(Ordering::AcqRel, Ordering::Relaxed, subtract);
    match taken() {
        Ok(_) => return true,
        Err(0) => return false,
        Err(_) => {}
    }
    let mut many = many();
    let map = many.get_or_insert_default();
    let Some(pins) = map.get_mut(&base) else {
        // Others have taken theirs back meanwhile.
        return taken().is_ok();
    };
    *pins -= 1;
    if *pins < usize::from(FULL) {
        map.remove(&base);
        count.store(FULL - 1, Ordering::Release);
    }
    true
}

#[cfg(test)]
mod tests;
