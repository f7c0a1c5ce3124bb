//! Signals that are the host's: what was installed before the runtime started gets them.

use std::ptr;
use std::sync::atomic::Ordering;

use sched::signal::{self, flag};
use sched::{fatal, thread};

use super::{BEFORE, GUEST, HANDLING, Here, Place, Signal, put_back, queue};

/// Gives the signal to the host's handler if it is the host's; whether it was.
pub(super) fn to_host(signal: &mut Signal<'_>, here: &Here) -> bool {
    let number = signal.number;
    let before = &BEFORE[number as usize];
    let host = before.handler();
    let flags = signal::flags(number);
    if !HANDLING[number as usize].load(Ordering::Acquire) {
        // Our handler was about to be called when it was taken away.
        if host == libc::SIG_DFL && flags & flag::IGNORED == 0 {
            fatal::die_by(number);
        }
        call(signal);
        return true;
    }
    let mine = here.g.is_some() && matches!(here.place, Place::Goroutine | Place::Runtime);
    if host == libc::SIG_DFL || mine || !(signal.is_fault() || number == libc::SIGPIPE) {
        return false;
    }
    call(signal);
    !(signal.is_fault() && here.place != Place::Stranger && gave_up(number))
}

/// Calls the handler that was there.
pub(super) fn call(signal: &mut Signal<'_>) {
    let context = ptr::from_mut(signal.context);
    // SAFETY: our handler took its place, and got these from the kernel.
    unsafe { BEFORE[signal.number as usize].call(signal.number, signal.info, context) };
}

/// The host's handler has nothing to say but that the default is to happen, as Rust's own for faults that are no overflows: then what we have to
/// say of a fault in what Go has called is more.
fn gave_up(number: i32) -> bool {
    let gave_up = signal::action(number).sa_sigaction == libc::SIG_DFL;
    if gave_up {
        put_back(number);
    }
    gave_up
}

/// A signal on a thread that is none of Go's, which nobody has asked for: what would have happened without us.
pub(super) fn raise_bad(signal: &Signal<'_>) {
    let number = signal.number;
    let before = &BEFORE[number as usize];
    let host = before.handler();
    let harmless = signal::flags(number) & flag::IGNORED != 0;
    if host == libc::SIG_IGN || (host == libc::SIG_DFL && harmless) {
        return;
    }
    // SAFETY: the host's own, or none.
    unsafe { signal::set_action(number, &before.action()) };
    // The fault happens again when we return, and then the default finds everything as it was.
    if GUEST.load(Ordering::Relaxed) && host == libc::SIG_DFL && !signal.is_sent() {
        return;
    }
    raise(number);
    put_back(number);
}

/// The thread gets the signal, at once.
fn raise(number: i32) {
    signal::change_mask(libc::SIG_UNBLOCK, signal::bit(number));
    signal::send_to(thread::gettid(), number);
    signal::change_mask(libc::SIG_BLOCK, signal::bit(number));
}

/// The process ends by the signal; the host's handler, if there was one, is asked first.
pub(super) fn die(number: i32) -> ! {
    HANDLING[number as usize].store(false, Ordering::Release);
    raise(number);
    fatal::die_by(number)
}

/// A write to standard output or standard error has found nobody to read (`os.epipecheck`): the program ends by SIGPIPE, unless somebody has
/// asked for that signal, or wants it ignored.
pub fn sigpipe() {
    if !queue::is_ignored(libc::SIGPIPE) && !queue::send(libc::SIGPIPE) {
        die(libc::SIGPIPE);
    }
}
