//! The lock of a queue: four bytes, taken and released by separate calls, since a select holds as many as it has channels.
//!
//! It is held for a few dozen instructions and never across a switch of goroutines. Those who wait for it wait as threads.

#[cfg(not(loom))]
pub(crate) use std::cell::Cell;

/// What a lock guards: the model checker sees to it that no two threads touch it at once.
#[cfg(loom)]
pub(crate) use loom::cell::Cell;

#[cfg(loom)]
pub(crate) use modelled::Lock;

/// A constructor that statics can use, but not under the model checker, whose cells and atomics are made while a model runs.
macro_rules! maybe_const {
    ($(#[$attribute:meta])* $vis:vis fn $($rest:tt)*) => {
        $(#[$attribute])*
        #[cfg(not(loom))]
        $vis const fn $($rest)*

        $(#[$attribute])*
        #[cfg(loom)]
        $vis fn $($rest)*
    };
}

pub(crate) use maybe_const;

#[cfg(not(loom))]
use crate::sync::atomic::{AtomicU32, Ordering};

#[cfg(not(loom))]
const FREE: u32 = 0;
#[cfg(not(loom))]
const HELD: u32 = 1;
/// Held, and some thread sleeps until it is free.
#[cfg(not(loom))]
const AWAITED: u32 = 2;

/// How often a thread looks again before it sleeps: about as long as the lock is usually held.
#[cfg(not(loom))]
const SPINS: u32 = 100;

/// Mutual exclusion, by the kernel's futex.
#[cfg(not(loom))]
#[repr(transparent)]
pub(crate) struct Lock(AtomicU32);

#[cfg(not(loom))]
impl Lock {
    pub(crate) const fn new() -> Lock {
        Lock(AtomicU32::new(FREE))
    }

    #[inline]
    pub(crate) fn lock(&self) {
        if self
            .0
            .compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            self.lock_slow();
        }
    }

    #[cold]
    fn lock_slow(&self) {
        for _ in 0..SPINS {
            match self.0.load(Ordering::Relaxed) {
                FREE => {
                    let taken =
                        self.0
                            .compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed);
                    if taken.is_ok() {
                        return;
                    }
                }
                AWAITED => break,
                _ => std::hint::spin_loop(),
            }
        }
        // Others may sleep as well: from here on the lock is taken as awaited, so that its release wakes one.
        while self.0.swap(AWAITED, Ordering::Acquire) != FREE {
            futex(&self.0, libc::FUTEX_WAIT, AWAITED);
        }
    }

    /// # Safety
    /// The calling thread holds the lock.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        if self.0.swap(FREE, Ordering::Release) == AWAITED {
            futex(&self.0, libc::FUTEX_WAKE, 1);
        }
    }
}

/// Wakes `value` threads, or sleeps while the word is `value`; may return at any time.
#[cfg(not(loom))]
#[cold]
fn futex(word: &AtomicU32, operation: libc::c_int, value: u32) {
    // SAFETY: there is no timeout. A word that is no longer mapped is an error that changes nothing.
    unsafe { stack::errno::futex(word, operation, value, std::ptr::null()) };
}

/// The same lock for the model checker, by its mutex.
#[cfg(loom)]
mod modelled {
    use std::cell::UnsafeCell;
    use std::mem;

    use loom::sync::{Mutex, MutexGuard};

    pub(crate) struct Lock {
        mutex: Mutex<()>,
        /// The holder's guard; belongs to the holder.
        guard: UnsafeCell<Option<MutexGuard<'static, ()>>>,
    }

    // SAFETY: the guard is touched by the holder only.
    unsafe impl Send for Lock {}
    // SAFETY: as above.
    unsafe impl Sync for Lock {}

    impl Lock {
        pub(crate) fn new() -> Lock {
            Lock {
                mutex: Mutex::new(()),
                guard: UnsafeCell::new(None),
            }
        }

        pub(crate) fn lock(&self) {
            let guard = self.mutex.lock().expect("a model's lock isn't poisoned");
            // SAFETY: the guard is dropped before the mutex: by `unlock`, or with this struct, whose holder is gone then.
            let guard =
                unsafe { mem::transmute::<MutexGuard<'_, ()>, MutexGuard<'static, ()>>(guard) };
            // SAFETY: this thread holds the lock.
            unsafe { *self.guard.get() = Some(guard) };
        }

        /// # Safety
        /// The calling thread holds the lock.
        pub(crate) unsafe fn unlock(&self) {
            // SAFETY: this thread holds the lock until the guard, taken out first, is dropped.
            let guard = unsafe { (*self.guard.get()).take() };
            drop(guard);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::cell::UnsafeCell;
    use std::sync::Arc;
    use std::thread;

    use super::Lock;

    struct Counter(Lock, UnsafeCell<u64>);

    // SAFETY: the counter is touched under the lock.
    unsafe impl Sync for Counter {}

    #[test]
    fn threads_exclude_each_other() {
        let counter = Arc::new(Counter(Lock::new(), UnsafeCell::new(0)));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let counter = counter.clone();
                thread::spawn(move || {
                    for _ in 0..20_000 {
                        counter.0.lock();
                        // SAFETY: the lock is held.
                        unsafe {
                            *counter.1.get() += 1;
                            counter.0.unlock();
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        // SAFETY: the threads are gone.
        assert_eq!(unsafe { *counter.1.get() }, 80_000);
    }
}
