//! Guarded stacks of all sizes.

use super::map::{self, NoMemory};
use super::region::Region;

/// Sizes are powers of two, from 16 KiB to 1 GiB.
pub const SMALLEST: usize = 16 << 10;
pub const LARGEST: usize = 1 << 30;
const SIZES: usize = (LARGEST / SMALLEST).ilog2() as usize + 1;

/// Free stacks of a size that keep the memory they used.
const WARM: usize = 64;

/// The smallest size of guarded stacks with at least `bytes`.
pub fn round(bytes: usize) -> usize {
    bytes.clamp(SMALLEST, LARGEST).next_power_of_two()
}

/// Stacks of one size.
struct Size {
    regions: Option<Region>,
    warm: [*mut u8; WARM],
    warm_count: usize,
}

/// All guarded stacks of a pool.
pub struct Guarded {
    sizes: [Size; SIZES],
    inuse: usize,
}

// SAFETY: regions and slots belong to no thread; whoever has the `Guarded` has all that are free.
unsafe impl Send for Guarded {}

impl Guarded {
    pub const fn new() -> Guarded {
        const EMPTY: Size = Size {
            regions: None,
            warm: [std::ptr::null_mut(); WARM],
            warm_count: 0,
        };
        Guarded {
            sizes: [EMPTY; SIZES],
            inuse: 0,
        }
    }

    fn size(&mut self, stack: usize) -> &mut Size {
        &mut self.sizes[(stack / SMALLEST).ilog2() as usize]
    }

    /// A slot for a stack of `stack` bytes (a size that [`round`] returns): a guard page and the stack.
    pub fn take(&mut self, stack: usize) -> Result<*mut u8, NoMemory> {
        let slot = self.size(stack).take(stack)?;
        self.inuse += stack;
        Ok(slot)
    }

    /// Takes back a slot, unless so many of its size are free that its memory must be given back first; false then.
    ///
    /// # Safety
    /// The slot came from [`take`](Self::take) with this size, and nobody uses it any more.
    #[must_use]
    pub unsafe fn give_warm(&mut self, slot: *mut u8, stack: usize) -> bool {
        let size = self.size(stack);
        if size.warm_count == WARM {
            return false;
        }
        size.warm[size.warm_count] = slot;
        size.warm_count += 1;
        self.inuse -= stack;
        true
    }

    /// Takes back a slot without memory.
    ///
    /// # Safety
    /// As for [`give_warm`](Self::give_warm), and [`cool`] was called with the slot.
    pub unsafe fn give_cold(&mut self, slot: *mut u8, stack: usize) {
        self.size(stack).give(slot);
        self.inuse -= stack;
    }

    /// Gives back the memory of stacks that are free.
    pub fn scavenge(&mut self) {
        for (index, size) in self.sizes.iter_mut().enumerate() {
            for warm in 0..std::mem::take(&mut size.warm_count) {
                let slot = size.warm[warm];
                // SAFETY: the stack is free.
                unsafe { cool(slot, SMALLEST << index) };
                size.give(slot);
            }
        }
    }

    /// Bytes of stacks in use: addresses, since nobody knows how much of them was touched.
    pub fn inuse(&self) -> usize {
        self.inuse
    }

    /// Bytes of addresses that are usable.
    pub fn mapped(&self) -> usize {
        self.sizes
            .iter()
            .flat_map(Size::regions)
            .map(Region::usable)
            .sum()
    }
}

/// Gives back the memory of a slot's stack.
///
/// # Safety
/// The slot came from [`Guarded::take`] with this size, and nobody uses it.
pub unsafe fn cool(slot: *mut u8, stack: usize) {
    // SAFETY: the stack lies behind the guard page.
    unsafe { map::forget(slot.add(map::page()), stack) };
}

impl Size {
    fn regions(&self) -> impl Iterator<Item = Region> {
        std::iter::successors(self.regions, |region| region.next())
    }

    fn take(&mut self, stack: usize) -> Result<*mut u8, NoMemory> {
        if self.warm_count > 0 {
            self.warm_count -= 1;
            return Ok(self.warm[self.warm_count]);
        }
        for region in self.regions() {
            if let Some(slot) = region.take()? {
                return Ok(slot);
            }
        }
        let others = self.regions().map(Region::bytes).sum();
        let region = Region::new(stack, others, self.regions)?;
        self.regions = Some(region);
        Ok(region.take()?.expect("a new region has slots"))
    }

    /// Takes back a slot without memory.
    fn give(&mut self, slot: *mut u8) {
        let region = self.regions().find(|region| region.contains(slot));
        region
            .expect("a guarded stack is given back where it came from")
            .give(slot);
    }
}
