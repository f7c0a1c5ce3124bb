//! A goroutine's stack: its segments, in the order in which it went through them.

use std::cell::Cell;
use std::fmt;
use std::iter;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::arena;
use super::cache::Cache;
use super::guarded;
use super::map::{NoMemory, page};
use super::segment::{ENTRY, GUARD, HEADER, Kind, Segment};
use crate::Context;

/// Bytes that a goroutine's stack has at most: 1 GB, as in Go on 64 bits.
static MAX: AtomicUsize = AtomicUsize::new(1_000_000_000);

/// Sets how many bytes a goroutine's stack may have (`debug.SetMaxStack`); returns what it was.
pub fn set_max(bytes: usize) -> usize {
    MAX.swap(bytes, Ordering::Relaxed)
}

/// How many bytes a goroutine's stack may have.
pub fn max() -> usize {
    MAX.load(Ordering::Relaxed)
}

/// Why a stack didn't grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrowError {
    /// It would have more than [`max`].
    Limit,
    /// The system gave nothing.
    NoMemory(NoMemory),
}

impl From<NoMemory> for GrowError {
    fn from(error: NoMemory) -> GrowError {
        GrowError::NoMemory(error)
    }
}

impl fmt::Display for GrowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GrowError::Limit => write!(f, "goroutine stack exceeds {}-byte limit", max()),
            GrowError::NoMemory(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for GrowError {}

/// The stack of one goroutine.
///
/// Which of its segments the goroutine runs on is said by its [`Context`] alone, which the assembly changes too; methods that need to know
/// or change it take the context. Dropping a stack keeps its memory from everybody: [`Stack::release`] gives it back.
#[derive(Debug)]
pub struct Stack {
    first: Cell<*mut Segment>,
}

impl Stack {
    /// Without memory: a dead goroutine's.
    pub const fn empty() -> Stack {
        Stack {
            first: Cell::new(ptr::null_mut()),
        }
    }

    /// A stack that grows, of one segment of 2 KiB.
    pub fn small(cache: &mut Cache) -> Result<Stack, NoMemory> {
        Ok(Stack {
            first: Cell::new(cache.take(arena::SMALLEST)?),
        })
    }

    /// A stack for code that doesn't ask, of at least `size` bytes ([`guarded_size`](super::guarded_size) for those who have no wish), rounded up to a
    /// power of two from 16 KiB to 1 GiB, above a page that faults. Memory is taken only where it is touched.
    pub fn guarded(cache: &mut Cache, size: usize) -> Result<Stack, NoMemory> {
        Ok(Stack {
            first: Cell::new(cache.take_guarded(guarded::round(size))?),
        })
    }

    /// Whether there is any memory.
    pub fn is_empty(&self) -> bool {
        self.first.get().is_null()
    }

    /// Whether this is a guarded stack, which grows for code that asks only.
    pub fn is_guarded(&self) -> bool {
        self.first()
            .is_some_and(|first| first.kind == Kind::Guarded)
    }

    /// The segment on which the goroutine begins.
    pub fn first(&self) -> Option<&Segment> {
        // SAFETY: a segment is this stack's until it is released, and who releases it promises that nobody holds it.
        unsafe { self.first.get().as_ref() }
    }

    /// All segments in their order, kept ones included.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        // SAFETY: as in `first`.
        iter::successors(self.first(), |segment| unsafe {
            segment.next.get().as_ref()
        })
    }

    /// The segment that a stack pointer lies in.
    pub fn segment_of(&self, sp: usize) -> Option<&Segment> {
        self.segments().find(|segment| segment.contains(sp))
    }

    /// Whether a stack pointer lies in this stack.
    pub fn contains(&self, sp: usize) -> bool {
        self.segment_of(sp).is_some()
    }

    /// Bytes of memory, kept segments included. For a guarded stack: of addresses.
    pub fn in_use(&self) -> usize {
        self.segments().last().map_or(0, |last| last.total.get())
    }

    /// The segment that the goroutine runs on. Few are before it, since each is twice the one before.
    fn current(&self, context: &Context) -> &Segment {
        let current = self
            .segments()
            .find(|&segment| ptr::eq(segment, context.segment.get()));
        current.expect("a goroutine runs on its own stack")
    }

    /// Puts the goroutine on the first segment: its segment and limit. Returns where the stack begins, a multiple of 16.
    pub fn begin(&self, context: &Context) -> usize {
        let first = self.first().expect("a goroutine that begins has a stack");
        settle(context, first);
        first.hi
    }

    /// The goroutine goes on to its next segment, with room for `frame` bytes and `args` bytes of arguments: the one that it was on before
    /// if that has the room, else a new one of at least twice the size of its current one. The context's `sp` says where it leaves that.
    ///
    /// On error nothing has changed.
    ///
    /// # Safety
    /// Nobody holds a segment of this stack after the current one: they may be released.
    pub unsafe fn grow(
        &self,
        context: &Context,
        frame: usize,
        args: usize,
        cache: &mut Cache,
    ) -> Result<&Segment, GrowError> {
        let current = self.current(context);
        debug_assert!(current.contains(context.sp.get()));
        let sum = |a: usize, b: usize| a.checked_add(b).ok_or(GrowError::Limit);
        let size = sum(sum(frame, args)?, HEADER + GUARD + ENTRY)?;
        // SAFETY: as in `first`.
        let next = match unsafe { current.next.get().as_ref() } {
            Some(kept) if kept.size >= size && kept.total.get() <= max() => kept,
            // SAFETY: passed on to the caller.
            _ => unsafe { self.add(current, size, cache)? },
        };
        current.left_at.set(context.sp.get());
        settle(context, next);
        Ok(next)
    }

    /// A new segment of at least `size` bytes after `current`, in place of those that were kept there.
    ///
    /// # Safety
    /// As for [`grow`](Self::grow).
    unsafe fn add(
        &self,
        current: &Segment,
        size: usize,
        cache: &mut Cache,
    ) -> Result<&Segment, GrowError> {
        let size = next_size(current, size)?;
        let total = current.total.get() + size;
        let next = cache.take(size)?;
        // SAFETY: passed on to the caller.
        unsafe { release_after(current, cache) };
        current.next.set(next);
        // SAFETY: the cache gave the segment to this stack.
        let next = unsafe { &*next };
        next.prev.set(ptr::from_ref(current).cast_mut());
        next.total.set(total);
        Ok(next)
    }

    /// The goroutine returns to the segment before its own; false when it is on the first. The assembly does as much without asking.
    pub fn pop(&self, context: &Context) -> bool {
        // SAFETY: the segment before one of this stack is this stack's.
        let prev = unsafe { self.current(context).prev.get().as_ref() };
        if let Some(prev) = prev {
            settle(context, prev);
        }
        prev.is_some()
    }

    /// The goroutine goes on at `sp`, with all frames below gone (a recovered panic): that one's segment becomes its own. False, without
    /// any change, when `sp` is not in its stack.
    pub fn rewind(&self, context: &Context, sp: usize) -> bool {
        let segment = self.segment_of(sp);
        if let Some(segment) = segment {
            settle(context, segment);
        }
        segment.is_some()
    }

    /// What a collector must look at, for a goroutine whose stack pointer is `sp` on its current segment: the oldest frames first.
    pub fn ranges(&self, context: &Context, sp: usize) -> impl Iterator<Item = Range<usize>> {
        let current = self.current(context);
        let older = self
            .segments()
            .take_while(move |&segment| !ptr::eq(segment, current));
        let older = older.map(|segment| segment.left_at.get()..segment.hi);
        older.chain(iter::once(sp..current.hi))
    }

    /// Releases the segments that are only kept: for a goroutine that will not need them soon.
    ///
    /// # Safety
    /// Nobody holds them.
    pub unsafe fn trim(&self, context: &Context, cache: &mut Cache) {
        // SAFETY: passed on to the caller.
        unsafe { release_after(self.current(context), cache) };
    }

    /// Releases all but the first segment: a dead goroutine keeps that for the next.
    ///
    /// # Safety
    /// Nobody runs on them any more, or holds them.
    pub unsafe fn recycle(&self, cache: &mut Cache) {
        if let Some(first) = self.first() {
            // SAFETY: passed on to the caller.
            unsafe { release_after(first, cache) };
        }
    }

    /// Releases everything.
    ///
    /// # Safety
    /// Nobody runs on this stack any more.
    pub unsafe fn release(self, cache: &mut Cache) {
        let first = self.first.get();
        if !first.is_null() {
            // SAFETY: nobody runs on the segments, and nobody holds them: that would borrow `self`. The stack has them no more.
            unsafe {
                release_after(&*first, cache);
                cache.give(first);
            }
        }
    }
}

/// The size of a segment after `current` with at least `size` bytes: a power of two, twice the current one's or more; or what is left of the
/// limit.
fn next_size(current: &Segment, size: usize) -> Result<usize, GrowError> {
    let left = max().saturating_sub(current.total.get());
    let power = size.checked_next_power_of_two().ok_or(GrowError::Limit)?;
    let wanted = power.max(2 * current.size);
    if wanted <= left {
        return Ok(wanted);
    }
    let last = left & !(page() - 1);
    match last >= size && last > arena::LARGEST {
        true => Ok(last),
        false => Err(GrowError::Limit),
    }
}

/// Makes a segment the goroutine's own.
fn settle(context: &Context, segment: &Segment) {
    context.segment.set(ptr::from_ref(segment).cast_mut());
    context.limit.set(segment.limit.get());
}

/// Releases the segments after one.
///
/// # Safety
/// Nobody runs on them, or holds them.
unsafe fn release_after(segment: &Segment, cache: &mut Cache) {
    let mut next = segment.next.replace(ptr::null_mut());
    while !next.is_null() {
        let segment = next;
        // SAFETY: nobody holds the segments, says the caller, and the stack has them no more.
        unsafe {
            next = (*segment).next.get();
            cache.give(segment);
        }
    }
}
