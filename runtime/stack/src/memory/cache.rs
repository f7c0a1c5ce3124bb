//! Stacks' memory at hand for one thread at a time: each P has a [`Cache`].

use std::ptr;

use super::arena::{self, CLASSES};
use super::map::NoMemory;
use super::pool::{POOL, Pool};
use super::segment::{Kind, Segment};

/// Blocks of a class at most, and bytes of them at most.
const BLOCKS: usize = 32;
const BYTES: usize = 64 << 10;
/// Guarded stacks at most.
const GUARDED: usize = 16;

/// Free blocks of one class.
struct Bin {
    len: usize,
    blocks: [*mut u8; BLOCKS],
}

/// Free guarded stacks, all of the size that was released last.
struct Slots {
    stack: usize,
    len: usize,
    slots: [*mut u8; GUARDED],
}

/// A few free segments and guarded stacks, without locks. Goes back to the pool when dropped.
pub struct Cache {
    bins: [Bin; CLASSES],
    guarded: Slots,
    pool: &'static Pool,
}

// SAFETY: what is free belongs to no thread.
unsafe impl Send for Cache {}

/// How many blocks of a class are kept.
const fn capacity(class: usize) -> usize {
    let blocks = BYTES / arena::class_size(class);
    if blocks < BLOCKS { blocks } else { BLOCKS }
}

const _: () = assert!(capacity(CLASSES - 1) >= 2, "half of a bin moves at a time");

impl Cache {
    /// Of the process's pool.
    pub const fn new() -> Cache {
        Cache::of(&POOL)
    }

    /// Of a pool of one's own.
    pub const fn of(pool: &'static Pool) -> Cache {
        const EMPTY: Bin = Bin {
            len: 0,
            blocks: [ptr::null_mut(); BLOCKS],
        };
        Cache {
            bins: [EMPTY; CLASSES],
            guarded: Slots {
                stack: 0,
                len: 0,
                slots: [ptr::null_mut(); GUARDED],
            },
            pool,
        }
    }

    /// A segment of `size` bytes, a power of two not below 2 KiB.
    #[inline]
    pub(super) fn take(&mut self, size: usize) -> Result<*mut Segment, NoMemory> {
        let (memory, kind) = match size <= arena::LARGEST {
            true => (self.take_small(arena::class_of(size))?, Kind::Small),
            false => (self.pool.take_large(size)?, Kind::Large),
        };
        // SAFETY: the memory is free, and aligned to 2 KiB or a page.
        Ok(unsafe { Segment::init(memory, size, kind, self.pool) })
    }

    #[inline]
    fn take_small(&mut self, class: usize) -> Result<*mut u8, NoMemory> {
        if self.bins[class].len == 0 {
            self.refill(class)?;
        }
        let bin = &mut self.bins[class];
        bin.len -= 1;
        Ok(bin.blocks[bin.len])
    }

    /// An empty bin is filled by half.
    #[cold]
    fn refill(&mut self, class: usize) -> Result<(), NoMemory> {
        let bin = &mut self.bins[class];
        bin.len = self
            .pool
            .take_small(class, &mut bin.blocks[..capacity(class) / 2])?;
        Ok(())
    }

    /// A guarded stack of `stack` bytes, a size of [`guarded::round`](super::guarded::round).
    pub(super) fn take_guarded(&mut self, stack: usize) -> Result<*mut Segment, NoMemory> {
        let mine = &mut self.guarded;
        let slot = match mine.len {
            1.. if mine.stack == stack => {
                mine.len -= 1;
                mine.slots[mine.len]
            }
            _ => self.pool.take_guarded(stack)?,
        };
        // SAFETY: the slot is free, and its stack lies behind the guard page.
        Ok(unsafe { Segment::init_guarded(slot, stack, self.pool) })
    }

    /// Takes back a segment.
    ///
    /// # Safety
    /// It came from a cache of the same pool, and nobody uses it any more.
    #[inline]
    pub(super) unsafe fn give(&mut self, segment: *mut Segment) {
        // SAFETY: the caller has the segment.
        let (size, kind, pool) = unsafe { ((*segment).size, (*segment).kind, (*segment).pool) };
        assert!(
            pool == ptr::from_ref(self.pool).cast(),
            "a stack was released to another pool"
        );
        if kind != Kind::Small {
            // SAFETY: passed on to the caller.
            return unsafe { self.give_other(segment) };
        }
        let class = arena::class_of(size);
        if self.bins[class].len == capacity(class) {
            self.spill(class);
        }
        let bin = &mut self.bins[class];
        bin.blocks[bin.len] = segment.cast();
        bin.len += 1;
    }

    /// Half of a full bin goes back to the pool.
    #[cold]
    fn spill(&mut self, class: usize) {
        let bin = &mut self.bins[class];
        let kept = bin.len / 2;
        // SAFETY: what lies in the bin is free; these blocks leave it.
        unsafe { self.pool.give_small(&bin.blocks[kept..bin.len]) };
        bin.len = kept;
    }

    /// Takes back a segment that is not of a size class.
    ///
    /// # Safety
    /// As for [`give`](Self::give).
    #[cold]
    unsafe fn give_other(&mut self, segment: *mut Segment) {
        // SAFETY: the memory is the segment's, whose header says where it came from and how large it is.
        unsafe {
            let size = (*segment).size;
            match (*segment).kind {
                Kind::Guarded => self.give_guarded((*segment).slot(), size),
                _ => self.pool.give_large(segment.cast(), size),
            }
        }
    }

    /// # Safety
    /// A slot of this size that nobody uses any more.
    unsafe fn give_guarded(&mut self, slot: *mut u8, stack: usize) {
        let mine = &mut self.guarded;
        let kept = match mine.len {
            GUARDED if mine.stack == stack => GUARDED / 2,
            len if mine.stack == stack => len,
            _ => 0,
        };
        // SAFETY: what lies here is free; these slots leave.
        unsafe {
            self.pool
                .give_guarded(&mine.slots[kept..mine.len], mine.stack)
        };
        mine.stack = stack;
        mine.slots[kept] = slot;
        mine.len = kept + 1;
    }

    /// Gives everything back to the pool: for a P that is to do nothing for long.
    pub fn flush(&mut self) {
        for bin in &mut self.bins {
            // SAFETY: what lies in the bin is free, and leaves it.
            unsafe { self.pool.give_small(&bin.blocks[..bin.len]) };
            bin.len = 0;
        }
        let mine = &mut self.guarded;
        // SAFETY: what lies here is free, and leaves.
        unsafe { self.pool.give_guarded(&mine.slots[..mine.len], mine.stack) };
        mine.len = 0;
    }

    /// Bytes of segments at hand, which [`Stats`](super::Stats) counts as in use.
    pub fn held(&self) -> usize {
        let bytes = |(class, bin): (usize, &Bin)| bin.len * arena::class_size(class);
        self.bins.iter().enumerate().map(bytes).sum()
    }

    /// Bytes of guarded stacks at hand, likewise.
    pub fn held_guarded(&self) -> usize {
        self.guarded.len * self.guarded.stack
    }
}

impl Default for Cache {
    fn default() -> Cache {
        Cache::new()
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.flush();
    }
}
