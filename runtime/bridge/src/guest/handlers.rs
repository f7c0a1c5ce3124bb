//! Signal handlers as the host had them, for when the runtime goes.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use sched::signal::{self, COUNT, action, bit, set_action};

use super::notes;
use crate::signals;

/// Written once, before the runtime has handlers.
struct Found(UnsafeCell<[MaybeUninit<libc::sigaction>; COUNT]>);

// SAFETY: see the type; whoever reads comes after that.
unsafe impl Sync for Found {}

static FOUND: Found = Found(UnsafeCell::new([const { MaybeUninit::uninit() }; COUNT]));
/// The signals that had handlers of ours once the runtime was started; each a bit.
static OURS: AtomicU64 = AtomicU64::new(0);
/// Addresses of the object that this code is in.
static OBJECT: OnceLock<Range<usize>> = OnceLock::new();

/// Signals that a program can handle.
fn all() -> impl Iterator<Item = i32> {
    (1..COUNT as i32).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal))
}

/// Before the runtime puts any handler in place. To be called once.
pub fn note() {
    for signal in all() {
        // SAFETY: nobody else touches the place before this has returned.
        unsafe { (*FOUND.0.get())[signal as usize].write(action(signal)) };
    }
}

/// Once the runtime is started.
pub fn note_own() {
    let ours = all().filter(|signal| is_ours(*signal));
    let mask = ours.fold(0, |mask, signal| mask | bit(signal));
    OURS.store(mask, Ordering::Release);
}

/// Whether a signal's handler lies in the object that this code is in.
fn is_ours(signal: i32) -> bool {
    let object = || OBJECT.get_or_init(|| notes::object_of((&raw const OURS).addr()));
    let handler = action(signal).sa_sigaction;
    handler > libc::SIG_IGN && object().contains(&handler)
}

/// Puts back what was there before the runtime, unless somebody stands where it has put its handlers. Whether it has.
pub fn leave() -> bool {
    signal::exclusively(|| {
        let in_place = are_in_place();
        if in_place {
            put_back();
        }
        in_place
    })
}

/// Whether nobody stands where the runtime has put its handlers.
pub fn are_in_place() -> bool {
    let ours = OURS.load(Ordering::Acquire);
    let taken = |signal: i32| ours & bit(signal) != 0 || signals::is_taken(signal);
    all().all(|signal| !taken(signal) || is_ours(signal))
}

/// In place of the runtime's handlers, and where it had only changed how the host's is called.
fn put_back() {
    for signal in all() {
        // SAFETY: noted before the runtime had any handler; an action as the system gave it.
        let before = unsafe { (*FOUND.0.get())[signal as usize].assume_init_ref() };
        if action(signal).sa_sigaction == before.sa_sigaction || is_ours(signal) {
            // SAFETY: as above.
            unsafe { set_action(signal, before) };
        }
    }
}
