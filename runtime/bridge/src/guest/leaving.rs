//! How a library is unloaded with the runtime in it.
//!
//! It isn't, unless the runtime has been shut down: the library holds a reference to itself, so that a host's `dlclose` leaves it where it is, and
//! threads, handlers and goroutines their code. Shutting down asks whether anything would be missed, takes everything back, and drops the reference.

use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sched::global::{self, SHARED};
use sched::{M, fatal, p, start, thread};
use stack::sync::{Mutex, MutexGuard};

use super::{copies, handlers, notes};
use crate::{attach, trace};

/// Why the runtime can't be shut down; numbers of gort.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Busy {
    InGo = 1,
    Program = 2,
    Goroutines = 3,
    Timers = 4,
    Threads = 5,
    Handlers = 6,
    Stubborn = 7,
}

impl Busy {
    /// What to tell.
    pub const fn text(self) -> &'static CStr {
        match self {
            Busy::InGo => c"called by Go, or by C that Go has called",
            Busy::Program => c"the program is the runtime's own",
            Busy::Goroutines => c"goroutines run or wait",
            Busy::Timers => c"timers are set",
            Busy::Threads => c"other threads have called Go and have not ended",
            Busy::Handlers => c"somebody has put a signal handler in place of one of the runtime's, and may call that",
            Busy::Stubborn => c"the runtime has threads that never end",
        }
    }

    /// The one with this number.
    pub fn from_number(number: i32) -> Option<Busy> {
        let all = [
            Busy::InGo,
            Busy::Program,
            Busy::Goroutines,
            Busy::Timers,
            Busy::Threads,
            Busy::Handlers,
            Busy::Stubborn,
        ];
        all.into_iter().find(|busy| *busy as i32 == number)
    }
}

/// Threads of C's that have, or are about to have, a goroutine.
static ATTACHED: AtomicUsize = AtomicUsize::new(0);
/// Somebody makes up their mind whether to shut down, with the gate locked; or has done so.
static LEAVING: AtomicBool = AtomicBool::new(false);
/// Whether the runtime is gone.
static GATE: Mutex<bool> = Mutex::new(false);
/// The library's reference to itself.
static SELF: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

fn gate() -> MutexGuard<'static, bool> {
    GATE.lock().expect("nobody panics with it")
}

/// Somebody wants the runtime, which must not be gone.
pub fn check() {
    if LEAVING.load(Ordering::SeqCst) && *gate() {
        fatal::end("runtime: Go was called, or the runtime, after gort_shutdown\n");
    }
}

/// A thread of C's is going to be attached.
pub fn admit() {
    ATTACHED.fetch_add(1, Ordering::SeqCst);
    check();
}

/// A thread of C's is attached no more.
pub fn dismiss() {
    ATTACHED.fetch_sub(1, Ordering::SeqCst);
}

/// The library stays loaded until it is shut down. Nothing happens in a program. For a constructor: later, whoever loads another library would be waited
/// for, and that one's constructors may wait for the runtime.
pub fn hold() {
    let here = (&raw const SELF).cast::<c_void>();
    // SAFETY: asks where the program's headers are.
    let program = unsafe { libc::getauxval(libc::AT_PHDR) } as usize;
    if notes::object_of(here.addr()).contains(&program) {
        return;
    }
    // SAFETY: zeros are what the call overwrites.
    let mut object: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: asks for the object that an address of its own is in; the name is the dynamic linker's, and lasts as long as the object.
    unsafe {
        if libc::dladdr(here, &mut object) != 0 {
            let library = libc::dlopen(object.dli_fname, libc::RTLD_NOLOAD | libc::RTLD_LAZY);
            SELF.store(library, Ordering::Release);
        }
    }
}

/// How long to wait for what is about to end: a goroutine that has just told that it is done, a thread that was joined.
const GRACE: Duration = Duration::from_secs(1);

/// Shuts the runtime down, as `gort_shutdown` does.
pub fn shut_down() -> Result<(), Busy> {
    let mut gone = gate();
    if *gone {
        return Ok(());
    }
    if !start::is_started() {
        let_go();
        return Ok(());
    }
    LEAVING.store(true, Ordering::SeqCst);
    if let Err(busy) = wait_until_idle().and_then(|()| leave_handlers()) {
        LEAVING.store(false, Ordering::SeqCst);
        return Err(busy);
    }
    *gone = true;
    attach::detach_this_thread();
    copies::leave();
    attach::delete_key();
    trace::end();
    // SAFETY: nothing is left but idle threads of the scheduler's; who calls in is stopped by `check`.
    unsafe {
        start::end();
        heap::give_all_back();
    }
    let_go();
    Ok(())
}

/// The library's reference to itself is dropped.
fn let_go() {
    let library = SELF.swap(ptr::null_mut(), Ordering::AcqRel);
    if !library.is_null() {
        // SAFETY: the reference is ours; the host, which has called us, has another.
        unsafe { libc::dlclose(library) };
    }
}

/// Somebody else's may have taken their place since they were looked at.
fn leave_handlers() -> Result<(), Busy> {
    crate::signals::leave();
    match handlers::leave() {
        true => Ok(()),
        false => Err(Busy::Handlers),
    }
}

fn wait_until_idle() -> Result<(), Busy> {
    let begin = Instant::now();
    loop {
        match look() {
            Ok(()) => return Ok(()),
            Err(busy) if begin.elapsed() > GRACE => return Err(busy),
            Err(Busy::Goroutines | Busy::Threads | Busy::Stubborn) => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(busy) => return Err(busy),
        }
    }
}

/// Whether anything would be missed.
fn look() -> Result<(), Busy> {
    let own = usize::from(own_thread()?);
    if !global::lock().guest {
        return Err(Busy::Program);
    }
    let attached = ATTACHED.load(Ordering::SeqCst);
    let finalizing = !heap::special::queue::is_idle();
    if finalizing || SHARED.goroutines.load(Ordering::SeqCst) > attached {
        return Err(Busy::Goroutines);
    }
    if p::all().any(|p| p.timers.next_when() != i64::MAX) {
        return Err(Busy::Timers);
    }
    if attached > own {
        return Err(Busy::Threads);
    }
    if thread::any_stubborn() {
        return Err(Busy::Stubborn);
    }
    match handlers::are_in_place() {
        true => Ok(()),
        false => Err(Busy::Handlers),
    }
}

/// Whether the calling thread has a goroutine; in the middle of a call, to or from Go, it can't be.
fn own_thread() -> Result<bool, Busy> {
    let Some(m) = M::try_current() else {
        return Ok(false);
    };
    let in_c = m.thread.go_sp.load(Ordering::Relaxed) != 0;
    match m.guest.get() && in_c && attach::is_outermost(m) {
        true => Ok(true),
        false => Err(Busy::InGo),
    }
}
