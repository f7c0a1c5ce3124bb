//! Signals: os/signal, and what `runtime/debug` says about faults and tracebacks.

use std::ffi::{CStr, c_char, c_int, c_void};

use bridge::signals::{self, profile, queue};
use sched::fatal;
use stack::Outcome;

use super::c_texts;

c_texts! {
    NIL_CHANNEL = "os/signal: Notify using nil channel";
}

type Channel = Option<queue::Channel>;

/// # Safety
/// `signals` points to `n` numbers, or `n` isn't more than 0.
unsafe fn list<'a>(signals: *const c_int, n: c_int) -> &'a [c_int] {
    match usize::try_from(n) {
        Err(_) | Ok(0) => &[],
        // SAFETY: the caller's word.
        Ok(n) => unsafe { std::slice::from_raw_parts(signals, n) },
    }
}

/// 0, or the text of a panic.
extern "C" fn notify(channel: Channel, signals: *const c_int, n: c_int) -> Outcome {
    let Some(channel) = channel else {
        return Outcome::done(NIL_CHANNEL.as_ptr() as usize);
    };
    // SAFETY: the caller's list.
    queue::notify(channel, unsafe { list(signals, n) });
    Outcome::done(0)
}

extern "C" fn stop(channel: Channel) -> Outcome {
    channel.into_iter().for_each(queue::stop);
    Outcome::done(0)
}

extern "C" fn reset(signals: *const c_int, n: c_int) -> Outcome {
    // SAFETY: the caller's list.
    queue::reset(unsafe { list(signals, n) });
    Outcome::done(0)
}

extern "C" fn ignore(signals: *const c_int, n: c_int) -> Outcome {
    // SAFETY: the caller's list.
    queue::ignore(unsafe { list(signals, n) });
    Outcome::done(0)
}

extern "C" fn ignored(number: c_int) -> Outcome {
    Outcome::done(usize::from(queue::is_ignored(number)))
}

extern "C" fn sigpipe() -> Outcome {
    signals::sigpipe();
    Outcome::done(0)
}

extern "C" fn set_rate(
    hz: c_int,
    sample: Option<profile::Sample>,
    argument: *mut c_void,
) -> Outcome {
    profile::set_rate(hz, sample, argument);
    Outcome::done(0)
}

/// An operation; the level ends with NUL.
extern "C" fn set_traceback(level: *const c_char) -> Outcome {
    // SAFETY: the caller's text.
    let level = unsafe { CStr::from_ptr(level) };
    fatal::set_traceback(&level.to_string_lossy());
    Outcome::done(0)
}

checked!("gort_signal_notify" notify, text panics "gort_panic_string");

operation! {
    "gort_set_panic_on_fault" signals::set_panic_on_fault;
}

anywhere!("gort_signal_stop" stop);
anywhere!("gort_signal_reset" reset);
anywhere!("gort_signal_ignore" ignore);
anywhere!("gort_signal_ignored" ignored);
anywhere!("gort_sigpipe" sigpipe);
anywhere!("gort_set_cpu_profile_rate" set_rate);
anywhere!("gort_set_traceback" set_traceback);
