//! From Rust on a goroutine into the runtime, and from Rust elsewhere onto a goroutine.

use std::any::Any;
use std::arch::naked_asm;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, resume_unwind};

use crate::catch_unwind;
use crate::name::named_by_closure;
use bridge::panic::{Goexit, forget_trace, raise};
use sched::{GRef, M, fatal};
use stack::Thread;
use stack::x86_64 as machine;

/// An operation: a function with at most five words as arguments which results in a [`stack::Outcome`].
pub(crate) type Operation = *const ();

#[unsafe(naked)]
unsafe extern "C" fn enter_by(
    _: usize,
    _: usize,
    _: usize,
    _: usize,
    _: usize,
    operation: Operation,
) -> usize {
    naked_asm!("mov r11, r9", "jmp gort_enter")
}

/// Calls `function(data)` on this thread's goroutine, as C calls Go.
#[unsafe(naked)]
unsafe extern "C" fn callback(function: extern "C" fn(*mut u8), data: *mut u8) {
    naked_asm!("lea r11, [rip + {entry}]", "jmp gort_callback", entry = sym entry)
}

/// What a function with stack checks does at its beginning that needs [`ROOM`] bytes: the goroutine may be compiled Go's.
#[unsafe(naked)]
unsafe extern "C" fn entry(function: extern "C" fn(*mut u8), data: *mut u8) {
    naked_asm!(
        ".cfi_startproc",
        "lea r11, [rsp - {room}]",
        "cmp r11, qword ptr fs:[0x70]",
        "ja 2f",
        "mov r10d, {room}",
        "xor r11d, r11d",
        "call __morestack",
        "ret",
        "2:",
        "mov rax, rdi",
        "mov rdi, rsi",
        "jmp rax",
        ".cfi_endproc",
        // To the tracer it is what it calls.
        ".pushsection gort_names, \"awR\", @progbits",
        ".p2align 3",
        ".quad {this}, 0, 2",
        ".popsection",
        this = sym entry,
        room = const ROOM,
    )
}

/// How much stack a Rust function finds at least that C calls, in bytes.
pub const ROOM: usize = 64 << 10;

/// This thread's, if a goroutine of its runs right here: neither C that the goroutine has called, nor the runtime itself.
fn here() -> Option<&'static Thread> {
    let place = Cell::new(0_u8);
    // SAFETY: null, or the calling thread's, which outlives the goroutine's stay on it.
    let thread = unsafe { machine::thread().as_ref() }?;
    // SAFETY: the context of the goroutine that runs on this thread, if one does.
    let context = unsafe { thread.context.get().as_ref() }?;
    // SAFETY: a goroutine that runs has a segment.
    let segment = unsafe { &*context.segment.get() };
    let in_c = thread.go_sp.load(std::sync::atomic::Ordering::Relaxed) != 0;
    (!in_c && segment.contains(place.as_ptr() as usize)).then_some(thread)
}

/// Whether the caller runs on a goroutine.
///
/// Not there: other threads, and closures that [`ccall`](crate::ccall()) runs.
pub fn on_goroutine() -> bool {
    here().is_some()
}

#[cold]
#[track_caller]
fn not_on_goroutine() -> ! {
    panic!(
        "gort: called outside of a goroutine: run it inside of gort::run, gort::go, or gort::enter (which makes the calling thread a goroutine), \
         and not inside of gort::ccall"
    )
}

/// Enters the runtime; the operation's result.
///
/// # Safety
/// The operation takes such arguments.
#[track_caller]
pub(crate) unsafe fn enter_with(operation: Operation, arguments: [usize; 5]) -> usize {
    let Some(_) = here() else { not_on_goroutine() };
    let [a, b, c, d, e] = arguments;
    // SAFETY: on a goroutine; the rest is the caller's word.
    pinned_if_panicking(|| unsafe { enter_by(a, b, c, d, e, operation) })
}

/// Runs what may park. The standard library counts panics by thread, so a goroutine that unwinds comes back to its thread.
pub(crate) fn pinned_if_panicking<R>(park: impl FnOnce() -> R) -> R {
    if !std::thread::panicking() {
        return park();
    }
    let g = GRef::current();
    g.lock_count.set(g.lock_count.get() + 1);
    let result = park();
    g.lock_count.set(g.lock_count.get() - 1);
    result
}

/// Enters an operation with up to five words.
macro_rules! operate {
    ($operation:expr $(, $argument:expr)* $(,)?) => {{
        let mut arguments = [0_usize; 5];
        let mut _given = arguments.iter_mut();
        $(*_given.next().expect("at most five") = $argument as usize;)*
        $crate::enter::enter_with($operation as *const (), arguments)
    }};
}
pub(crate) use operate;

/// A closure that another stack runs, and what came of it.
pub(crate) struct Call<F, R> {
    function: Option<F>,
    result: Option<Result<R, Box<dyn Any + Send>>>,
}

impl<F: FnOnce() -> R, R> Call<F, R> {
    pub(crate) fn new(function: F) -> Call<F, R> {
        Call {
            function: Some(function),
            result: None,
        }
    }

    /// Runs the closure of the call at `call`, which does not move.
    pub(crate) extern "C" fn run(call: *mut u8) {
        // SAFETY: who passes the address waits until this has returned.
        let call = unsafe { &mut *call.cast::<Call<F, R>>() };
        let function = call.function.take().expect("a call is run once");
        call.result = Some(catch_unwind(AssertUnwindSafe(function)));
    }

    /// The result, or the closure's panic, which goes on here.
    pub(crate) fn finish(self) -> R {
        match self.result.expect("the closure was run") {
            Ok(result) => result,
            Err(panic) => resume_unwind(panic),
        }
    }
}

/// Runs `function` as a goroutine on the calling thread, and waits for it: where a goroutine is asked for and the caller isn't on one.
///
/// The thread keeps its goroutine until it ends, so that later calls are cheap, some ten nanoseconds. The runtime is started if need be. On a
/// goroutine it just calls the function. A panic goes on in the caller.
///
/// ```
/// let (sender, receiver) = gort::channel(1);
/// let length = gort::enter(|| {
///     gort::go(move || sender.send("from a goroutine"));
///     receiver.recv().unwrap().len()
/// });
/// assert_eq!(length, 16);
/// ```
pub fn enter<R>(function: impl FnOnce() -> R) -> R {
    if on_goroutine() {
        return function();
    }
    crate::start();
    let mut call = Call::new(function);
    run_on_goroutine(&mut call);
    if matches!(&call.result, Some(Err(panic)) if panic.is::<Goexit>()) && !in_c_of_goroutine() {
        fatal::throw(
            "",
            "runtime.Goexit called in a thread that was not created by the Go runtime",
        );
    }
    call.finish()
}

/// Whether a goroutine waits for this thread to come back from C.
fn in_c_of_goroutine() -> bool {
    // A guest's thread outside of any call has no record of one.
    M::try_current().is_some_and(|m| m.thread.system_sp.get() != usize::MAX)
}

fn run_on_goroutine<F: FnOnce() -> R, R>(call: &mut Call<F, R>) {
    named_by_closure!(Call::<F, R>::run, F);
    // SAFETY: not on a goroutine, so this is C as far as the runtime knows; the call stays until it has been run.
    unsafe { callback(Call::<F, R>::run, std::ptr::from_mut(call).cast()) };
}

/// The first Rust function that C calls: a panic goes on where C was called.
///
/// Used by [`export!`](crate::export!).
#[doc(hidden)]
pub fn border<R>(function: impl FnOnce() -> R) -> R {
    match catch_unwind(AssertUnwindSafe(function)) {
        Ok(result) => result,
        // SAFETY: on a goroutine's stack, since C calls by gort_callback; this frame has nothing to drop, and its caller is the exported
        // function's own.
        Err(panic) => unsafe { raise(panic) },
    }
}

/// The goroutine's end: nobody will ask where it panicked.
pub(crate) extern "C" fn forget() -> stack::Outcome {
    forget_trace(GRef::current());
    stack::Outcome::done(0)
}
