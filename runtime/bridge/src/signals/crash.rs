//! The end of the program by a signal: what happened, every goroutine in both worlds, the registers.
//!
//! Whatever is broken, it ends. It runs on a stack of its own, since a host's signal stack may be small. The head is written at once. Then all
//! addresses are noted, which needs no lock and no memory, and only then come names, which need both: the thread that has crashed may hold
//! malloc's lock itself. If that takes too long, or faults, what is left is written without names.

use std::cell::UnsafeCell;
use std::fmt::{self, Write};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicUsize, Ordering};

use sched::signal::{self, flag, own_action};
use sched::thread::gettid;
use sched::trace::{Trace, peek};
use sched::{GRef, capture, dump, fatal};
use stack::x86_64::unwind::SignalStack;

use super::{Here, Place, Signal};

/// What the look-up of a name may take, in seconds.
const PATIENCE: i64 = 10;
const WATCHDOG: i32 = libc::SIGALRM;

/// What is known of the crash; written by its thread before anybody else looks.
struct Crash {
    context: UnsafeCell<MaybeUninit<libc::ucontext_t>>,
    trace: UnsafeCell<Trace>,
}

// SAFETY: used by the thread that is `OWNER`.
unsafe impl Sync for Crash {}

/// Symbolizing takes much.
static STACK: SignalStack<{ 1 << 20 }> = SignalStack::zeroed();
static CRASH: Crash = Crash {
    context: UnsafeCell::new(MaybeUninit::uninit()),
    trace: UnsafeCell::new(Trace::new()),
};

/// The thread that ends the program.
static OWNER: AtomicI32 = AtomicI32::new(0);
/// How often it has faulted since.
static AGAIN: AtomicU32 = AtomicU32::new(0);
/// How many frames of its trace have been written, with names or without.
static WRITTEN: AtomicUsize = AtomicUsize::new(0);
static REGISTERS_WRITTEN: AtomicBool = AtomicBool::new(false);
static TIMER: AtomicI32 = AtomicI32::new(-1);

/// Standard error by lines, without the library's locks.
struct Out {
    bytes: [u8; 1024],
    len: usize,
}

impl Out {
    fn new() -> Out {
        Out {
            bytes: [0; 1024],
            len: 0,
        }
    }

    fn flush(&mut self) {
        // SAFETY: writes bytes that are there.
        unsafe { libc::write(2, self.bytes.as_ptr().cast(), self.len) };
        self.len = 0;
    }
}

impl Write for Out {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.bytes[self.len] = byte;
            self.len += 1;
            if byte == b'\n' || self.len == self.bytes.len() {
                self.flush();
                keep_watching();
            }
        }
        Ok(())
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Ends the program.
pub(super) fn fatal(signal: &mut Signal<'_>, here: &Here) -> ! {
    fatal::begin();
    OWNER.store(gettid(), Ordering::Release);
    // SAFETY: this thread is the owner, and so the stack is its own; our handlers are the kernel's to call.
    unsafe { STACK.run(&mut || tell(signal, here)) };
    fatal::leave(fatal::EXIT_CODE)
}

/// What needs nothing: the signal, and where it came.
fn head(out: &mut Out, signal: &Signal<'_>, here: &Here) {
    let pc = signal.register(libc::REG_RIP);
    if signal.is_fault() && here.place == Place::Goroutine {
        let mut text = String::new();
        let _ = writeln!(
            out,
            "fatal error: unexpected signal during runtime execution"
        );
        fatal::tell_fault(&mut text, signal.fault());
        let _ = writeln!(out, "{text}");
        return;
    }
    let _ = match signal::name(signal.number) {
        Some(name) => writeln!(out, "{name}"),
        None => writeln!(out, "Signal {}", signal.number),
    };
    let m = here.m.map_or(0, |m| m.id);
    let _ = write!(out, "PC={pc:#x} m={m} sigcode={}", signal.code());
    if matches!(signal.number, libc::SIGSEGV | libc::SIGBUS) {
        let _ = write!(out, " addr={:#x}", signal.address());
    }
    let _ = out.write_str("\n");
    if here.place == Place::C {
        let _ = out.write_str("signal arrived during cgo execution\n");
    }
    if matches!(signal.number, libc::SIGILL | libc::SIGFPE) {
        instruction(out, pc);
    }
    let _ = out.write_str("\n");
}

fn instruction(out: &mut Out, pc: usize) {
    let _ = out.write_str("instruction bytes:");
    let words = [peek(pc), peek(pc + 8)];
    for byte in words.iter().flatten().flat_map(|word| word.to_le_bytes()) {
        let _ = write!(out, " {byte:#x}");
    }
    let _ = out.write_str("\n");
}

fn tell(signal: &mut Signal<'_>, here: &Here) {
    head(&mut Out::new(), signal, here);
    // SAFETY: this thread is the owner. The rest of the kernel's context, vector registers, isn't needed.
    unsafe { (*CRASH.context.get()).write(*signal.context) };
    watch(gettid());
    tell_goroutines(here.g, here.place);
}

/// What needs much.
fn tell_goroutines(g: Option<GRef>, place: Place) {
    let faults = signal::mask_of(flag::PANIC) | signal::bit(libc::SIGABRT);
    signal::change_mask(libc::SIG_UNBLOCK, faults | signal::bit(WATCHDOG));
    // SAFETY: this thread is the owner; the trace is written here, and only read from then on.
    let trace = unsafe {
        (*CRASH.trace.get()).of_signal((*CRASH.context.get()).assume_init_mut());
        &*CRASH.trace.get()
    };
    capture::others();
    let mut out = Out::new();
    match (g, place) {
        (Some(g), Place::C) => dump::header(&mut out, g, dump::IN_C),
        (Some(g), _) => dump::header(&mut out, g, g.status.state().text()),
        (None, _) => drop(out.write_str("goroutine 0 [idle]:\n")),
    }
    for (place, frame) in trace.frames().iter().enumerate() {
        if g.is_none_or(|g| dump::is_shown(g, frame)) {
            dump::mixed_frame(&mut out, *frame);
        }
        WRITTEN.store(place + 1, Ordering::Relaxed);
    }
    let _ = out.write_str("\n");
    dump::others(g, &mut |other| {
        dump::describe(&mut out, other);
    });
    registers(&mut out);
}

/// As Go prints them.
fn registers(out: &mut Out) {
    const NAMES: [(&str, i32); 18] = [
        ("rax    ", libc::REG_RAX),
        ("rbx    ", libc::REG_RBX),
        ("rcx    ", libc::REG_RCX),
        ("rdx    ", libc::REG_RDX),
        ("rdi    ", libc::REG_RDI),
        ("rsi    ", libc::REG_RSI),
        ("rbp    ", libc::REG_RBP),
        ("rsp    ", libc::REG_RSP),
        ("r8     ", libc::REG_R8),
        ("r9     ", libc::REG_R9),
        ("r10    ", libc::REG_R10),
        ("r11    ", libc::REG_R11),
        ("r12    ", libc::REG_R12),
        ("r13    ", libc::REG_R13),
        ("r14    ", libc::REG_R14),
        ("r15    ", libc::REG_R15),
        ("rip    ", libc::REG_RIP),
        ("rflags ", libc::REG_EFL),
    ];
    if REGISTERS_WRITTEN.swap(true, Ordering::Relaxed) {
        return;
    }
    // SAFETY: written before anybody prints them.
    let all = unsafe { (*CRASH.context.get()).assume_init_ref().uc_mcontext.gregs };
    for (name, index) in NAMES {
        let _ = writeln!(out, "{name}{:#x}", all[index as usize]);
    }
    // cs, gs and fs, sixteen bits each.
    let segments = all[libc::REG_CSGSFS as usize] as u64;
    for (name, shift) in [("cs     ", 0), ("fs     ", 32), ("gs     ", 16)] {
        let _ = writeln!(out, "{name}{:#x}", segments >> shift & 0xffff);
    }
}

/// The rest, without names.
fn rest() {
    let mut out = Out::new();
    // SAFETY: of this thread; its frames are there once their number is.
    let frames = unsafe { (*CRASH.trace.get()).frames() };
    for frame in frames.iter().skip(WRITTEN.load(Ordering::Relaxed)) {
        let _ = writeln!(out, "?(...)\n\tpc={:#x}", frame.at);
    }
    let _ = out.write_str("\n");
    registers(&mut out);
}

/// A signal to the thread that ends the program already: as Go's levels of dying.
pub(super) fn again(signal: &Signal<'_>) {
    if OWNER.load(Ordering::Relaxed) != gettid() || signal.number == libc::SIGPROF {
        return;
    }
    let mut out = Out::new();
    let code = match AGAIN.fetch_add(1, Ordering::Relaxed) {
        0 => {
            let _ = out.write_str("panic during panic\n");
            out.flush();
            rest();
            fatal::leave(fatal::EXIT_CODE)
        }
        1 => {
            let _ = out.write_str("stack trace unavailable\n");
            4
        }
        _ => 5,
    };
    drop(out);
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}

/// Has this thread interrupted if it doesn't get on: it may wait for a lock that it has itself.
fn watch(own: i32) {
    let actions = [
        (WATCHDOG, own_action(stuck, 0, false)),
        (libc::SIGABRT, own_action(super::handler, 0, false)),
    ];
    for (number, action) in actions {
        // SAFETY: both are async-signal-safe.
        unsafe { signal::set_action(number, &action) };
    }
    // SAFETY: zeros are an event; the kernel writes the timer's number.
    unsafe {
        let mut event: libc::sigevent = std::mem::zeroed();
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = WATCHDOG;
        event.sigev_notify_thread_id = own;
        let mut timer = -1;
        let clock = libc::CLOCK_MONOTONIC;
        libc::syscall(
            libc::SYS_timer_create,
            clock,
            &raw mut event,
            &raw mut timer,
        );
        TIMER.store(timer, Ordering::Relaxed);
    }
    keep_watching();
}

/// It gets on. Nothing happens before [`watch`].
fn keep_watching() {
    // SAFETY: zeros are a time; the timer is ours.
    unsafe {
        let mut when: libc::itimerspec = std::mem::zeroed();
        when.it_value.tv_sec = PATIENCE;
        let timer = TIMER.load(Ordering::Relaxed);
        libc::syscall(libc::SYS_timer_settime, timer, 0, &raw const when, 0);
    }
}

extern "C" fn stuck(_: i32, _: *mut libc::siginfo_t, _: *mut libc::ucontext_t) {
    if OWNER.load(Ordering::Relaxed) != gettid() {
        return;
    }
    let mut out = Out::new();
    let _ = out.write_str("runtime: the names of what follows can't be found\n");
    out.flush();
    rest();
    fatal::leave(fatal::EXIT_CODE)
}
