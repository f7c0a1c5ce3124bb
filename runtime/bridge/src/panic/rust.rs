//! Rust's panics, and what becomes of panics between Rust and compiled Go.
//!
//! Each side unwinds its own frames in its own way. Rust's end where C called an exported function: there the panic becomes compiled Go's
//! ([`raise`]), which gives C's frames up. Compiled Go's end at a border, where Rust called C: there it becomes Rust's again, with the same
//! payload.
//!
//! A Rust panic on a goroutine is silent until nobody catches it, as in Go: the hook only notes where it was.

use std::any::Any;
use std::cell::Cell;
use std::ffi::{CString, c_char};
use std::fmt;
use std::panic::PanicHookInfo;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::Ordering;

use heap::keep::Keeper;
use sched::{GRef, M, dump, fatal};
use stack::Outcome;

use super::{Frame, Kind, Value, Why, print, x86_64};

/// What a Goexit unwinds Rust's frames with.
pub struct Goexit;

/// What a panic carries between Rust and compiled Go.
pub struct Payload(pub Box<dyn Any + Send>);

/// A panic of compiled Go's that has come to Rust. What carries a string comes as a `String` instead.
pub struct GoPanic {
    kind: Kind,
    type_name: Option<CString>,
    /// What the value says, or the value itself.
    text: String,
    number: u64,
    shown: String,
    /// What the value points to, for the collector doesn't look here.
    _kept: Option<Keeper>,
}

/// As the end of the program would show it.
impl fmt::Display for GoPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for GoPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl GoPanic {
    fn new(value: &Value) -> GoPanic {
        let has_text = matches!(value.kind, Kind::String | Kind::Error | Kind::RuntimeError);
        let mut shown = String::new();
        print::value(&mut shown, value);
        let number = match has_text {
            true => None,
            // SAFETY: kinds without a text have a word.
            false => Some(unsafe { value.data.integer as u64 }),
        };
        let pointer = number.filter(|_| value.kind == Kind::Pointer);
        GoPanic {
            kind: value.kind,
            type_name: type_name(value.type_name),
            text: match has_text {
                true => print::raw_text(value),
                false => String::new(),
            },
            number: number.unwrap_or(0),
            shown,
            _kept: pointer.map(|address| Keeper::new(address as usize)),
        }
    }

    /// The panic is the runtime's own, of a mistake such as a send on a closed channel.
    pub fn is_runtime_error(&self) -> bool {
        self.kind == Kind::RuntimeError
    }

    fn as_value(&self) -> Value {
        let mut value = Value::text(self.kind, &self.text);
        if let Some(name) = &self.type_name {
            value.type_name = name.as_ptr();
        }
        if !matches!(self.kind, Kind::String | Kind::Error | Kind::RuntimeError) {
            value.data.integer = self.number as i64;
        }
        value
    }
}

fn type_name(name: *const c_char) -> Option<CString> {
    // SAFETY: null, or a name that ends with NUL and lasts as long as the panic.
    (!name.is_null()).then(|| unsafe { std::ffi::CStr::from_ptr(name) }.to_owned())
}

impl Payload {
    /// As compiled Go sees it. Texts are the payload's.
    pub(super) fn as_value(&self) -> Value {
        if let Some(go) = self.0.downcast_ref::<GoPanic>() {
            return go.as_value();
        }
        match text_of(&*self.0) {
            Some(text) => Value::text(Kind::String, text),
            None => Value {
                type_name: c"Box<dyn Any>".as_ptr(),
                data: super::Data {
                    pointer: ptr::from_ref(self).cast_mut().cast(),
                },
                ..Value::text(Kind::Pointer, "")
            },
        }
    }
}

/// The text of a panic with a message.
fn text_of(payload: &(dyn Any + Send)) -> Option<&str> {
    let string = payload.downcast_ref::<String>().map(String::as_str);
    string.or_else(|| payload.downcast_ref::<&str>().copied())
}

/// What the panic of `frame`, which has come to a border, goes on with in Rust.
pub(super) fn payload_at_border(g: GRef, frame: &Frame) -> Box<Payload> {
    let own = frame.payload.replace(ptr::null_mut());
    if !own.is_null() {
        // SAFETY: the frame had the payload, which came from a box, and has it no more.
        return unsafe { Box::from_raw(own) };
    }
    if frame.why == Why::Goexit {
        return Box::new(Payload(Box::new(Goexit)));
    }
    note(g, "", dump::frames(g));
    let go = GoPanic::new(&frame.value);
    Box::new(Payload(match (go.kind, &go.type_name) {
        (Kind::String, None) => Box::new(go.text),
        _ => Box::new(go),
    }))
}

/// Goes on with what was caught where C had called Rust.
///
/// # Safety
/// On a goroutine's stack; no frame between here and the entry from C has anything to drop.
pub unsafe fn raise(payload: Box<dyn Any + Send>) -> ! {
    // SAFETY: passed on to the caller.
    unsafe {
        match payload.is::<Goexit>() {
            true => {
                drop(payload);
                x86_64::goexit()
            }
            false => x86_64::panic_with(Box::new(Payload(payload))),
        }
    }
}

/// Ends the goroutine after its Rust frames, and those of who called it through C.
pub fn raise_goexit() -> ! {
    std::panic::resume_unwind(Box::new(Goexit))
}

/// The goroutine's last Rust panic: what it said, and where it was.
struct Trace {
    text: String,
    pcs: Vec<usize>,
}

fn note(g: GRef, text: &str, pcs: Vec<usize>) {
    forget_trace(g);
    let text = text.to_owned();
    g.unwinding
        .set(Box::into_raw(Box::new(Trace { text, pcs })).cast());
}

/// What was noted last.
fn noted(g: &GRef) -> Option<&Trace> {
    // SAFETY: null, or set by `note`; the goroutine is the caller's.
    unsafe { g.unwinding.get().cast::<Trace>().as_ref() }
}

/// The goroutine ends, or panics again.
pub fn forget_trace(g: GRef) {
    let old = g.unwinding.replace(ptr::null_mut()).cast::<Trace>();
    if !old.is_null() {
        // SAFETY: comes from a box, and the goroutine has it no more.
        drop(unsafe { Box::from_raw(old) });
    }
}

/// The operation of a goroutine that nobody has kept from panicking: ends the program.
pub extern "C" fn uncaught(payload: &Payload) -> Outcome {
    let mut text = String::from("panic: ");
    print::value(&mut text, &payload.as_value());
    text.push_str("\n\n");
    text.push_str(&traceback(GRef::current()));
    fatal::end(&text)
}

/// As [`fatal::goroutines`], with where the panic was in place of where the goroutine is.
pub(super) fn traceback(g: GRef) -> String {
    let now = fatal::goroutines();
    let Some(trace) = noted(&g) else {
        return now;
    };
    if now.is_empty() {
        return now;
    }
    let mut text = format!("goroutine {} [running]:\n", g.id.load(Ordering::Relaxed));
    dump::rust_frames(&mut text, &trace.pcs);
    let others = now.split_once("\n\n").map_or("", |(_, others)| others);
    text + "\n" + others
}

/// The goroutine whose own code, Go or C, this thread runs right now: not the runtime's, nor that of a thread outside of any goroutine.
fn goroutine_here() -> Option<GRef> {
    let m = M::try_current()?;
    let g = m.g()?;
    let here = Cell::new(0_u8);
    match m.thread.go_sp.load(Ordering::Relaxed) {
        0 => g.stack().contains(here.as_ptr() as usize).then_some(g),
        // A guest's thread has a goroutine before C calls any Go.
        _ => (m.thread.system_sp.get() != usize::MAX).then_some(g),
    }
}

/// Texts of panics after which Rust aborts.
fn is_last(text: &str) -> bool {
    text.starts_with("panic in a destructor during cleanup")
        || text.starts_with("panic in a function that cannot unwind")
}

/// On goroutines, panics are noted and not told; elsewhere they are what they were.
pub fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| match goroutine_here() {
            Some(g) => on_goroutine(g, info),
            None => before(info),
        }));
    });
}

fn on_goroutine(g: GRef, info: &PanicHookInfo<'_>) {
    let text = text_of(info.payload()).unwrap_or("Box<dyn Any>");
    if is_last(text) {
        end_here(g, text);
    }
    let mut pcs = Vec::new();
    backtrace::trace(|frame| {
        // The first frame of all has no caller.
        let pc = frame.ip() as usize;
        pcs.extend((pc != 0).then_some(pc));
        pcs.len() < 100
    });
    note(g, text, pcs);
    if cfg!(panic = "abort") {
        end_here(g, "");
    }
}

/// Ends the program by the panic that was noted. Names and lines of frames take more stack than a goroutine may have.
fn end_here(g: GRef, why: &str) -> ! {
    let m = M::current();
    if m.thread.go_sp.load(Ordering::Relaxed) == 0 {
        // SAFETY: the goroutine runs on its own stack, and the operation takes such arguments.
        unsafe { x86_64::enter(end_of_panic, why.as_ptr(), why.len()) };
    }
    end_by_noted(g, why)
}

extern "C" fn end_of_panic(why: *const u8, length: usize) -> Outcome {
    // SAFETY: `end_here` passes a text's parts.
    let why = unsafe { std::slice::from_raw_parts(why, length) };
    end_by_noted(GRef::current(), &String::from_utf8_lossy(why))
}

fn end_by_noted(g: GRef, why: &str) -> ! {
    let text = noted(&g).map_or("", |trace| &trace.text);
    let mut message = format!("panic: {}\n", text.replace('\n', "\n\t"));
    if !why.is_empty() {
        message += &format!("fatal error: {why}\n");
    }
    fatal::end(&(message + "\n" + &traceback(g)))
}
