//! The collector: a thread of its own, without a P, which drives every cycle from its beginning to the last span that is swept.
//!
//! It sleeps until the heap has grown to the pacer's trigger, a goroutine asks for a collection (`runtime.GC`), or two minutes have passed since the
//! last. Who asks is parked until a whole cycle, begun after that, is over and swept.

use std::ffi::c_void;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use sched::m::Note;
use sched::scan::{self, Cycle};
use sched::timer::nanotime;
use sched::{GRef, WaitReason, deadlock, g, global, thread};
use stack::Outcome;
use stack::sync::{Mutex, MutexGuard};

use crate::check;
use crate::keep;
use crate::layout;
use crate::mark::workers::{self, CHUNK};
use crate::mark::{self, QUEUE};
use crate::pacer;
use crate::pages;
use crate::phase;
use crate::roots;
use crate::special;
use crate::stacks;
use crate::sweep;
use crate::trace::Trace;

/// After so many nanoseconds without a collection there is one, if there ever was one.
const PERIOD: i64 = 120_000_000_000;
/// How long the collector waits for others that mark, or are on their way back from C.
const WAIT: Duration = Duration::from_micros(100);
/// Memory goes back to the system once in so many nanoseconds, unless somebody asked for the collection, or memory is limited.
const RETURNS: i64 = 250_000_000;
/// Ranges of roots are read in pieces of so many bytes.
const PIECE: usize = 256 << 10;

/// Why a cycle begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The heap has grown.
    Heap,
    /// A goroutine wants it.
    Asked,
    /// It's time again.
    Time,
}

#[derive(Default)]
struct Requests {
    /// Cycles that have begun.
    begun: u64,
    waiting: Vec<Waiter>,
}

/// A goroutine that waits for a cycle.
struct Waiter {
    g: GRef,
    cycle: u64,
    why: Why,
    /// What its operation results in.
    result: usize,
}

static REQUESTS: Mutex<Requests> = Mutex::new(Requests {
    begun: 0,
    waiting: Vec::new(),
});
static NOTE: Note = Note::new();
static DUE: AtomicBool = AtomicBool::new(false);
/// Cycles that are over; for those who only ask.
static OVER: AtomicU64 = AtomicU64::new(0);

fn requests() -> MutexGuard<'static, Requests> {
    REQUESTS.lock().expect("nobody panics with it")
}

/// How many collections are over.
pub fn cycles() -> u64 {
    OVER.load(Ordering::Acquire)
}

/// Wakes the collector, which decides what to do. From anywhere, in an operation.
fn wake() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        scan::set_collector(stacks::COLLECTOR);
        thread::start_own(run);
    });
    NOTE.wake();
}

/// The heap has grown to the trigger.
pub fn trigger() {
    if !DUE.swap(true, Ordering::AcqRel) {
        // What the cycle finds may wake goroutines: nobody is stuck before it is over.
        deadlock::promise();
        wake();
    }
}

/// The operation of `runtime.GC`: the goroutine goes on when a whole cycle is over, its garbage swept.
pub extern "C" fn collect() -> Outcome {
    wait_for_cycle(Why::Asked, 1)
}

/// The same for the operation of an allocation, which asks again when it results in 0.
pub fn collect_for_allocation(why: Why) -> Outcome {
    wait_for_cycle(why, 0)
}

fn wait_for_cycle(why: Why, result: usize) -> Outcome {
    let g = GRef::current();
    deadlock::promise();
    {
        let mut requests = requests();
        g.will_park(WaitReason::GcCycle);
        let cycle = requests.begun + 1;
        requests.waiting.push(Waiter {
            g,
            cycle,
            why,
            result,
        });
    }
    wake();
    Outcome::switch()
}

extern "C" fn run(_: *mut c_void) -> *mut c_void {
    thread::obey(|| NOTE.wake(), serve);
    ptr::null_mut()
}

fn serve() {
    mark::begin_thread();
    let mut last = nanotime();
    while !thread::ending() {
        // Whatever made it due counts with the cycle that begins now.
        let due = DUE.swap(false, Ordering::AcqRel);
        match wanted(last, due && pacer::is_due()) {
            Some(why) => {
                deadlock::promise();
                let begin = nanotime();
                cycle(why);
                fulfil();
                last = nanotime();
                rest(last - begin);
            }
            None if due => {}
            None => {
                NOTE.sleep_for((last + PERIOD - nanotime()).max(1_000_000));
            }
        }
        if due {
            fulfil();
        }
    }
    mark::end_thread();
}

/// A memory limit that can't be kept must not make the program do nothing but collect: half of the time at most. Go, too, then lets the heap grow beyond it.
fn rest(took: i64) {
    let end = nanotime() + took;
    while pacer::is_cramped() && requests().waiting.is_empty() && !thread::ending() {
        match end - nanotime() {
            left if left > 0 => NOTE.sleep_for(left),
            _ => return,
        };
    }
}

/// What was promised of a cycle is done. Perhaps everybody sleeps since.
fn fulfil() {
    deadlock::keep();
    deadlock::check(&global::lock());
}

fn wanted(last: i64, due: bool) -> Option<Why> {
    let requests = requests();
    let asked = requests.waiting.iter().any(|one| one.why == Why::Asked);
    let due = due || !requests.waiting.is_empty();
    drop(requests);
    match (asked, due) {
        (true, _) => Some(Why::Asked),
        (_, true) => Some(Why::Heap),
        _ => (pacer::percent() >= 0 && cycles() > 0 && nanotime() - last >= PERIOD)
            .then_some(Why::Time),
    }
}

fn cycle(why: Why) {
    let mut trace = Trace::begin(why);
    sweep::finish();
    requests().begun += 1;
    trace.marking(pacer::live());
    let (cycle, pause) = phase::begin();
    trace.began(pause);
    mark_all(cycle, &mut trace);
    trace.ended();
    sweep::finish();
    check::swept();
    let over = requests().begun;
    OVER.store(over, Ordering::Release);
    give_back(why);
    trace.print(over);
    trace.tell(over);
    tell(over);
}

/// From the stop where marking begins to the one where it ends.
fn mark_all(cycle: Cycle, trace: &mut Trace) {
    let mut goroutines = g::all();
    let tables = keep::ranges().into_iter().chain(roots::table_words());
    let mut ranges: Vec<_> = tables.chain(roots::ranges()).collect();
    let globals = ranges.iter().map(ExactSizeIterator::len).sum();
    let mut specials = true;
    loop {
        QUEUE.begin();
        goroutines.retain(|&g| !scan::visit(g, cycle));
        while let Some(range) = ranges.pop() {
            let end = range.end.min(range.start + PIECE);
            mark::with(|marker| stacks::scan_words(marker, range.start..end));
            if end < range.end {
                ranges.push(end..range.end);
            }
        }
        if std::mem::take(&mut specials) {
            mark::with(|marker| {
                special::mark_roots(&mut |address| marker.grey_if_allocated(address));
            });
        }
        drain();
        QUEUE.end();
        if !goroutines.is_empty() || !QUEUE.is_done() {
            QUEUE.wait(WAIT);
            continue;
        }
        trace.stopping();
        trace.roots(stacks::read(), globals);
        let (done, pause) = phase::end(globals);
        trace.stopped(pause);
        if done {
            return;
        }
    }
}

/// Marks until nothing is left.
fn drain() {
    let mut done = false;
    while !done {
        done = mark::work(CHUNK).done;
        pacer::revise();
        workers::start_if_useful(mark::scanned());
    }
    mark::give_up_own();
}

/// Memory that the heap won't need soon goes back to the system. Where collections follow each other quickly, what the one has no use for the next one
/// has: so not after each.
fn give_back(why: Why) {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let now = nanotime();
    if why == Why::Heap && now - LAST.load(Ordering::Relaxed) < RETURNS && !pacer::is_tight() {
        return;
    }
    LAST.store(now, Ordering::Relaxed);
    // A tenth more than the goal, as in Go: what is given back has to be asked for again, page by page.
    let goal = pacer::goal().min(layout::used());
    let keep = (goal + goal / 10).saturating_sub(pages::in_use());
    if pages::resident() > keep + PIECE {
        pages::release_to_system(keep);
    }
}

/// Those who waited for the cycle go on.
fn tell(over: u64) {
    let mut ready = Vec::new();
    {
        let mut requests = requests();
        requests.waiting.retain(|one| {
            if one.cycle <= over {
                ready.push((one.g, one.result));
            }
            one.cycle > over
        });
    }
    for (g, result) in ready {
        g.ready(result);
        deadlock::keep();
    }
}
