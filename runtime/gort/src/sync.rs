//! What goroutines wait for one another with, beside channels.

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sched::notify::NotifyList;
use sched::waitgroup::{Added, MISUSE, NEGATIVE, REUSED, WAITED};
use sched::{GRef, fatal, mutex, waitgroup};
use stack::Outcome;

use crate::enter::operate;

/// Waits for goroutines to be done: Go's `sync.WaitGroup`. Clones are the same group.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// # gort::enter(|| {
/// let (group, done) = (gort::WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
/// for _ in 0..100 {
///     let done = done.clone();
///     group.go(move || {
///         done.fetch_add(1, Ordering::Relaxed);
///     });
/// }
/// group.wait();
/// assert_eq!(done.load(Ordering::Relaxed), 100);
/// # });
/// ```
#[derive(Clone, Default)]
pub struct WaitGroup(Arc<waitgroup::WaitGroup>);

impl WaitGroup {
    /// A group of nobody.
    pub fn new() -> WaitGroup {
        WaitGroup::default()
    }

    /// Runs `function` in a goroutine of its own, which is counted until it ends.
    pub fn go(&self, function: impl FnOnce() + Send + 'static) {
        self.add(1);
        let group = Member(self.clone());
        crate::go(move || {
            let _group = group;
            function();
        });
    }

    /// Counts so many more, or fewer.
    ///
    /// # Panics
    /// With Go's texts: when fewer than nobody are left, and when it is misused.
    #[track_caller]
    pub fn add(&self, delta: isize) {
        match self.0.add(delta) {
            Added::Done => {}
            // SAFETY: the group stays while this clone of it does.
            Added::Release(waiters) => crate::enter(|| unsafe {
                operate!(release, Arc::as_ptr(&self.0), waiters);
            }),
            Added::Negative => panic!("{NEGATIVE}"),
            Added::Misuse => panic!("{MISUSE}"),
        }
    }

    /// Counts one fewer.
    #[track_caller]
    pub fn done(&self) {
        self.add(-1);
    }

    /// Waits until nobody is left.
    ///
    /// # Panics
    /// Outside of a goroutine, and when the group is used again before those who waited have gone on.
    #[track_caller]
    pub fn wait(&self) {
        if self.0.is_zero() {
            return;
        }
        // SAFETY: the group stays while this clone of it does.
        let waited = unsafe { operate!(wait, Arc::as_ptr(&self.0)) };
        if waited == WAITED && !self.0.waited() {
            panic!("{REUSED}");
        }
    }
}

/// Counts one fewer however a goroutine ends.
struct Member(WaitGroup);

impl Drop for Member {
    fn drop(&mut self) {
        self.0.done();
    }
}

extern "C" fn release(group: *const waitgroup::WaitGroup, waiters: u32) -> Outcome {
    // SAFETY: `WaitGroup::add` keeps it.
    unsafe { &*group }.release(waiters)
}

extern "C" fn wait(group: *const waitgroup::WaitGroup) -> Outcome {
    // SAFETY: `WaitGroup::wait` keeps it.
    unsafe { &*group }.wait(GRef::current())
}

/// A value that one goroutine at a time has: Go's `sync.Mutex`. While it waits for the value, a goroutine lets its thread go.
///
/// A panic while it is locked unlocks it, and nothing else: there is no poison.
///
/// ```
/// use std::sync::Arc;
///
/// # gort::enter(|| {
/// let (total, group) = (Arc::new(gort::Mutex::new(0)), gort::WaitGroup::new());
/// for n in 1..=100 {
///     let total = total.clone();
///     group.go(move || *total.lock() += n);
/// }
/// group.wait();
/// assert_eq!(*total.lock(), 5050);
/// # });
/// ```
#[derive(Default)]
pub struct Mutex<T> {
    lock: mutex::Mutex,
    value: UnsafeCell<T>,
}

// SAFETY: who has the value is alone with it.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// A mutex with its value.
    pub fn new(value: T) -> Mutex<T> {
        Mutex {
            lock: mutex::Mutex::new(),
            value: UnsafeCell::new(value),
        }
    }

    /// The value, once nobody else has it.
    ///
    /// # Panics
    /// If it has to wait outside of a goroutine.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.acquire();
        MutexGuard(self)
    }

    #[track_caller]
    fn acquire(&self) {
        if self.lock.try_lock() {
            return;
        }
        let mut attempt = 0;
        // SAFETY: the mutex stays while it is borrowed.
        while unsafe { operate!(lock, &raw const self.lock, attempt) } == mutex::AGAIN {
            attempt += 1;
        }
    }

    /// The value, if nobody has it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.lock.try_lock().then(|| MutexGuard(self))
    }

    /// The value, which nobody else can have.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value for good.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    fn release(&self) {
        match self.lock.unlock() {
            mutex::Unlocked::Done => {}
            // SAFETY: the mutex stays while it is borrowed.
            mutex::Unlocked::Awaited(state) => crate::enter(|| unsafe {
                operate!(unlock, &raw const self.lock, state);
            }),
            mutex::Unlocked::Never => fatal::throw("", mutex::UNLOCKED),
        }
    }
}

extern "C" fn lock(lock: *const mutex::Mutex, attempt: usize) -> Outcome {
    // SAFETY: `Mutex::acquire` keeps it.
    unsafe { &*lock }.lock(GRef::current(), attempt)
}

extern "C" fn unlock(lock: *const mutex::Mutex, state: u32) -> Outcome {
    // SAFETY: `Mutex::release` keeps it.
    unsafe { &*lock }.unlock_slow(GRef::current(), state)
}

/// The right to a [`Mutex`]'s value; given back when it is dropped.
#[must_use = "the mutex is unlocked when this is dropped"]
pub struct MutexGuard<'a, T>(&'a Mutex<T>);

// SAFETY: who unlocks need not be who has locked; what can be seen is the value.
unsafe impl<T: Sync> Sync for MutexGuard<'_, T> {}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: who has the guard is alone with the value.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: who has the guard is alone with the value.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_lock() {
            Some(value) => f.debug_tuple("Mutex").field(&*value).finish(),
            None => f.write_str("Mutex(<locked>)"),
        }
    }
}

/// Goroutines wait until something about a [`Mutex`]'s value has changed: Go's `sync.Cond`.
///
/// ```
/// use std::sync::Arc;
///
/// # gort::enter(|| {
/// let shared = Arc::new((gort::Mutex::new(false), gort::Cond::new()));
/// let other = shared.clone();
/// gort::go(move || {
///     *other.0.lock() = true;
///     other.1.broadcast();
/// });
/// let mut ready = shared.0.lock();
/// while !*ready {
///     ready = shared.1.wait(ready);
/// }
/// # drop(ready);
/// # });
/// ```
#[derive(Default)]
pub struct Cond(NotifyList);

impl Cond {
    /// Nobody waits.
    pub fn new() -> Cond {
        Cond::default()
    }

    /// Unlocks the mutex, waits to be told, and locks it again.
    ///
    /// # Panics
    /// Outside of a goroutine.
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let mutex = guard.0;
        let ticket = self.0.ticket();
        drop(guard);
        // SAFETY: the list stays while it is borrowed.
        unsafe { operate!(wait_for, &raw const self.0, ticket) };
        mutex.lock()
    }

    /// Tells one that waits. Callable from anywhere.
    pub fn signal(&self) {
        // SAFETY: the list stays while it is borrowed.
        crate::enter(|| unsafe {
            operate!(notify_one, &raw const self.0);
        });
    }

    /// Tells all that wait. Callable from anywhere.
    pub fn broadcast(&self) {
        // SAFETY: the list stays while it is borrowed.
        crate::enter(|| unsafe {
            operate!(notify_all, &raw const self.0);
        });
    }
}

extern "C" fn wait_for(list: *const NotifyList, ticket: u32) -> Outcome {
    // SAFETY: `Cond::wait` keeps it.
    unsafe { &*list }.wait(GRef::current(), ticket)
}

extern "C" fn notify_one(list: *const NotifyList) -> Outcome {
    // SAFETY: `Cond::signal` keeps it.
    unsafe { &*list }.notify_one()
}

extern "C" fn notify_all(list: *const NotifyList) -> Outcome {
    // SAFETY: `Cond::broadcast` keeps it.
    unsafe { &*list }.notify_all()
}
