//! What every goroutine is doing, in Go's form.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use stack::x86_64 as machine;

use crate::g::{self, GRef};
use crate::gstatus::State;
use crate::m::M;

/// The most frames that are shown of one goroutine.
const MOST_FRAMES: usize = 100;

/// Every goroutine: `goroutine 1 [chan receive]:` and its frames. The current one comes first; with `all` the others follow.
pub fn goroutines(all: bool) -> String {
    let mut text = String::new();
    let current = M::try_current().and_then(M::g);
    if let Some(g) = current {
        describe(&mut text, g);
    }
    if all {
        let others = g::all().into_iter().filter(|g| Some(*g) != current);
        others
            .filter(|g| !matches!(g.status.state(), State::Dead | State::Idle))
            .filter(|g| !g.is_system() || wants_system())
            .for_each(|g| describe(&mut text, g));
    }
    text
}

/// Whether the runtime's own goroutines are to be shown, too.
fn wants_system() -> bool {
    std::env::var("GOTRACEBACK").is_ok_and(|level| matches!(&*level, "system" | "crash" | "2"))
}

fn describe(text: &mut String, g: GRef) {
    let state = match g.status.state() {
        State::Waiting => g.reason().text(),
        state => state.text(),
    };
    let locked = if g.is_locked() {
        ", locked to thread"
    } else {
        ""
    };
    let _ = writeln!(
        text,
        "goroutine {} [{state}{locked}]:",
        g.id.load(Ordering::Relaxed)
    );
    let pcs = frames(g);
    match g.stack().is_guarded() {
        true => rust_frames(text, &pcs),
        false => pcs.into_iter().for_each(|pc| frame(text, pc)),
    }
    text.push('\n');
}

/// One frame, as much as is known of it.
pub fn frame(text: &mut String, pc: usize) {
    let mut known = false;
    // The call lies before the address to which it returns.
    backtrace::resolve(pc.saturating_sub(1) as *mut _, |symbol| {
        known = true;
        let _ = match symbol.name() {
            Some(name) => writeln!(text, "{name:#}(...)"),
            None => writeln!(text, "?(...)"),
        };
        let _ = match (symbol.filename(), symbol.lineno()) {
            (Some(file), Some(line)) => writeln!(text, "\t{}:{line}", file.display()),
            _ => writeln!(text, "\tpc={pc:#x}"),
        };
    });
    if !known {
        let _ = writeln!(text, "?(...)\n\tpc={pc:#x}");
    }
}

/// Frames of Rust's and of what it calls, but for those that only make and catch panics.
pub fn rust_frames(text: &mut String, pcs: &[usize]) {
    let shown = pcs.iter().filter(|pc| !is_machinery(**pc));
    shown.for_each(|&pc| frame(text, pc));
}

fn is_machinery(pc: usize) -> bool {
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
    backtrace::resolve(pc.saturating_sub(1) as *mut _, |symbol| {
        let name = symbol.name().map(|name| format!("{name:#}"));
        let name = name.unwrap_or_default();
        own = name == "rust_begin_unwind" || NAMES.iter().any(|start| name.starts_with(start));
    });
    own
}

/// Return addresses on a goroutine's stack, from where it entered the runtime or C: by its chain of frame pointers, or by the system's unwinder
/// where there is none.
pub fn frames(g: GRef) -> Vec<usize> {
    let running = g.status.state() == State::Running;
    let current = M::try_current().and_then(M::g) == Some(g);
    // Others' stacks change while they are read: for a program that dies that is good enough, but not in the sanitizer's eyes.
    if (running || cfg!(gort_tsan)) && !current {
        return Vec::new();
    }
    let mut found = Vec::new();
    let sp = g.context.sp.get();
    if g.stack().is_guarded() && word(g, sp).is_some() && word(g, sp + 48).is_some() {
        return walk(g, sp);
    }
    // r15, r14, r13, r12, rbx, rbp, return address: see stack::x86_64.
    let (Some(mut bp), Some(pc)) = (word(g, sp + 40), word(g, sp + 48)) else {
        return found;
    };
    found.push(pc);
    while found.len() < MOST_FRAMES && bp != 0 {
        let (Some(next), Some(pc)) = (word(g, bp), word(g, bp + 8)) else {
            break;
        };
        found.push(pc);
        bp = next;
    }
    found
}

/// Those of a goroutine whose code is Rust's, which has no chain of frame pointers. The frames of C between are found as well.
fn walk(g: GRef, sp: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut there = false;
    let mut look = || {
        backtrace::trace(|frame| {
            // First come those of this function, on another stack.
            there |= g.stack().contains(frame.sp() as usize);
            let pc = frame.ip() as usize;
            if there && pc != 0 {
                found.push(pc);
            }
            found.len() < MOST_FRAMES
        });
    };
    // SAFETY: there the goroutine has left its registers when it entered the runtime, and it is parked, or is the one that has called.
    unsafe { machine::walk(sp, &mut look) };
    found
}

/// A word on the goroutine's stack.
fn word(g: GRef, address: usize) -> Option<usize> {
    if !address.is_multiple_of(8)
        || !g.stack().contains(address)
        || !g.stack().contains(address + 7)
    {
        return None;
    }
    // SAFETY: the address lies in the goroutine's stack, which is mapped for as long as the G has it, and the goroutine doesn't run elsewhere.
    Some(unsafe { (address as *const usize).read() })
}
