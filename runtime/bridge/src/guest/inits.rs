//! The initialisers of a library's Go packages: they run once, in a goroutine, and C's calls of Go wait for them.
//!
//! A library announces them before anything else of it runs, and starts the runtime when its turn among constructors comes. Who calls Go before that,
//! in a constructor of its own, starts it there.

use std::arch::global_asm;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, Ordering};

use sched::m;
use sched::ops::{self, StackKind};
use stack::sync::Mutex;
use stack::{Outcome, open_frame};

/// A library's initialisers, all in one.
pub type Initialiser = extern "C" fn();

/// Announced, and not begun.
static ANNOUNCED: Mutex<Vec<Initialiser>> = Mutex::new(Vec::new());
/// How many have not returned; who waits for them sleeps here.
static LEFT: AtomicU32 = AtomicU32::new(0);

/// C's calls of Go wait for `initialiser` from now on. For constructors.
pub fn announce(initialiser: Initialiser) {
    LEFT.fetch_add(1, Ordering::SeqCst);
    ANNOUNCED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(initialiser);
}

/// Has those run that were announced. The runtime is started.
pub fn begin() {
    if LEFT.load(Ordering::Acquire) == 0 {
        return;
    }
    let announced = std::mem::take(&mut *ANNOUNCED.lock().unwrap_or_else(PoisonError::into_inner));
    for initialiser in announced {
        // SAFETY: a function of the same type but for being called through a safe pointer; its argument is what it takes.
        let goroutine: ops::Function =
            unsafe { std::mem::transmute(gort_initialise as unsafe extern "C" fn(*mut u8)) };
        ops::spawn_outside(goroutine, initialiser as *mut u8, StackKind::Small);
    }
}

/// Returns when all have returned. For threads of C's.
pub fn wait() {
    loop {
        match LEFT.load(Ordering::Acquire) {
            0 => return,
            left => m::futex_wait(&LEFT, left, None),
        }
    }
}

/// The operation at an initialiser's end.
extern "C" fn initialised() -> Outcome {
    if LEFT.fetch_sub(1, Ordering::SeqCst) == 1 {
        m::futex_wake(&LEFT, i32::MAX);
    }
    Outcome::done(0)
}

global_asm!(
    // A goroutine's function: calls rdi.
    ".text",
    ".p2align 4",
    ".type gort_initialise, @function",
    "gort_initialise:",
    ".cfi_startproc",
    open_frame!(),
    "call rdi",
    "lea r11, [rip + {initialised}]",
    "call gort_enter",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size gort_initialise, . - gort_initialise",
    initialised = sym initialised,
);

unsafe extern "C" {
    fn gort_initialise(initialiser: *mut u8);
}
