//! Channels of Rust values.

use std::fmt;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use sched::GRef;
use sched::chan::{self, Chan};
use stack::Outcome;

use crate::enter::operate;

/// A channel for `capacity` values that nobody has received yet: with 0 a sender waits for its receiver.
///
/// These are Go's channels: a value goes to one receiver; any number of goroutines send and receive; receivers find the end when a sender has
/// called [`Sender::close`], not when all senders are gone.
///
/// # Panics
/// If the values would not fit in memory, or one has 64 KiB or more (send boxes then).
///
/// ```
/// # gort::enter(|| {
/// let (sender, receiver) = gort::channel(2);
/// gort::go(move || {
///     for word in ["a", "b", "c"] {
///         sender.send(word.to_string());
///     }
///     sender.close();
/// });
/// assert_eq!(receiver.iter().collect::<Vec<_>>(), ["a", "b", "c"]);
/// assert_eq!(receiver.recv(), None);
/// # });
/// ```
#[track_caller]
pub fn channel<T: Send>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let chan = match Chan::new(size_of::<T>(), capacity) {
        Ok(chan) => chan,
        Err(why) => panic!("{}", why.text()),
    };
    let shared = Arc::new(Shared {
        chan,
        values: PhantomData,
    });
    let sender = Sender(Some(shared.clone()));
    (sender, Receiver(Some(shared)))
}

/// A channel that its ends share.
struct Shared<T> {
    chan: NonNull<Chan>,
    /// The buffer owns some.
    values: PhantomData<T>,
}

// SAFETY: values go from thread to thread, and the channel takes care of itself.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above; nobody sees a value in the channel.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    fn chan(&self) -> &Chan {
        // SAFETY: freed when this is dropped.
        unsafe { self.chan.as_ref() }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        if std::mem::needs_drop::<T>() {
            let mut value = MaybeUninit::<T>::uninit();
            loop {
                // SAFETY: there is room for a value. Nobody waits at a channel that nobody has, so no goroutine is readied.
                let outcome =
                    unsafe { chan::try_recv(Some(self.chan()), value.as_mut_ptr().cast()) };
                if outcome.value != chan::DONE {
                    break;
                }
                // SAFETY: one was received.
                unsafe { value.assume_init_drop() };
            }
        }
        // SAFETY: nobody has it any more, or waits at it: who waits has one of its ends.
        unsafe { Chan::free(self.chan) };
    }
}

/// The end of a channel that sends. Its clones are the same end.
pub struct Sender<T>(Option<Arc<Shared<T>>>);

/// The end of a channel that receives. Its clones are the same end.
pub struct Receiver<T>(Option<Arc<Shared<T>>>);

/// Why [`Sender::try_send`] didn't send; with the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// It would have had to wait.
    Full(T),
    /// The channel is closed.
    Closed(T),
}

/// Why [`Receiver::try_recv`] didn't receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// It would have had to wait.
    Empty,
    /// The channel is closed, and all values have been received.
    Closed,
}

fn address<T>(end: &Option<Arc<Shared<T>>>) -> *const Chan {
    end.as_ref()
        .map_or(ptr::null(), |shared| shared.chan.as_ptr().cast_const())
}

impl<T> Sender<T> {
    /// A sender of no channel, whose sends wait for ever: Go's nil. Useful in a select.
    pub const fn never() -> Sender<T> {
        Sender(None)
    }

    pub(crate) fn address(&self) -> *const Chan {
        address(&self.0)
    }

    /// Sends a value; waits for room or a receiver.
    ///
    /// # Panics
    /// When the channel is closed (`send on closed channel`), and outside of a goroutine.
    #[track_caller]
    pub fn send(&self, value: T) {
        let mut value = ManuallyDrop::new(value);
        // SAFETY: the channel lives as long as its end, the value until the operation has ended; it is the receiver's afterwards.
        let sent = unsafe { operate!(send, self.address(), &raw const *value) };
        if sent != chan::DONE {
            // SAFETY: nobody has taken it.
            unsafe { ManuallyDrop::drop(&mut value) };
            panic!("{}", chan::SEND_ON_CLOSED);
        }
    }

    /// Sends a value if it needn't wait. Callable from anywhere.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let value = ManuallyDrop::new(value);
        // SAFETY: as in `send`.
        let sent =
            crate::enter(|| unsafe { operate!(try_send, self.address(), &raw const *value) });
        match sent {
            chan::DONE => Ok(()),
            chan::CLOSED => Err(TrySendError::Closed(ManuallyDrop::into_inner(value))),
            _ => Err(TrySendError::Full(ManuallyDrop::into_inner(value))),
        }
    }

    /// Closes the channel: receivers get what was sent before, then `None`. Callable from anywhere.
    ///
    /// # Panics
    /// When it is closed already, or there is none, with Go's texts; in senders that wait at it.
    #[track_caller]
    pub fn close(&self) {
        // SAFETY: the channel lives as long as its end.
        match crate::enter(|| unsafe { operate!(close, self.address()) }) {
            chan::DONE => {}
            chan::NIL => panic!("{}", chan::CLOSE_OF_NIL),
            _ => panic!("{}", chan::CLOSE_OF_CLOSED),
        }
    }

    /// How many values are in the buffer.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |shared| shared.chan().len())
    }

    /// Whether the buffer is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many the buffer has room for.
    pub fn capacity(&self) -> usize {
        self.0.as_ref().map_or(0, |shared| shared.chan().cap())
    }
}

impl<T> Receiver<T> {
    /// A receiver of no channel, which waits for ever: Go's nil. Useful in a select.
    pub const fn never() -> Receiver<T> {
        Receiver(None)
    }

    pub(crate) fn address(&self) -> *const Chan {
        address(&self.0)
    }

    /// Receives a value; waits for one. `None`: the channel is closed, and all values have been received.
    ///
    /// # Panics
    /// Outside of a goroutine.
    #[track_caller]
    pub fn recv(&self) -> Option<T> {
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: the channel lives as long as its end, the place until the operation has ended.
        match unsafe { operate!(recv, self.address(), value.as_mut_ptr()) } {
            // SAFETY: a value has come.
            chan::DONE => Some(unsafe { value.assume_init() }),
            _ => None,
        }
    }

    /// Receives a value if it needn't wait. Callable from anywhere.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let mut value = MaybeUninit::<T>::uninit();
        let place = value.as_mut_ptr();
        // SAFETY: as in `recv`.
        match crate::enter(|| unsafe { operate!(try_recv, self.address(), place) }) {
            // SAFETY: a value has come.
            chan::DONE => Ok(unsafe { value.assume_init() }),
            chan::CLOSED => Err(TryRecvError::Closed),
            _ => Err(TryRecvError::Empty),
        }
    }

    /// Values as they come, until the channel is closed.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.recv())
    }

    /// How many values are in the buffer.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |shared| shared.chan().len())
    }

    /// Whether the buffer is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many the buffer has room for.
    pub fn capacity(&self) -> usize {
        self.0.as_ref().map_or(0, |shared| shared.chan().cap())
    }
}

/// A goroutine that was asked to leave does so, whatever it did.
fn leave_if_asked(outcome: Outcome) -> Outcome {
    match outcome.switch {
        0 => sched::ops::finish(outcome.value),
        _ => outcome,
    }
}

extern "C" fn send(chan: *const Chan, value: *const u8) -> Outcome {
    // SAFETY: `Sender::send` passes its channel and a value that stays.
    leave_if_asked(unsafe { chan::send(chan.as_ref(), GRef::current(), value) })
}

extern "C" fn recv(chan: *const Chan, place: *mut u8) -> Outcome {
    // SAFETY: `Receiver::recv` passes its channel and a place that stays.
    leave_if_asked(unsafe { chan::recv(chan.as_ref(), GRef::current(), place) })
}

extern "C" fn try_send(chan: *const Chan, value: *const u8) -> Outcome {
    // SAFETY: as for `send`.
    leave_if_asked(unsafe { chan::try_send(chan.as_ref(), value) })
}

extern "C" fn try_recv(chan: *const Chan, place: *mut u8) -> Outcome {
    // SAFETY: as for `recv`.
    leave_if_asked(unsafe { chan::try_recv(chan.as_ref(), place) })
}

extern "C" fn close(chan: *const Chan) -> Outcome {
    // SAFETY: `Sender::close` passes its channel.
    leave_if_asked(chan::close(unsafe { chan.as_ref() }))
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender(self.0.clone())
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        Receiver(self.0.clone())
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&self.address()).finish()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(&self.address()).finish()
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Full(_) => "the channel is full",
            TrySendError::Closed(_) => "the channel is closed",
        })
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryRecvError::Empty => "the channel is empty",
            TryRecvError::Closed => "the channel is closed and empty",
        })
    }
}

impl<T: fmt::Debug> std::error::Error for TrySendError<T> {}
impl std::error::Error for TryRecvError {}
