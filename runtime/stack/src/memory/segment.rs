//! One segment of a goroutine's stack.

use std::cell::Cell;
use std::mem::size_of;
use std::ptr;

use super::map;
use super::pool::Pool;

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
    pub(crate) prev: Cell<*mut Segment>,
    /// What the stack check compares with.
    pub limit: Cell<usize>,
    /// Where the stack begins, growing downwards: one past the last byte, a multiple of 16.
    pub hi: usize,
    /// The segment that continues this one; kept when the goroutine returns from it.
    pub(super) next: Cell<*mut Segment>,
    /// The lowest byte that the stack may use.
    pub lo: usize,
    /// Bytes of memory, header included.
    pub(super) size: usize,
    /// Bytes of memory of this segment and of all before it.
    pub(super) total: Cell<usize>,
    /// Where the goroutine's stack pointer was when it went on to `next`: below are no live bytes.
    pub(super) left_at: Cell<usize>,
    /// Whose; only compared.
    pub(super) pool: *const (),
    pub(super) kind: Kind,
}

/// Room for a header, a multiple of 16.
pub(super) const HEADER: usize = size_of::<Segment>().next_multiple_of(16);

impl Segment {
    /// Writes the header of a segment of `size` bytes at `base`.
    ///
    /// # Safety
    /// `base..base + size` is the caller's, aligned to 16 bytes, and has room for more than [`HEADER`] and [`GUARD`].
    pub(super) unsafe fn init(
        base: *mut u8,
        size: usize,
        kind: Kind,
        pool: &'static Pool,
    ) -> *mut Segment {
        let segment = base.cast::<Segment>();
        let (lo, hi) = (base as usize + HEADER, base as usize + size);
        // SAFETY: the memory is the caller's.
        unsafe { segment.write(Segment::new(lo, hi, size, kind, pool)) };
        segment
    }

    /// Writes the header of a stack of `size` bytes behind the guard page at `slot`.
    ///
    /// # Safety
    /// All of that is the caller's.
    pub(super) unsafe fn init_guarded(
        slot: *mut u8,
        size: usize,
        pool: &'static Pool,
    ) -> *mut Segment {
        let lo = slot as usize + map::page();
        let hi = lo + size - HEADER;
        let segment = hi as *mut Segment;
        // SAFETY: the header lies in the stack's last bytes, which are the caller's; a stack is whole pages.
        unsafe { segment.write(Segment::new(lo, hi, size, Kind::Guarded, pool)) };
        segment
    }

    fn new(lo: usize, hi: usize, size: usize, kind: Kind, pool: &'static Pool) -> Segment {
        Segment {
            prev: Cell::new(ptr::null_mut()),
            limit: Cell::new(lo + GUARD),
            hi,
            next: Cell::new(ptr::null_mut()),
            lo,
            size,
            total: Cell::new(size),
            left_at: Cell::new(hi),
            pool: ptr::from_ref(pool).cast(),
            kind,
        }
    }

    /// A guarded stack's slot.
    pub(super) fn slot(&self) -> *mut u8 {
        (self.lo - map::page()) as *mut u8
    }

    /// Whether a frame of `frame` bytes, called at `sp`, ends above the limit of this segment.
    pub fn has_room(&self, sp: usize, frame: usize) -> bool {
        sp.checked_sub(frame)
            .is_some_and(|end| end >= self.limit.get())
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
