//! Channels.
//!
//! Invariants, under the channel's lock: goroutines wait to receive only while the buffer is empty, to send only while it is full
//! (but for those of one select that does both); none waits on a closed channel. Who finds a goroutine waiting at the other side
//! exchanges the value with it directly, from stack to stack: stacks never move.
//!
//! Operations run on the system stack. One that parks publishes its goroutine by releasing the lock, and touches it no more.

use std::alloc::{self, Layout};
use std::ptr::NonNull;

use stack::Outcome;

use crate::fault::{Fault, on};
use crate::g::{GQueue, GRef, WaitReason, ready_all};
use crate::lock::{Cell, Lock};
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::wait::{Taken, WaitQueue};

mod step;
#[cfg(all(test, not(loom)))]
mod tests;

pub(crate) use step::Step;

/// Result of an operation on a channel: a send panics with [`SEND_ON_CLOSED`]; a receive got the zero value.
pub const CLOSED: usize = 0;
/// Result of an operation on a channel: the value was sent, or received.
pub const DONE: usize = 1;
/// Result of an operation that must not block: the other side isn't ready.
pub const WOULD_BLOCK: usize = 2;
/// Result of [`close`]: it panics with [`CLOSE_OF_NIL`].
pub const NIL: usize = 3;

/// The panic of a send that resulted in [`CLOSED`].
pub const SEND_ON_CLOSED: &str = "send on closed channel";
/// The panic of a close that resulted in [`NIL`].
pub const CLOSE_OF_NIL: &str = "close of nil channel";
/// The panic of a close that resulted in [`CLOSED`].
pub const CLOSE_OF_CLOSED: &str = "close of closed channel";

/// Elements of this size and above are refused, as Go's compiler does.
const ELEM_LIMIT: usize = 1 << 16;
/// The most that one allocation may take: the address space of 64-bit systems in Go's reckoning.
const MAX_ALLOC: usize = if usize::BITS == 64 {
    1 << 48
} else {
    isize::MAX as usize
};
/// Of the buffer and so of the elements.
const ALIGN: usize = 16;

/// Why a channel can't be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MakeError {
    /// Elements of 64 KiB or more.
    ElemType,
    /// The capacity is negative, or the buffer would not fit in memory.
    Size,
}

impl MakeError {
    /// Go's own words: a fatal error in the first case, a panic in the second.
    pub const fn text(self) -> &'static str {
        match self {
            MakeError::ElemType => "makechan: invalid channel element type",
            MakeError::Size => "makechan: size out of range",
        }
    }
}

/// Elements that a collector has to know of when they are moved: they hold pointers.
#[derive(Clone, Copy)]
pub struct Pointers {
    /// The elements' type, as the functions know it.
    pub ty: *const (),
    pub watcher: &'static Watcher,
}

/// What is done about them. Both get the type and an element's place.
pub struct Watcher {
    /// The element is about to be overwritten.
    pub overwritten: unsafe fn(*const (), *const u8),
    /// The element is about to leave the channel's buffer.
    pub taken: unsafe fn(*const (), *const u8),
}

/// A channel; its buffer lies behind it in the same allocation, or is somebody else's business ([`Chan::init`]).
pub struct Chan {
    pub(crate) lock: Lock,
    /// Written under the lock, as `count` and the queues' first waiters; read without it by operations that must not block.
    closed: AtomicBool,
    /// Elements in the buffer.
    count: AtomicUsize,
    pub(crate) receivers: WaitQueue,
    pub(crate) senders: WaitQueue,
    /// Where the next element is taken from, as an index of the buffer.
    head: Cell<usize>,
    elem_size: usize,
    cap: usize,
    buffer: NonNull<u8>,
    pointers: Option<Pointers>,
    /// Counted up: addresses would make a model different each time.
    #[cfg(loom)]
    number: usize,
}

// SAFETY: the cells and the buffer are touched under the lock only.
unsafe impl Sync for Chan {}
// SAFETY: as above.
unsafe impl Send for Chan {}

impl Chan {
    /// A channel of `cap` elements of `elem_size` bytes, aligned to 16 at most. It lives until [`Chan::free`].
    pub fn new(elem_size: usize, cap: usize) -> Result<NonNull<Chan>, MakeError> {
        let layout = Chan::layout(elem_size, cap)?;
        // SAFETY: the layout isn't empty: a channel precedes the buffer.
        let memory = unsafe { alloc::alloc_zeroed(layout) };
        let Some(chan) = NonNull::new(memory.cast::<Chan>()) else {
            alloc::handle_alloc_error(layout)
        };
        // SAFETY: the layout has room for the buffer behind the header.
        let buffer = unsafe { chan.byte_add(Chan::header()) };
        // SAFETY: the memory is new, large enough and aligned.
        unsafe { Chan::init(chan, buffer.cast(), elem_size, cap, None) };
        Ok(chan)
    }

    /// Makes a channel in memory of the caller's. Not for [`Chan::free`].
    ///
    /// # Safety
    /// Room for a channel at `chan` and for its elements, aligned to 16, at `buffer`; both for as long as anybody uses the channel.
    pub unsafe fn init(
        chan: NonNull<Chan>,
        buffer: NonNull<u8>,
        elem_size: usize,
        cap: usize,
        pointers: Option<Pointers>,
    ) {
        let value = Chan {
            lock: Lock::new(),
            closed: AtomicBool::new(false),
            count: AtomicUsize::new(0),
            receivers: WaitQueue::new(),
            senders: WaitQueue::new(),
            head: Cell::new(0),
            elem_size,
            cap,
            buffer,
            pointers,
            #[cfg(loom)]
            number: number(),
        };
        // SAFETY: the caller's word.
        unsafe { chan.write(value) };
    }

    /// Where in a channel the address of its buffer stands.
    #[cfg(not(loom))]
    pub const BUFFER_OFFSET: usize = std::mem::offset_of!(Chan, buffer);

    /// Whether there can be a channel of so many elements of that size.
    pub fn check(elem_size: usize, cap: usize) -> Result<(), MakeError> {
        Chan::layout(elem_size, cap).map(|_| ())
    }

    /// # Safety
    /// `chan` is from [`Chan::new`]; nobody uses it any more, or waits on it.
    pub unsafe fn free(chan: NonNull<Chan>) {
        // SAFETY: the caller's word.
        let this = unsafe { chan.as_ref() };
        debug_assert!(this.receivers.is_empty() && this.senders.is_empty());
        let layout = Chan::layout(this.elem_size, this.cap).expect("the channel was made");
        // SAFETY: allocated with this layout, and used no more.
        unsafe {
            chan.drop_in_place();
            alloc::dealloc(chan.as_ptr().cast(), layout);
        }
    }

    /// Bytes before the buffer.
    const fn header() -> usize {
        size_of::<Chan>().next_multiple_of(ALIGN)
    }

    fn layout(elem_size: usize, cap: usize) -> Result<Layout, MakeError> {
        if elem_size >= ELEM_LIMIT {
            return Err(MakeError::ElemType);
        }
        let most = MAX_ALLOC - Chan::header();
        let bytes = elem_size.checked_mul(cap).filter(|&bytes| bytes <= most);
        match bytes {
            // A negative capacity has come as a huge one; of empty elements it would fit.
            Some(bytes) if cap <= isize::MAX as usize => {
                Layout::from_size_align(Chan::header() + bytes, ALIGN).map_err(|_| MakeError::Size)
            }
            _ => Err(MakeError::Size),
        }
    }

    /// Who locks several channels does so in the order of these.
    pub(crate) fn lock_order(&self) -> usize {
        #[cfg(loom)]
        return self.number;
        #[cfg(not(loom))]
        (&raw const *self).addr()
    }

    /// Elements in the buffer.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether the buffer is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Elements that the buffer can hold.
    pub fn cap(&self) -> usize {
        self.cap
    }

    /// Whether a send would have blocked at some moment during this call; without the lock, from any thread.
    ///
    /// Both looks are enough in either order: a closed channel doesn't become full.
    #[inline]
    pub fn would_block_send(&self) -> bool {
        !self.closed.load(Ordering::Acquire) && self.is_full()
    }

    /// Whether a receive would have blocked at some moment during this call; without the lock, from any thread.
    #[inline]
    pub fn would_block_recv(&self) -> bool {
        self.look_recv() == Some(WOULD_BLOCK)
    }

    /// What a receive that must not block results in, if that can be told without the lock.
    ///
    /// A channel may be closed, then drained. Who looks at `closed` second can't miss the first after having seen the second: what
    /// made the channel empty was released after the close, under the lock.
    #[inline]
    fn look_recv(&self) -> Option<usize> {
        if on(Fault::ClosedBeforeEmpty) && !self.closed.load(Ordering::Acquire) {
            return self.is_drained().then_some(WOULD_BLOCK);
        }
        if !self.is_drained() {
            return None;
        }
        if !self.closed.load(Ordering::Acquire) {
            return Some(WOULD_BLOCK);
        }
        // Closed for good; but something may have been sent between the two looks, and before the close.
        (self.is_drained() || on(Fault::ClosedInTwoLooks)).then_some(CLOSED)
    }

    fn is_full(&self) -> bool {
        if self.cap == 0 {
            self.receivers.is_empty()
        } else {
            self.count.load(Ordering::Acquire) == self.cap
        }
    }

    fn is_drained(&self) -> bool {
        if self.cap == 0 {
            self.senders.is_empty()
        } else {
            self.count.load(Ordering::Acquire) == 0
        }
    }
}

/// The number of a new channel.
#[cfg(loom)]
fn number() -> usize {
    thread_local!(static NEXT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });
    NEXT.replace(NEXT.get() + 1)
}

/// Parks `g` for ever, in no queue.
pub(crate) fn park_for_ever(g: GRef, why: WaitReason) -> Outcome {
    g.will_park(why);
    Outcome::switch()
}

/// `ch <- *elem`. Results in [`DONE`] or [`CLOSED`].
///
/// # Safety
/// `elem` has an element to read, until the goroutine goes on.
pub unsafe fn send(ch: Option<&Chan>, g: GRef, elem: *const u8) -> Outcome {
    let Some(ch) = ch else {
        return park_for_ever(g, WaitReason::ChanSendNil);
    };
    ch.lock.lock();
    // SAFETY: the lock is held, until it is released here or by `park`; `elem` by the caller's word.
    unsafe {
        let step = ch.send_locked(elem);
        if let Step::Blocked = step {
            return ch.park(&ch.senders, g, elem.cast_mut(), WaitReason::ChanSend);
        }
        ch.lock.unlock();
        Outcome::done(ch.finish_send(step, elem))
    }
}

/// `*elem, ok = <-ch`; the value is dropped where `elem` is null. Results in [`DONE`], or in [`CLOSED`] with the element zeroed.
///
/// # Safety
/// `elem` has room for an element, until the goroutine goes on, or is null.
pub unsafe fn recv(ch: Option<&Chan>, g: GRef, elem: *mut u8) -> Outcome {
    let Some(ch) = ch else {
        return park_for_ever(g, WaitReason::ChanReceiveNil);
    };
    ch.lock.lock();
    // SAFETY: the lock is held, until it is released here or by `park`; `elem` by the caller's word.
    unsafe {
        let step = ch.recv_locked(elem);
        if let Step::Blocked = step {
            if on(Fault::RecvRelocks) {
                ch.lock.unlock();
                ch.lock.lock();
            }
            return ch.park(&ch.receivers, g, elem, WaitReason::ChanReceive);
        }
        ch.lock.unlock();
        Outcome::done(ch.finish_recv(step, elem))
    }
}

/// `select { case ch <- *elem: default: }`. Results in [`DONE`], [`CLOSED`] or [`WOULD_BLOCK`]; needs no goroutine.
///
/// # Safety
/// `elem` has an element to read.
pub unsafe fn try_send(ch: Option<&Chan>, elem: *const u8) -> Outcome {
    let Some(ch) = ch.filter(|ch| !ch.would_block_send()) else {
        return Outcome::done(WOULD_BLOCK);
    };
    ch.lock.lock();
    // SAFETY: the lock is held until it is released; `elem` by the caller's word.
    unsafe {
        let step = ch.send_locked(elem);
        ch.lock.unlock();
        Outcome::done(ch.finish_send(step, elem))
    }
}

/// `select { case *elem, ok = <-ch: default: }`. Results in [`DONE`], [`CLOSED`] with the element zeroed, or [`WOULD_BLOCK`]; needs no
/// goroutine.
///
/// # Safety
/// `elem` has room for an element, or is null.
pub unsafe fn try_recv(ch: Option<&Chan>, elem: *mut u8) -> Outcome {
    let Some(ch) = ch else {
        return Outcome::done(WOULD_BLOCK);
    };
    // SAFETY: the lock is held where it must be, until it is released; `elem` by the caller's word.
    unsafe {
        match ch.look_recv() {
            Some(CLOSED) => {
                ch.zero(elem);
                return Outcome::done(CLOSED);
            }
            Some(result) => return Outcome::done(result),
            None => {}
        }
        ch.lock.lock();
        let step = ch.recv_locked(elem);
        ch.lock.unlock();
        Outcome::done(ch.finish_recv(step, elem))
    }
}

/// `close(ch)`: receivers get the zero value, senders panic. Results in [`DONE`], [`NIL`] or [`CLOSED`] (already); needs no goroutine.
pub fn close(ch: Option<&Chan>) -> Outcome {
    let Some(ch) = ch else {
        return Outcome::done(NIL);
    };
    let mut woken = GQueue::new();
    let mut wake = |taken: Taken| {
        let (g, value) = taken.detach(false);
        g.context.value.set(value);
        woken.push(g);
    };
    ch.lock.lock();
    if ch.closed.load(Ordering::Relaxed) {
        // SAFETY: the lock is held.
        unsafe { ch.lock.unlock() };
        return Outcome::done(CLOSED);
    }
    if !on(Fault::CloseMarksLate) {
        ch.closed.store(true, Ordering::Release);
    }
    // SAFETY: the lock is held; a receiver's place for the element stays until the receiver is readied.
    unsafe {
        while let Some(receiver) = ch.receivers.pop() {
            ch.zero(receiver.elem());
            wake(receiver);
        }
        while let Some(sender) = ch.senders.pop() {
            wake(sender);
        }
        ch.lock.unlock();
    }
    if on(Fault::CloseMarksLate) {
        ch.closed.store(true, Ordering::Release);
    }
    ready_all(woken);
    Outcome::done(DONE)
}
