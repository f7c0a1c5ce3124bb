//! Signals: what Go does about each, and who had one before us.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use stack::errno;

/// What the kernel calls.
pub type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::ucontext_t);

/// One more than the highest signal.
pub const COUNT: usize = 65;

/// What becomes of a signal; bits (`runtime/sigtab_linux_generic.go`).
pub mod flag {
    /// Who has asked for it is told.
    pub const NOTIFY: u8 = 1;
    /// Else the process ends by it.
    pub const KILL: u8 = 2;
    /// Else the program ends with a dump.
    pub const THROW: u8 = 4;
    /// The goroutine that caused it panics.
    pub const PANIC: u8 = 8;
    /// Left to the system unless somebody asks for it.
    pub const DEFAULT: u8 = 16;
    /// A host's handler gets a signal stack; there is none of ours.
    pub const SET_STACK: u8 = 32;
    /// A thread of the runtime's never blocks it.
    pub const UNBLOCK: u8 = 64;
    /// The system ignores it by default.
    pub const IGNORED: u8 = 128;
}

use flag::{DEFAULT, IGNORED, KILL, NOTIFY, PANIC, SET_STACK, THROW, UNBLOCK};

const TABLE: [(u8, &str); 35] = [
    (0, ""),
    (NOTIFY | KILL, "SIGHUP: terminal line hangup"),
    (NOTIFY | KILL, "SIGINT: interrupt"),
    (NOTIFY | THROW, "SIGQUIT: quit"),
    (THROW | UNBLOCK, "SIGILL: illegal instruction"),
    (THROW | UNBLOCK, "SIGTRAP: trace trap"),
    (NOTIFY | THROW, "SIGABRT: abort"),
    (PANIC | UNBLOCK, "SIGBUS: bus error"),
    (PANIC | UNBLOCK, "SIGFPE: floating-point exception"),
    (0, "SIGKILL: kill"),
    (NOTIFY, "SIGUSR1: user-defined signal 1"),
    (PANIC | UNBLOCK, "SIGSEGV: segmentation violation"),
    (NOTIFY, "SIGUSR2: user-defined signal 2"),
    (NOTIFY, "SIGPIPE: write to broken pipe"),
    (NOTIFY, "SIGALRM: alarm clock"),
    (NOTIFY | KILL, "SIGTERM: termination"),
    (THROW | UNBLOCK, "SIGSTKFLT: stack fault"),
    (
        NOTIFY | UNBLOCK | IGNORED,
        "SIGCHLD: child status has changed",
    ),
    (NOTIFY | DEFAULT | IGNORED, "SIGCONT: continue"),
    (0, "SIGSTOP: stop, unblockable"),
    (NOTIFY | DEFAULT | IGNORED, "SIGTSTP: keyboard stop"),
    (
        NOTIFY | DEFAULT | IGNORED,
        "SIGTTIN: background read from tty",
    ),
    (
        NOTIFY | DEFAULT | IGNORED,
        "SIGTTOU: background write to tty",
    ),
    (
        NOTIFY | UNBLOCK | IGNORED,
        "SIGURG: urgent condition on socket",
    ),
    (NOTIFY, "SIGXCPU: cpu limit exceeded"),
    (NOTIFY, "SIGXFSZ: file size limit exceeded"),
    (NOTIFY, "SIGVTALRM: virtual alarm clock"),
    (NOTIFY | UNBLOCK, "SIGPROF: profiling alarm clock"),
    (NOTIFY | IGNORED, "SIGWINCH: window size change"),
    (NOTIFY, "SIGIO: i/o now possible"),
    (NOTIFY, "SIGPWR: power failure restart"),
    (THROW, "SIGSYS: bad system call"),
    (SET_STACK | UNBLOCK, "signal 32"),
    (SET_STACK | UNBLOCK, "signal 33"),
    (SET_STACK | UNBLOCK, "signal 34"),
];

/// [`flag`]s of a signal.
pub fn flags(signal: i32) -> u8 {
    let index = signal as usize;
    match index < COUNT {
        true => TABLE.get(index).map_or(NOTIFY, |(flags, _)| *flags),
        false => 0,
    }
}

/// A signal's name as Go's messages have it.
pub fn name(signal: i32) -> Option<&'static str> {
    TABLE.get(signal as usize).map(|(_, name)| *name)
}

/// The signals with one of the flags, as the kernel's mask has them.
pub fn mask_of(wanted: u8) -> u64 {
    let with = (1..COUNT as i32).filter(|signal| flags(*signal) & wanted != 0);
    with.fold(0, |mask, signal| mask | bit(signal))
}

/// A signal in the kernel's mask.
pub const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// `rt_sigprocmask`: one word, which is the kernel's; what it was. Async-signal-safe.
pub fn change_mask(how: i32, mask: u64) -> u64 {
    let mut before = 0_u64;
    // SAFETY: both words live for the call, which is told their size.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            how,
            &raw const mask,
            &raw mut before,
            8,
        )
    };
    before
}

/// Sends a thread of this process a signal; one that is gone is no harm. Async-signal-safe.
pub fn send_to(tid: i32, signal: i32) {
    let _errno = errno::keep();
    // SAFETY: takes numbers only.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), tid, signal) };
}

/// Calls `act` while no other copy of the runtime does the same: for who looks what is done about a signal, and puts something of his own in its place.
/// `act` must not load libraries, look for symbols, or wait for another thread.
pub fn exclusively<R>(act: impl FnOnce() -> R) -> R {
    let (mut act, mut result) = (Some(act), None);
    let mut once = || result = act.take().map(|act| act());
    let mut once: &mut dyn FnMut() = &mut once;
    // The one lock that all copies have in common is the loader's, for its list of objects.
    // SAFETY: the function takes what is passed, which lives for the call.
    unsafe { libc::dl_iterate_phdr(Some(call_it), (&raw mut once).cast()) };
    result.expect("a program has an object")
}

/// For the first object, and no more.
unsafe extern "C" fn call_it(_: *mut libc::dl_phdr_info, _: usize, it: *mut c_void) -> c_int {
    // SAFETY: what `exclusively` passes.
    unsafe { (*it.cast::<&mut dyn FnMut()>())() };
    1
}

/// What is done about a signal now; the default, where the system doesn't say.
pub fn action(signal: i32) -> libc::sigaction {
    let mut now = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: `now` is zeroed, which is an action, and written by the call.
    unsafe {
        libc::sigaction(signal, ptr::null(), now.as_mut_ptr());
        now.assume_init()
    }
}

/// Has `action` done about a signal. Async-signal-safe.
///
/// # Safety
/// A handler in it does what handlers may.
pub unsafe fn set_action(signal: i32, action: &libc::sigaction) {
    // SAFETY: the caller's word.
    unsafe { libc::sigaction(signal, action, ptr::null_mut()) };
}

/// An action of ours: on the signal stack, with more `flags`; `alone`: no other signal interrupts it.
pub fn own_action(handler: Handler, flags: i32, alone: bool) -> libc::sigaction {
    // SAFETY: zeros are an action; the mask is one.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | flags;
        if alone {
            libc::sigfillset(&raw mut action.sa_mask);
        }
        action
    }
}

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

    /// Puts `handler` in its place: see [`own_action`]. What was there before is kept for as long as the process runs.
    pub fn replace(&self, signal: i32, handler: Handler, flags: i32, alone: bool) {
        exclusively(|| {
            self.note(action(signal));
            // SAFETY: handlers of ours are async-signal-safe.
            unsafe { set_action(signal, &own_action(handler, flags, alone)) };
        });
    }

    /// Keeps what was there before. Of handlers, for as long as the process runs: one of ours may be looking at it.
    pub fn note(&self, before: libc::sigaction) {
        let known = self.get().map(|known| (known.sa_sigaction, known.sa_flags));
        if before.sa_sigaction == libc::SIG_DFL {
            self.0.store(ptr::null_mut(), Ordering::Release);
        } else if known != Some((before.sa_sigaction, before.sa_flags)) {
            self.0.store(Box::leak(Box::new(before)), Ordering::Release);
        }
    }

    /// What was there; none: the default.
    pub fn get(&self) -> Option<&'static libc::sigaction> {
        // SAFETY: leaked when it was noted.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// The same as an action, to be put back. Async-signal-safe.
    pub fn action(&self) -> libc::sigaction {
        // SAFETY: zeros are an action, the default.
        let default = || unsafe { std::mem::zeroed() };
        self.get().copied().unwrap_or_else(default)
    }

    /// Its handler, or the numbers for the default and for nothing.
    pub fn handler(&self) -> usize {
        self.get()
            .map_or(libc::SIG_DFL, |before| before.sa_sigaction)
    }

    /// Calls the handler that was there, as the system would have; false if there was none. Async-signal-safe.
    ///
    /// # Safety
    /// In the handler that took its place, with the kernel's own arguments.
    pub unsafe fn call(
        &self,
        signal: i32,
        info: *mut libc::siginfo_t,
        context: *mut libc::ucontext_t,
    ) -> bool {
        let Some(before) = self
            .get()
            .filter(|before| before.sa_sigaction > libc::SIG_IGN)
        else {
            return false;
        };
        if before.sa_flags & libc::SA_RESETHAND != 0 {
            self.0.store(ptr::null_mut(), Ordering::Release);
        }
        // SAFETY: of each mask the first word is the kernel's.
        let (interrupted, own) = unsafe {
            (
                *(&raw const (*context).uc_sigmask).cast::<u64>(),
                *(&raw const before.sa_mask).cast::<u64>(),
            )
        };
        let deferred = match before.sa_flags & libc::SA_NODEFER {
            0 => bit(signal),
            _ => 0,
        };
        let mask = change_mask(libc::SIG_SETMASK, interrupted | own | deferred);
        // SAFETY: a handler of this kind, says its flag; it takes what the kernel gave.
        unsafe {
            if before.sa_flags & libc::SA_SIGINFO != 0 {
                std::mem::transmute::<usize, Handler>(before.sa_sigaction)(signal, info, context);
            } else {
                std::mem::transmute::<usize, extern "C" fn(i32)>(before.sa_sigaction)(signal);
            }
        }
        change_mask(libc::SIG_SETMASK, mask);
        true
    }
}
