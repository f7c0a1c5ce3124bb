//! Where a goroutine is, through Go and C: from frames on its own stack to those of C on the thread's, and back, as often as calls nest.
//!
//! ```text
//! goroutine's stack       chain of frame pointers; the unwinder where code has none (Rust's)
//!   │  C called Go: the frame pointer leads to the record that `gort_callback` has left on the thread's stack
//! thread's stack          the unwinder, or `SetCgoTraceback`'s function
//!   │  Go called C: `go_sp`, now in the thread or before in the record
//! goroutine's stack       …
//! ```
//!
//! No lock, no memory: signal handlers look at their own threads with this.

use std::sync::atomic::{AtomicUsize, Ordering};

use stack::x86_64::symbols;
use stack::x86_64::unwind::{Registers, Seen, guarded, unwind};

use crate::g::GRef;
use crate::m::M;
use crate::{preempt, signal};

/// The most frames of one goroutine.
pub const MOST: usize = 100;

/// Whose a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On the goroutine's stack.
    Go,
    /// On the thread's.
    C,
}

/// A frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// The instruction, or a byte of the call in it.
    pub at: usize,
    pub kind: Kind,
}

/// Frames, innermost first, in memory of its own.
pub struct Trace {
    frames: [Frame; MOST],
    len: usize,
}

impl Default for Trace {
    fn default() -> Trace {
        Trace::new()
    }
}

impl Trace {
    pub const fn new() -> Trace {
        let none = Frame {
            at: 0,
            kind: Kind::Go,
        };
        Trace {
            frames: [none; MOST],
            len: 0,
        }
    }

    pub fn frames(&self) -> &[Frame] {
        &self.frames[..self.len]
    }

    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Whether there is room for more.
    fn push(&mut self, at: usize, kind: Kind) -> bool {
        if self.len < MOST {
            self.frames[self.len] = Frame { at, kind };
            self.len += 1;
        }
        self.len < MOST
    }

    /// What the thread that runs does, seen from a handler of its own: `context` is what the signal has interrupted.
    pub fn of_signal(&mut self, context: &mut libc::ucontext_t) {
        let registers = Registers::interrupted(context);
        let m = M::try_current();
        let mut walk = Walk {
            trace: self,
            g: m.and_then(M::g),
            go_sp: m.map_or(0, |m| m.thread.go_sp.load(Ordering::Relaxed)),
        };
        // A guest's thread between two calls of Go.
        if m.is_some_and(|m| m.thread.system_sp.get() == usize::MAX) {
            walk.go_sp = 0;
        }
        // It may fault, with all signals blocked.
        let mask = signal::change_mask(libc::SIG_UNBLOCK, signal::mask_of(signal::flag::PANIC));
        if !guarded(&mut || walk.interrupted(registers, context)) {
            guarded(&mut || walk.below_c());
        }
        signal::change_mask(libc::SIG_SETMASK, mask);
    }

    /// What a goroutine does that runs nowhere, or has entered the runtime or C on this thread.
    pub fn of_goroutine(&mut self, g: GRef) {
        let m = M::try_current().filter(|m| m.g() == Some(g));
        let go_sp = m.map_or(0, |m| m.thread.go_sp.load(Ordering::Relaxed));
        let mut walk = Walk {
            trace: self,
            g: Some(g),
            go_sp,
        };
        guarded(&mut || match go_sp {
            0 => walk.parked(g),
            _ => walk.below_c(),
        });
    }
}

/// `SetCgoTraceback`'s first function, which finds C's frames, and what knows the context of a call from C into Go, by the thread's `system_sp`
/// before; or 0.
pub static TRACEBACK: AtomicUsize = AtomicUsize::new(0);
pub static CONTEXT_OF: AtomicUsize = AtomicUsize::new(0);

/// `SetCgoTraceback`'s struct for it.
#[repr(C)]
struct TracebackArgument {
    context: usize,
    signal_context: usize,
    buffer: *mut usize,
    max: usize,
}

struct Walk<'a> {
    trace: &'a mut Trace,
    g: Option<GRef>,
    /// Where the goroutine's stack ends below the C frames that come next; 0: no Go has called them.
    go_sp: usize,
}

impl Walk<'_> {
    fn interrupted(&mut self, registers: Registers, context: &mut libc::ucontext_t) {
        let on_goroutine = self.g.is_some_and(|g| g.stack().contains(registers.sp()));
        let context = std::ptr::from_mut(context) as usize;
        if !on_goroutine && self.ask_c(0, context) {
            return self.below_c();
        }
        // In the middle of going on, as a parked one does.
        if let Some(g) = self.g.filter(|_| on_goroutine && entered(registers.pc())) {
            let left = registers.sp().wrapping_sub(g.context.sp.get());
            if left <= 7 * size_of::<usize>() {
                return self.parked(g);
            }
        }
        // A call to where there is no code: whoever called it is interesting.
        if !preempt::in_text(registers.pc())
            && let Some(caller) = self.called_nowhere(&registers)
        {
            self.trace.push(registers.pc(), self.kind(registers.sp()));
            return self.unwind(&registers.returned_to(caller));
        }
        self.unwind(&registers)
    }

    /// The return address on top of the stack, if nothing can be read where the registers are.
    fn called_nowhere(&self, registers: &Registers) -> Option<usize> {
        match peek(registers.pc()) {
            None => peek(registers.sp()),
            Some(_) => None,
        }
    }

    fn kind(&self, sp: usize) -> Kind {
        match self.g.is_some_and(|g| g.stack().contains(sp)) {
            true => Kind::Go,
            false => Kind::C,
        }
    }

    /// Registers that `gort_enter` has left, or a signal.
    fn parked(&mut self, g: GRef) {
        let sp = g.context.sp.get();
        if let Some(registers) = preempt::registers(g) {
            return self.unwind(&registers);
        }
        // r15, r14, r13, r12, rbx, rbp, return address: see stack::x86_64.
        let Some([r15, r14, r13, r12, rbx, rbp, back]) = words(sp, |at| word(g, at)) else {
            return;
        };
        if g.stack().is_guarded() {
            let kept = [rbx, rbp, r12, r13, r14, r15];
            self.unwind(&Registers::calling(back, sp + 56, kept));
        } else if self.trace.push(back.wrapping_sub(1), Kind::Go) {
            self.chain(g, rbp);
        }
    }

    /// By the unwinder, as far as code keeps no frame pointers.
    fn unwind(&mut self, registers: &Registers) {
        let mut chain = None;
        let mut reached = false;
        let go_sp = self.go_sp;
        let (g, trace) = (self.g, &mut *self.trace);
        let mut each = |seen: Seen| {
            let Some(g) = g.filter(|g| g.stack().contains(seen.sp)) else {
                // Where a thread looks for a goroutine, its first frame's caller is the last that it had.
                return trace.push(seen.at, Kind::C) && (g.is_some() || !entered(seen.at));
            };
            // Where C was called from is known.
            if go_sp != 0 && !reached && !g.stack().is_guarded() {
                return false;
            }
            reached = true;
            let more = trace.push(seen.at, Kind::Go);
            if more && preempt::in_text(seen.at) {
                chain = Some((g, seen.bp));
            }
            more && chain.is_none()
        };
        // SAFETY: the thread is this one, or none runs on the stack; what is broken all the same is guarded.
        unsafe { unwind(registers, &mut each) };
        match chain {
            Some((g, bp)) => self.chain(g, bp),
            // Also where C has no tables.
            None if !reached => self.below_c(),
            None => {}
        }
    }

    /// The goroutine's frames below `go_sp`, where a stub has pushed rbp and rbx.
    fn below_c(&mut self) {
        let (Some(g), sp @ 1..) = (self.g, self.go_sp) else {
            return;
        };
        self.go_sp = 0;
        let Some([rbx, bp, back]) = words(sp, |at| word(g, at)) else {
            return;
        };
        if !g.stack().is_guarded() || preempt::in_text(back.wrapping_sub(1)) {
            if self.trace.push(back.wrapping_sub(1), Kind::Go) {
                self.chain(g, bp);
            }
            return;
        }
        self.unwind(&Registers::calling(back, sp + 24, [rbx, bp, 0, 0, 0, 0]));
    }

    /// By frame pointers.
    fn chain(&mut self, g: GRef, mut bp: usize) {
        while let Some([next, back]) = words(bp, |at| word(g, at)) {
            if !self.trace.push(back.wrapping_sub(1), Kind::Go) {
                return;
            }
            bp = next;
        }
        self.caller_in_c(g, bp);
    }

    /// C has called the goroutine's last frame: `bp` is that of `gort_callback`, on the thread's stack.
    fn caller_in_c(&mut self, g: GRef, bp: usize) {
        if bp == 0 || g.stack().contains(bp) || !bp.is_multiple_of(8) {
            return;
        }
        // go_sp, system_sp, r12, rbx, rbp, return address: see stack::x86_64::call.
        let record = words(bp.wrapping_sub(32), peek);
        let Some([go_sp, system_sp, r12, rbx, rbp, back]) = record else {
            return;
        };
        if !g.stack().contains(go_sp) || system_sp <= bp {
            return;
        }
        let first = system_sp == usize::MAX;
        self.go_sp = if first { 0 } else { go_sp };
        let context = context_of(system_sp);
        if context != 0 && self.ask_c(context, 0) {
            return self.below_c();
        }
        self.unwind(&Registers::calling(back, bp + 16, [rbx, rbp, r12, 0, 0, 0]));
    }

    /// C's own idea of its frames, if it has one.
    fn ask_c(&mut self, context: usize, signal_context: usize) -> bool {
        let function = TRACEBACK.load(Ordering::Acquire);
        if function == 0 {
            return false;
        }
        // SAFETY: who set it says that it is such a function, which may be called from signal handlers.
        let function = unsafe {
            std::mem::transmute::<usize, unsafe extern "C" fn(*mut TracebackArgument)>(function)
        };
        // As many as Go asks for.
        let mut found = [0; 32];
        let mut argument = TracebackArgument {
            context,
            signal_context,
            buffer: found.as_mut_ptr(),
            max: found.len(),
        };
        // SAFETY: as above.
        unsafe { function(&raw mut argument) };
        let found = found.iter().take_while(|at| **at != 0);
        let before = self.trace.len;
        found.for_each(|at| {
            self.trace.push(*at, Kind::C);
        });
        self.trace.len > before
    }
}

fn entered(at: usize) -> bool {
    let [start, end] = [symbols::gort_enter, symbols::gort_enter_end];
    (start as *const () as usize..end as *const () as usize).contains(&at)
}

fn context_of(system_sp: usize) -> usize {
    let function = CONTEXT_OF.load(Ordering::Acquire);
    if function == 0 || TRACEBACK.load(Ordering::Acquire) == 0 {
        return 0;
    }
    // SAFETY: the bridge has put a function of this type there.
    unsafe { std::mem::transmute::<usize, fn(usize) -> usize>(function)(system_sp) }
}

/// The words from an address on, if `read` has all of them.
fn words<const N: usize>(
    address: usize,
    read: impl Fn(usize) -> Option<usize>,
) -> Option<[usize; N]> {
    let mut words = [0; N];
    for (index, word) in words.iter_mut().enumerate() {
        *word = read(address.wrapping_add(8 * index))?;
    }
    Some(words)
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

/// A word anywhere, if it can be read.
pub fn peek(address: usize) -> Option<usize> {
    let mut word = 0_usize;
    let to = libc::iovec {
        iov_base: (&raw mut word).cast(),
        iov_len: size_of::<usize>(),
    };
    let from = libc::iovec {
        iov_base: address as *mut _,
        iov_len: size_of::<usize>(),
    };
    // SAFETY: the system writes a word that is there, and checks what it reads.
    let read = unsafe { libc::process_vm_readv(libc::getpid(), &to, 1, &from, 1, 0) };
    (read == size_of::<usize>() as isize).then_some(word)
}
