//! Select.

use std::arch::global_asm;
use std::ffi::c_int;
use std::mem::{ManuallyDrop, MaybeUninit, offset_of};

use sched::select::{self, CASE_SHIFT, Case, DEFAULT, MAX_CASES, PARKED, SUCCESS, Select};
use sched::{GRef, fatal};
use stack::Outcome;

use super::channel::SEND_ON_CLOSED_TEXT;
use super::leave_if_asked;

/// `struct gort_case` is a [`Case`]; `dir` and `reserved` are what is before the waiter.
const _: () = assert!(
    size_of::<Case>() == 72
        && offset_of!(Case, chan) == 0
        && offset_of!(Case, elem) == 8
        && offset_of!(Case, send) == 16
        && offset_of!(Case, waiter) == 24
);

/// With more cases than this a select's orders are on the heap.
const INLINE: usize = 64;

/// What lies on the goroutine's stack besides the cases.
#[repr(C)]
struct Frame {
    select: MaybeUninit<Select>,
    count: usize,
    /// Behind here, or on the heap.
    order: *mut u16,
    room: [MaybeUninit<u16>; 2 * INLINE],
}

/// Room for a frame, as the stub takes it: a multiple of 16.
const FRAME: usize = size_of::<Frame>().next_multiple_of(16);

/// Lays out the frame of a select with `count` cases.
///
/// # Safety
/// `frame` is the stub's. `cases` and it stay until the select has ended.
unsafe fn lay_out<'a>(frame: *mut Frame, cases: *mut Case, count: usize) -> &'a Select {
    for index in 0..count {
        // SAFETY: there are as many cases, and until the end of the select they are ours.
        unsafe { (&raw mut (*cases.add(index)).waiter).write_bytes(0, 1) };
    }
    let cases: &[Case] = match count {
        0 => &[],
        // SAFETY: there are as many; what C doesn't set of them was zeroed above.
        _ => unsafe { std::slice::from_raw_parts(cases, count) },
    };
    // SAFETY: the frame is writable. The order has room for twice as many numbers as there are cases.
    unsafe {
        let order = match count {
            0..=INLINE => (&raw mut (*frame).room).cast::<u16>(),
            _ => ManuallyDrop::new(Vec::with_capacity(2 * count)).as_mut_ptr(),
        };
        (*frame).count = count;
        (*frame).order = order;
        (*frame).select.write(Select::new(cases, order))
    }
}

/// The select has ended.
///
/// # Safety
/// The frame was laid out, and nothing of it is used any more.
unsafe fn end(frame: *mut Frame) {
    // SAFETY: the caller's word; an order on the heap was made with this capacity.
    unsafe {
        let count = (*frame).count;
        if count > INLINE {
            drop(Vec::from_raw_parts((*frame).order, 0, 2 * count));
        }
    }
}

/// Results in what [`select::begin`] does.
extern "C" fn begin(cases: *mut Case, n: c_int, default: bool, frame: *mut Frame) -> Outcome {
    let count = usize::try_from(n).unwrap_or(0);
    if count > MAX_CASES {
        fatal::throw("", "select: too many cases");
    }
    // SAFETY: the frame is the stub's, which keeps it and the cases until the select has ended; the goroutine is the one that calls.
    let outcome = unsafe {
        let select = lay_out(frame, cases, count);
        select::begin(select, GRef::current(), !default)
    };
    if outcome.switch != 0 {
        return outcome;
    }
    // SAFETY: it has ended without parking.
    unsafe { end(frame) };
    leave_if_asked(outcome)
}

/// After [`begin`] has resulted in `value` with [`PARKED`]: results in the same without.
extern "C" fn finish(frame: *mut Frame, value: usize) -> Outcome {
    // SAFETY: `begin` has laid out the frame, and has just resulted in `value`; the select ends here.
    let outcome = unsafe {
        let outcome = select::finish((*frame).select.as_ptr(), value);
        end(frame);
        outcome
    };
    leave_if_asked(outcome)
}

// r12: received, rbx: the cases. rsp: the frame.
global_asm!(
    function!(
        "gort_select",
        stack::open_frame!(),
        "push rbx",
        ".cfi_offset rbx, -24",
        "push r12",
        ".cfi_offset r12, -32",
        "sub rsp, {frame}",
        "mov rbx, rdi",
        "mov r12, rcx",
        "mov rcx, rsp",
        "lea r11, [rip + {begin}]",
        "call gort_enter",
        "cmp rax, {default}",
        "je 5f",
        "test eax, {parked}",
        "jz 3f",
        "mov rdi, rsp",
        "mov rsi, rax",
        "lea r11, [rip + {finish}]",
        "call gort_enter",
        "3:",
        "mov edx, eax",
        "shr rax, {shift}",
        "and edx, {success}",
        "jnz 4f",
        // The channel is closed: a panic for who sends.
        "imul rcx, rax, {size}",
        "cmp byte ptr [rbx + rcx + {send}], 0",
        "jne 6f",
        "4:",
        "test r12, r12",
        "jz 5f",
        "mov byte ptr [r12], dl",
        "5:",
        "lea rsp, [rbp - 16]",
        "pop r12",
        "pop rbx",
        ".cfi_remember_state",
        close_frame!(),
        "ret",
        ".cfi_restore_state",
        "6:",
        "lea rsp, [rbp - 16]",
        "pop r12",
        "pop rbx",
        close_frame!(),
        "lea rdi, [rip + {send_on_closed}]",
        "jmp gort_panic_runtime",
    ),
    frame = const FRAME,
    begin = sym begin,
    finish = sym finish,
    default = const DEFAULT as isize,
    parked = const PARKED,
    success = const SUCCESS,
    shift = const CASE_SHIFT,
    size = const size_of::<Case>(),
    send = const offset_of!(Case, send),
    send_on_closed = sym SEND_ON_CLOSED_TEXT,
);
