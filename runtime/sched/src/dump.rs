//! What every goroutine is doing, in Go's form.

use std::ffi::{CStr, c_char};
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::g::{self, GRef};
use crate::gstatus::State;
use crate::m::M;
use crate::trace::{Frame, Kind, TRACEBACK, Trace};
use crate::{capture, fatal};

/// Every goroutine: `goroutine 1 [chan receive]:` and its frames. The current one comes first; with `all` the others follow.
pub fn goroutines(all: bool) -> String {
    let mut text = String::new();
    let current = M::try_current().and_then(M::g);
    if let Some(g) = current {
        describe(&mut text, g);
    }
    if all {
        others(current, &mut |g| describe(&mut text, g));
    }
    text
}

/// The goroutines that there are but for one.
pub fn others(but: Option<GRef>, each: &mut dyn FnMut(GRef)) {
    let others = g::all().into_iter().filter(|g| Some(*g) != but);
    others
        .filter(|g| !matches!(g.status.state(), State::Dead | State::Idle))
        .filter(|g| !g.is_system() || fatal::level().system)
        .for_each(each);
}

/// A goroutine's line and its frames, as far as they can be known.
pub fn describe(out: &mut dyn Write, g: GRef) {
    let current = M::try_current().and_then(M::g) == Some(g);
    let running = g.status.state() == State::Running;
    let seen = capture::of(g).filter(|_| running && !current);
    let state = match (g.status.state(), seen) {
        (State::Waiting, _) => g.reason().text(),
        (_, Some((_, true))) => IN_C,
        (state, _) => state.text(),
    };
    header(out, g, state);
    if let Some((trace, _)) = seen {
        frames_of(out, g, trace.frames());
    } else if running && !current {
        let _ = out.write_str("\tgoroutine running on other thread; stack unavailable\n");
    } else if current || !cfg!(gort_tsan) {
        // What others change while it is read is good enough for a program that dies, but not in the sanitizer's eyes.
        let mut trace = Trace::new();
        trace.of_goroutine(g);
        frames_of(out, g, trace.frames());
    }
    let _ = out.write_str("\n");
}

/// What Go says of a goroutine that is in C.
pub const IN_C: &str = "syscall";

/// A goroutine's line.
pub fn header(out: &mut dyn Write, g: GRef, state: &str) {
    let locked = if g.is_locked() {
        ", locked to thread"
    } else {
        ""
    };
    let id = g.id.load(Ordering::Relaxed);
    let _ = writeln!(out, "goroutine {id} [{state}{locked}]:");
}

fn frames_of(out: &mut dyn Write, g: GRef, frames: &[Frame]) {
    let shown = frames.iter().filter(|frame| is_shown(g, frame));
    shown.for_each(|frame| mixed_frame(out, *frame));
}

/// Whether the frame is one of the user's.
pub fn is_shown(g: GRef, frame: &Frame) -> bool {
    !g.stack().is_guarded() || !is_machinery(frame.at)
}

/// One frame of either world.
pub fn mixed_frame(out: &mut dyn Write, frame: Frame) {
    if frame.kind == Kind::C && TRACEBACK.load(Ordering::Acquire) != 0 {
        asked_c_frame(out, frame.at);
    } else {
        known_frame(out, frame);
    }
}

/// One frame of Go's, as much as is known of it, by the address to which its call returns.
pub fn frame(text: &mut String, pc: usize) {
    let at = pc.saturating_sub(1);
    let kind = Kind::Go;
    known_frame(text, Frame { at, kind });
}

/// By the symbols that the program has, in the form that Go has for frames: those of C's have no parentheses.
fn known_frame(out: &mut dyn Write, Frame { at, kind }: Frame) {
    let back = at.wrapping_add(1);
    let (nameless, call, pc) = match kind {
        Kind::Go => ("?", "(...)", back),
        Kind::C => ("non-Go function", "", at),
    };
    let mut known = false;
    // It takes the address for one to which a call returns.
    backtrace::resolve(back as *mut _, |symbol| {
        known = true;
        let _ = match symbol.name() {
            Some(name) => writeln!(out, "{name:#}{call}"),
            None => writeln!(out, "{nameless}{call}"),
        };
        let _ = match (symbol.filename(), symbol.lineno(), kind) {
            (Some(file), Some(line), Kind::Go) => writeln!(out, "\t{}:{line}", file.display()),
            (Some(file), Some(line), Kind::C) => {
                writeln!(out, "\t{}:{line} pc={pc:#x}", file.display())
            }
            _ => writeln!(out, "\tpc={pc:#x}"),
        };
    });
    if !known {
        let _ = writeln!(out, "{nameless}{call}\n\tpc={pc:#x}");
    }
}

/// `SetCgoTraceback`'s function that knows the names of C's functions, or 0.
pub static SYMBOLIZER: AtomicUsize = AtomicUsize::new(0);

/// `SetCgoTraceback`'s struct for it.
#[repr(C)]
struct SymbolizerArgument {
    pc: usize,
    file: *const c_char,
    line: usize,
    function: *const c_char,
    entry: usize,
    more: usize,
    data: usize,
}

/// A frame of C's by the program's own functions.
fn asked_c_frame(out: &mut dyn Write, at: usize) {
    let function = SYMBOLIZER.load(Ordering::Acquire);
    if function == 0 {
        let _ = writeln!(out, "non-Go function at pc={at:#x}");
        return;
    }
    // SAFETY: who set it says that it is such a function.
    let function = unsafe {
        std::mem::transmute::<usize, unsafe extern "C" fn(*mut SymbolizerArgument)>(function)
    };
    let text = |text: *const c_char| {
        // SAFETY: null, or a text of the function's that ends with NUL.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy())
    };
    // SAFETY: zeros are such a struct.
    let mut argument: SymbolizerArgument = unsafe { std::mem::zeroed() };
    argument.pc = at;
    loop {
        // SAFETY: as above.
        unsafe { function(&raw mut argument) };
        let name = text(argument.function);
        let _ = writeln!(out, "{}", name.as_deref().unwrap_or("non-Go function"));
        let _ = match text(argument.file) {
            Some(file) => writeln!(out, "\t{file}:{} pc={at:#x}", argument.line),
            None => writeln!(out, "\tpc={at:#x}"),
        };
        if argument.more == 0 {
            break;
        }
    }
    argument.pc = 0;
    // SAFETY: as above; it may give back what it has for the frame.
    unsafe { function(&raw mut argument) };
}

/// Frames of Rust's and of what it calls, but for those that only make and catch panics, by the addresses to which calls return.
pub fn rust_frames(text: &mut String, pcs: &[usize]) {
    let shown = pcs.iter().filter(|pc| !is_machinery(pc.saturating_sub(1)));
    shown.for_each(|&pc| frame(text, pc));
}

fn is_machinery(at: usize) -> bool {
    const NAMES: [&str; 16] = [
        "_Unwind_Backtrace",
        "backtrace::",
        "bridge::panic::",
        "gort::enter::",
        "gort::ccall::cross",
        "gort::panics::",
        "std::panicking::",
        "std::panic::",
        "std::sys::backtrace::",
        "<std::",
        "<alloc::boxed::Box<",
        "<core::panic::unwind_safe::",
        "core::panicking::",
        "core::ops::function::",
        "__rustc",
        "__rust_try",
    ];
    // Of functions that were inlined into one another the last counts.
    let mut own = false;
    backtrace::resolve(at.wrapping_add(1) as *mut _, |symbol| {
        let name = symbol.name().map(|name| format!("{name:#}"));
        let name = name.unwrap_or_default();
        own = name == "rust_begin_unwind" || NAMES.iter().any(|start| name.starts_with(start));
    });
    own
}

/// Addresses to which a goroutine's calls return, from where it has entered the runtime or C.
pub fn frames(g: GRef) -> Vec<usize> {
    let mut trace = Trace::new();
    trace.of_goroutine(g);
    trace
        .frames()
        .iter()
        .map(|f| f.at.wrapping_add(1))
        .collect()
}
