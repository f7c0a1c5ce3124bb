//! Goroutines.

use std::arch::global_asm;
use std::ffi::c_int;
use std::mem::offset_of;

use sched::global::{SHARED, Shared};
use sched::ops::{self, Function, StackKind};
use sched::{G, GRef};
use stack::{Outcome, Thread};

/// `go` from C: the goroutine is put where all Ps look, since the caller has none that it may use.
extern "C" fn go_outside(function: Function, argument: *mut u8) -> Outcome {
    bridge::start(true);
    ops::spawn_outside(function, argument, StackKind::Small);
    Outcome::done(0)
}

extern "C" fn ready(g: *mut G) -> Outcome {
    // SAFETY: from `gort_self`, says the caller.
    ops::unpark(unsafe { GRef::from_ptr(g) });
    Outcome::done(0)
}

extern "C" fn gomaxprocs(count: c_int) -> Outcome {
    ops::gomaxprocs(usize::try_from(count).unwrap_or(0))
}

operation! {
    "gort_gosched" ops::gosched;
    "gort_park" ops::park;
    "gort_lock_os_thread" ops::lock_os_thread;
    "gort_unlock_os_thread" ops::unlock_os_thread;
}

anywhere!("gort_go" ops::spawn, or go_outside);
anywhere!("gort_ready" ready);

global_asm!(
    // The operation is asked again for as long as others stop the world.
    function!(
        "gort_gomaxprocs",
        stack::open_frame!(),
        "push rbx",
        ".cfi_offset rbx, -24",
        "mov ebx, edi",
        "2:",
        "mov edi, ebx",
        "lea r11, [rip + {gomaxprocs}]",
        "call gort_enter",
        "cmp rax, {busy}",
        "je 2b",
        "pop rbx",
        close_frame!(),
        "ret",
    ),
    // A G begins with its context.
    function!(
        "gort_self",
        stack::load_thread!("rax"),
        "mov rax, qword ptr [rax + {context}]",
        "ret",
    ),
    function!(
        "gort_goid",
        stack::load_thread!("rax"),
        "mov rax, qword ptr [rax + {context}]",
        "mov rax, qword ptr [rax + {id}]",
        "ret",
    ),
    function!(
        "gort_numgoroutine",
        "mov eax, dword ptr [rip + {shared} + {goroutines}]",
        "ret",
    ),
    ".hidden {shared}",
    gomaxprocs = sym gomaxprocs,
    busy = const ops::BUSY as i32,
    context = const offset_of!(Thread, context),
    id = const offset_of!(G, id),
    shared = sym SHARED,
    goroutines = const offset_of!(Shared, goroutines),
);

const _: () = assert!(offset_of!(G, context) == 0);
