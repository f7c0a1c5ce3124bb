//! Values that C keeps as numbers.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::ptr;
use std::sync::{Arc, PoisonError};

use bridge::memory::Any as Words;
use bridge::memory::handle::{self, Full, MISUSE};
use heap::types::{Kind, Type, WORD};
use stack::sync::{Mutex, MutexGuard};

/// A number that stands for a value, for C to keep: Go's `runtime/cgo.Handle`.
///
/// It may go through C as a `uintptr_t` or a `void *` and come back on any thread. The value lives until the handle is deleted. A number that is no handle, is
/// none any more, or is one of a value of another type, is found out.
///
/// ```
/// use gort::Handle;
///
/// let number = Handle::new(String::from("kept")).into_raw();
/// // … C has the number, and calls Rust with it …
/// let handle = Handle::<String>::from_raw(number);
/// assert_eq!(*handle.get(), "kept");
/// handle.delete();
/// assert!(handle.try_get().is_none());
/// ```
pub struct Handle<T> {
    number: u64,
    value: PhantomData<fn() -> T>,
}

/// What is behind the address in a slot.
type Shared = Arc<dyn Any + Send + Sync>;

/// The type of these values, for who looks at one from the other side.
static TYPE: Type = Type {
    size: WORD,
    ptrdata: 0,
    ptrmask: ptr::null(),
    kind: Kind::Uintptr,
    align: WORD as u8,
    reserved: [0; 6],
    len: 0,
    elem: ptr::null(),
    fields: ptr::null(),
    name: c"gort.Handle".as_ptr(),
};

/// Who looks at a value holds the lock until it has a reference of its own; who deletes it, too. By the handle's number.
static LOCKS: [Mutex<()>; 64] = [const { Mutex::new(()) }; 64];

fn lock(number: u64) -> MutexGuard<'static, ()> {
    let lock = &LOCKS[number as usize % LOCKS.len()];
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The value in a slot, if it is one of these.
fn shared(words: Words) -> Option<*mut Shared> {
    let ours = words.kind == &raw const TYPE as usize;
    ours.then(|| ptr::with_exposed_provenance_mut(words.data))
}

impl<T: Send + Sync + 'static> Handle<T> {
    /// A handle for the value.
    ///
    /// # Panics
    /// There are four billion already, or there is no memory for another one.
    pub fn new(value: T) -> Handle<T> {
        let shared: Shared = Arc::new(value);
        let words = Words {
            kind: &raw const TYPE as usize,
            data: Box::into_raw(Box::new(shared)).expose_provenance(),
        };
        match handle::new(words) {
            Ok(number) => Handle::of(number),
            Err(Full::Space) => panic!("runtime/cgo: ran out of handle space"),
            Err(Full::Memory(bytes)) => panic!("no memory for handles: {bytes} bytes"),
        }
    }

    /// The value; none if the number isn't a handle of such a value (any more).
    pub fn try_get(self) -> Option<Arc<T>> {
        let guard = lock(self.number);
        let shared = shared(handle::value(self.number)?)?;
        // SAFETY: a box of `new`'s: a slot of our type holds nothing else. It is dropped only after its handle was deleted, which takes the lock that
        // we hold.
        let shared = unsafe { &*shared }.clone();
        drop(guard);
        shared.downcast().ok()
    }

    /// The value.
    ///
    /// # Panics
    /// As Go does, if the number isn't a handle of such a value (any more).
    #[track_caller]
    pub fn get(self) -> Arc<T> {
        self.try_get().expect(MISUSE)
    }

    /// Ends the handle. The value is dropped with the last reference that somebody has got from [`get`](Handle::get).
    ///
    /// # Panics
    /// As [`get`](Handle::get).
    #[track_caller]
    pub fn delete(self) {
        // Not one of another type's.
        drop(self.get());
        let guard = lock(self.number);
        let deleted = handle::delete(self.number);
        drop(guard);
        let shared = deleted.and_then(shared).expect(MISUSE);
        // SAFETY: `new` made the box. Deleting succeeds once, so nobody else drops it, and who looked at it before has let go of the lock.
        drop(unsafe { Box::from_raw(shared) });
    }
}

impl<T> Handle<T> {
    fn of(number: u64) -> Handle<T> {
        Handle {
            number,
            value: PhantomData,
        }
    }

    /// The number, which is never 0.
    pub fn into_raw(self) -> usize {
        self.number as usize
    }

    /// What may be a handle: that is seen when it is used.
    pub fn from_raw(number: usize) -> Handle<T> {
        Handle::of(number as u64)
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Handle<T> {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({:#x})", self.number)
    }
}
