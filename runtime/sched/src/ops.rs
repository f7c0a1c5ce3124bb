//! What goroutines ask of the scheduler. Each operation runs on the system stack, entered through `gort_enter`.

use std::sync::atomic::Ordering;

use stack::Outcome;
use stack::memory::{Cache, GrowError, Stack};
use stack::x86_64 as machine;

use crate::g::{GQueue, GRef, Role, take_dead};
use crate::global::{self, SHARED};
use crate::gstatus::{Park, Unpark};
use crate::m::M;
use crate::p::P;
use crate::reason::WaitReason;
use crate::{fatal, preempt, scan, wake, world};

/// What `go` starts.
pub type Function = extern "C" fn(*mut u8);

/// A P keeps at most this many dead Gs; beyond that half go to all.
const KEEP_DEAD: usize = 64;

/// How a goroutine's stack is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackKind {
    /// 2 KiB that grow: for code with stack checks.
    Small,
    /// As many bytes with a guard page below: for code without.
    Guarded(usize),
}

/// A new goroutine that will call `function(argument)`.
pub fn new_goroutine(p: &P, function: Function, argument: *mut u8, kind: StackKind) -> GRef {
    let g = take_dead(p);
    // SAFETY: the P is this M's.
    let cache = &mut unsafe { p.local() }.stacks;
    give_stack(g, kind, cache);
    create(g, function, argument);
    g
}

/// A dead goroutine that has a stack is a new one, runnable.
fn create(g: GRef, function: Function, argument: *mut u8) {
    let top = g.stack().begin(&g.context);
    g.context.value.set(0);
    g.fault.set(Default::default());
    g.panic_on_fault.set(false);
    // SAFETY: the stack is new or its goroutine is dead, and the smallest is far bigger than the first frame.
    unsafe { machine::start_frame(&g.context, top, function, argument) };
    stack::sanitizer::know_goroutine(&g.context);
    g.new_id();
    if g.is_counted() {
        SHARED.goroutines.fetch_add(1, Ordering::Relaxed);
    }
    scan::born(g, argument);
    g.status.create();
}

/// A stack of that kind for a dead goroutine, which may have one already.
fn give_stack(g: GRef, kind: StackKind, cache: &mut Cache) {
    let old = g.stack();
    let fits = match kind {
        StackKind::Small => !old.is_guarded(),
        StackKind::Guarded(size) => old.is_guarded() && old.in_use() >= size,
    };
    if fits && !old.is_empty() {
        return;
    }
    let made = match kind {
        StackKind::Small => Stack::small(cache),
        StackKind::Guarded(size) => Stack::guarded(cache, size),
    };
    let made = made.unwrap_or_else(|why| out_of_memory(&why));
    // SAFETY: a dead goroutine that was taken off its list is the caller's.
    unsafe { g.set_stack(made).release(cache) };
}

fn out_of_memory(why: &dyn std::fmt::Display) -> ! {
    fatal::throw(
        &format!("runtime: cannot allocate a goroutine's stack: {why}\n"),
        "out of memory (stack allocation)",
    )
}

/// A goroutine for a thread that C made, running already; for as long as it takes to get a P. Its first frame begins at its `sp`.
pub fn guest_goroutine(m: &'static M) -> GRef {
    let g = global::take_dead_one();
    // Without a P there is no cache; a guest's stack is big and rarely made.
    give_stack(
        g,
        StackKind::Guarded(stack::memory::guarded_size()),
        &mut Cache::new(),
    );
    let top = g.stack().begin(&g.context);
    g.context.sp.set(top - 8);
    stack::sanitizer::know_goroutine(&g.context);
    g.new_id();
    SHARED.goroutines.fetch_add(1, Ordering::Relaxed);
    scan::born(g, std::ptr::null_mut());
    g.status.create();
    g.status.run();
    m.thread.context.set(g.as_ptr().cast());
    come_back(m, g);
    g
}

/// The thread of a guest's goroutine ends. It has a P: without one the collector might be reading the goroutine's stack.
pub fn end_guest(g: GRef) {
    g.lock_count.set(0);
    g.locked_m.set(None);
    if let Some(m) = M::try_current() {
        m.locked_g.set(None);
    }
    preempt::free(g.saved.replace(std::ptr::null_mut()));
    // SAFETY: the goroutine is over; this runs on the system stack.
    unsafe { g.stack().recycle(&mut Cache::new()) };
    g.status.exit();
    SHARED.goroutines.fetch_sub(1, Ordering::Relaxed);
    let mut one = GQueue::new();
    one.push(g);
    global::put_dead(one);
}

/// Gets a P for a goroutine that can go on on this M only, in the middle of an operation. Its context says where its stack ends.
pub fn come_back(m: &'static M, g: GRef) {
    if !wake::try_acquire(m) {
        wait_here(m, g);
    }
    scan::before_running(g);
}

/// Queues the goroutine for itself, and waits for its turn on this thread.
fn wait_here(m: &'static M, g: GRef) {
    g.locked_m.set(Some(m));
    m.locked_g.set(Some(g));
    g.status.requeue();
    {
        let mut global = global::lock();
        global.locked_idle += 1;
        global.push_g(g);
    }
    wake::wake_p();
    wake::sleep_for_p(m);
    g.status.run();
}

/// `go function(argument)`, on a stack that grows.
pub extern "C" fn spawn(function: Function, argument: *mut u8) -> Outcome {
    spawn_on(function, argument, StackKind::Small)
}

/// `go function(argument)`, on a stack of that many bytes.
pub extern "C" fn spawn_guarded(function: Function, argument: *mut u8, size: usize) -> Outcome {
    spawn_on(function, argument, StackKind::Guarded(size))
}

fn spawn_on(function: Function, argument: *mut u8, kind: StackKind) -> Outcome {
    let p = P::current();
    let g = new_goroutine(p, function, argument, kind);
    wake::enqueue_on(p, g, true);
    wake::wake_p();
    finish(0)
}

/// `go function(argument)` from a thread without a P, or one in C. The runtime is started.
pub fn spawn_outside(function: Function, argument: *mut u8, kind: StackKind) {
    wake::enqueue(new_goroutine_outside(function, argument, kind));
}

/// As [`new_goroutine`], on a thread without a P.
pub fn new_goroutine_outside(function: Function, argument: *mut u8, kind: StackKind) -> GRef {
    let g = global::take_dead_one();
    give_stack(g, kind, &mut Cache::new());
    create(g, function, argument);
    g
}

/// A goroutine of the runtime's own, from any thread. See [`Role::System`].
pub fn spawn_system(function: Function, argument: *mut u8) {
    let g = global::take_dead_one();
    g.set_role(Role::System);
    give_stack(g, StackKind::Small, &mut Cache::new());
    create(g, function, argument);
    wake::enqueue(g);
}

/// The operation is done; but a goroutine that was asked to leave does so now.
pub fn finish(value: usize) -> Outcome {
    debug_assert!(
        has_stack_left(GRef::current()),
        "the goroutine's stack ends before the operation"
    );
    let p = P::current();
    if !p.preempt.load(Ordering::Relaxed) {
        return Outcome::done(value);
    }
    let g = GRef::current();
    g.context.value.set(value);
    requeue(g);
    Outcome::switch()
}

/// Before an operation begins whose result must not lie about while others run: a goroutine that was asked to leave does so, and enters again when
/// it goes on and finds `again` as the result.
pub fn leave_first(again: usize) -> Option<Outcome> {
    if !P::current().preempt.load(Ordering::Relaxed) {
        return None;
    }
    let g = GRef::current();
    g.context.value.set(again);
    requeue(g);
    Some(Outcome::switch())
}

/// Whether the goroutine has entered from within the segment that it is on: what is called without a stack check must leave room for that.
fn has_stack_left(g: GRef) -> bool {
    // SAFETY: a running goroutine has a segment.
    unsafe { (*g.context.segment.get()).contains(g.context.sp.get()) }
}

/// The running goroutine goes behind all others.
pub fn requeue(g: GRef) {
    g.pin();
    g.status.requeue();
    global::lock().push_g(g);
}

/// `runtime.Gosched`.
pub extern "C" fn gosched() -> Outcome {
    let g = GRef::current();
    g.context.value.set(0);
    requeue(g);
    Outcome::switch()
}

/// The goroutine has ended.
pub extern "C" fn goexit() -> Outcome {
    let m = M::current();
    let g = GRef::current();
    debug_assert!(!m.in_callback(), "C frames are given up before");
    let p = P::current();
    preempt::free(g.saved.replace(std::ptr::null_mut()));
    // The binding that C frames made is over with them; the thread ends only with a goroutine that has locked it.
    let locked = g.lock_count.replace(0) > 0;
    m.locked_g.set(None);
    g.locked_m.set(None);
    // SAFETY: the P is this M's.
    let local = unsafe { p.local() };
    // SAFETY: the goroutine is over; this runs on the system stack.
    unsafe { g.stack().recycle(&mut local.stacks) };
    g.status.exit();
    if g.is_counted() {
        SHARED.goroutines.fetch_sub(1, Ordering::Relaxed);
    }
    g.set_role(Role::User);
    local.dead.push_front(g);
    if local.dead.len() > KEEP_DEAD {
        let mut batch = GQueue::new();
        for _ in 0..KEEP_DEAD / 2 {
            batch.push(local.dead.pop().expect("it has that many"));
        }
        global::put_dead(batch);
    }
    if locked {
        m.leaving.set(true);
    }
    Outcome::switch()
}

/// [`stack::Hooks::newstack`].
pub extern "C" fn newstack(frame: usize, args: usize, sp: usize) -> Outcome {
    let g = GRef::current();
    if P::current().preempt.load(Ordering::Relaxed) {
        g.context.value.set(ASK_AGAIN);
        requeue(g);
        return Outcome::switch();
    }
    let limit = g.context.limit.get();
    // As the check itself: functions with less than 256 bytes compare the stack pointer as it is.
    let lowest = if frame < 256 {
        sp
    } else {
        sp.saturating_sub(frame)
    };
    machine::set_limit(limit);
    if lowest > limit {
        return Outcome::done(0);
    }
    // SAFETY: the P is this M's.
    let cache = &mut unsafe { P::current().local() }.stacks;
    // SAFETY: what lies after the current segment holds no frame.
    match unsafe { g.stack().grow(&g.context, frame, args, cache) } {
        Ok(segment) => Outcome::done(segment.hi),
        Err(GrowError::Limit) => stack_overflow(g, sp),
        Err(GrowError::NoMemory(why)) => out_of_memory(&why),
    }
}

const ASK_AGAIN: usize = 1;

fn stack_overflow(g: GRef, sp: usize) -> ! {
    let max = stack::memory::max();
    let id = g.id.load(Ordering::Relaxed);
    fatal::throw(
        &format!(
            "runtime: goroutine stack exceeds {max}-byte limit\nruntime: sp={sp:#x} goroutine={id}\n"
        ),
        "stack overflow",
    )
}

/// Sleeps until [`unpark`]; at once if that came first.
pub extern "C" fn park() -> Outcome {
    let g = GRef::current();
    g.set_reason(WaitReason::Park);
    g.pin();
    match g.status.park() {
        Park::GoOn => finish(0),
        Park::Parked => Outcome::switch(),
    }
}

/// `g`, which sleeps in [`park`] or will, goes on. Callable from any thread.
pub fn unpark(g: GRef) {
    match g.status.unpark() {
        Unpark::Wake => g.ready(0),
        Unpark::Kept => {}
    }
}

/// `runtime.LockOSThread`.
pub extern "C" fn lock_os_thread() -> Outcome {
    let g = GRef::current();
    g.lock_count.set(g.lock_count.get() + 1);
    Outcome::done(0)
}

/// `runtime.UnlockOSThread`.
pub extern "C" fn unlock_os_thread() -> Outcome {
    let g = GRef::current();
    g.lock_count.set(g.lock_count.get().saturating_sub(1));
    Outcome::done(0)
}

/// Somebody else is stopping the world: let it, and ask again.
pub const BUSY: usize = usize::MAX;

/// `runtime.GOMAXPROCS`: what it was. With `count` 0 nothing changes. [`BUSY`]: the caller asks again.
pub extern "C" fn gomaxprocs(count: usize) -> Outcome {
    let before = crate::p::count();
    let count = count.min(crate::p::MAX_PROCS);
    if count == 0 || count == before {
        return finish(before);
    }
    let Some(mut world) = world::try_stop() else {
        let g = GRef::current();
        g.context.value.set(BUSY);
        requeue(g);
        return Outcome::switch();
    };
    world.set_procs(count);
    drop(world);
    finish(before)
}
