//! G: a goroutine.

use std::cell::{Cell, UnsafeCell};
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use stack::Context;
use stack::memory::Stack;
use stack::sync::Mutex;

use crate::gstatus::Status;
use crate::m::M;
use crate::p::P;
use crate::preempt::Saved;
use crate::runq::Item;
use crate::scan::Scanned;
use crate::sync::atomic::AtomicU32;
use crate::wait::Waiter;

pub use crate::reason::WaitReason;

/// A goroutine. Never freed: those that have ended are used again.
///
/// Unless said otherwise a field belongs to the thread that runs the goroutine; while none does, to who took it off the queue that it was in.
#[repr(C)]
pub struct G {
    /// First: the assembly knows a G by it.
    pub context: Context,
    pub status: Status,
    reason: AtomicU8,
    role: AtomicU8,
    pub id: AtomicU64,
    /// The next in the queue that it is in.
    pub link: Cell<Option<GRef>>,
    pub waiter: Waiter,
    /// Who wins the right to wake a goroutine in a select.
    pub select_done: AtomicU32,
    /// LockOSThread, counted.
    pub lock_count: Cell<u32>,
    /// The M that alone may run it.
    pub locked_m: Cell<Option<&'static M>>,
    stack: UnsafeCell<Stack>,
    /// Deferred calls and panics, innermost first; the layer above knows their type.
    pub defers: Cell<*mut u8>,
    pub panics: Cell<*mut u8>,
    /// A Rust panic on its way through C frames.
    pub unwinding: Cell<*mut u8>,
    /// Registers of a goroutine that a signal preempted.
    pub saved: Cell<*mut Saved>,
    /// Whether the collector knows its stack.
    pub scanned: Scanned,
    /// The collector's own: in which cycle it was in C when marking began, and where its stack ended there.
    pub in_c: Cell<(u32, usize)>,
    /// The fault that it panics with.
    pub fault: Cell<Fault>,
    /// `debug.SetPanicOnFault`.
    pub panic_on_fault: Cell<bool>,
    /// Under stress: the collection that comes before its allocation is over.
    pub collected: Cell<bool>,
}

/// Whose goroutine it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    User,
    /// The runtime's own.
    System,
    /// The runtime's own, which runs a function of the program's at the moment: not counted, but shown.
    Lent,
}

/// A signal that its own code has caused; none where the signal is 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fault {
    pub signal: i32,
    pub code: i32,
    pub address: usize,
    pub pc: usize,
}

/// A goroutine, by reference. Gs are never freed, so one never dangles; it may be another goroutine by then.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GRef(NonNull<G>);

// SAFETY: a GRef is passed between threads through queues and locks; who may touch which field is said at the fields.
unsafe impl Send for GRef {}
// SAFETY: as above.
unsafe impl Sync for GRef {}

impl Deref for GRef {
    type Target = G;

    fn deref(&self) -> &G {
        // SAFETY: Gs are never freed.
        unsafe { self.0.as_ref() }
    }
}

static ALL: Mutex<Vec<GRef>> = Mutex::new(Vec::new());
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Every goroutine that there ever was, the dead ones included.
pub fn all() -> Vec<GRef> {
    ALL.lock().expect("nobody panics with it").clone()
}

/// Gives all Gs' memory back, but not that of their stacks.
///
/// # Safety
/// Nobody uses a G any more.
pub unsafe fn free_all() {
    let all = std::mem::take(&mut *ALL.lock().expect("nobody panics with it"));
    for chunk in all.chunks_exact(CHUNK) {
        let chunk = ptr::slice_from_raw_parts_mut(chunk[0].as_ptr(), CHUNK);
        // SAFETY: `make_chunk` has leaked it, whole and in this order. A G owns nothing but its stack, which goes with all others.
        drop(unsafe { Box::from_raw(chunk as *mut [std::mem::MaybeUninit<G>]) });
    }
}

/// How many Gs are made at once.
const CHUNK: usize = 32;

impl G {
    fn new() -> G {
        G {
            context: Context::default(),
            status: Status::new(),
            reason: AtomicU8::new(WaitReason::None as u8),
            role: AtomicU8::new(Role::User as u8),
            id: AtomicU64::new(0),
            link: Cell::new(None),
            waiter: Waiter::new(),
            select_done: AtomicU32::new(0),
            lock_count: Cell::new(0),
            locked_m: Cell::new(None),
            stack: UnsafeCell::new(Stack::empty()),
            defers: Cell::new(ptr::null_mut()),
            panics: Cell::new(ptr::null_mut()),
            unwinding: Cell::new(ptr::null_mut()),
            saved: Cell::new(ptr::null_mut()),
            scanned: Scanned::new(),
            in_c: Cell::new((0, 0)),
            fault: Cell::default(),
            panic_on_fault: Cell::new(false),
            collected: Cell::new(false),
        }
    }

    /// How many there are, the dead ones included.
    pub fn made() -> usize {
        ALL.lock().expect("nobody panics with it").len()
    }

    /// What it waits for, or waited for last.
    pub fn reason(&self) -> WaitReason {
        WaitReason::from_number(self.reason.load(Ordering::Relaxed))
    }

    pub fn stack(&self) -> &Stack {
        // SAFETY: replaced only while the goroutine is dead, by who took it off the list of dead ones: `set_stack`.
        unsafe { &*self.stack.get() }
    }

    /// Gives a dead goroutine another stack; returns the old one.
    ///
    /// # Safety
    /// The goroutine is dead, and only the caller has it.
    pub unsafe fn set_stack(&self, stack: Stack) -> Stack {
        // SAFETY: as the caller says.
        unsafe { std::mem::replace(&mut *self.stack.get(), stack) }
    }

    pub fn set_reason(&self, why: WaitReason) {
        self.reason.store(why as u8, Ordering::Relaxed);
    }

    /// Whose goroutine it is. Set by who makes it, and by itself.
    pub fn set_role(&self, role: Role) {
        self.role.store(role as u8, Ordering::Relaxed);
    }

    /// Whether it is one of the program's, which counts them (`runtime.NumGoroutine`).
    pub fn is_counted(&self) -> bool {
        self.role.load(Ordering::Relaxed) == Role::User as u8
    }

    /// Whether it is the runtime's own and does nothing for the program: dumps leave it out, and a program that has no others is stuck.
    pub fn is_system(&self) -> bool {
        self.role.load(Ordering::Relaxed) == Role::System as u8
    }

    pub fn is_locked(&self) -> bool {
        self.locked_m.get().is_some()
    }
}

impl GRef {
    /// New Gs, dead, without stacks.
    pub fn make_chunk() -> GQueue {
        let mut queue = GQueue::default();
        let mut all = ALL.lock().expect("nobody panics with it");
        let chunk: Box<[G]> = (0..CHUNK).map(|_| G::new()).collect();
        for g in Box::leak(chunk) {
            let g = GRef(NonNull::from(g));
            all.push(g);
            queue.push(g);
        }
        queue
    }

    pub fn new_id(self) {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        self.id.store(id, Ordering::Relaxed);
    }

    pub fn from_context(context: *mut Context) -> Option<GRef> {
        NonNull::new(context.cast()).map(GRef)
    }

    pub fn as_ptr(self) -> *mut G {
        self.0.as_ptr()
    }

    /// The goroutine at an address that [`GRef::as_ptr`] gave.
    ///
    /// # Safety
    /// It did give it.
    pub unsafe fn from_ptr(g: *mut G) -> GRef {
        GRef(NonNull::new(g).expect("a goroutine's address"))
    }

    /// The goroutine that entered the operation.
    pub fn current() -> GRef {
        M::current().g().expect("a goroutine runs")
    }

    /// It is going to wait for `why`: before it is put where others can find and ready it. From then on it isn't ours.
    pub fn will_park(self, why: WaitReason) {
        self.set_reason(why);
        self.pin();
        self.status.wait();
    }

    /// Before it leaves its M: with C frames on the M's stack, or LockOSThread, it can come back to this M only.
    pub fn pin(self) {
        let m = M::current();
        let stays = self.lock_count.get() > 0 || m.in_callback();
        self.locked_m.set(stays.then_some(m));
        m.locked_g.set(stays.then_some(self));
    }

    /// It goes on, with `value` as the result of the operation that parked it.
    pub fn ready(self, value: usize) {
        self.context.value.set(value);
        self.make_runnable();
        crate::wake::enqueue(self);
    }

    /// For those who put it in a queue themselves.
    pub fn make_runnable(self) {
        self.status.ready();
    }
}

// SAFETY: Gs are never freed, and their addresses are not 0.
unsafe impl Item for GRef {
    fn into_word(self) -> NonZeroUsize {
        self.0.into_word()
    }

    unsafe fn from_word(word: NonZeroUsize) -> GRef {
        // SAFETY: passed on.
        GRef(unsafe { NonNull::from_word(word) })
    }
}

/// Goroutines in order of arrival, linked through themselves.
#[derive(Default)]
pub struct GQueue {
    head: Option<GRef>,
    tail: Option<GRef>,
    len: usize,
}

// SAFETY: holds GRefs, which may be sent.
unsafe impl Send for GQueue {}

impl GQueue {
    pub const fn new() -> GQueue {
        GQueue {
            head: None,
            tail: None,
            len: 0,
        }
    }

    pub fn push(&mut self, g: GRef) {
        g.link.set(None);
        match self.tail {
            Some(tail) => tail.link.set(Some(g)),
            None => self.head = Some(g),
        }
        self.tail = Some(g);
        self.len += 1;
    }

    /// In front of all others.
    pub fn push_front(&mut self, g: GRef) {
        g.link.set(self.head);
        self.head = Some(g);
        if self.tail.is_none() {
            self.tail = Some(g);
        }
        self.len += 1;
    }

    pub fn pop(&mut self) -> Option<GRef> {
        let g = self.head?;
        self.head = g.link.take();
        if self.head.is_none() {
            self.tail = None;
        }
        self.len -= 1;
        Some(g)
    }

    pub fn append(&mut self, other: GQueue) {
        match (self.tail, other.head) {
            (_, None) => return,
            (Some(tail), first) => tail.link.set(first),
            (None, first) => self.head = first,
        }
        self.tail = other.tail;
        self.len += other.len;
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.head.is_none()
    }
}

/// Goroutines whose results are set already go on.
pub fn ready_all(mut queue: GQueue) {
    if queue.is_empty() {
        return;
    }
    let mut ready = GQueue::new();
    while let Some(g) = queue.pop() {
        g.make_runnable();
        ready.push(g);
    }
    crate::wake::inject(ready);
}

/// The memory for a new goroutine: a dead one with its stack, or a new one without.
pub fn take_dead(p: &P) -> GRef {
    // SAFETY: the caller's M has the P, and runs nothing else meanwhile.
    let local = unsafe { p.local() };
    if let Some(g) = local.dead.pop() {
        return g;
    }
    local.dead = crate::global::take_dead();
    if local.dead.is_empty() {
        local.dead = GRef::make_chunk();
    }
    local.dead.pop().expect("a chunk has some")
}
