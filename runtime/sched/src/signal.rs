//! A signal's handler, and the one that had it before: who isn't meant gives way to that.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// What the kernel calls.
pub type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::ucontext_t);

/// What was done about a signal before our handler.
pub struct Before(AtomicPtr<libc::sigaction>);

impl Default for Before {
    fn default() -> Before {
        Before::new()
    }
}

impl Before {
    pub const fn new() -> Before {
        Before(AtomicPtr::new(ptr::null_mut()))
    }

    /// Puts `handler` in its place, on the signal stack, with more `flags`; `alone`: no other signal interrupts it. To be called once.
    pub fn replace(&self, signal: i32, handler: Handler, flags: i32, alone: bool) {
        let mut before = MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: `before` is written by the call. Handlers of ours are async-signal-safe. One that is called before this has stored what was
        // there finds nothing, as where there was nothing.
        let before = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | flags;
            if alone {
                libc::sigfillset(&raw mut action.sa_mask);
            }
            libc::sigaction(signal, &raw const action, before.as_mut_ptr());
            before.assume_init()
        };
        self.0.store(Box::leak(Box::new(before)), Ordering::Release);
    }

    /// Calls the handler that was there; false if there was none. Async-signal-safe.
    ///
    /// # Safety
    /// In the handler that took its place, with the kernel's own arguments.
    pub unsafe fn call(
        &self,
        signal: i32,
        info: *mut libc::siginfo_t,
        context: *mut libc::ucontext_t,
    ) -> bool {
        // SAFETY: leaked when our handler was installed.
        let before = unsafe { self.0.load(Ordering::Acquire).as_ref() };
        let Some(before) = before.filter(|before| before.sa_sigaction > libc::SIG_IGN) else {
            return false;
        };
        // SAFETY: a handler of this kind, says its flag; it takes what the kernel gave.
        unsafe {
            if before.sa_flags & libc::SA_SIGINFO != 0 {
                std::mem::transmute::<usize, Handler>(before.sa_sigaction)(signal, info, context);
            } else {
                std::mem::transmute::<usize, extern "C" fn(i32)>(before.sa_sigaction)(signal);
            }
        }
        true
    }
}
