//! C tracebacks' contexts (`runtime.SetCgoTraceback`): a C function that is told of every way from C into Go.
//!
//! Nobody pays for it who doesn't use it: where it is set, every crossing takes the slow way, by a bit in every M's `retake`. There it is
//! asked for a context; the Go function is then called through [`gort_context_enter`], so that its return comes by here, where the function is
//! told that the context is over. Contexts that are open on a thread form a list through a thread-local word:
//!
//! ```text
//! gort_context → Open → Open → …        innermost first
//! ```

use std::arch::global_asm;
use std::cell::Cell;
use std::ffi::c_void;
use std::mem::offset_of;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use sched::dump::SYMBOLIZER;
use sched::m;
use sched::trace::{CONTEXT_OF, TRACEBACK};
use stack::{Outcome, Thread};

use crate::guest::word;

/// What the C function gets: `struct { uintptr_t context; }`. Zero: it is to set the word, to anything but zero if it wants to be called
/// again with it, when the context is over.
#[repr(C)]
struct Argument {
    context: usize,
}

/// The C function.
pub type Context = unsafe extern "C" fn(*mut c_void);

/// Another traceback has been set already, or the version isn't 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Version,
    Twice,
}

impl Refused {
    /// As Go's panic says it.
    pub const fn text(self) -> &'static str {
        match self {
            Refused::Version => "unsupported version",
            Refused::Twice => "call SetCgoTraceback only once",
        }
    }
}

static CONTEXT: AtomicUsize = AtomicUsize::new(0);

/// `runtime.SetCgoTraceback`: addresses of C functions, or 0. From now on C's way into Go asks `context`.
///
/// # Safety
/// The functions are what the official documentation wants them to be.
pub unsafe fn set_cgo_traceback(
    version: i32,
    traceback: usize,
    context: usize,
    symbolizer: usize,
) -> Result<(), Refused> {
    if version != 0 {
        return Err(Refused::Version);
    }
    let wanted = [
        (&TRACEBACK, traceback),
        (&CONTEXT, context),
        (&SYMBOLIZER, symbolizer),
    ];
    let differs = |&(place, function): &(&AtomicUsize, usize)| {
        let before = place.load(Ordering::Acquire);
        before != 0 && before != function
    };
    if wanted.iter().any(differs) {
        return Err(Refused::Twice);
    }
    for (place, function) in wanted {
        place.store(function, Ordering::Release);
    }
    CONTEXT_OF.store(context_of as fn(usize) -> usize as usize, Ordering::Release);
    if context != 0 {
        m::make_crossings_slow();
    }
    Ok(())
}

/// A context that is not over.
#[repr(C)]
struct Open {
    before: *mut Open,
    /// Zero: nobody is told that this is over.
    context: usize,
    /// The word of the stack check as C had it.
    found: usize,
    /// The Go function.
    callee: usize,
    /// Where it is to return to.
    back: Cell<usize>,
    /// The thread's `system_sp` before C called.
    outer: usize,
}

global_asm!(
    ".section .tbss.gort_context, \"awT\", @nobits",
    ".p2align 3",
    ".type gort_context, @object",
    ".size gort_context, 8",
    "gort_context: .zero 8",
    ".text",
    // In place of the callee, with all its arguments: only r10 and r11 are free. On the goroutine's stack, which stays on this thread.
    ".p2align 4",
    ".globl gort_context_enter",
    ".hidden gort_context_enter",
    ".type gort_context_enter, @function",
    "gort_context_enter:",
    ".cfi_startproc",
    "mov r11, qword ptr [rip + gort_context@GOTTPOFF]",
    "mov r11, qword ptr fs:[r11]",
    "pop qword ptr [r11 + {back}]",
    "lea r10, [rip + gort_context_return]",
    "push r10",
    "jmp qword ptr [r11 + {callee}]",
    ".cfi_endproc",
    ".size gort_context_enter, . - gort_context_enter",
    // As if called by gort_callback, whose frame rbp points to. The callee's results are kept.
    ".p2align 4",
    ".type gort_context_leave, @function",
    "gort_context_leave:",
    ".cfi_startproc",
    ".cfi_def_cfa rbp, 16",
    ".cfi_offset rbp, -16",
    ".cfi_offset rbx, -24",
    ".cfi_offset r12, -32",
    "nop",
    "gort_context_return:",
    "push rax",
    "push rdx",
    "sub rsp, 32",
    "movups xmmword ptr [rsp], xmm0",
    "movups xmmword ptr [rsp + 16], xmm1",
    "lea r11, [rip + {close}]",
    "call gort_enter",
    "mov r11, rax",
    "movups xmm0, xmmword ptr [rsp]",
    "movups xmm1, xmmword ptr [rsp + 16]",
    "add rsp, 32",
    "pop rdx",
    "pop rax",
    "jmp r11",
    ".cfi_endproc",
    ".size gort_context_leave, . - gort_context_leave",
    back = const offset_of!(Open, back),
    callee = const offset_of!(Open, callee),
    close = sym close,
);

unsafe extern "C" {
    fn gort_context_enter();
}

/// The innermost open context of this thread.
fn top() -> *mut Open {
    let open;
    // SAFETY: reads one thread-local word.
    unsafe {
        std::arch::asm!(
            "mov {o}, qword ptr [rip + gort_context@GOTTPOFF]",
            "mov {o}, qword ptr fs:[{o}]",
            o = out(reg) open,
            options(nostack, preserves_flags, readonly),
        );
    }
    open
}

fn set_top(open: *mut Open) {
    // SAFETY: writes one thread-local word.
    unsafe {
        std::arch::asm!(
            "mov {t}, qword ptr [rip + gort_context@GOTTPOFF]",
            "mov qword ptr fs:[{t}], {o}",
            t = out(reg) _,
            o = in(reg) open,
            options(nostack, preserves_flags),
        );
    }
}

/// Asks the C function; its context.
fn ask(context: usize) -> usize {
    let function = CONTEXT.load(Ordering::Acquire);
    if function == 0 {
        return 0;
    }
    // SAFETY: who set it says that it is such a function.
    let function = unsafe { std::mem::transmute::<usize, Context>(function) };
    let mut argument = Argument { context };
    // SAFETY: as above; this runs on the thread's own stack.
    unsafe { function((&raw mut argument).cast()) };
    argument.context
}

/// C is about to call `callee`: what to call instead. `found`: what C had in the word of the stack check.
pub(crate) fn open(thread: &Thread, callee: usize, found: usize) -> usize {
    let context = ask(0);
    if context == 0 && !word::is_shared() {
        return callee;
    }
    let open = Open {
        before: top(),
        context,
        found,
        callee,
        back: Cell::new(0),
        outer: thread.system_sp.get(),
    };
    set_top(Box::into_raw(Box::new(open)));
    gort_context_enter as *const () as usize
}

/// The operation after the callee has returned: where it would have returned to.
extern "C" fn close() -> Outcome {
    let open = close_top();
    word::put_back(open.found);
    Outcome::done(open.back.get())
}

fn close_top() -> Box<Open> {
    // SAFETY: the list's head is a box, and leaves the list here.
    let open = unsafe { Box::from_raw(top()) };
    set_top(open.before);
    if open.context != 0 {
        ask(open.context);
    }
    open
}

/// A panic has given up the C frames on this thread below `system_sp`: what they called is over.
pub(crate) fn close_to(system_sp: usize) {
    // The oldest of them was opened there, if that call had a context. Addresses alone don't tell: calls that a panic of another copy of the
    // runtime has passed are open for good, wherever C's stack is by now.
    if calls().any(|open| open.outer == system_sp) {
        while close_top().outer != system_sp {}
        return;
    }
    while calls().next().is_some_and(|open| open.outer <= system_sp) {
        close_top();
    }
}

/// The context of the call into Go on this thread before which `system_sp` was that; 0 where there is none. For signal handlers, too.
fn context_of(system_sp: usize) -> usize {
    let found = calls().find(|open| open.outer == system_sp);
    found.map_or(0, |open| open.context)
}

/// This thread's open contexts, innermost first.
fn calls() -> impl Iterator<Item = &'static Open> {
    // SAFETY: null, or boxes in the list, which change on this thread only, and not while somebody looks.
    let first = unsafe { top().as_ref() };
    // SAFETY: as above.
    std::iter::successors(first, |open| unsafe { open.before.as_ref() })
}

/// Nothing is open where a thread begins.
const _: () = assert!(size_of::<*mut Open>() == 8 && ptr::null::<Open>().is_null());
