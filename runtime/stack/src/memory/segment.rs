//! One segment of a goroutine's stack.

use std::cell::Cell;
use std::mem::size_of;
use std::ptr;

/// Bytes between the end of a segment and its limit, which code may use below the limit without asking:
///
/// ```text
///   256  a frame smaller than this compares the stack pointer itself, before the frame is taken (LLVM's kSplitStackAvailable)
///     8  that frame's call of the function whose check fails
///     8  that function's call of __morestack
///   272  what __morestack pushes (x86_64/grow.rs): rbp, rbx, r11, all argument registers, its call, and `gort_enter`'s registers
///   ---
///   544
///   224  left over; functions that don't check (memcpy, the assembly entries), called from a frame at the limit, have this and
///        __morestack's 280: 504 bytes
/// ```
///
/// The dynamic linker's lazy binding needs more (it saves every vector register): programs are linked with `-z now`.
pub const GUARD: usize = 768;

/// What a new segment must have above its limit beside the frame and the arguments that were asked for: their alignment, and the return
/// address into `__morestack`.
pub(super) const ENTRY: usize = 32;

/// Who gave a segment's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// A block of a size class.
    Small,
    /// A mapping of its own.
    Large,
    /// A slot with a guard page.
    Guarded,
}

/// A segment's header. It lies at the low end of the segment; a guarded stack's at the high end, whose page is in use anyway.
///
/// It belongs to the stack's goroutine, as its `Context` does.
#[repr(C)]
pub struct Segment {
    /// The segment that this one continues; null for the first.
    pub prev: Cell<*mut Segment>,
    /// What the stack check compares with.
    pub limit: Cell<usize>,
    /// Where the stack begins, growing downwards: one past the last byte, a multiple of 16.
    pub hi: usize,
    /// The segment that continues this one; kept when the goroutine returns from it.
    pub next: Cell<*mut Segment>,
    /// The lowest byte that the stack may use.
    pub lo: usize,
    /// Bytes of memory, header and guard page included.
    pub(super) size: usize,
    /// Bytes of memory of this segment and of all before it.
    pub(super) total: Cell<usize>,
    /// Where the goroutine's stack pointer was when it went on to `next`: below are no live bytes.
    pub(super) left_at: Cell<usize>,
    pub(super) kind: Kind,
}

/// Room for a header, a multiple of 16.
pub(super) const HEADER: usize = size_of::<Segment>().next_multiple_of(16);

impl Segment {
    /// Writes the header of a segment of `size` bytes at `base`, whose header is at the low end.
    ///
    /// # Safety
    /// `base..base + size` is the caller's, aligned to 16 bytes.
    pub(super) unsafe fn init(base: *mut u8, size: usize, kind: Kind) -> *mut Segment {
        let segment = base.cast::<Segment>();
        let lo = base as usize + HEADER;
        // SAFETY: the memory is the caller's, says the caller.
        unsafe { segment.write(Segment::new(lo, base as usize + size, size, kind)) };
        segment
    }

    pub(super) fn new(lo: usize, hi: usize, size: usize, kind: Kind) -> Segment {
        Segment {
            prev: Cell::new(ptr::null_mut()),
            limit: Cell::new(lo + GUARD),
            hi,
            next: Cell::new(ptr::null_mut()),
            lo,
            size,
            total: Cell::new(size),
            left_at: Cell::new(hi),
            kind,
        }
    }

    /// Whether a stack pointer of `sp` means that the goroutine runs on this segment.
    pub fn contains(&self, sp: usize) -> bool {
        self.lo < sp && sp <= self.hi
    }

    /// Bytes of memory, all told.
    pub fn size(&self) -> usize {
        self.size
    }
}
