//! Signals: one handler for all that the runtime takes, which finds whose a signal is.
//!
//! ```text
//!   where it came                      a fault              others
//!   compiled Go                        the goroutine panics  the queue of `notify`, or what Go does by default
//!   Rust's goroutines, the runtime     the program ends      the same
//!   C that Go has called               the host's handler;   the same
//!                                      else the program ends
//!   a thread that is none of Go's      the host's handler, or the system's default, but for what is on the queue
//! ```
//!
//! Rules and texts are Go's: `os/signal`'s documentation, `runtime/signal_unix.go`. SIGURG alone, which preempts goroutines, has its handler in
//! `sched::preempt`.

mod crash;
mod fault;
mod forward;
pub mod profile;
pub mod queue;

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use sched::g::Fault;
use sched::signal::{self, Before, COUNT, flag, own_action};
use sched::{GRef, M, fatal, preempt};
use stack::errno;

use crate::guest::handlers;
use crate::overflow;

pub use fault::set_panic_on_fault;
pub(crate) use fault::text_of_fault;
pub use forward::sigpipe;

/// What was there before our handler.
static BEFORE: [Before; COUNT] = [const { Before::new() }; COUNT];
/// Whether the signal is ours.
static HANDLING: [AtomicBool; COUNT] = [const { AtomicBool::new(false) }; COUNT];
/// The process is somebody else's: only what can't be done without is taken.
static GUEST: AtomicBool = AtomicBool::new(false);
/// Handlers that were there before give way, as in Go's own programs.
static OVERRIDE: AtomicBool = AtomicBool::new(false);

/// The program is Go's own: handlers that C's constructors have installed give way.
pub fn own_the_process() {
    OVERRIDE.store(true, Ordering::Relaxed);
}

/// Takes the signals that are the runtime's. Once, when it starts.
pub(crate) fn install(guest: bool) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        GUEST.store(guest, Ordering::Relaxed);
        fatal::read_environment();
        sched::thread::note_mask();
        signal::exclusively(|| {
            handlers::note();
            (1..COUNT as i32).for_each(install_one);
            preempt::start();
            handlers::note_own();
        });
    });
}

/// The runtime goes, and with it the handlers.
pub(crate) fn leave() {
    profile::set_rate(0, None, std::ptr::null_mut());
}

fn install_one(number: i32) {
    let flags = signal::flags(number);
    if flags == 0 || flags & flag::DEFAULT != 0 || number == libc::SIGURG {
        return;
    }
    let before = signal::action(number);
    let handler = before.sa_sigaction;
    BEFORE[number as usize].note(before);
    if wanted(number, handler) {
        take(number);
    } else if handler == libc::SIG_IGN {
        queue::begin_ignored(number);
    } else if handler != libc::SIG_DFL && before.sa_flags & libc::SA_ONSTACK == 0 {
        // It may interrupt a goroutine, whose stack is too small for it.
        let mut with_stack = before;
        with_stack.sa_flags |= libc::SA_ONSTACK;
        // SAFETY: the host's own handler.
        unsafe { signal::set_action(number, &with_stack) };
    }
}

/// Whether our handler is there without anybody's asking for the signal.
fn wanted(number: i32, before: usize) -> bool {
    let flags = signal::flags(number);
    let synchronous = flags & flag::PANIC != 0 || number == libc::SIGPIPE;
    let ignored = before == libc::SIG_IGN && matches!(number, libc::SIGHUP | libc::SIGINT);
    let hosts = before > libc::SIG_IGN && !OVERRIDE.load(Ordering::Relaxed);
    match flags & flag::SET_STACK != 0 || ignored {
        true => false,
        false => synchronous || !(GUEST.load(Ordering::Relaxed) || hosts),
    }
}

/// Whether our handler was put in the signal's place.
pub(crate) fn is_taken(number: i32) -> bool {
    HANDLING[number as usize].load(Ordering::Acquire)
}

/// Has our handler where it isn't yet: somebody wants the signal.
fn claim(number: i32) {
    let index = number as usize;
    signal::exclusively(|| {
        if !HANDLING[index].swap(true, Ordering::AcqRel) {
            BEFORE[index].note(signal::action(number));
            put_back(number);
        }
    });
}

/// Nobody wants the signal any more: what was there before is there again, unless our handler is there without that.
fn hand_back(number: i32) {
    let index = number as usize;
    let before = &BEFORE[index];
    signal::exclusively(|| {
        if wanted(number, before.handler()) || !HANDLING[index].swap(false, Ordering::AcqRel) {
            return;
        }
        let mut action = before.action();
        if number == libc::SIGPROF && action.sa_sigaction == libc::SIG_DFL {
            // The timer's last may be on its way still.
            action.sa_sigaction = libc::SIG_IGN;
        }
        // SAFETY: the host's own, or none.
        unsafe { signal::set_action(number, &action) };
    });
}

/// Puts our handler in its place.
fn take(number: i32) {
    HANDLING[number as usize].store(true, Ordering::Release);
    put_back(number);
}

/// The same again. Async-signal-safe.
fn put_back(number: i32) {
    // A host that wanted calls to be interrupted gets that.
    let interrupts = BEFORE[number as usize].get().is_some_and(|before| {
        before.sa_sigaction > libc::SIG_IGN && before.sa_flags & libc::SA_RESTART == 0
    });
    let flags = if interrupts { 0 } else { libc::SA_RESTART };
    // SAFETY: our handler is async-signal-safe.
    unsafe { signal::set_action(number, &own_action(handler, flags, true)) };
}

/// The calling thread can fault from now on without being ended for it: C may have blocked all signals.
pub(crate) fn unblock_faults() {
    let faults = signal::mask_of(flag::PANIC | flag::THROW) & signal::mask_of(flag::UNBLOCK);
    signal::change_mask(libc::SIG_UNBLOCK, faults);
}

/// Where a signal has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A goroutine's own stack.
    Goroutine,
    /// C that Go has called.
    C,
    /// The runtime, on a thread of its own or for a goroutine.
    Runtime,
    /// A thread that Go doesn't know, or a guest's that is not in a call of Go's.
    Stranger,
}

struct Here {
    m: Option<&'static M>,
    g: Option<GRef>,
    place: Place,
}

impl Here {
    fn find(context: &libc::ucontext_t) -> Here {
        let m = M::try_current();
        let g = m.and_then(M::g);
        let sp = context.uc_mcontext.gregs[libc::REG_RSP as usize] as usize;
        let place = match m {
            None => Place::Stranger,
            Some(m) if m.thread.go_sp.load(Ordering::Relaxed) != 0 => {
                match m.thread.system_sp.get() {
                    usize::MAX => Place::Stranger,
                    _ => Place::C,
                }
            }
            Some(_) if g.is_some_and(|g| g.stack().contains(sp)) => Place::Goroutine,
            Some(_) => Place::Runtime,
        };
        Here { m, g, place }
    }
}

/// A signal as the kernel tells it.
struct Signal<'a> {
    number: i32,
    info: *mut libc::siginfo_t,
    context: &'a mut libc::ucontext_t,
}

impl Signal<'_> {
    fn code(&self) -> i32 {
        // SAFETY: the kernel's.
        unsafe { (*self.info).si_code }
    }

    /// Of a fault: where.
    fn address(&self) -> usize {
        // SAFETY: the kernel's; the field is there in signals of every kind.
        unsafe { (*self.info).si_addr() as usize }
    }

    /// Somebody has sent it: no fault.
    fn is_sent(&self) -> bool {
        const SI_TKILL: i32 = -6;
        matches!(self.code(), libc::SI_USER | SI_TKILL)
    }

    /// The thread itself has caused it, here and now.
    fn is_fault(&self) -> bool {
        signal::flags(self.number) & flag::PANIC != 0 && !self.is_sent()
    }

    /// What a panic or a message tells of it.
    fn fault(&self) -> Fault {
        Fault {
            signal: self.number,
            code: self.code(),
            address: self.address(),
            pc: self.register(libc::REG_RIP),
        }
    }

    fn register(&self, index: i32) -> usize {
        self.context.uc_mcontext.gregs[index as usize] as usize
    }
}

extern "C" fn handler(number: i32, info: *mut libc::siginfo_t, context: *mut libc::ucontext_t) {
    // What was interrupted may be about to read it.
    let _errno = errno::keep();
    let mut signal = Signal {
        number,
        info,
        // SAFETY: the kernel passes the context that it restores when we return.
        context: unsafe { &mut *context },
    };
    handle(&mut signal);
}

fn handle(signal: &mut Signal<'_>) {
    let number = signal.number;
    let fault = signal.is_fault();
    if fault && stack::x86_64::unwind::give_up(signal.context) {
        return;
    }
    crash::again(signal);
    if number == libc::SIGURG {
        // Preemption's, of which somebody wants to be told, too.
        queue::send(number);
        forward::call(signal);
        return;
    }
    if number == libc::SIGPROF {
        return profile::sample(signal);
    }
    let here = Here::find(signal.context);
    let memory = matches!(number, libc::SIGSEGV | libc::SIGBUS);
    if fault && memory && here.place != Place::Stranger && !fault::is_nil(signal.address()) {
        overflow::report(signal.address(), signal.register(libc::REG_RSP));
    }
    if forward::to_host(signal, &here) {
        return;
    }
    if here.place == Place::Stranger {
        if !queue::send(number) {
            forward::raise_bad(signal);
        }
        return;
    }
    if fault && fault::make_panic(signal, &here) {
        return;
    }
    let flags = signal::flags(number);
    let asked = signal.is_sent() || flags & flag::NOTIFY != 0;
    if (asked && queue::send(number)) || (signal.is_sent() && queue::is_ignored(number)) {
        return;
    }
    if flags & flag::KILL != 0 {
        forward::die(number);
    }
    if flags & (flag::THROW | flag::PANIC) != 0 {
        crash::fatal(signal, &here);
    }
}
