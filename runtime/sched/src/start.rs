//! How the runtime starts: once, whoever asks first; others wait for it.

use std::sync::Once;

use stack::Hooks;
use stack::sync::MutexGuard;
use stack::x86_64 as machine;

use crate::global::{self, Global, SHARED};
use crate::m::M;
use crate::ops::{self, Function, StackKind};
use crate::p::{self, P, PStatus};
use crate::{membarrier, netpoll, schedule, sysmon, wake};

/// What the layer above adds to the scheduler's own hooks.
pub struct BridgeHooks {
    pub reacquire: extern "C" fn() -> stack::Outcome,
    pub reenter: extern "C" fn(*const stack::Thread, usize, usize) -> usize,
    pub jumped: extern "C" fn(*const stack::Thread) -> !,
    pub attach: extern "C" fn() -> *const stack::Thread,
    pub broken_promise: extern "C" fn() -> !,
}

static PREPARED: Once = Once::new();
static STARTED: Once = Once::new();

/// What must be before C calls Go for the first time, which starts the runtime. For constructors: it makes no threads and asks nobody anything.
pub fn prepare(bridge: BridgeHooks) {
    PREPARED.call_once(|| {
        let hooks = Hooks {
            schedule: schedule::schedule,
            newstack: ops::newstack,
            reacquire: bridge.reacquire,
            reenter: bridge.reenter,
            jumped: bridge.jumped,
            attach: bridge.attach,
            broken_promise: bridge.broken_promise,
            preempted: crate::preempt::preempted,
            goexit: ops::goexit,
        };
        // SAFETY: the first to come, and nobody else gets past this place before it is done.
        unsafe { machine::set_hooks(hooks) };
    });
}

/// Starts the runtime unless it is started. `guest`: the process is somebody else's.
pub fn start(bridge: BridgeHooks, guest: bool) {
    STARTED.call_once(|| {
        prepare(bridge);
        if !debug("nomembarrier") {
            membarrier::register();
        }
        global::lock().guest = guest;
        for id in p::set_count(procs()) {
            p::get(id).set_status(PStatus::Idle);
            SHARED.idle.put_p(id);
        }
        netpoll::init();
        sysmon::start();
    });
}

/// Whether `GORT_DEBUG`, a list separated by commas, names `option`.
pub fn debug(option: &str) -> bool {
    std::env::var("GORT_DEBUG").is_ok_and(|list| list.split(',').any(|named| named == option))
}

/// GOMAXPROCS from the environment, or one for each processor that the process may use.
fn procs() -> usize {
    let wanted = std::env::var("GOMAXPROCS")
        .ok()
        .and_then(|n| n.parse().ok());
    let there = || std::thread::available_parallelism().map_or(1, usize::from);
    wanted
        .filter(|n| *n > 0)
        .unwrap_or_else(there)
        .min(p::MAX_PROCS)
}

/// Runs `function(argument)` as the main goroutine, and others beside it, on the calling thread and more. The runtime is started, and this
/// thread isn't one of its own. Returns when a goroutine that is locked to this thread ends; the main one ends the program before.
pub fn run_main(function: Function, argument: *mut u8, kind: StackKind) {
    let m = adopt_thread();
    wait_for_p(m);
    let main = ops::new_goroutine(P::current(), function, argument, kind);
    wake::enqueue_on(P::current(), main, true);
    m.install_alternate();
    crate::preempt::prepare(m);
    // SAFETY: the M is this thread's, runs nothing yet, and the hooks are set.
    unsafe { machine::run(&m.thread) };
    drop(leave(m));
}

/// The same with a main goroutine that stays on the calling thread. Returns when it has ended; others go on. Any number of times.
pub fn run_main_here(function: Function, argument: *mut u8, kind: StackKind) {
    let m = adopt_thread();
    let main = ops::new_goroutine_outside(function, argument, kind);
    main.lock_count.set(1);
    main.locked_m.set(Some(m));
    m.locked_g.set(Some(main));
    if !wake::try_acquire(m) {
        // Whoever finds the goroutine gives its P to this thread.
        global::lock().locked_idle += 1;
        wake::enqueue(main);
        wake::sleep_for_p(m);
    }
    m.first.set(true);
    m.install_alternate();
    crate::preempt::prepare(m);
    // SAFETY: the M is this thread's, runs nothing yet, and the hooks are set.
    unsafe { machine::run(&m.thread) };
    drop(leave(m));
}

/// Whether the runtime is started.
pub fn is_started() -> bool {
    STARTED.is_completed()
}

/// Ends what [`start`] has begun, and gives back all memory and descriptors. Nothing of the runtime can be used any more.
///
/// # Safety
/// There is no goroutine but those that wait for the runtime itself, and no M of a thread that isn't the scheduler's own. Nobody calls in.
pub unsafe fn end() {
    crate::thread::end_all();
    netpoll::end();
    // SAFETY: who used them has ended. The Ps' caches go back to the pool before that goes.
    unsafe {
        netpoll::free_all();
        p::free_all();
        crate::m::free_all();
        crate::g::free_all();
        stack::memory::give_all_back();
    }
}

/// An M for the calling thread, which is none of the runtime's, counted as one that runs.
pub fn adopt_thread() -> &'static M {
    let m = {
        let mut global = global::lock();
        global.m_count += 1;
        global.spare_m()
    };
    m.seize_thread();
    m
}

/// The calling thread's M is nobody's. The lock under which that is so.
pub fn leave(m: &'static M) -> MutexGuard<'static, Global> {
    m.leave_thread();
    let mut global = global::lock();
    global.m_count -= 1;
    global.put_spare_m(m);
    global
}

/// A P for this M, which has no goroutine yet, however long it takes: as an idle M it gets one when there is work, which it leaves to others.
fn wait_for_p(m: &'static M) {
    if !wake::try_acquire(m) {
        wake::stop_m(m);
        if m.spinning.replace(false) && SHARED.idle.stop_spin() {
            wake::wake_p();
        }
    }
}
