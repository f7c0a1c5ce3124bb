//! Mutual exclusion that C doesn't notice.

use std::sync::{self, LockResult, TryLockError, TryLockResult};

pub use std::sync::MutexGuard;

use crate::errno;

/// The standard library's, but waiting for it leaves `errno` as it is: the thread may be C's, in the middle of a call into Go.
#[derive(Debug, Default)]
pub struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Mutex<T> {
        Mutex(sync::Mutex::new(value))
    }

    /// # Errors
    /// Somebody has panicked with it.
    #[inline]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Err(poisoned),
            Err(TryLockError::WouldBlock) => self.wait(),
        }
    }

    #[cold]
    fn wait(&self) -> LockResult<MutexGuard<'_, T>> {
        let _errno = errno::keep();
        self.0.lock()
    }

    /// # Errors
    /// Somebody has it, or has panicked with it.
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        self.0.try_lock()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_waits_keeps_errno() {
        const ROUNDS: usize = 2000;
        static COUNT: Mutex<usize> = Mutex::new(0);
        static OVER: AtomicBool = AtomicBool::new(false);
        // SAFETY: the thread's own variable.
        let place = unsafe { &mut *libc::__errno_location() };
        thread::scope(|scope| {
            scope.spawn(|| {
                while !OVER.load(Ordering::Relaxed) {
                    let count = COUNT.lock().unwrap();
                    thread::sleep(Duration::from_micros(5));
                    drop(count);
                }
            });
            for round in 0..ROUNDS {
                *place = round as i32;
                *COUNT.lock().unwrap() += 1;
                assert_eq!(*place, round as i32);
            }
            OVER.store(true, Ordering::Relaxed);
        });
        assert_eq!(*COUNT.lock().unwrap(), ROUNDS);
    }
}
