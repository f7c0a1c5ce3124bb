//! What timers of package time do: start a goroutine, or send on a channel.

use std::ptr::{self, NonNull};

use crate::chan::{self, Chan};
use crate::g::GQueue;
use crate::ops::{self, Function, StackKind};
use crate::p::P;
use crate::wake;

use super::{Expire, Expiry};

/// `time.AfterFunc`: a function is called by a goroutine of its own.
pub struct StartGoroutine {
    function: Function,
    argument: *mut u8,
    stack: StackKind,
}

// SAFETY: by the word of who called `new` the argument may be used by whichever thread runs the goroutine.
unsafe impl Send for StartGoroutine {}
// SAFETY: as above, once for each expiry.
unsafe impl Sync for StartGoroutine {}

impl StartGoroutine {
    /// # Safety
    /// `function(argument)` may be called on any thread as often as the timer expires, for as long as the timer is set.
    pub unsafe fn new(function: Function, argument: *mut u8, stack: StackKind) -> StartGoroutine {
        StartGoroutine {
            function,
            argument,
            stack,
        }
    }
}

impl Expire for StartGoroutine {
    fn expire(&self, _expiry: Expiry, _ready: &mut GQueue) {
        let p = P::current();
        let g = ops::new_goroutine(p, self.function, self.argument, self.stack);
        wake::enqueue_on(p, g, false);
        wake::wake_p();
    }
}

/// `time.NewTimer` and `time.NewTicker`: a value goes on a channel, whose buffer has room for one; while that is full, values are lost.
pub struct SendValue<T> {
    chan: NonNull<Chan>,
    value: fn(Expiry) -> T,
}

// SAFETY: channels are for all threads; the function has no state.
unsafe impl<T> Send for SendValue<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for SendValue<T> {}

impl<T: Copy + Send> SendValue<T> {
    /// # Safety
    /// The channel's elements are Ts, nobody closes it, and it isn't freed before the timer is stopped or gone.
    pub unsafe fn new(chan: NonNull<Chan>, value: fn(Expiry) -> T) -> SendValue<T> {
        SendValue { chan, value }
    }

    fn chan(&self) -> Option<&Chan> {
        // SAFETY: by the word of who called `new` the channel outlives the timer's use of it.
        Some(unsafe { self.chan.as_ref() })
    }
}

impl<T: Copy + Send> Expire for SendValue<T> {
    fn expire(&self, expiry: Expiry, _ready: &mut GQueue) {
        let value = (self.value)(expiry);
        // SAFETY: the value is an element. Whether there was room doesn't matter.
        let _ = unsafe { chan::try_send(self.chan(), ptr::from_ref(&value).cast()) };
    }

    fn retract(&self) -> bool {
        // SAFETY: null is allowed: what was sent isn't wanted any more.
        unsafe { chan::try_recv(self.chan(), ptr::null_mut()) }.value == chan::DONE
    }
}
