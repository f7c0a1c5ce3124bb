//! Segments beyond the size classes: a mapping each, some of which are kept for the next.

use std::collections::BTreeMap;
use std::ptr;

use super::map::{self, NoMemory};

/// Bytes that are kept for reuse at most.
const KEPT: usize = 4 << 20;
/// Mappings that are kept for reuse at most.
const KEPT_COUNT: usize = 16;

/// A mapping that is free, described in its own first bytes.
struct Free {
    next: *mut Free,
    size: usize,
}

/// All large segments of a pool.
pub struct Large {
    free: *mut Free,
    free_count: usize,
    free_bytes: usize,
    inuse: usize,
    /// Every mapping's address and bytes.
    mapped: BTreeMap<usize, usize>,
}

// SAFETY: the mappings belong to no thread; whoever has the `Large` has all that are free.
unsafe impl Send for Large {}

impl Large {
    pub const fn new() -> Large {
        Large {
            free: ptr::null_mut(),
            free_count: 0,
            free_bytes: 0,
            inuse: 0,
            mapped: BTreeMap::new(),
        }
    }

    /// `size` bytes, a multiple of a page, whatever is in them.
    pub fn take(&mut self, size: usize) -> Result<*mut u8, NoMemory> {
        let memory = match self.take_free(|free| free.size == size) {
            Some((memory, _)) => memory,
            None => self.map(size)?,
        };
        self.inuse += size;
        Ok(memory)
    }

    fn map(&mut self, size: usize) -> Result<*mut u8, NoMemory> {
        let memory = map::map(size)?;
        self.mapped.insert(memory as usize, size);
        Ok(memory)
    }

    /// Whether the address is in one of the mappings.
    pub fn owns(&self, address: usize) -> bool {
        let before = self.mapped.range(..=address).next_back();
        before.is_some_and(|(start, size)| address - start < *size)
    }

    /// Unlinks the first free mapping that is `wanted`.
    fn take_free(&mut self, wanted: impl Fn(&Free) -> bool) -> Option<(*mut u8, usize)> {
        let mut link: *mut *mut Free = &mut self.free;
        // SAFETY: the list holds free mappings, which nobody else writes to; `link` is the list's head or the `next` of one of them.
        unsafe {
            while let Some(free) = (*link).as_ref() {
                if wanted(free) {
                    let (memory, size) = (*link, free.size);
                    *link = free.next;
                    self.free_count -= 1;
                    self.free_bytes -= size;
                    return Some((memory.cast(), size));
                }
                link = &raw mut (**link).next;
            }
        }
        None
    }

    fn keep(&mut self, memory: *mut u8, size: usize) {
        let free = memory.cast::<Free>();
        // SAFETY: the mapping is free, larger than a `Free` and aligned to a page.
        unsafe {
            free.write(Free {
                next: self.free,
                size,
            })
        };
        self.free = free;
        self.free_count += 1;
        self.free_bytes += size;
    }

    /// Takes back a segment.
    ///
    /// # Safety
    /// It came from [`take`](Self::take) with this size, and nobody uses it any more.
    pub unsafe fn give(&mut self, memory: *mut u8, size: usize) {
        self.inuse -= size;
        let keep = self.free_count < KEPT_COUNT && self.free_bytes + size <= KEPT;
        if keep {
            self.keep(memory, size);
        } else {
            // SAFETY: passed on to the caller.
            unsafe { self.unmap(memory, size) };
        }
    }

    /// # Safety
    /// Nobody uses the mapping, and it is on no list.
    unsafe fn unmap(&mut self, memory: *mut u8, size: usize) -> bool {
        // SAFETY: as the caller says.
        let unmapped = unsafe { map::unmap(memory, size) }.is_ok();
        if unmapped {
            self.mapped.remove(&(memory as usize));
        } else {
            // The addresses can't be given back, the memory can.
            // SAFETY: as the caller says.
            unsafe { map::forget(memory, size) };
            self.keep(memory, size);
        }
        unmapped
    }

    /// Gives everything back that is kept. Returns the bytes.
    pub fn scavenge(&mut self) -> usize {
        let before = self.free_bytes;
        for _ in 0..self.free_count {
            let Some((memory, size)) = self.take_free(|_| true) else {
                break;
            };
            // SAFETY: the mapping was free, and is on the list no more.
            if !unsafe { self.unmap(memory, size) } {
                break;
            }
        }
        before - self.free_bytes
    }

    pub fn inuse(&self) -> usize {
        self.inuse
    }

    pub fn free(&self) -> usize {
        self.free_bytes
    }
}
