//! Steps: what the operations, select's included, do to a channel under its lock, and what is left to do without it.

use std::ptr;

use stack::Outcome;

use super::{CLOSED, Chan, DONE, WOULD_BLOCK};
use crate::g::{GRef, WaitReason};
use crate::sync::atomic::Ordering;
use crate::wait::{Taken, WaitQueue};

/// What an attempt made under the lock came to; what is left to do is done without the lock.
pub(crate) enum Step {
    /// The buffer had room, or an element.
    Done,
    /// A goroutine waited at the other side: the value goes from its stack to this one's or back, then it is readied.
    Exchange(Taken),
    /// A sender's value has taken the place of the buffer's first: it is readied.
    Resume(Taken),
    Closed,
    Blocked,
}

impl Chan {
    /// The address of the buffer's element `index`, which may be past the end by less than the capacity.
    fn slot(&self, index: usize) -> *mut u8 {
        let index = if index >= self.cap {
            index - self.cap
        } else {
            index
        };
        // SAFETY: `index` is below the capacity.
        unsafe { self.buffer.add(index * self.elem_size).as_ptr() }
    }

    /// # Safety
    /// The lock is held; `elem` has an element to read.
    pub(crate) unsafe fn send_locked(&self, elem: *const u8) -> Step {
        if self.closed.load(Ordering::Relaxed) {
            return Step::Closed;
        }
        // SAFETY: the lock is held.
        if let Some(receiver) = unsafe { self.receivers.pop() } {
            return Step::Exchange(receiver);
        }
        let count = self.count.load(Ordering::Relaxed);
        if count == self.cap {
            return Step::Blocked;
        }
        // SAFETY: the slot behind the last element is free; the lock is held.
        unsafe { self.copy(elem, self.slot(self.head.get() + count)) };
        self.count.store(count + 1, Ordering::Release);
        Step::Done
    }

    /// # Safety
    /// The lock is held; `elem` has room for an element, or is null.
    pub(crate) unsafe fn recv_locked(&self, elem: *mut u8) -> Step {
        let count = self.count.load(Ordering::Relaxed);
        // SAFETY: the lock is held.
        let sender = unsafe { self.senders.pop() };
        if count == 0 {
            return match sender {
                Some(sender) => Step::Exchange(sender),
                None if self.closed.load(Ordering::Relaxed) => Step::Closed,
                None => Step::Blocked,
            };
        }
        let head = self.head.get();
        let slot = self.slot(head);
        // SAFETY: the first slot holds an element; the lock is held.
        unsafe {
            self.leaves(slot);
            self.copy(slot, elem);
            self.forget(slot);
        }
        self.head
            .set(if head + 1 == self.cap { 0 } else { head + 1 });
        match sender {
            Some(sender) => {
                // The buffer was full: the slot that became free is the one behind the last.
                // SAFETY: the sender's element stays until the sender is readied.
                unsafe { self.copy(sender.elem(), slot) };
                Step::Resume(sender)
            }
            None => {
                self.count.store(count - 1, Ordering::Release);
                Step::Done
            }
        }
    }

    /// What is left of a send after the lock was released: its result.
    ///
    /// # Safety
    /// `elem` has an element to read.
    pub(crate) unsafe fn finish_send(&self, step: Step, elem: *const u8) -> usize {
        match step {
            Step::Done => DONE,
            Step::Exchange(receiver) | Step::Resume(receiver) => {
                // SAFETY: the receiver's place for the element stays until the receiver is readied.
                unsafe { self.copy(elem, receiver.elem()) };
                receiver.resume(true);
                DONE
            }
            Step::Closed => CLOSED,
            Step::Blocked => WOULD_BLOCK,
        }
    }

    /// What is left of a receive after the lock was released: its result.
    ///
    /// # Safety
    /// `elem` has room for an element, or is null.
    pub(crate) unsafe fn finish_recv(&self, step: Step, elem: *mut u8) -> usize {
        match step {
            Step::Done => DONE,
            Step::Exchange(sender) => {
                // SAFETY: the sender's element stays until the sender is readied.
                unsafe { self.copy(sender.elem(), elem) };
                sender.resume(true);
                DONE
            }
            Step::Resume(sender) => {
                sender.resume(true);
                DONE
            }
            Step::Closed => {
                // SAFETY: the caller's word.
                unsafe { self.zero(elem) };
                CLOSED
            }
            Step::Blocked => WOULD_BLOCK,
        }
    }

    /// Parks `g` in `queue`, and releases the lock.
    ///
    /// # Safety
    /// The lock is held; `elem` stays valid until the goroutine is readied.
    pub(super) unsafe fn park(
        &self,
        queue: &WaitQueue,
        g: GRef,
        elem: *mut u8,
        why: WaitReason,
    ) -> Outcome {
        g.waiter.prepare(g, elem, 0);
        g.will_park(why);
        // SAFETY: the lock is held until the goroutine is queued; its waiter is in no other queue, since it runs.
        unsafe {
            queue.push(&g.waiter);
            self.lock.unlock();
        }
        Outcome::switch()
    }

    /// # Safety
    /// `from` has an element to read, and `to` room for one or is null.
    #[inline]
    unsafe fn copy(&self, from: *const u8, to: *mut u8) {
        if to.is_null() {
            return;
        }
        // SAFETY: there is an element at `to`, or was one.
        unsafe { self.overwrites(to) };
        // Words are what most channels carry. The two may be one place: nothing forbids goroutines to share it.
        match self.elem_size {
            0 => {}
            // SAFETY: the caller's word.
            8 => unsafe {
                to.cast::<u64>()
                    .write_unaligned(from.cast::<u64>().read_unaligned())
            },
            // SAFETY: the caller's word.
            size => unsafe { ptr::copy(from, to, size) },
        }
    }

    /// # Safety
    /// `elem` has room for an element, or is null.
    pub(super) unsafe fn zero(&self, elem: *mut u8) {
        if !elem.is_null() {
            // SAFETY: the caller's word; there is an element, or was one.
            unsafe {
                self.overwrites(elem);
                ptr::write_bytes(elem, 0, self.elem_size);
            }
        }
    }

    /// What a collector must know before the element at `place`, which may lie in its heap, is overwritten.
    ///
    /// # Safety
    /// Memory of an element's size.
    #[inline]
    unsafe fn overwrites(&self, place: *const u8) {
        if let Some(pointers) = &self.pointers {
            // SAFETY: the caller's word.
            unsafe { (pointers.watcher.overwritten)(pointers.ty, place) };
        }
    }

    /// What a collector must know before the element in `slot` leaves the buffer.
    ///
    /// # Safety
    /// A slot with an element; the lock is held.
    #[inline]
    unsafe fn leaves(&self, slot: *const u8) {
        if let Some(pointers) = &self.pointers {
            // SAFETY: the caller's word.
            unsafe { (pointers.watcher.taken)(pointers.ty, slot) };
        }
    }

    /// The slot, whose element is gone, keeps nothing alive.
    ///
    /// # Safety
    /// A slot of the buffer; the lock is held.
    #[inline]
    unsafe fn forget(&self, slot: *mut u8) {
        if self.pointers.is_some() {
            // SAFETY: the caller's word.
            unsafe { ptr::write_bytes(slot, 0, self.elem_size) };
        }
    }
}
