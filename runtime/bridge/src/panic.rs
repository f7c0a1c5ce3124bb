//! Panics, deferred functions, recover and Goexit of compiled Go, on their way through C and Rust as well.
//!
//! As in Go, deferred functions run on top of what panics. Recovering returns a second time from where the recovering function was deferred,
//! like `longjmp`. Two lists, both through the goroutine's own stack, say how things stand:
//!
//! ```text
//! G::defers   Record → Record → …     what is deferred and has not run, innermost first; in frames of functions that defer
//! G::panics   Frame → Frame → …       who runs deferred functions, innermost first: panics, Goexits, and functions at their end
//! ```
//!
//! A record notes the head of `G::panics` when it is made. Whatever stands before that, when its function goes on, was begun by frames that
//! are gone then: going back to a record puts the list back to what it was.
//!
//! A record also notes the thread's `system_sp`, or 0 while no C frame lies on the thread's stack: then the goroutine may be on another thread when a
//! panic gets there. One that differs means that C frames lie between, which Go called and which called Go. They are given up before the deferred
//! function runs: both stacks unwind in lock step. A record without a function is a *border*, where Rust called C: a panic that gets there goes on
//! as Rust's.
//!
//! On the goroutine's stack there is only assembly ([`x86_64`]): it may have a few hundred bytes left.

mod print;
mod rust;
mod x86_64;

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use sched::g::Fault;
use sched::{GRef, M, fatal, ops};
use stack::Outcome;

use crate::{context, signals, trace};

pub use rust::{
    GoPanic, Goexit, Payload, forget_trace, install_hook, raise, raise_goexit, uncaught,
};
pub use x86_64::{call_with_border, symbols};

/// What kind of value a panic carries; `enum gort_kind` of gort.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// `panic(nil)`; never seen by who recovers.
    Nil,
    /// In `integer`.
    Bool,
    /// In `integer`.
    Int,
    /// In `integer`, unsigned.
    Uint,
    /// In `number`.
    Float,
    /// In `text`.
    String,
    /// In `text`: what its `Error` method says.
    Error,
    /// As `Error`, by the runtime.
    RuntimeError,
    /// In `pointer`: of any other type.
    Pointer,
}

/// What a panic carries; `struct gort_value` of gort.h.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Value {
    pub kind: Kind,
    pub reserved: u32,
    /// The name of the type, with NUL at the end, where it isn't the kind's own; or null.
    pub type_name: *const c_char,
    pub data: Data,
}

/// The value itself, as its kind says.
#[derive(Clone, Copy)]
#[repr(C)]
pub union Data {
    pub integer: i64,
    pub number: f64,
    pub pointer: *mut c_void,
    pub text: Bytes,
}

/// A text of somebody else's.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Bytes {
    pub bytes: *const u8,
    pub length: usize,
}

impl Value {
    /// A value whose kind has a text. The text must last as long as the panic, or who recovers it.
    pub fn text(kind: Kind, text: &str) -> Value {
        let text = Bytes {
            bytes: text.as_ptr(),
            length: text.len(),
        };
        Value {
            kind,
            reserved: 0,
            type_name: ptr::null(),
            data: Data { text },
        }
    }
}

/// One `defer`; `struct gort_defer` of gort.h. Written by the assembly.
#[repr(C)]
pub struct Record {
    link: Cell<*const Record>,
    /// Null: a border.
    function: usize,
    argument: Cell<usize>,
    /// Whether it is in `G::defers`.
    linked: Cell<usize>,
    /// The thread's; 0: no C frame of the goroutine's is on its stack.
    system_sp: usize,
    panics: *const Frame,
    rbx: usize,
    rbp: usize,
    r12: usize,
    r13: usize,
    r14: usize,
    r15: usize,
    /// Once the call that made the record has returned.
    sp: usize,
    back: usize,
    _reserved: [usize; 2],
}

const _: () = assert!(size_of::<Record>() == 16 * size_of::<usize>());

/// Why deferred functions run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
enum Why {
    /// Their function is at its end. Written as a number by the assembly.
    Return = 0,
    Panic = 1,
    Goexit = 2,
}

/// Who runs deferred functions. Of one with [`Why::Return`] there are only the first two fields.
#[repr(C)]
struct Frame {
    link: *const Frame,
    why: Why,
    recovered: Cell<bool>,
    /// The record whose function runs.
    running: Cell<*const Record>,
    value: Value,
    /// What the panic carries if Rust began it.
    payload: Cell<*mut Payload>,
}

/// What [`begin`] makes a frame of.
mod source {
    pub const VALUE: usize = 0;
    pub const STRING: usize = 1;
    pub const RUNTIME_ERROR: usize = 2;
    pub const PAYLOAD: usize = 3;
    pub const GOEXIT: usize = 4;
    pub const FAULT: usize = 5;
}

/// Go's text for `panic(nil)`.
const NIL: &str = "panic called with nil argument (use GODEBUG=panicnil=1 to disable)";

/// The operation that begins a panic or a Goexit. `frame` lies in the assembly's frame.
extern "C" fn begin(frame: *mut Frame, what: *mut u8, source: usize) -> Outcome {
    let g = GRef::current();
    let mut payload = ptr::null_mut();
    // SAFETY: the assembly passes what it was given with the source that says what that is: a value, or a text that ends with NUL.
    let mut value = unsafe {
        match source {
            source::VALUE => *what.cast::<Value>(),
            source::STRING => c_text(Kind::String, what.cast()),
            source::RUNTIME_ERROR => c_text(Kind::RuntimeError, what.cast()),
            source::PAYLOAD => {
                payload = what.cast::<Payload>();
                (*payload).as_value()
            }
            source::FAULT => Value::text(Kind::RuntimeError, signals::text_of_fault(g)),
            _ => Value::text(Kind::Nil, ""),
        }
    };
    let why = match source {
        source::GOEXIT => Why::Goexit,
        _ => Why::Panic,
    };
    if value.kind == Kind::Nil {
        value = Value::text(Kind::RuntimeError, NIL);
    }
    let new = Frame {
        link: g.panics.get().cast(),
        why,
        recovered: Cell::new(false),
        running: Cell::new(ptr::null()),
        value,
        payload: Cell::new(payload),
    };
    // SAFETY: the assembly has made room.
    unsafe { frame.write(new) };
    g.panics.set(frame.cast());
    Outcome::done(0)
}

/// # Safety
/// `text` ends with NUL, and lasts.
unsafe fn c_text(kind: Kind, text: *const c_char) -> Value {
    // SAFETY: the caller's word.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    Value {
        data: Data {
            text: Bytes {
                bytes: bytes.as_ptr(),
                length: bytes.len(),
            },
        },
        ..Value::text(kind, "")
    }
}

/// Bit of [`next`]'s result: a record to go back to.
const RESUME: usize = 1;
/// Bit of [`next`]'s result: a frame of a Goexit that goes on.
const AGAIN: usize = 2;

/// The operation between deferred functions. Results in the record of the next, or with a bit in where to go on.
extern "C" fn next(frame: *const Frame) -> Outcome {
    let g = GRef::current();
    // SAFETY: the frame lies in that of the assembly that asks.
    let frame = unsafe { &*frame };
    let ran = frame.running.replace(ptr::null());
    if !ran.is_null() && frame.recovered.get() {
        // SAFETY: a record lies in the frame of a function that has not returned.
        return go_back(g, unsafe { &*ran });
    }
    // SAFETY: as above, for all in the list.
    let Some(record) = (unsafe { g.defers.get().cast::<Record>().as_ref() }) else {
        return end(g, frame);
    };
    g.defers.set(record.link.get().cast_mut().cast());
    record.linked.set(0);
    let m = M::current();
    give_up_c(
        m,
        match record.system_sp {
            0 => m.thread.system_base.get(),
            system_sp => system_sp,
        },
    );
    if record.function == 0 {
        let payload = rust::payload_at_border(g, frame);
        record.argument.set(Box::into_raw(payload) as usize);
        g.panics.set(record.panics.cast_mut().cast());
        return resume(g, record);
    }
    frame.running.set(record);
    Outcome::done(ptr::from_ref(record) as usize)
}

/// C frames that lie on the thread's stack below `system_sp` will never be returned to.
fn give_up_c(m: &M, system_sp: usize) {
    if m.thread.system_sp.get() != system_sp {
        context::close_to(system_sp);
        trace::give_up_to(system_sp);
        m.thread.system_sp.set(system_sp);
    }
}

/// A deferred function has recovered: its own goes on, unless that would be past a Goexit, which then goes on itself.
fn go_back(g: GRef, record: &Record) -> Outcome {
    let mut frame = g.panics.get().cast::<Frame>().cast_const();
    while frame != record.panics {
        // SAFETY: frames in the list lie in frames of the stack that are still there.
        let this = unsafe { &*frame };
        if this.why == Why::Goexit {
            g.panics.set(frame.cast_mut().cast());
            rewind(g, frame as usize);
            return Outcome::done(frame as usize | AGAIN);
        }
        frame = this.link;
    }
    g.panics.set(record.panics.cast_mut().cast());
    resume(g, record)
}

fn resume(g: GRef, record: &Record) -> Outcome {
    if record.panics.is_null() {
        g.fault.set(Fault::default());
    }
    rewind(g, record.sp);
    Outcome::done(ptr::from_ref(record) as usize | RESUME)
}

/// The goroutine goes on at `sp`.
fn rewind(g: GRef, sp: usize) {
    if !g.stack().rewind(&g.context, sp) {
        fatal::throw(
            &format!("recover: {sp:#x} not in the goroutine's stack\n"),
            "bad recovery",
        );
    }
}

/// Nothing is deferred any more.
fn end(g: GRef, frame: &Frame) -> Outcome {
    let m = M::current();
    match frame.why {
        Why::Panic => print::fatal_panic(g, frame),
        _ if m.thread.system_base.get() == 0 => print::fatal_goexit(g),
        _ => {
            give_up_c(m, m.thread.system_base.get());
            g.panics.set(ptr::null_mut());
            ops::goexit()
        }
    }
}

/// The operation `gort_recover`: whether there was a panic to recover; its value is in `*value`, unless that is null.
extern "C" fn recover(value: *mut Value) -> Outcome {
    let g = GRef::current();
    // SAFETY: frames in the list lie in frames of the stack that are still there.
    let frame = unsafe { g.panics.get().cast::<Frame>().as_ref() };
    let Some(frame) = frame.filter(|frame| frame.why == Why::Panic && !frame.recovered.get())
    else {
        return Outcome::done(0);
    };
    frame.recovered.set(true);
    if !value.is_null() {
        // SAFETY: the caller's place for a value.
        unsafe { value.write(frame.value) };
    }
    Outcome::done(1)
}
