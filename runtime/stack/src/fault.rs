//! Stack overflow: whether a fault is one, whose, and how it is told.
//!
//! Everything but [`thread_bounds`] and [`AltStack`] is for signal handlers: no locks, no memory, little stack.

mod altstack;
mod maps;

use std::fmt::{self, Write};
use std::mem::MaybeUninit;

use crate::memory::{self, Slot};

pub use altstack::AltStack;
pub use maps::stack_at;

/// Addresses of a thread's own stack, without its guard page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The lowest byte that can be used.
    pub lo: usize,
    /// One past the highest.
    pub hi: usize,
}

/// How far below its stack a C function may reach that takes a large frame without touching the pages between; also what Linux keeps free
/// below the main thread's stack (`stack_guard_gap`).
const REACH: usize = 1 << 20;

/// A stack that has no room left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// A goroutine's stack would have more than [`memory::max`]; found by `__morestack`, not by a fault. The segment that it is on.
    GoroutineLimit(Bounds),
    /// A Rust goroutine has run into its guard page.
    GoroutineGuard(Slot),
    /// C, or the runtime itself, has run off the thread's own stack.
    SystemStack(Bounds),
    /// No overflow.
    None,
}

/// The calling thread's own stack; None if the system won't say. Asks for memory and reads files: to be called when the thread begins.
pub fn thread_bounds() -> Option<Bounds> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: initializes `attributes` for the calling thread, or fails.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut lo, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the attributes are initialized; they are destroyed once, after the last use.
    let error = unsafe {
        let error = libc::pthread_attr_getstack(attributes.as_ptr(), &mut lo, &mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        error
    };
    let lo = lo as usize;
    (error == 0 && size > 0).then_some(Bounds { lo, hi: lo + size })
}

/// What a fault at `address` means when the stack pointer was `sp`, on a thread whose own stack is `system`.
///
/// Both must speak for it: an address in somebody's guard page is no overflow when the stack pointer is elsewhere.
pub fn classify(address: usize, sp: usize, system: Option<Bounds>) -> Overflow {
    if let Some(slot) = memory::slot_of(address)
        && (slot.guard..slot.lo).contains(&address)
        && (slot.guard..=slot.hi).contains(&sp)
    {
        return Overflow::GoroutineGuard(slot);
    }
    if let Some(stack) = system {
        let end = stack.lo.saturating_sub(REACH);
        if (end..stack.lo).contains(&address) && (end..=stack.hi).contains(&sp) {
            return Overflow::SystemStack(stack);
        }
    }
    Overflow::None
}

/// A message in memory of its own. What doesn't fit is left out.
pub struct Message {
    bytes: [u8; 512],
    len: usize,
}

impl Message {
    /// An empty one.
    pub const fn new() -> Message {
        Message {
            bytes: [0; 512],
            len: 0,
        }
    }

    /// What was written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Default for Message {
    fn default() -> Message {
        Message::new()
    }
}

impl Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.bytes[self.len..];
        let fits = text.len().min(room.len());
        room[..fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.len += fits;
        match fits == text.len() {
            true => Ok(()),
            false => Err(fmt::Error),
        }
    }
}

/// Writes what ends the program, for standard error; the first and the last line are Go's own where Go has them (`runtime.newstack`). Nothing
/// for [`Overflow::None`].
pub fn describe(overflow: &Overflow, sp: usize, out: &mut Message) {
    // A message that is cut short is still the message.
    let _ = try_describe(overflow, sp, out);
}

fn try_describe(overflow: &Overflow, sp: usize, out: &mut Message) -> fmt::Result {
    let (lo, hi) = match *overflow {
        Overflow::None => return Ok(()),
        Overflow::GoroutineLimit(Bounds { lo, hi }) => {
            let max = memory::max();
            writeln!(out, "runtime: goroutine stack exceeds {max}-byte limit")?;
            (lo, hi)
        }
        Overflow::GoroutineGuard(Slot { lo, hi, .. }) => {
            writeln!(
                out,
                "runtime: goroutine stack of {} bytes overflowed (Rust goroutines' stacks do not grow; start this one with a larger \
                 stack, or raise the default size)",
                hi - lo
            )?;
            (lo, hi)
        }
        Overflow::SystemStack(Bounds { lo, hi }) => {
            // SAFETY: asks for the thread's number.
            let thread = unsafe { libc::gettid() };
            writeln!(
                out,
                "runtime: C stack overflow on thread {thread}: stack [{lo:#x}, {hi:#x}) of {} bytes does not grow",
                hi - lo
            )?;
            (lo, hi)
        }
    };
    writeln!(out, "runtime: sp={sp:#x} stack=[{lo:#x}, {hi:#x}]")?;
    writeln!(out, "fatal error: stack overflow")
}
