//! The program's queue, and everybody's markers.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use sched::p::{MAX_PROCS, P};

use super::{Marker, Queue};
use crate::layout;
use crate::pacer;

/// So much is looked through at most while the world is stopped, in bytes: a tenth of a millisecond or so.
const LAST: usize = 128 << 10;

/// The program's.
pub static QUEUE: Queue = Queue::new();

/// Bytes of the arena that there were when marking began.
static LIMIT: AtomicUsize = AtomicUsize::new(0);
/// Bytes of objects marked in this cycle, and looked through: what markers have counted.
static MARKED: AtomicUsize = AtomicUsize::new(0);
static SCANNED: AtomicUsize = AtomicUsize::new(0);

static OF_PS: [AtomicPtr<Marker>; MAX_PROCS] =
    [const { AtomicPtr::new(ptr::null_mut()) }; MAX_PROCS];

thread_local! {
    /// The collector's and its helpers' own.
    static OWN: Cell<*mut Marker> = const { Cell::new(ptr::null_mut()) };
}

/// Marking begins. The world is stopped.
pub fn begin() {
    LIMIT.store(layout::used(), Ordering::Release);
    MARKED.store(0, Ordering::Relaxed);
    SCANNED.store(0, Ordering::Relaxed);
    QUEUE.open();
}

/// Takes what the Ps have found, and works it off if that isn't much: whether marking has ended. The world is stopped, by the collector.
#[must_use]
pub fn end() -> bool {
    for place in &OF_PS {
        // SAFETY: markers of Ps are never freed; the Ps stand still.
        if let Some(marker) = unsafe { place.load(Ordering::Acquire).as_mut() } {
            give_up(marker);
        }
    }
    with(|marker| {
        let _ = marker.drain(LAST, true);
        give_up(marker);
    });
    QUEUE.close()
}

/// Bytes of the objects that were marked in this cycle, those apart that were allocated in it.
pub fn marked() -> usize {
    MARKED.load(Ordering::Relaxed)
}

/// Bytes of the objects that were looked through in this cycle.
pub fn scanned() -> usize {
    SCANNED.load(Ordering::Relaxed)
}

/// Adds what a marker has counted.
fn count(marker: &mut Marker) {
    MARKED.fetch_add(std::mem::take(&mut marker.marked), Ordering::Relaxed);
    SCANNED.fetch_add(std::mem::take(&mut marker.scanned), Ordering::Relaxed);
}

fn give_up(marker: &mut Marker) {
    marker.give_up();
    count(marker);
}

/// The calling thread is the collector's, or a helper's, and gets a marker of its own, until [`end_thread`].
pub fn begin_thread() {
    OWN.set(Box::into_raw(Box::new(Marker::new(&QUEUE))));
}

/// The calling thread ends, and has given up what it had.
pub fn end_thread() {
    // SAFETY: made by `begin_thread`, and known to this thread only.
    drop(unsafe { Box::from_raw(OWN.replace(ptr::null_mut())) });
}

/// Gives the memory of all markers back, and of what they had.
///
/// # Safety
/// Nobody marks any more.
pub(crate) unsafe fn free_all() {
    for place in &OF_PS {
        let marker = place.swap(ptr::null_mut(), Ordering::AcqRel);
        if !marker.is_null() {
            // SAFETY: a leaked box, which nobody uses.
            drop(unsafe { Box::from_raw(marker) });
        }
    }
    QUEUE.free_all();
}

/// The marker of the calling thread's P.
///
/// # Safety
/// The thread's M has the P; no other reference from here is alive.
unsafe fn of_p(p: &P) -> &'static mut Marker {
    let place = &OF_PS[p.id];
    let mut marker = place.load(Ordering::Relaxed);
    if marker.is_null() {
        marker = Box::into_raw(Box::new(Marker::new(&QUEUE)));
        place.store(marker, Ordering::Release);
    }
    // SAFETY: never freed, and nobody else uses it, says the caller.
    let marker = unsafe { &mut *marker };
    marker.see(LIMIT.load(Ordering::Relaxed));
    marker
}

/// Calls `act` with the marker of this thread's P, or with one of the thread's own. Marking is on. What a P finds stays with it until it is much.
pub fn with(act: impl FnOnce(&mut Marker)) {
    if let Some(p) = P::try_current() {
        // SAFETY: this thread's M has the P, and `act` doesn't come here again.
        let marker = unsafe { of_p(p) };
        act(marker);
        if marker.has_much() {
            give_up(marker);
        }
        return;
    }
    let own = OWN.get();
    let limit = LIMIT.load(Ordering::Acquire);
    if own.is_null() {
        let mut marker = Marker::new(&QUEUE);
        marker.see(limit);
        act(&mut marker);
        return give_up(&mut marker);
    }
    // SAFETY: the thread's own, and `act` doesn't come here again.
    let marker = unsafe { &mut *own };
    marker.see(limit);
    act(marker);
}

/// What became of a piece of marking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worked {
    /// There is nothing left that could be found.
    pub done: bool,
    /// Bytes of the objects that were looked through.
    pub bytes: usize,
}

/// Looks through objects of so many bytes, or as many as can be found, with the marker that [`with`] has; the pacer is told.
pub fn work(budget: usize) -> Worked {
    let mut worked = Worked {
        done: false,
        bytes: 0,
    };
    with(|marker| {
        let before = marker.scanned;
        worked.done = marker.drain(budget, true);
        worked.bytes = marker.scanned - before;
        count(marker);
    });
    pacer::earn(worked.bytes);
    worked
}

/// Others get what this thread's marker has.
pub fn give_up_own() {
    with(give_up);
}

/// The object at the address will be marked, if there is one. Marking is on.
pub fn shade(address: usize) {
    if layout::contains(address) {
        with(|marker| marker.grey_if_allocated(address));
    }
}
