//! A fault of compiled Go's becomes a panic of the goroutine, as if the instruction had called `gort_sigpanic`.

use sched::{GRef, fatal, preempt};
use stack::Outcome;

use super::{Here, Place, Signal};
use crate::panic::symbols;

/// Addresses below are a nil pointer's, with an offset.
const NIL: usize = 4096;

/// What the panic takes of the goroutine's stack, at most.
const ROOM: usize = 384;

pub(super) fn is_nil(address: usize) -> bool {
    address < NIL
}

/// Sends the goroutine to its panic; false where that can't be.
pub(super) fn make_panic(signal: &mut Signal<'_>, here: &Here) -> bool {
    let (Some(g), Place::Goroutine) = (here.g, here.place) else {
        return false;
    };
    let (pc, sp) = (
        signal.register(libc::REG_RIP),
        signal.register(libc::REG_RSP),
    );
    let Some((back, sp)) = caller(pc, sp) else {
        return false;
    };
    // As a call leaves it: 8 off a multiple of 16. Frame pointers lead on from there, and nobody returns to what is below.
    let sp = (sp & !15) - 8;
    // SAFETY: a running goroutine has a segment.
    let lo = unsafe { (*g.context.segment.get()).lo };
    if sp < lo + ROOM {
        return false;
    }
    g.fault.set(signal.fault());
    // SAFETY: on the goroutine's stack, below what it uses.
    unsafe { (sp as *mut usize).write(back) };
    let registers = &mut signal.context.uc_mcontext.gregs;
    registers[libc::REG_RSP as usize] = sp as i64;
    registers[libc::REG_RIP as usize] = symbols::gort_sigpanic as *const () as i64;
    // C's calling convention wants the direction flag clear.
    registers[libc::REG_EFL as usize] &= !0x400;
    true
}

/// Where the call of the panic seems to return to, and the stack pointer then: behind the instruction's first byte, so that a traceback finds the
/// instruction. In a leaf that compiled Go has called (memcpy), or where there is no code at all: to that call.
fn caller(pc: usize, sp: usize) -> Option<(usize, usize)> {
    if preempt::in_text(pc) {
        return Some((pc + 1, sp));
    }
    // SAFETY: the goroutine's stack pointer, which is a multiple of 8 where calls are.
    let back = unsafe { (sp as *const usize).read_unaligned() };
    preempt::in_text(back.wrapping_sub(1)).then_some((back, sp + 8))
}

const NIL_TEXT: &str = "runtime error: invalid memory address or nil pointer dereference";

/// What the panic says. Some faults are the end of the program instead.
pub(crate) fn text_of_fault(g: GRef) -> &'static str {
    const FPE_INTDIV: i32 = 1;
    const FPE_INTOVF: i32 = 2;
    const BUS_ADRERR: i32 = 2;
    let fault = g.fault.get();
    match (fault.signal, fault.code) {
        (libc::SIGFPE, FPE_INTDIV) => return "runtime error: integer divide by zero",
        (libc::SIGFPE, FPE_INTOVF) => return "runtime error: integer overflow",
        (libc::SIGFPE, _) => return "runtime error: floating point error",
        (libc::SIGBUS, code) if code != BUS_ADRERR => {}
        _ if is_nil(fault.address) => return NIL_TEXT,
        _ => {}
    }
    if g.panic_on_fault.get() {
        return NIL_TEXT;
    }
    let before = format!("unexpected fault address {:#x}\n", fault.address);
    fatal::throw_by(&before, "fault", fault)
}

/// `debug.SetPanicOnFault`, an operation: what it was.
pub extern "C" fn set_panic_on_fault(on: bool) -> Outcome {
    Outcome::done(usize::from(GRef::current().panic_on_fault.replace(on)))
}
