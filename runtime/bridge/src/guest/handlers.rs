//! Signal handlers as the host had them, for when the runtime goes.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::notes;
use crate::signals;

/// One more than the highest signal.
const SIGNALS: usize = 65;

/// Written once, before the runtime has handlers.
struct Found(UnsafeCell<[MaybeUninit<libc::sigaction>; SIGNALS]>);

// SAFETY: see the type; whoever reads comes after that.
unsafe impl Sync for Found {}

static FOUND: Found = Found(UnsafeCell::new([const { MaybeUninit::uninit() }; SIGNALS]));
/// The signals that had handlers of ours once the runtime was started; bit 0 is signal 0.
static OURS: AtomicU64 = AtomicU64::new(0);
/// Addresses of the object that this code is in.
static OBJECT: OnceLock<Range<usize>> = OnceLock::new();

/// What is done about a signal; none for what is no signal of a program's.
fn action(signal: usize) -> Option<libc::sigaction> {
    let mut now = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: asks only; zeros are an action.
    unsafe {
        let failed = libc::sigaction(signal as i32, std::ptr::null(), now.as_mut_ptr()) != 0;
        (!failed).then_some(now.assume_init())
    }
}

/// Signals that a program can handle.
fn all() -> impl Iterator<Item = usize> {
    (1..SIGNALS).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(&(*signal as i32)))
}

/// Before the runtime puts any handler in place. To be called once.
pub fn note() {
    for signal in all() {
        // SAFETY: zeros are an action: the default. Nobody else touches the place before this has returned.
        unsafe {
            let found = action(signal).unwrap_or_else(|| std::mem::zeroed());
            (*FOUND.0.get())[signal].write(found);
        }
    }
}

/// Once the runtime is started.
pub fn note_own() {
    let ours = all().filter(|signal| is_ours(*signal));
    let mask = ours.fold(0_u64, |mask, signal| mask | 1 << (signal % 64));
    OURS.store(mask, Ordering::Release);
}

/// Whether a signal's handler lies in the object that this code is in.
fn is_ours(signal: usize) -> bool {
    let Some(action) = action(signal).filter(|action| action.sa_sigaction > libc::SIG_IGN) else {
        return false;
    };
    let object = OBJECT.get_or_init(|| notes::object_of((&raw const OURS).addr()));
    object.contains(&action.sa_sigaction)
}

/// Whether nobody stands where the runtime has put its handlers.
pub fn are_in_place() -> bool {
    let ours = OURS.load(Ordering::Acquire);
    let taken = |signal: usize| ours & 1 << (signal % 64) != 0 || signals::is_taken(signal);
    all().all(|signal| !taken(signal) || is_ours(signal))
}

/// Puts back what was there before the runtime: in place of its handlers, and where it had only changed how the host's is called.
pub fn put_back() {
    for signal in all() {
        // SAFETY: noted before the runtime had any handler; an action as the system gave it.
        let before = unsafe { (*FOUND.0.get())[signal].assume_init_ref() };
        let same = action(signal).is_some_and(|now| now.sa_sigaction == before.sa_sigaction);
        if same || is_ours(signal) {
            // SAFETY: as above.
            unsafe { libc::sigaction(signal as i32, before, std::ptr::null_mut()) };
        }
    }
}
