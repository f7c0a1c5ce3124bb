//! M: a thread that can run Go.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};

use stack::fault::AltStack;
use stack::sync::Mutex;
use stack::x86_64 as machine;
use stack::{Thread, errno};

use crate::crossing::{Crossing, FALLBACK, Serial};
use crate::g::GRef;
use crate::p::P;
use crate::{signal, thread};

/// A thread that runs goroutines, or C that a goroutine called, or C that may call Go. Never freed: those of threads that are gone are
/// used again.
#[repr(C)]
pub struct M {
    /// First: the assembly knows an M by it.
    pub thread: Thread,
    pub id: u64,
    /// The P that it has, or had when it went into C: it is lost once `crossing` says so. Changed by the M itself.
    p: AtomicPtr<P>,
    /// The P that it had before it lost it: the first to ask for again.
    pub old_p: Cell<*const P>,
    /// Numbers the requests for its P.
    serial: Serial,
    pub note: Note,
    /// The P that comes with being woken.
    pub next_p: AtomicPtr<P>,
    pub spinning: Cell<bool>,
    /// The goroutine that runs nowhere else.
    pub locked_g: Cell<Option<GRef>>,
    /// `locked_g` has not run yet, and is in no queue: it is to begin here.
    pub first: Cell<bool>,
    /// The next on the list of idle Ms; under the scheduler's lock.
    pub link: Cell<*const M>,
    /// The thread's id in the kernel; 0 while there is no thread. Who reaches for the thread holds the lock, so that it doesn't end
    /// meanwhile.
    tid: Mutex<i32>,
    /// The thread was made by C, not by the scheduler.
    pub guest: Cell<bool>,
    /// The thread's signal stack.
    alternate: Cell<Option<AltStack>>,
    /// Its locked goroutine has ended: the thread ends with it, in whatever state the goroutine has left it.
    pub leaving: Cell<bool>,
    pub random: Cell<u64>,
    /// Where preemption by signal keeps registers: see [`crate::preempt`].
    pub saved: AtomicPtr<crate::preempt::Saved>,
    /// Places for handles that are nobody else's; the bridge knows what they are.
    pub free_handles: FreeList,
}

/// A linked list of an M's own, for the layer above and its assembly.
#[repr(C)]
pub struct FreeList {
    pub first: Cell<*mut u8>,
    pub count: Cell<usize>,
}

// SAFETY: cells belong to the M's own thread, `link` to who holds the scheduler's lock, `locked_g` to the thread that runs that goroutine,
// which is this one.
unsafe impl Sync for M {}
// SAFETY: as above.
unsafe impl Send for M {}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);
/// Every M that there is.
static ALL: Mutex<Vec<&'static M>> = Mutex::new(Vec::new());
/// Somebody wants to be told of every crossing.
static SLOW: AtomicBool = AtomicBool::new(false);

/// Every crossing, of every M, takes the slow way from now on.
pub fn make_crossings_slow() {
    SLOW.store(true, Ordering::SeqCst);
    for m in ALL.lock().expect("nobody panics with it").iter() {
        // Who becomes an M's thread meanwhile has set the word before, or sees that crossings are slow.
        let _tid = m.tid.lock().expect("nobody panics with it");
        m.thread.retake.fetch_or(FALLBACK, Ordering::SeqCst);
    }
}

/// Calls `look` with every M.
pub fn for_each(look: impl FnMut(&'static M)) {
    let all = ALL.lock().expect("nobody panics with it");
    all.iter().copied().for_each(look);
}

/// Gives all Ms' memory back.
///
/// # Safety
/// Nobody uses an M any more.
pub unsafe fn free_all() {
    for m in std::mem::take(&mut *ALL.lock().expect("nobody panics with it")) {
        crate::preempt::free(m.saved.swap(ptr::null_mut(), Ordering::Acquire));
        // SAFETY: a leaked box, which nobody uses.
        drop(unsafe { Box::from_raw(ptr::from_ref(m).cast_mut()) });
    }
}

/// The id of each thread that is an M's. For a program that dies: what somebody has locked for good is left out.
pub fn each_thread(each: &mut dyn FnMut(i32)) {
    let Ok(all) = ALL.try_lock() else { return };
    for m in all.iter() {
        let tid = m.tid.try_lock().map_or(0, |tid| *tid);
        if tid != 0 {
            each(tid);
        }
    }
}

impl M {
    /// A new M, not yet of any thread.
    pub fn new() -> &'static M {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let m: &'static M = Box::leak(Box::new(M {
            thread: Thread::default(),
            id,
            p: AtomicPtr::default(),
            old_p: Cell::new(ptr::null()),
            serial: Serial::new(),
            note: Note::new(),
            next_p: AtomicPtr::default(),
            spinning: Cell::new(false),
            locked_g: Cell::new(None),
            first: Cell::new(false),
            link: Cell::new(ptr::null()),
            tid: Mutex::new(0),
            guest: Cell::new(false),
            alternate: Cell::new(None),
            leaving: Cell::new(false),
            random: Cell::new(id.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            saved: AtomicPtr::default(),
            free_handles: FreeList {
                first: Cell::new(ptr::null_mut()),
                count: Cell::new(0),
            },
        }));
        ALL.lock().expect("nobody panics with it").push(m);
        m
    }

    /// This thread's M.
    pub fn current() -> &'static M {
        M::try_current().expect("the thread is one of the runtime's")
    }

    /// This thread's M, if it is one of the runtime's.
    pub fn try_current() -> Option<&'static M> {
        let thread = machine::thread().cast::<M>();
        // SAFETY: the word is null or points to the `thread` of an M, its first field; Ms are leaked boxes.
        unsafe { thread.as_ref() }
    }

    /// Becomes this thread's M.
    pub fn seize_thread(&'static self) {
        let tid = thread::gettid();
        self.thread.limit_word.set(machine::limit_word());
        stack::sanitizer::know_thread(&self.thread);
        {
            let mut own = self.tid.lock().expect("nobody panics with it");
            let fast = crate::membarrier::available() && !SLOW.load(Ordering::SeqCst);
            self.crossing().open(fast);
            *own = tid;
        }
        // SAFETY: an M lives for ever, and the caller took it from a list or made it.
        unsafe { machine::set_thread(&self.thread) };
    }

    /// Makes the goroutine's next stack check fail, and interrupts the thread with `signal` if there is one.
    pub fn interrupt(&self, signal: Option<i32>) {
        let tid = self.tid.lock().expect("nobody panics with it");
        if *tid == 0 {
            return;
        }
        self.thread.poison();
        if let Some(signal) = signal {
            // The thread can't end while we hold the lock.
            signal::send_to(*tid, signal);
        }
    }

    /// Signals get a stack of their own: a goroutine's is too small for them. The end of the program if there is no memory for it.
    pub fn install_alternate(&self) {
        let old = self.alternate.take();
        if old.as_ref().is_some_and(AltStack::is_own) {
            self.alternate.set(old);
            return;
        }
        match AltStack::install() {
            Ok(stack) => self.alternate.set(Some(stack)),
            Err(why) => crate::fatal::throw(
                &format!("runtime: cannot allocate a signal stack: {why}\n"),
                "out of memory (signal stack)",
            ),
        }
    }

    /// Belongs to no thread any more.
    pub fn leave_thread(&self) {
        drop(self.alternate.take());
        *self.tid.lock().expect("nobody panics with it") = 0;
        // SAFETY: null is always allowed.
        unsafe { machine::set_thread(ptr::null()) };
    }

    pub fn p(&self) -> Option<&'static P> {
        // SAFETY: Ps are never freed.
        unsafe { self.p.load(Ordering::Acquire).as_ref() }
    }

    /// Gives the M a P, or takes it: the M itself does.
    pub fn set_p(&self, p: Option<&'static P>) {
        let heap = p.map_or(ptr::null_mut(), |p| p.heap.load(Ordering::Relaxed));
        self.thread.heap.set(heap);
        let p = p.map_or(ptr::null_mut(), |p| ptr::from_ref(p).cast_mut());
        self.p.store(p, Ordering::Release);
    }

    /// Its way into C and back.
    pub fn crossing(&self) -> Crossing<'_> {
        Crossing::of(&self.thread, &self.serial)
    }

    /// The goroutine that it runs or has in C.
    pub fn g(&self) -> Option<GRef> {
        GRef::from_context(self.thread.context.get())
    }

    /// Whether C frames of the current goroutine's lie on this thread's stack: the goroutine cannot go elsewhere.
    pub fn in_callback(&self) -> bool {
        self.thread.system_sp.get() != self.thread.system_base.get()
    }

    /// A number that is random enough for fairness.
    pub fn random(&self) -> u64 {
        // Marsaglia's xorshift64.
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.set(x);
        x
    }
}

/// One thread sleeps until another wakes it; a wake-up that comes first is not lost.
pub struct Note(AtomicU32);

impl Default for Note {
    fn default() -> Note {
        Note::new()
    }
}

impl Note {
    pub const fn new() -> Note {
        Note(AtomicU32::new(0))
    }

    /// Sleeps until [`Note::wake`], and forgets it.
    pub fn sleep(&self) {
        while self.0.swap(0, Ordering::Acquire) == 0 {
            futex_wait(&self.0, 0, None);
        }
    }

    /// Sleeps until [`Note::wake`] or for `ns` nanoseconds; whether it was woken.
    pub fn sleep_for(&self, ns: i64) -> bool {
        if self.0.swap(0, Ordering::Acquire) != 0 {
            return true;
        }
        futex_wait(&self.0, 0, Some(ns));
        self.0.swap(0, Ordering::Acquire) != 0
    }

    pub fn wake(&self) {
        if self.0.swap(1, Ordering::Release) == 0 {
            futex_wake(&self.0, 1);
        }
    }
}

/// Sleeps while `word` is `value`, at most `ns` nanoseconds; may return early.
pub fn futex_wait(word: &AtomicU32, value: u32, ns: Option<i64>) {
    let timeout = ns.map(|ns| libc::timespec {
        tv_sec: ns / 1_000_000_000,
        tv_nsec: ns % 1_000_000_000,
    });
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the timeout lives for the duration of the call.
    unsafe { errno::futex(word, libc::FUTEX_WAIT, value, timeout) };
}

/// Wakes at most `count` threads that sleep on `word`.
pub fn futex_wake(word: &AtomicU32, count: i32) {
    // SAFETY: there is no timeout.
    unsafe { errno::futex(word, libc::FUTEX_WAKE, count as u32, ptr::null()) };
}
