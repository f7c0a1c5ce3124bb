//! What the assembly and Rust both touch: layouts are `repr(C)`, offsets are taken with `offset_of!`, so nothing is written twice.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::memory::Segment;

/// A goroutine as the assembly sees it; the scheduler's G begins with one.
///
/// It belongs to the thread that runs the goroutine, and while none does, to who took it off a queue.
#[repr(C)]
pub struct Context {
    /// The stack pointer where the goroutine entered the runtime; everything else that it needs is pushed there.
    pub sp: Cell<usize>,
    /// What the stack check compares with (`%fs:0x70` while the goroutine runs): the end of the current segment plus a reserve.
    pub limit: Cell<usize>,
    /// The result of the entry that parked, set by who readies.
    pub value: Cell<usize>,
    /// The segment that the goroutine runs on.
    pub segment: Cell<*mut Segment>,
    /// The thread sanitizer's idea of the goroutine; null without it.
    pub fiber: Cell<*mut u8>,
}

/// A thread that can run goroutines, as the assembly sees it; the scheduler's M begins with one.
///
/// Only the thread itself touches the cells. Others look at the atomics: see `sched::crossing` for the protocol.
#[repr(C)]
pub struct Thread {
    /// Zero while the thread runs Go or the runtime. While it is in C: the goroutine's stack pointer there.
    pub go_sp: AtomicUsize,
    /// Why coming back from C, or into Go, is not as simple as it mostly is; `sched::crossing` says what the bits mean. Zero: it is simple.
    pub retake: AtomicU32,
    /// Calls between Go and C so far; lets sysmon tell one long call from many short ones.
    pub calls: AtomicU64,
    /// Where the system stack begins for the next one who switches to it.
    pub system_sp: Cell<usize>,
    /// The goroutine that runs, or is in C; null while the thread looks for one.
    pub context: Cell<*mut Context>,
    /// Address of the thread's `%fs:0x70`, for those who poison it.
    pub limit_word: Cell<*const AtomicUsize>,
    /// `system_sp` while no C frame of a goroutine's lies on the system stack.
    pub system_base: Cell<usize>,
    /// The thread sanitizer's idea of the system stack; null without it.
    pub fiber: Cell<*mut u8>,
    /// What the thread allocates from while it has its P, as the heap left it there; null: nothing yet.
    pub heap: Cell<*mut u8>,
}

impl Default for Context {
    fn default() -> Context {
        Context {
            sp: Cell::new(0),
            limit: Cell::new(0),
            value: Cell::new(0),
            segment: Cell::new(ptr::null_mut()),
            fiber: Cell::new(ptr::null_mut()),
        }
    }
}

/// How an operation that ran on the system stack ends.
#[must_use]
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The result, for the goroutine that goes on at once.
    pub value: usize,
    /// Zero: the same goroutine goes on. Otherwise the thread looks for another.
    pub switch: usize,
}

impl Outcome {
    /// The goroutine goes on with `value` as its result.
    pub const fn done(value: usize) -> Outcome {
        Outcome { value, switch: 0 }
    }

    /// The goroutine no longer runs: it is parked, queued or dead already, and perhaps running elsewhere by now.
    pub const fn switch() -> Outcome {
        Outcome {
            value: 0,
            switch: 1,
        }
    }
}

/// What the assembly asks of the scheduler and of the bridge. Each runs on the system stack.
#[repr(C)]
pub struct Hooks {
    /// The next goroutine for this thread; waits for one. Null: the thread is to leave [`x86_64::run`](crate::x86_64::run).
    pub schedule: extern "C" fn() -> *mut Context,
    /// `__morestack`: the function entered with the stack pointer `sp` needs `frame` bytes and has `args` bytes of arguments on the stack.
    /// Done with 0: there is room; 1: ask again; otherwise with the top of the new segment, which is the goroutine's by then.
    pub newstack: extern "C" fn(frame: usize, args: usize, sp: usize) -> Outcome,
    /// A call to C has returned and `retake` is set: get a P, or leave the goroutine to another thread.
    pub reacquire: extern "C" fn() -> Outcome,
    /// C calls Go and `retake` is set: come back with a P; whatever it takes, this thread must go on. The goroutine's stack ends at `sp`. Returns
    /// the function to call, which is `callee` unless something must happen around it.
    pub reenter: extern "C" fn(thread: *const Thread, callee: usize, sp: usize) -> usize,
    /// C has returned to a frame that is not the last that called it: `longjmp` over Go. Does not return.
    pub jumped: extern "C" fn(thread: *const Thread) -> !,
    /// C on a thread that Go doesn't know, or knows no longer, calls Go: an M for it, with a goroutine.
    pub attach: extern "C" fn() -> *const Thread,
    /// Go was called by a C function that was promised not to.
    pub broken_promise: extern "C" fn() -> !,
    /// A signal has preempted the goroutine, whose registers are saved; like an operation that switches.
    pub preempted: extern "C" fn(),
    /// The goroutine's function has returned.
    pub goexit: extern "C" fn() -> Outcome,
}

// What compiled code relies on.
const _: () = {
    use std::mem::offset_of;
    assert!(offset_of!(Thread, go_sp) == abi::thread::GO_SP);
    assert!(offset_of!(Thread, retake) == abi::thread::RETAKE);
    assert!(offset_of!(Thread, calls) == abi::thread::CALLS);
    assert!(offset_of!(Thread, system_sp) == abi::thread::SYSTEM_SP);
};

impl Thread {
    /// What the stack check compares with when preemption is asked for: it fails wherever the stack is.
    pub const POISON: usize = usize::MAX;

    /// Makes the next stack check of this thread's goroutine fail. A switch of stacks may undo it: who poisons, asks again.
    pub fn poison(&self) {
        let word = self.limit_word.get();
        if !word.is_null() {
            // SAFETY: the word lies in the thread's control block, and a thread outlives its place in the list of threads, under
            // whose lock others look at it.
            unsafe { (*word).store(Self::POISON, Ordering::Relaxed) };
        }
    }
}

impl Default for Thread {
    fn default() -> Thread {
        Thread {
            go_sp: AtomicUsize::new(0),
            retake: AtomicU32::new(0),
            calls: AtomicU64::new(0),
            system_sp: Cell::new(0),
            context: Cell::new(ptr::null_mut()),
            limit_word: Cell::new(ptr::null()),
            system_base: Cell::new(0),
            fiber: Cell::new(ptr::null_mut()),
            heap: Cell::new(ptr::null_mut()),
        }
    }
}
