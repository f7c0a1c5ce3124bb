//! What each thread notes when it crosses.
//!
//! | what | whose |
//! |---|---|
//! | [`Own`]: crossings that have begun | the thread's; whoever ends the program looks at it once |
//! | [`Log`]: crossings that are over, and their statistics | the thread's, and the writer's, which empties it |
//!
//! Threads come and go; their recorders serve the next ones.

use std::cell::Cell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::Ordering;

use sched::M;
use sched::thread::gettid;
use sched::timer::nanotime;
use stack::errno;
use stack::sync::{Mutex, MutexGuard};

use super::functions::{Direction, FunctionId};
use super::hash::Addresses;
use super::stats::Stats;
use super::{Trace, dynamic_function};

/// A thread keeps so many crossings until the writer fetches them; more are counted, but not told one by one.
const ROOM: usize = 8192;
/// When to wake the writer.
const MANY: usize = ROOM / 2;

/// A crossing that has begun.
struct Open {
    /// Where on C's stack it began: what lies deeper began later.
    at: usize,
    /// Who called C.
    back: usize,
    function: Option<FunctionId>,
    begin: i64,
    goroutine: u64,
    p: Option<usize>,
    p_taken: bool,
    callbacks: u32,
    depth: u32,
    direction: Direction,
    /// Nanoseconds of what it called across in turn.
    inner: i64,
}

/// How a crossing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Returned,
    /// A panic or a Goexit gave its frames up.
    Unwound,
    /// The program ended first.
    Never,
    /// It did, and this is what came then: the goroutine waited for a P.
    Waited,
}

/// A crossing that is over, or the wait after one.
#[derive(Clone, Copy)]
pub struct Crossing {
    pub function: FunctionId,
    pub tid: i32,
    pub depth: u32,
    pub callbacks: u32,
    pub goroutine: u64,
    pub p: Option<usize>,
    /// By the clock of [`nanotime`].
    pub begin: i64,
    pub nanoseconds: i64,
    /// Those that weren't spent on the other side again.
    pub own: i64,
    pub p_taken: bool,
    pub end: End,
}

/// What one thread notes.
pub struct Recorder {
    own: Mutex<Own>,
    pub log: Mutex<Log>,
}

#[derive(Default)]
struct Own {
    tid: i32,
    open: Vec<Open>,
    /// Of the last call that was over.
    last: Option<FunctionId>,
    /// By what the function is known by, of both directions: see [`Own::find`].
    known: HashMap<usize, FunctionId, Addresses>,
}

#[derive(Default)]
pub struct Log {
    pub crossings: Vec<Crossing>,
    /// Crossings that found no room.
    pub dropped: u64,
    /// By [`FunctionId`].
    pub stats: Vec<Stats>,
}

/// Whatever happens, the tracer goes on: it has no right to end the program.
pub fn hold<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

thread_local! {
    /// This thread's recorder. Without a destructor, so that it is there until the very end, and keeps no library loaded.
    static HERE: Cell<Option<&'static Recorder>> = const { Cell::new(None) };
}

/// The destructor of a thread's value of [`Trace::key`]: its recorder serves another.
pub extern "C" fn thread_ends(recorder: *mut c_void) {
    // SAFETY: the value is the recorder that the thread was given; recorders are never freed.
    let recorder: &'static Recorder = unsafe { &*recorder.cast::<Recorder>() };
    // A thread that ends in the middle of a call leaves it open for ever.
    if let (true, Some(trace)) = (hold(&recorder.own).open.is_empty(), Trace::get()) {
        HERE.set(None);
        hold(&trace.free).push(recorder);
    }
}

/// Go calls C, on C's stack, the way back on which it came being at `at`, below it the first argument. `callee` is 0 where a stub calls. The call
/// is to return to `come_by`. Returns the function to call.
pub extern "C" fn begin_call(at: *mut usize, callee: usize, come_by: usize) -> usize {
    let _errno = errno::keep();
    let trace = Trace::get().expect("what isn't traced doesn't come here");
    // SAFETY: the assembly passes where the return address is, and has put the first argument there.
    let (back, argument) = unsafe { (at.replace(come_by), at.sub(1).read()) };
    let (key, target) = match callee {
        0 => (back, trace.targets[&back]),
        _ => (trace.meant(callee, argument), callee),
    };
    Recorder::here(trace).begin(trace, Direction::Call, key, at as usize, back);
    target
}

/// C calls Go, in a frame at `at`.
pub extern "C" fn begin_callback(at: usize, callee: usize, argument: usize) {
    let _errno = errno::keep();
    let trace = Trace::get().expect("what isn't traced doesn't come here");
    let key = trace.meant(callee, argument);
    Recorder::here(trace).begin(trace, Direction::Callback, key, at, 0);
}

/// A crossing has come back. Returns who called.
pub extern "C" fn end(at: usize) -> usize {
    let now = nanotime();
    let _errno = errno::keep();
    let trace = Trace::get().expect("what isn't traced doesn't come here");
    Recorder::here(trace).end(now, at)
}

/// C's frames on this thread below `system_sp` are given up, and what they called.
pub fn give_up_to(system_sp: usize) {
    if let Some(recorder) = HERE.get() {
        recorder.give_up_to(system_sp);
    }
}

impl Trace {
    /// The function that is meant: some only call what their first argument says.
    fn meant(&self, callee: usize, argument: usize) -> usize {
        match callee {
            _ if self.wrappers.contains(&callee) => argument,
            _ if callee == crate::dynamic::entry() => dynamic_function(argument),
            _ => callee,
        }
    }
}

impl Recorder {
    pub const fn new() -> Recorder {
        Recorder {
            own: Mutex::new(Own {
                tid: 0,
                open: Vec::new(),
                last: None,
                known: HashMap::with_hasher(Addresses::new()),
            }),
            log: Mutex::new(Log {
                crossings: Vec::new(),
                dropped: 0,
                stats: Vec::new(),
            }),
        }
    }

    /// This thread's. Not to be inlined: the thread must not be remembered where a goroutine may change it.
    #[inline(never)]
    pub fn here(trace: &Trace) -> &'static Recorder {
        if let Some(recorder) = HERE.get() {
            return recorder;
        }
        let recorder = trace.recorder();
        let tid = gettid();
        hold(&recorder.own).tid = tid;
        trace.note_thread(tid, M::try_current().map(|m| m.id));
        HERE.set(Some(recorder));
        let place = ptr::from_ref(recorder).cast();
        // SAFETY: the key exists as long as the runtime does. Without memory for it, the recorder is this thread's for ever.
        unsafe { libc::pthread_setspecific(trace.key, place) };
        recorder
    }

    fn begin(&self, trace: &Trace, direction: Direction, key: usize, at: usize, back: usize) {
        let mut own = hold(&self.own);
        let own = &mut *own;
        let m = M::try_current();
        let mut depth = u32::from(direction == Direction::Callback);
        if let Some(outer) = own.open.last_mut() {
            depth += outer.depth;
            if direction == Direction::Callback {
                outer.callbacks += 1;
                outer.p_taken |= lost_p(m);
            }
        }
        let function = trace.is_on().then(|| own.find(trace, direction, key));
        own.open.push(Open {
            at,
            back,
            function,
            goroutine: goroutine(m),
            p: m.and_then(M::p).map(|p| p.id),
            p_taken: false,
            callbacks: 0,
            depth,
            direction,
            inner: 0,
            begin: nanotime(),
        });
    }

    fn end(&self, now: i64, at: usize) -> usize {
        let mut own = hold(&self.own);
        self.close_below(&mut own, at, now, End::Unwound);
        let open = own.open.pop().filter(|open| open.at == at);
        let mut open = open.expect("what returns has begun");
        let m = M::try_current();
        match open.direction {
            Direction::Call => open.p_taken |= lost_p(m),
            // When it began the thread may have been a stranger's, or without a P.
            Direction::Callback => {
                open.goroutine = goroutine(m);
                open.p = m.and_then(M::p).map(|p| p.id);
            }
        }
        let back = open.back;
        own.last = open.function;
        self.close(&mut own, open, now, End::Returned);
        back
    }

    /// What the thread's last call was of.
    pub fn last(&self) -> Option<FunctionId> {
        hold(&self.own).last
    }

    /// The goroutine waited since `begin`, and goes on here.
    pub fn waited(&self, after: FunctionId, goroutine: u64, begin: i64) {
        let now = nanotime();
        let wait = Crossing {
            function: after,
            tid: hold(&self.own).tid,
            depth: 0,
            callbacks: 0,
            goroutine,
            p: None,
            begin,
            nanoseconds: now - begin,
            own: 0,
            p_taken: true,
            end: End::Waited,
        };
        hold(&self.log).add(wait);
    }

    fn give_up_to(&self, sp: usize) {
        let now = nanotime();
        self.close_below(&mut hold(&self.own), sp, now, End::Unwound);
    }

    /// All that is open is told as it is when the program ends, unless the thread is just at it. It stays open: the thread may go on yet.
    pub fn cut_off(&self, now: i64, exit: FunctionId) {
        let Ok(own) = self.own.try_lock() else {
            return;
        };
        // The call that ends the program is no news.
        let ends = own
            .open
            .last()
            .is_some_and(|open| open.function == Some(exit));
        let open = &own.open[..own.open.len() - usize::from(ends)];
        for crossing in open.iter().filter_map(|o| o.over(own.tid, now, End::Never)) {
            hold(&self.log).add(crossing);
        }
    }

    fn close_below(&self, own: &mut Own, sp: usize, now: i64, end: End) {
        while own.open.last().is_some_and(|open| open.at < sp) {
            if let Some(open) = own.open.pop() {
                self.close(own, open, now, end);
            }
        }
    }

    /// What was the innermost that is open is over.
    fn close(&self, own: &mut Own, open: Open, now: i64, end: End) {
        if let Some(outer) = own.open.last_mut() {
            outer.inner += now - open.begin;
        }
        // A child of fork may find the log locked by a thread that it hasn't.
        let Some(trace) = Trace::get().filter(|trace| trace.is_on()) else {
            return;
        };
        let Some(crossing) = open.over(own.tid, now, end) else {
            return;
        };
        if hold(&self.log).add(crossing) == MANY {
            trace.note.wake();
        }
    }
}

impl Open {
    /// As it is when it is over; nothing if it began while nobody wanted to know.
    fn over(&self, tid: i32, now: i64, end: End) -> Option<Crossing> {
        Some(Crossing {
            function: self.function?,
            tid,
            depth: self.depth,
            callbacks: self.callbacks,
            goroutine: self.goroutine,
            p: self.p,
            begin: self.begin,
            nanoseconds: now - self.begin,
            own: now - self.begin - self.inner,
            p_taken: self.p_taken,
            end,
        })
    }
}

impl Own {
    /// The function of this direction that is known by `key`: of a stub where its call returns to, else the function's address.
    fn find(&mut self, trace: &Trace, direction: Direction, key: usize) -> FunctionId {
        // No two functions lie so close together that the numbers meet.
        let place = key << 1 | direction as usize;
        *self
            .known
            .entry(place)
            .or_insert_with(|| trace.functions.find(direction, key))
    }
}

impl Log {
    /// How many are waiting for the writer.
    fn add(&mut self, crossing: Crossing) -> usize {
        let index = crossing.function.0 as usize;
        if self.stats.len() <= index {
            self.stats.resize_with(index + 1, Stats::default);
        }
        self.stats[index].add(&crossing);
        if self.crossings.len() == ROOM {
            self.dropped += u64::from(crossing.end != End::Waited);
            return 0;
        }
        self.crossings.reserve(ROOM - self.crossings.len());
        self.crossings.push(crossing);
        self.crossings.len()
    }
}

/// The goroutine's number; 0 on a thread that has none.
pub fn goroutine(m: Option<&M>) -> u64 {
    m.and_then(M::g).map_or(0, |g| g.id.load(Ordering::Relaxed))
}

/// Whether somebody has taken the P of a thread that is in C.
pub fn lost_p(m: Option<&M>) -> bool {
    m.is_some_and(|m| m.crossing().is_taken())
}
