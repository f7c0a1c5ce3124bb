//! What every goroutine is doing, in Go's form.

use std::fmt::Write;
use std::sync::atomic::Ordering;

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
            .for_each(|g| describe(&mut text, g));
    }
    text
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
    for pc in frames(g) {
        frame(text, pc);
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

/// Return addresses on a goroutine's stack, by its chain of frame pointers, from where it entered the runtime or C.
pub fn frames(g: GRef) -> Vec<usize> {
    let running = g.status.state() == State::Running;
    let current = M::try_current().and_then(M::g) == Some(g);
    // Others' stacks change while they are read: for a program that dies that is good enough, but not in the sanitizer's eyes.
    if (running || cfg!(gort_tsan)) && !current {
        return Vec::new();
    }
    let mut found = Vec::new();
    let sp = g.context.sp.get();
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
