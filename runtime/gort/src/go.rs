//! Goroutines.

use std::any::Any;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;

use crate::catch_unwind;
use bridge::StackKind;
use bridge::panic::{Goexit, Payload, uncaught};
use sched::global::SHARED;
use sched::ops;
use sched::{GRef, start};
use stack::Outcome;

use crate::enter::{forget, operate};

/// The main goroutine's stack, of which only what is touched costs memory.
const MAIN_STACK: usize = 8 << 20;

/// Starts the runtime as a guest of a program that has a life of its own. Does nothing if it is started already.
///
/// Goroutines then run on threads of the runtime's; [`enter`](crate::enter()) lets any other thread take part. That all goroutines wait for each
/// other isn't seen: the host may call at any time.
pub fn start() {
    bridge::start(true);
}

/// Runs a program: `main` is the first goroutine, and stays on the calling thread, as GUI toolkits want it. Returns its result; other
/// goroutines may go on, but their panics still end the process.
///
/// That all goroutines wait for each other ends the program with `fatal error: all goroutines are asleep - deadlock!`. So it does with a panic
/// that nobody catches, in Go's form and with Go's exit status, 2.
///
/// ```
/// let sum: u64 = gort::run(|| {
///     let (sender, receiver) = gort::channel(0);
///     for n in 1..=10 {
///         let sender = sender.clone();
///         gort::go(move || sender.send(n));
///     }
///     (0..10).map(|_| receiver.recv().unwrap()).sum()
/// });
/// assert_eq!(sum, 55);
/// ```
///
/// # Panics
/// On a goroutine.
pub fn run<R>(main: impl FnOnce() -> R) -> R {
    assert!(
        !crate::on_goroutine(),
        "gort::run: this is a goroutine already"
    );
    bridge::start(false);
    bridge::detach_this_thread();
    let mut program = Main {
        function: Some(main),
        result: None,
    };
    let argument = (&raw mut program).cast::<u8>();
    start::run_main_here(
        main_goroutine(&program),
        argument,
        StackKind::Guarded(MAIN_STACK),
    );
    match program.result {
        Some(result) => result,
        None => main_is_gone(),
    }
}

struct Main<F, R> {
    function: Option<F>,
    result: Option<R>,
}

fn main_goroutine<F: FnOnce() -> R, R>(_: &Main<F, R>) -> ops::Function {
    extern "C" fn body<F: FnOnce() -> R, R>(program: *mut u8) {
        // SAFETY: `run` waits for this goroutine, and reads the result afterwards.
        let program = unsafe { &mut *program.cast::<Main<F, R>>() };
        let function = program.function.take().expect("main is run once");
        program.result = base(function);
        if program.result.is_some() {
            // SAFETY: an operation without arguments.
            unsafe { operate!(main_has_returned) };
        }
    }
    body::<F, R>
}

/// Who is left may sleep for ever.
extern "C" fn main_has_returned() -> Outcome {
    sched::global::lock().guest = true;
    Outcome::done(0)
}

/// The main goroutine has ended by [`goexit`]: the program goes on until all are asleep.
fn main_is_gone() -> ! {
    sched::deadlock::retire_thread();
    loop {
        std::thread::park();
    }
}

/// The first frame of a goroutine. None: it ended by [`goexit`]. A panic that comes here ends the program.
fn base<R>(function: impl FnOnce() -> R) -> Option<R> {
    let result = match catch_unwind(AssertUnwindSafe(function)) {
        Ok(result) => Some(result),
        Err(panic) if panic.is::<Goexit>() => None,
        Err(panic) => die(panic),
    };
    if !GRef::current().unwinding.get().is_null() {
        // SAFETY: an operation without arguments.
        unsafe { operate!(forget) };
    }
    result
}

fn die(panic: Box<dyn Any + Send>) -> ! {
    let payload = Box::into_raw(Box::new(Payload(panic)));
    // SAFETY: the operation takes a payload.
    unsafe { operate!(uncaught, payload) };
    unreachable!("the program has ended")
}

/// Starts a goroutine, as `go` does. Callable from anywhere.
///
/// It runs on a stack of 256 KiB, of which only touched pages take memory; [`Builder`] makes others. A panic that it doesn't catch ends the
/// program, as in Go. A goroutine runs on one thread after another: what belongs to a thread (thread-local variables, a lock's guard that
/// isn't `Send`) must not be kept across operations that may wait.
///
/// ```
/// # gort::enter(|| {
/// let (sender, receiver) = gort::channel(0);
/// gort::go(move || sender.send(6 * 7));
/// assert_eq!(receiver.recv(), Some(42));
/// # });
/// ```
pub fn go(function: impl FnOnce() + Send + 'static) {
    Builder::new().go(function);
}

/// How a goroutine is to be.
///
/// ```
/// # gort::enter(|| {
/// let (sender, receiver) = gort::channel(0);
/// gort::Builder::new().stack_size(4 << 20).go(move || {
///     let big = [1_u8; 2 << 20];
///     sender.send(big.iter().map(|&b| usize::from(b)).sum::<usize>());
/// });
/// assert_eq!(receiver.recv(), Some(2 << 20));
/// # });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builder {
    stack_size: Option<usize>,
}

impl Builder {
    /// A goroutine as [`go`] makes it.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// With a stack of at least so many bytes: rounded up to a power of two, from 16 KiB to 1 GiB.
    pub fn stack_size(mut self, bytes: usize) -> Builder {
        self.stack_size = Some(bytes);
        self
    }

    /// Starts it.
    pub fn go<F: FnOnce() + Send + 'static>(self, function: F) {
        extern "C" fn body<F: FnOnce()>(function: *mut u8) {
            // SAFETY: a box that was leaked for this goroutine.
            let function = unsafe { Box::from_raw(function.cast::<F>()) };
            base(function);
        }
        let size = self.stack_size.unwrap_or_else(stack::memory::guarded_size);
        let function = Box::into_raw(Box::new(function));
        let start: ops::Function = body::<F>;
        // SAFETY: such are the operation's arguments; the goroutine takes the box.
        crate::enter(|| unsafe { operate!(ops::spawn_guarded, start, function, size) });
    }
}

/// Lets other goroutines run.
pub fn yield_now() {
    // SAFETY: an operation without arguments.
    unsafe { operate!(ops::gosched) };
}

/// Ends this goroutine, as `runtime.Goexit`: what its frames own is dropped. Through C as well, up to the goroutine's first frame; a
/// `catch_unwind` on the way stops it. Where [`enter`](crate::enter()) has made a goroutine of a thread there is nothing to end but the program.
pub fn goexit() -> ! {
    if !crate::on_goroutine() {
        panic!("gort::goexit: not on a goroutine");
    }
    bridge::panic::raise_goexit()
}

/// At most `n` goroutines run at the same time from now on; 0 only asks. Returns what held before.
pub fn gomaxprocs(n: usize) -> usize {
    loop {
        // SAFETY: the operation takes a number.
        match unsafe { operate!(ops::gomaxprocs, n) } {
            ops::BUSY => continue,
            before => return before,
        }
    }
}

/// How many goroutines there are.
pub fn num_goroutines() -> usize {
    SHARED.goroutines.load(std::sync::atomic::Ordering::Relaxed)
}

/// As long as it lives, the goroutine stays on the thread that it is on, and no other runs there.
#[must_use = "the goroutine is bound to its thread until this is dropped"]
#[derive(Debug)]
pub struct ThreadLock {
    /// Belongs to its goroutine, as much as anything can.
    _not_send: PhantomData<*const ()>,
}

/// Binds the goroutine to its thread: for C libraries that keep state by thread. If the goroutine ends bound (the guard forgotten), the thread
/// ends with it.
///
/// ```
/// # gort::enter(|| {
/// let lock = gort::lock_os_thread();
/// let before = std::thread::current().id();
/// gort::yield_now();
/// assert_eq!(std::thread::current().id(), before);
/// drop(lock);
/// # });
/// ```
pub fn lock_os_thread() -> ThreadLock {
    // SAFETY: an operation without arguments.
    unsafe { operate!(ops::lock_os_thread) };
    ThreadLock {
        _not_send: PhantomData,
    }
}

impl Drop for ThreadLock {
    fn drop(&mut self) {
        // SAFETY: an operation without arguments.
        unsafe { operate!(ops::unlock_os_thread) };
    }
}
