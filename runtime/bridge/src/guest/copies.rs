//! Several copies of the runtime in one process: libraries that each have one linked in, or one and a program.
//!
//! They share nothing but what a thread has one of, and what the process has one of: the word that stack checks compare with
//! ([`super::word`]), the stack for signals, and who gets a signal. Each tells the others when it starts and when it goes.

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use sched::M;
use stack::memory::slot_of;

use super::{notes, word};

/// What a copy lets the others know and do. Its layout is the version of [`notes`].
#[repr(C)]
pub struct Copy {
    started: AtomicBool,
    /// `other` has started.
    came: extern "C" fn(other: &'static Copy),
    /// `other` is going; it is not touched any more when this returns.
    went: extern "C" fn(other: &'static Copy),
    /// Whether an address is one of this copy's goroutines' guard pages or stacks. Async-signal-safe.
    has_stack: extern "C" fn(address: usize) -> bool,
    /// The calling thread's stack for signals was another's, who has taken it away.
    lost_signal_stack: extern "C" fn(),
}

/// This copy.
pub static COPY: Copy = Copy {
    started: AtomicBool::new(false),
    came,
    went,
    has_stack,
    lost_signal_stack,
};

/// Others that have started. More than these are not told of each other's faults, that's all.
static OTHERS: [AtomicPtr<Copy>; 15] = [const { AtomicPtr::new(ptr::null_mut()) }; 15];

fn others() -> impl Iterator<Item = &'static Copy> {
    // SAFETY: statics of objects that are loaded: who is unloaded has said that it goes.
    OTHERS
        .iter()
        .filter_map(|place| unsafe { place.load(Ordering::Acquire).as_ref() })
}

/// The runtime starts: this copy and those that are there get to know each other. Of two that start at once, one at least sees the other.
pub fn join() {
    COPY.started.store(true, Ordering::SeqCst);
    notes::each(|other| {
        if !ptr::eq(other, &COPY) && other.started.load(Ordering::SeqCst) {
            came(other);
            (other.came)(&COPY);
        }
    });
}

/// This copy is going.
pub fn leave() {
    COPY.started.store(false, Ordering::SeqCst);
    others().for_each(|other| (other.went)(&COPY));
}

/// Whether the fault at `address` is another copy's to explain.
pub fn another_has_stack(address: usize) -> bool {
    others().any(|other| (other.has_stack)(address))
}

/// The calling thread's stack for signals was this copy's, and is gone: others that know the thread bring their own.
pub fn tell_lost_signal_stack() {
    others().for_each(|other| (other.lost_signal_stack)());
}

extern "C" fn came(other: &'static Copy) {
    word::share();
    let other = ptr::from_ref(other).cast_mut();
    if OTHERS
        .iter()
        .any(|place| ptr::eq(place.load(Ordering::Acquire), other))
    {
        return;
    }
    for place in &OTHERS {
        let free =
            place.compare_exchange(ptr::null_mut(), other, Ordering::AcqRel, Ordering::Relaxed);
        if free.is_ok() {
            return;
        }
    }
}

extern "C" fn went(other: &'static Copy) {
    let other = ptr::from_ref(other).cast_mut();
    for place in &OTHERS {
        let _ = place.compare_exchange(other, ptr::null_mut(), Ordering::AcqRel, Ordering::Relaxed);
    }
}

extern "C" fn has_stack(address: usize) -> bool {
    slot_of(address).is_some()
}

extern "C" fn lost_signal_stack() {
    if let Some(m) = M::try_current() {
        m.install_alternate();
    }
}
