//! Stacks with a guard page, for code that doesn't check its stack.
//!
//! They lie in *regions*: addresses reserved in one piece, cut into slots of one size, so that a signal handler can tell by arithmetic
//! whether an address is in a guard page. Memory is taken only where it is touched. Regions stay reserved for good.
//!
//! ```text
//! base                 first                    first + stride
//!   header, bitmap       guard page │ stack …     guard page │ stack …     …     usable up to here ┆ reserved, not usable
//! ```

use std::cell::Cell;
use std::mem::size_of;
use std::ptr::NonNull;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::sync::Mutex;

use super::map::{self, NoMemory};

/// Addresses of the first region of a size; the next have as many as all before, up to [`LARGEST`].
const FIRST: usize = 1 << 30;
const LARGEST: usize = 64 << 30;
/// Made usable at once: a system call for each slot would be one more.
const STEP: usize = 4 << 20;

/// The slots of a region, for signal handlers.
struct Bounds {
    first: AtomicUsize,
    end: AtomicUsize,
    stride: AtomicUsize,
}

/// All regions of the process; the first [`COUNT`] are set and never change.
static BOUNDS: [Bounds; 64] = [const {
    Bounds {
        first: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        stride: AtomicUsize::new(0),
    }
}; 64];
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A guarded stack's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Where the guard page begins.
    pub guard: usize,
    /// Where the stack begins.
    pub lo: usize,
    /// Where it ends.
    pub hi: usize,
}

/// The slot that an address is in; without locks or memory, for signal handlers.
pub fn slot_of(address: usize) -> Option<Slot> {
    BOUNDS[..COUNT.load(Ordering::Acquire)]
        .iter()
        .find_map(|bounds| {
            let first = bounds.first.load(Ordering::Relaxed);
            let stride = bounds.stride.load(Ordering::Relaxed);
            if !(first..bounds.end.load(Ordering::Relaxed)).contains(&address) {
                return None;
            }
            let guard = address - (address - first) % stride;
            Some(Slot {
                guard,
                lo: guard + map::page(),
                hi: guard + stride,
            })
        })
}

/// Makes a region's slots known to [`slot_of`].
fn publish(region: &Header) -> Result<(), NoMemory> {
    static LAST: Mutex<()> = Mutex::new(());
    let _guard = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let count = COUNT.load(Ordering::Relaxed);
    let Some(bounds) = BOUNDS.get(count) else {
        return Err(NoMemory {
            errno: libc::ENOMEM,
            bytes: region.bytes.get(),
        });
    };
    let (first, stride) = (region.first.get(), region.stride.get());
    bounds.first.store(first, Ordering::Relaxed);
    bounds
        .end
        .store(first + region.slots.get() * stride, Ordering::Relaxed);
    bounds.stride.store(stride, Ordering::Relaxed);
    COUNT.store(count + 1, Ordering::Release);
    Ok(())
}

/// A region's first bytes; the bitmap of free slots follows.
struct Header {
    next: Cell<Option<Region>>,
    /// Addresses, all told.
    bytes: Cell<usize>,
    first: Cell<usize>,
    stride: Cell<usize>,
    slots: Cell<usize>,
    /// Slots from this one on were never used, and have no guard page yet.
    fresh: Cell<usize>,
    /// Addresses below this one are usable.
    usable: Cell<usize>,
    /// Bits that are set.
    free: Cell<usize>,
    /// No word of the bitmap before this one has a bit set.
    hint: Cell<usize>,
}

/// A region, which is never given back.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Region(NonNull<Header>);

impl Region {
    fn header(&self) -> &Header {
        // SAFETY: a region is never given back, and its header is written before the first `Region` of it is made.
        unsafe { self.0.as_ref() }
    }

    /// Reserves a region for stacks of `stack` bytes each; `others` is how many bytes the regions before it have.
    pub fn new(stack: usize, others: usize, next: Option<Region>) -> Result<Region, NoMemory> {
        let stride = stack + map::page();
        let mut bytes = others
            .clamp(FIRST, LARGEST)
            .max(8 * stride)
            .next_multiple_of(map::page());
        let base = loop {
            match map::reserve(bytes) {
                Ok(base) => break base,
                // Addresses can be limited (RLIMIT_AS): fewer will do.
                Err(_) if bytes / 2 > 2 * stride => {
                    bytes = (bytes / 2).next_multiple_of(map::page())
                }
                Err(error) => return Err(error),
            }
        };
        // SAFETY: the reservation is new, and has room for a header and at least one slot.
        let region = unsafe { Region::init(base, bytes, stride, next) };
        if region.is_err() {
            // SAFETY: nobody knows of the reservation.
            let _ = unsafe { map::unmap(base, bytes) };
        }
        region
    }

    /// # Safety
    /// `base..base + bytes` is reserved, unknown to anybody else, and larger than twice `stride`.
    unsafe fn init(
        base: *mut u8,
        bytes: usize,
        stride: usize,
        next: Option<Region>,
    ) -> Result<Region, NoMemory> {
        let bitmap = (bytes / stride).div_ceil(64) * size_of::<u64>();
        let header = (size_of::<Header>() + bitmap).next_multiple_of(map::page());
        // SAFETY: the header lies in the reservation: it is far smaller than a stride.
        unsafe { map::allow(base, header)? };
        let first = base as usize + header;
        let region = Header {
            next: Cell::new(next),
            bytes: Cell::new(bytes),
            first: Cell::new(first),
            stride: Cell::new(stride),
            slots: Cell::new((bytes - header) / stride),
            fresh: Cell::new(0),
            usable: Cell::new(first),
            free: Cell::new(0),
            hint: Cell::new(0),
        };
        publish(&region)?;
        // SAFETY: the header is usable now; the zeros behind it are an empty bitmap.
        unsafe {
            base.cast::<Header>().write(region);
            Ok(Region(NonNull::new_unchecked(base.cast())))
        }
    }

    /// The region before this one.
    pub fn next(self) -> Option<Region> {
        self.header().next.get()
    }

    /// Bytes of addresses.
    pub fn bytes(self) -> usize {
        self.header().bytes.get()
    }

    /// Bytes that are usable.
    pub fn usable(self) -> usize {
        self.header().usable.get() - self.header().first.get()
    }

    /// Whether a slot is this region's.
    pub fn contains(self, slot: *mut u8) -> bool {
        let base = self.0.as_ptr() as usize;
        (base..base + self.header().bytes.get()).contains(&(slot as usize))
    }

    /// A slot: of those that were in use before, or else the next that never was. None: all are in use.
    pub fn take(self) -> Result<Option<*mut u8>, NoMemory> {
        match self.take_free() {
            Some(slot) => Ok(Some(slot)),
            None => self.take_fresh(),
        }
    }

    fn take_free(self) -> Option<*mut u8> {
        if self.header().free.get() == 0 {
            return None;
        }
        let words = self.header().slots.get().div_ceil(64);
        let index = (self.header().hint.get()..words).find(|&index| self.word(index).get() != 0)?;
        let word = self.word(index);
        let bit = word.get().trailing_zeros() as usize;
        word.set(word.get() & (word.get() - 1));
        self.header().hint.set(index);
        self.header().free.set(self.header().free.get() - 1);
        Some(self.slot(64 * index + bit))
    }

    fn take_fresh(self) -> Result<Option<*mut u8>, NoMemory> {
        let index = self.header().fresh.get();
        if index == self.header().slots.get() {
            return Ok(None);
        }
        let slot = self.slot(index);
        self.make_usable(slot as usize + self.header().stride.get())?;
        // SAFETY: the slot is in this region, usable, and nobody has used it yet.
        unsafe { map::guard(slot, map::page())? };
        self.header().fresh.set(index + 1);
        Ok(Some(slot))
    }

    /// Makes the region usable up to `end`, or some steps farther.
    fn make_usable(self, end: usize) -> Result<(), NoMemory> {
        let from = self.header().usable.get();
        if end <= from {
            return Ok(());
        }
        let last = self.slot(self.header().slots.get()) as usize;
        let far = (from + STEP).clamp(end, last);
        for to in [far, end] {
            // SAFETY: both ends lie in this region, on page boundaries.
            match unsafe { map::allow(from as *mut u8, to - from) } {
                Ok(()) => {
                    self.header().usable.set(to);
                    return Ok(());
                }
                Err(error) if to == end => return Err(error),
                // Memory may be committed in advance (vm.overcommit_memory = 2): less will do.
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Takes back a slot of this region whose memory the system has back.
    pub fn give(self, slot: *mut u8) {
        let index = (slot as usize - self.header().first.get()) / self.header().stride.get();
        let word = self.word(index / 64);
        let bit = 1 << (index % 64);
        assert!(word.get() & bit == 0, "a guarded stack was released twice");
        word.set(word.get() | bit);
        self.header().free.set(self.header().free.get() + 1);
        self.header()
            .hint
            .set(self.header().hint.get().min(index / 64));
    }

    fn slot(self, index: usize) -> *mut u8 {
        (self.header().first.get() + index * self.header().stride.get()) as *mut u8
    }

    /// A word of the bitmap.
    fn word(self, index: usize) -> &'static Cell<u64> {
        assert!(index < self.header().slots.get().div_ceil(64));
        // SAFETY: the bitmap lies behind the header and has a word for 64 slots each; a region is never given back.
        unsafe { &*self.0.as_ptr().add(1).cast::<Cell<u64>>().add(index) }
    }
}
