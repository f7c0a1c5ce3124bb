//! Preemption: a goroutine that runs for long, or is in the way of stopping the world, leaves its M without being asked nicely.
//!
//! Two ways, tried at once. The limit of its stack check is poisoned: the next function that it calls comes to [`crate::ops::newstack`] and
//! leaves there. And its thread gets a signal: if that finds the goroutine in compiled Go's own text, all registers, as the kernel has saved
//! them, are copied; the handler returns to the system stack, which looks for other work; and to go on, the goroutine has the kernel take
//! the registers from the copy (`rt_sigreturn`), on whichever thread. Nothing is written on its own stack: it may be full, and below its
//! stack pointer there is what the ABI calls the red zone.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::mem::{MaybeUninit, offset_of};
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use stack::Context;
use stack::x86_64 as machine;
use stack::x86_64::unwind::Registers;

use crate::g::GRef;
use crate::m::M;
use crate::p::P;
use crate::signal::{self, Before};

/// As Go: rarely used, harmless by default, and passed through by debuggers.
const SIGNAL: i32 = libc::SIGURG;

/// What the kernel has put on the signal stack and `rt_sigreturn` takes: `struct ucontext` of the kernel, whose signal mask is one word.
#[repr(C)]
struct KernelContext {
    flags: usize,
    link: usize,
    stack: libc::stack_t,
    machine: libc::mcontext_t,
    mask: u64,
}

/// Registers of a preempted goroutine.
#[repr(C, align(64))]
pub struct Saved {
    /// What resuming pops; `Context::sp` points to it.
    frame: [usize; 7],
    /// Where the handler's return address would be.
    _restorer: usize,
    context: KernelContext,
    /// Vector registers follow, as much as this machine has.
    vectors: [u64; 0],
}

/// Start of the vector registers: what XSAVE writes is aligned to 64 bytes.
const VECTORS: usize = size_of::<Saved>();

/// Compiled Go's text.
struct Text {
    start: AtomicUsize,
    end: AtomicUsize,
}

const TEXTS: usize = 16;
static TEXT: [Text; TEXTS] = [const {
    Text {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
    }
}; TEXTS];
static TEXT_COUNT: AtomicUsize = AtomicUsize::new(0);

/// What was there before our handler.
static BEFORE: Before = Before::new();

/// Goroutines may be preempted by signal between these addresses: code that keeps no thread-local state and holds no lock. Refused when
/// there are too many such places.
pub fn add_text(start: usize, end: usize) -> bool {
    let added = note_text(start, end);
    if added {
        install();
    }
    added
}

/// [`add_text`] before the runtime is started, which is when the signal gets its handler.
pub fn note_text(start: usize, end: usize) -> bool {
    let index = TEXT_COUNT.fetch_add(1, Ordering::AcqRel);
    let Some(text) = TEXT.get(index) else {
        return false;
    };
    text.end.store(end, Ordering::Relaxed);
    text.start.store(start, Ordering::Release);
    true
}

/// The runtime is about to start, and takes its signals.
pub fn start() {
    if TEXT_COUNT.load(Ordering::Acquire) > 0 {
        install();
    }
}

/// Whether compiled Go's code is there.
pub fn in_text(pc: usize) -> bool {
    TEXT.iter().any(|text| {
        let start = text.start.load(Ordering::Acquire);
        start != 0 && (start..text.end.load(Ordering::Relaxed)).contains(&pc)
    })
}

/// Asks the goroutine that runs on `p` to leave.
pub fn request(p: &'static P) {
    p.preempt.store(true, Ordering::SeqCst);
    // SAFETY: Ms are never freed.
    let Some(m) = (unsafe { p.m.load(Ordering::Acquire).as_ref::<'static>() }) else {
        return;
    };
    // A goroutine that is mostly in C, for short times, may never be met by a signal in Go: when it next comes back, it finds that somebody has asked,
    // takes the slow way, and leaves there. Nobody claims the P for that.
    let _ = m.crossing().ask();
    if m.thread.go_sp.load(Ordering::Acquire) == 0 {
        let signal = (TEXT_COUNT.load(Ordering::Acquire) > 0).then_some(SIGNAL);
        m.interrupt(signal);
    }
}

/// Memory for the next preemption on this M, which the signal handler can't allocate.
pub fn prepare(m: &M) {
    if TEXT_COUNT.load(Ordering::Acquire) > 0 && m.saved.load(Ordering::Relaxed).is_null() {
        m.saved.store(allocate(), Ordering::Release);
    }
}

fn layout() -> Layout {
    // The kernel says how much its signal frame needs at most; the vector registers are most of that.
    // SAFETY: reads the auxiliary vector.
    let frame = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
    let size = (VECTORS + frame.max(4096)).next_multiple_of(64);
    Layout::from_size_align(size, 64).expect("64 is a power of two")
}

fn allocate() -> *mut Saved {
    // SAFETY: the size isn't 0.
    let saved = unsafe { alloc(layout()) };
    if saved.is_null() {
        handle_alloc_error(layout());
    }
    saved.cast()
}

/// A goroutine has ended, or needs them no more.
pub fn free(saved: *mut Saved) {
    if !saved.is_null() {
        // SAFETY: comes from `allocate`, and the caller is the last to have it.
        unsafe { dealloc(saved.cast(), layout()) };
    }
}

/// `g` goes on on `m`: if a signal preempted it, the kernel is told this thread's signal stack and mask.
pub fn before_resuming(m: &M, g: GRef) {
    let saved = g.saved.get();
    if saved.is_null() || g.context.sp.get() != saved as usize {
        return;
    }
    let mut stack = MaybeUninit::<libc::stack_t>::uninit();
    let mut mask = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: asks for this thread's signal stack and mask, whose first word is the kernel's; the goroutine is ours, and so is what it has saved.
    unsafe {
        libc::sigaltstack(ptr::null(), stack.as_mut_ptr());
        (*saved).context.stack = stack.assume_init();
        libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), mask.as_mut_ptr());
        (*saved).context.mask = mask.as_ptr().cast::<u64>().read();
    }
    prepare(m);
}

/// The registers of a goroutine that a signal has preempted, and that has not gone on since.
pub fn registers(g: GRef) -> Option<Registers> {
    let saved = g.saved.get();
    if saved.is_null() || g.context.sp.get() != saved as usize {
        return None;
    }
    // SAFETY: zeros are a context; the handler has filled in what was saved, which is the goroutine's.
    let context = unsafe {
        let mut context: libc::ucontext_t = std::mem::zeroed();
        context.uc_mcontext = (*saved).context.machine;
        context
    };
    Some(Registers::interrupted(&context))
}

/// What a signal has saved of a goroutine, for a collector.
pub struct Interrupted {
    /// Its stack pointer.
    pub sp: usize,
    /// Where all of them lie.
    pub memory: std::ops::Range<usize>,
}

/// The registers of a goroutine that doesn't run and whose stack seems to end at `sp`, if a signal has preempted it.
pub fn saved(g: GRef, sp: usize) -> Option<Interrupted> {
    let saved = g.saved.get();
    if saved.is_null() || sp != saved as usize {
        return None;
    }
    // SAFETY: the goroutine has them, and doesn't run.
    let sp = unsafe { (*saved).context.machine.gregs[libc::REG_RSP as usize] } as usize;
    Some(Interrupted {
        sp,
        memory: saved as usize..saved as usize + layout().size(),
    })
}

/// [`stack::Hooks::preempted`]: the goroutine goes behind all others.
pub extern "C" fn preempted() {
    let m = M::current();
    let g = GRef::current();
    m.p()
        .expect("who runs a goroutine has a P")
        .preempt
        .store(false, Ordering::Relaxed);
    prepare(m);
    crate::ops::requeue(g);
}

/// Has a system call of the thread with this id return, if it is in one and there is such a thread.
pub(crate) fn interrupt_thread(tid: i32) {
    if tid != 0 {
        install();
        signal::send_to(tid, SIGNAL);
    }
}

fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| BEFORE.replace(SIGNAL, handler, libc::SA_RESTART, true));
}

extern "C" fn handler(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::ucontext_t) {
    // SAFETY: the kernel passes the context that it restores when we return, and all the rest.
    unsafe {
        if !leave(context) {
            BEFORE.call(signal, info, context);
        }
    }
}

/// Makes the interrupted goroutine leave, if it is to and can. Async-signal-safe: touches this thread's own state only.
///
/// # Safety
/// `context` is what the kernel passed to the handler that runs.
unsafe fn leave(context: *mut libc::ucontext_t) -> bool {
    let Some(m) = M::try_current() else {
        return false;
    };
    if m.thread.go_sp.load(Ordering::Relaxed) != 0 {
        return false;
    }
    let (Some(g), Some(p)) = (m.g(), m.p()) else {
        return false;
    };
    // SAFETY: the context is valid, says the caller.
    let registers = unsafe { &mut (*context).uc_mcontext.gregs };
    let pc = registers[libc::REG_RIP as usize] as usize;
    let sp = registers[libc::REG_RSP as usize] as usize;
    // SAFETY: a running goroutine has a segment.
    let on_its_stack = unsafe { (*g.context.segment.get()).contains(sp) };
    if !in_text(pc) || !on_its_stack || !p.preempt.load(Ordering::Relaxed) {
        return false;
    }
    let saved = match g.saved.get() {
        // What it was preempted with before is free again: it runs.
        old if !old.is_null() => old,
        _ => m.saved.swap(ptr::null_mut(), Ordering::Acquire),
    };
    if saved.is_null() {
        return false;
    }
    // SAFETY: `saved` is nobody else's, and big enough for what the kernel saves.
    unsafe { copy(saved, context) };
    g.saved.set(saved);
    g.context.sp.set(saved as usize);
    g.context.value.set(0);
    registers[libc::REG_RIP as usize] = machine::symbols::gort_preempted as *const () as i64;
    registers[libc::REG_RSP as usize] = m.thread.system_sp.get() as i64;
    registers[libc::REG_RBX as usize] = ptr::from_ref(&m.thread) as i64;
    // C's calling convention wants the direction flag clear.
    registers[libc::REG_EFL as usize] &= !0x400;
    true
}

/// Copies what the kernel has saved, so that `rt_sigreturn` can take it from the copy.
///
/// # Safety
/// `context` is the kernel's; `saved` has room.
unsafe fn copy(saved: *mut Saved, context: *mut libc::ucontext_t) {
    // The kernel's own numbers: the legacy area is 512 bytes; its last 48 are software's, where it says how much XSAVE wrote.
    const LEGACY: usize = 512;
    const MAGIC: usize = 464;
    const FP_XSTATE_MAGIC1: u32 = 0x4650_5853;
    // SAFETY: as the caller says; the kernel's context is a prefix of the C library's.
    unsafe {
        let from = context.cast::<KernelContext>();
        ptr::copy_nonoverlapping(from, &raw mut (*saved).context, 1);
        let vectors = saved.cast::<u8>().add(VECTORS);
        let kernels = (*from).machine.fpregs.cast::<u8>();
        if !kernels.is_null() {
            let extended = kernels.add(MAGIC).cast::<u32>().read() == FP_XSTATE_MAGIC1;
            let size = match extended {
                true => kernels.add(MAGIC + 4).cast::<u32>().read() as usize,
                false => LEGACY,
            };
            ptr::copy_nonoverlapping(kernels, vectors, size);
            (*saved).context.machine.fpregs = vectors.cast();
        }
        let resume = machine::symbols::gort_sigreturn as *const () as usize;
        let registers = saved as usize + offset_of!(Saved, context);
        // r15, r14, r13, r12, rbx, rbp, return address.
        (*saved).frame = [0, 0, 0, 0, registers, 0, resume];
    }
}

const _: () = assert!(offset_of!(Saved, frame) == 0 && offset_of!(G0, context) == 0);

/// The layout of a G begins with its context; the assembly relies on it.
type G0 = crate::g::G;
const _: () = assert!(size_of::<Context>() <= 64);
