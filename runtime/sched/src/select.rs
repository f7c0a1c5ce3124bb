//! Select: the first of several channel operations that can go on.
//!
//! It runs in two phases. [`begin`] locks all channels, looks for a case that can go on, and if there is none puts the goroutine in
//! the queue of each, once for every case. Who wakes the goroutine through one of them wins it by a compare-and-swap on
//! `G::select_done`, so that the others drop it when they find it. When the goroutine goes on, [`finish`] takes it off the queues
//! that it is still in. The lock order is that of the channels' addresses.
//!
//! The cases lie on the goroutine's stack, with a waiter each.

use std::cell::Cell;
use std::ptr;
use std::slice;

use stack::Outcome;

use crate::chan::{CLOSED, Chan, Step, park_for_ever};
use crate::fault::{Fault, on};
use crate::g::{GRef, WaitReason};
use crate::sync::atomic::Ordering;
use crate::wait::{WaitQueue, Waiter};

/// No case could go on, and the select has a default.
pub const DEFAULT: usize = usize::MAX;
/// Bit of a result: the value was sent or received. Without it the channel is closed: a send panics, a receive got the zero value.
pub const SUCCESS: usize = 1;
/// Bit of a result: the goroutine was parked, so that [`finish`] must be called with this result.
pub const PARKED: usize = 2;
/// The case's number stands above the bits.
pub const CASE_SHIFT: u32 = 2;
/// The most cases that a select has, as in Go.
pub const MAX_CASES: usize = 1 << 16;

/// One case of a select. It stays where it is until the select has ended.
#[repr(C)]
pub struct Case {
    /// Null: never ready.
    pub chan: *const Chan,
    /// The element to send; where to put the received one, or null.
    pub elem: *mut u8,
    /// Whether to send. Otherwise: receive.
    pub send: bool,
    /// Zeroed, or [`Waiter::default`].
    pub waiter: Waiter,
}

/// A select statement, on the stack of its goroutine.
#[repr(C)]
pub struct Select {
    /// `count` cases.
    cases: *const Case,
    /// Room for `2 * count` numbers: the order in which cases are tried, and that of the locks.
    order: *mut u16,
    count: usize,
    /// Cases that have a channel: how much of each order is used.
    live: Cell<usize>,
}

impl Case {
    /// `chan <- *elem`
    pub fn send(chan: Option<&Chan>, elem: *const u8) -> Case {
        Case {
            chan: chan.map_or(ptr::null(), ptr::from_ref),
            elem: elem.cast_mut(),
            send: true,
            waiter: Waiter::default(),
        }
    }

    /// `*elem = <-chan`
    pub fn recv(chan: Option<&Chan>, elem: *mut u8) -> Case {
        Case {
            chan: chan.map_or(ptr::null(), ptr::from_ref),
            elem,
            send: false,
            waiter: Waiter::default(),
        }
    }

    /// # Safety
    /// The case has a channel.
    unsafe fn channel(&self) -> &Chan {
        // SAFETY: the caller's word; who selects keeps the channels alive.
        unsafe { &*self.chan }
    }

    /// # Safety
    /// The case has a channel, and this thread holds its lock.
    unsafe fn attempt(&self) -> Step {
        // SAFETY: the caller's word; the element is the case's.
        unsafe {
            if self.send {
                self.channel().send_locked(self.elem)
            } else {
                self.channel().recv_locked(self.elem)
            }
        }
    }

    /// Does without locks what is left after a successful attempt. The bit of the result.
    ///
    /// # Safety
    /// The case has a channel.
    unsafe fn complete(&self, step: Step) -> usize {
        // SAFETY: the caller's word; the element is the case's.
        let result = unsafe {
            if self.send {
                self.channel().finish_send(step, self.elem)
            } else {
                self.channel().finish_recv(step, self.elem)
            }
        };
        if result == CLOSED { 0 } else { SUCCESS }
    }

    /// Puts `g` in the queue for this case, whose number is `index`.
    ///
    /// # Safety
    /// The case has a channel, this thread holds its lock, and the case stays until it is taken off again.
    unsafe fn enqueue(&self, g: GRef, index: usize) {
        self.waiter
            .prepare(g, self.elem, index << CASE_SHIFT | PARKED);
        // SAFETY: the caller's word.
        unsafe { self.queue().push(&self.waiter) };
    }

    /// # Safety
    /// The case has a channel.
    unsafe fn queue(&self) -> &WaitQueue {
        // SAFETY: the caller's word.
        let chan = unsafe { self.channel() };
        if self.send {
            &chan.senders
        } else {
            &chan.receivers
        }
    }
}

impl Select {
    /// # Safety
    /// The cases stay where they are until the select has ended, and `order` has room for twice as many numbers as there are cases.
    /// There are [`MAX_CASES`] at most.
    pub unsafe fn new(cases: &[Case], order: *mut u16) -> Select {
        Select {
            cases: cases.as_ptr(),
            order,
            count: cases.len(),
            live: Cell::new(0),
        }
    }

    fn case(&self, index: u16) -> &Case {
        debug_assert!(usize::from(index) < self.count);
        // SAFETY: the orders hold numbers of cases.
        unsafe { &*self.cases.add(usize::from(index)) }
    }

    /// One of the two orders.
    fn order(&self, part: usize) -> &[u16] {
        // SAFETY: `order` has room for both parts, and as many numbers of each are written; nobody writes them but `shuffle` and
        // `sort`, which have returned.
        unsafe { slice::from_raw_parts(self.order.add(part * self.count), self.live.get()) }
    }

    /// The order in which cases are tried.
    fn polls(&self) -> &[u16] {
        self.order(0)
    }

    /// The order of the locks; the cases of one channel stand together.
    fn locks(&self) -> &[u16] {
        self.order(1)
    }

    /// Shuffles the cases that have channels.
    fn shuffle(&self) {
        let mut live = 0;
        for index in 0..self.count {
            // SAFETY: there are `count` cases, and room for as many numbers; those below `live` are written.
            unsafe {
                if (*self.cases.add(index)).chan.is_null() {
                    continue;
                }
                // The new one goes to any place, and who stands there to the end; both may be the same.
                let end = self.order.add(live);
                end.write(index as u16);
                ptr::swap(end, self.order.add(random_below(live as u32 + 1) as usize));
            }
            live += 1;
        }
        self.live.set(live);
    }

    /// Sorts what `shuffle` left into the order of the locks.
    fn sort(&self) {
        let live = self.live.get();
        // SAFETY: `order` has room for both parts; the first is written, the second is only written here.
        let locks = unsafe {
            let locks = self.order.add(self.count);
            ptr::copy_nonoverlapping(self.order, locks, live);
            slice::from_raw_parts_mut(locks, live)
        };
        if !on(Fault::SelectLocksUnsorted) {
            // SAFETY: the orders hold cases with channels.
            locks.sort_unstable_by_key(|&index| unsafe { self.case(index).channel() }.lock_order());
        }
    }

    /// Locks all channels.
    fn lock(&self) {
        let mut last = ptr::null();
        for &index in self.locks() {
            let chan = self.case(index).chan;
            if chan != last {
                // SAFETY: the orders hold cases with channels.
                unsafe { self.case(index).channel() }.lock.lock();
                last = chan;
            }
        }
    }

    /// Unlocks all channels. A goroutine that was parked may be readied through the first that is unlocked, and gets through `finish`
    /// once the last is: after that the select may be gone.
    ///
    /// # Safety
    /// This thread holds the locks.
    unsafe fn unlock(&self) {
        let locks = self.locks();
        for at in (0..locks.len()).rev() {
            let chan = self.case(locks[at]).chan;
            let first = at == 0 || self.case(locks[at - 1]).chan != chan;
            if first {
                // SAFETY: held once for all cases of this channel.
                unsafe { (*chan).lock.unlock() };
            }
        }
    }

    /// Looks for a case that can go on, in random order.
    ///
    /// # Safety
    /// This thread holds the locks.
    unsafe fn poll(&self) -> Option<(u16, Step)> {
        for &index in self.polls() {
            // SAFETY: the caller's word; the orders hold cases with channels.
            match unsafe { self.case(index).attempt() } {
                Step::Blocked => {}
                step => return Some((index, step)),
            }
        }
        None
    }
}

/// The first phase. Results in the case's number above the bits, or in [`DEFAULT`] unless `block`.
///
/// # Safety
/// `select` is a select of the goroutine `g`, which runs; it stays where it is until it has ended, and so do the elements.
pub unsafe fn begin(select: *const Select, g: GRef, block: bool) -> Outcome {
    // SAFETY: the caller's word.
    let statement = unsafe { &*select };
    if statement.count == 0 && block {
        return park_for_ever(g, WaitReason::SelectNoCases);
    }
    statement.shuffle();
    statement.sort();
    statement.lock();
    // SAFETY: the locks are held.
    let found = unsafe { statement.poll() };
    if let Some((index, step)) = found {
        let case = statement.case(index);
        // SAFETY: the locks are held; the case has a channel.
        let bits = unsafe {
            statement.unlock();
            case.complete(step)
        };
        return Outcome::done(usize::from(index) << CASE_SHIFT | bits);
    }
    if !block {
        // SAFETY: the locks are held.
        unsafe { statement.unlock() };
        return Outcome::done(DEFAULT);
    }
    // SAFETY: the locks are held.
    unsafe { park(statement, g) }
}

/// Queues for all cases.
///
/// # Safety
/// This thread holds the locks.
unsafe fn park(select: &Select, g: GRef) -> Outcome {
    g.select_done.store(0, Ordering::Relaxed);
    g.will_park(WaitReason::Select);
    for &index in select.locks() {
        // SAFETY: the locks are held; the case stays until `finish` has taken it off.
        unsafe { select.case(index).enqueue(g, usize::from(index)) };
    }
    // SAFETY: the locks are held.
    unsafe { select.unlock() };
    Outcome::switch()
}

/// The second phase, for a result with [`PARKED`]. Results in the same without this bit.
///
/// # Safety
/// As for [`begin`], which has just resulted in `value`.
pub unsafe fn finish(select: *const Select, value: usize) -> Outcome {
    // SAFETY: the caller's word.
    let select = unsafe { &*select };
    select.lock();
    // SAFETY: the orders are as `begin` left them; the locks are held, and each waiter is in its queue or in none.
    unsafe {
        if !on(Fault::SelectStaysQueued) {
            for &index in select.locks() {
                let case = select.case(index);
                case.queue().remove(&case.waiter);
            }
        }
        select.unlock();
    }
    Outcome::done(value & !PARKED)
}

/// A number below `limit`, evenly enough.
#[cfg(not(loom))]
fn random_below(limit: u32) -> u32 {
    // The generator's upper half is the better one.
    let random = crate::m::M::current().random() >> 32;
    ((random * u64::from(limit)) >> 32) as u32
}

/// Models are deterministic: cases are tried in the order in which they stand.
#[cfg(loom)]
fn random_below(limit: u32) -> u32 {
    limit - 1
}
