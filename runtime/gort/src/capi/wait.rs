//! What goroutines wait for one another with: WaitGroup and semaphores.

use std::arch::global_asm;
use std::ffi::c_int;
use std::sync::atomic::AtomicU32;

use sched::waitgroup::{Added, MISUSE, NEGATIVE, REUSED, WAITED, WaitGroup};
use sched::{GRef, WaitReason, sema};
use stack::Outcome;

use super::{c_texts, leave_if_asked};

c_texts! {
    NEGATIVE_TEXT = NEGATIVE;
    MISUSE_TEXT = MISUSE;
    REUSED_TEXT = REUSED;
}

// `struct gort_waitgroup`.
const _: () = assert!(size_of::<WaitGroup>() == 16 && align_of::<WaitGroup>() == 8);

/// 0, or the text of a panic.
extern "C" fn add(group: *const WaitGroup, delta: c_int) -> Outcome {
    // SAFETY: the caller's WaitGroup. After `Release` it lasts until those who wait are woken.
    let group = unsafe { &*group };
    let panic = match group.add(delta as isize) {
        Added::Done => 0,
        Added::Release(waiters) => {
            // It never switches.
            let _ = group.release(waiters);
            0
        }
        Added::Negative => NEGATIVE_TEXT.as_ptr() as usize,
        Added::Misuse => MISUSE_TEXT.as_ptr() as usize,
    };
    leave_if_asked(Outcome::done(panic))
}

extern "C" fn done(group: *const WaitGroup) -> Outcome {
    add(group, -1)
}

extern "C" fn wait(group: *const WaitGroup) -> Outcome {
    // SAFETY: the caller's WaitGroup, for as long as it waits.
    leave_if_asked(unsafe { &*group }.wait(GRef::current()))
}

/// 0, or the text of a panic.
extern "C" fn waited(group: *const WaitGroup) -> Outcome {
    // SAFETY: the caller's WaitGroup.
    let panic = match unsafe { &*group }.waited() {
        true => 0,
        false => REUSED_TEXT.as_ptr() as usize,
    };
    Outcome::done(panic)
}

extern "C" fn acquire(semaphore: *const AtomicU32) -> Outcome {
    // SAFETY: the caller's semaphore, for as long as it waits.
    leave_if_asked(unsafe {
        sema::acquire(semaphore, GRef::current(), false, WaitReason::Semacquire)
    })
}

extern "C" fn release(semaphore: *const AtomicU32) -> Outcome {
    // SAFETY: the caller's semaphore.
    leave_if_asked(unsafe { sema::release(semaphore, GRef::current(), false) })
}

operation! {
    "gort_semacquire" acquire;
    "gort_semrelease" release;
}

checked!("gort_waitgroup_add" add, text panics "gort_panic_string");
checked!("gort_waitgroup_done" done, text panics "gort_panic_string");

// rbx: the WaitGroup.
global_asm!(
    function!(
        "gort_waitgroup_wait",
        stack::open_frame!(),
        "push rbx",
        ".cfi_offset rbx, -24",
        "mov rbx, rdi",
        "lea r11, [rip + {wait}]",
        "call gort_enter",
        "cmp rax, {has_waited}",
        "mov eax, 0",
        "jne 2f",
        "mov rdi, rbx",
        "lea r11, [rip + {waited}]",
        "call gort_enter",
        "2:",
        "pop rbx",
        close_frame!(),
        "test rax, rax",
        "jnz 3f",
        "ret",
        "3:",
        "mov rdi, rax",
        "jmp gort_panic_string",
    ),
    wait = sym wait,
    waited = sym waited,
    has_waited = const WAITED,
);
