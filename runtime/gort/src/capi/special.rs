//! Finalizers, cleanups, weak pointers.

use std::arch::global_asm;
use std::mem::offset_of;
use std::sync::atomic::AtomicUsize;

use heap::special::queue::{self, Place};
use heap::special::table::Call;
use heap::special::weak::{self, Error};
use heap::special::{Misuse, cleanup, finalizer};
use sched::{fatal, ops};
use stack::Outcome;

// The goroutine that calls what is due. What it was given is not kept here while it is called: only the function knows when it needs it no longer.
global_asm!(
    function!(
        "gort_call_due",
        stack::open_frame!(),
        "sub rsp, 32",
        "2:",
        "mov rdi, rsp",
        "lea r11, [rip + {next}]",
        "call gort_enter",
        "cmp eax, {call}",
        "jne 2b",
        "mov rax, qword ptr [rsp + {function}]",
        "mov rdi, qword ptr [rsp + {argument}]",
        "mov rsi, qword ptr [rsp + {closure}]",
        "mov qword ptr [rsp + {argument}], 0",
        "mov qword ptr [rsp + {closure}], 0",
        "call rax",
        "jmp 2b",
    ),
    ".hidden gort_call_due",
    ".hidden {next}",
    next = sym queue::next,
    call = const queue::CALL,
    function = const offset_of!(Place, function),
    argument = const offset_of!(Place, argument),
    closure = const offset_of!(Place, closure),
);

const _: () = assert!(size_of::<Place>() <= 32);

unsafe extern "C" {
    fn gort_call_due(unused: *mut u8);
}

/// Before anything is attached to an object.
pub(super) fn prepare() {
    // SAFETY: a function of the same type but for being called through a safe pointer: it begins a goroutine.
    let body: extern "C" fn(*mut u8) =
        unsafe { std::mem::transmute(gort_call_due as unsafe extern "C" fn(*mut u8)) };
    queue::set_body(body);
}

extern "C" fn set_finalizer(object: usize, function: usize, closure: usize) -> Outcome {
    prepare();
    let call = (function != 0).then_some(Call { function, closure });
    if let Err(Misuse(why)) = finalizer::set(object, call) {
        fatal::throw("", &why.to_string_lossy());
    }
    ops::finish(0)
}

/// Set in the result of `add_cleanup` that is the address of a text, for `panic`, and not a number.
const PANICS: usize = 1 << 63;

extern "C" fn add_cleanup(
    pointer: usize,
    function: usize,
    argument: usize,
    closure: usize,
) -> Outcome {
    prepare();
    match cleanup::add(pointer, Call { function, closure }, argument) {
        Ok(id) => ops::finish(id as usize),
        Err(Misuse(why)) => ops::finish(why.as_ptr() as usize | PANICS),
    }
}

extern "C" fn cleanup_stop(id: u64) -> Outcome {
    cleanup::stop(id);
    ops::finish(0)
}

/// The word; 0: the goroutine was parked, and asks again.
extern "C" fn weak_make(pointer: usize) -> Outcome {
    match weak::make(pointer) {
        Ok(word) => ops::finish(std::ptr::from_ref(word) as usize),
        Err(Error::Again) => Outcome::switch(),
        Err(Error::Misuse(Misuse(why))) => fatal::throw("", &why.to_string_lossy()),
    }
}

extern "C" fn weak_value(word: *const AtomicUsize) -> Outcome {
    // SAFETY: null, or from `gort_weak_make`, and the caller keeps it alive.
    let value = unsafe { word.as_ref() }.map_or(0, weak::value);
    ops::finish(value)
}

operation! {
    "gort_set_finalizer" set_finalizer;
    "gort_cleanup_stop" cleanup_stop;
    "gort_weak_value" weak_value;
}

global_asm!(
    function!(
        "gort_add_cleanup",
        stack::open_frame!(),
        "lea r11, [rip + {add_cleanup}]",
        "call gort_enter",
        close_frame!(),
        "btr rax, 63",
        "jc 2f",
        "ret",
        "2:",
        "mov rdi, rax",
        "jmp gort_panic_string",
    ),
    // The pointer stays on the goroutine's stack: the operation may have to be done again.
    function!(
        "gort_weak_make",
        stack::open_frame!(),
        "xor eax, eax",
        "push rdi",
        "3:",
        "test rdi, rdi",
        "jz 2f",
        "lea r11, [rip + {weak_make}]",
        "call gort_enter",
        "mov rdi, qword ptr [rsp]",
        "test rax, rax",
        "jz 3b",
        "2:",
        "leave",
        ".cfi_def_cfa rsp, 8",
        ".cfi_restore rbp",
        "ret",
    ),
    add_cleanup = sym add_cleanup,
    weak_make = sym weak_make,
);

const _: () = assert!(PANICS.trailing_zeros() == 63);
