//! What a collection takes: a line for each, in Go's form (`GODEBUG=gctrace=1`), and its entry in the statistics.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use sched::p;
use sched::timer::nanotime;

use crate::collector::Why;
use crate::pacer;
use crate::phase::Pause;
use crate::stats;

static ON: AtomicBool = AtomicBool::new(false);

/// Print a line for each collection, or don't.
pub fn set(yes: bool) {
    ON.store(yes, Ordering::Relaxed);
}

/// What others are told of a collection. Times by the clock of [`nanotime`], sizes in bytes.
#[derive(Clone, Copy)]
pub struct Collection {
    pub cycle: u64,
    pub forced: bool,
    /// The world stood still from `begun` to `marking`, and from `marked` to `ended`.
    pub begun: i64,
    pub marking: i64,
    pub marked: i64,
    pub ended: i64,
    /// What was alive, or not yet known to be dead: before, when marking ended, and after it.
    pub before: usize,
    pub at_end: usize,
    pub after: usize,
}

static OBSERVER: OnceLock<fn(&Collection)> = OnceLock::new();

/// From now on `observer` is told of every collection, once it has swept, on a goroutine of the collector's; the first one counts.
pub fn observe(observer: fn(&Collection)) {
    let _ = OBSERVER.set(observer);
}

/// One cycle's times and sizes.
pub struct Trace {
    why: Why,
    began: i64,
    ended: i64,
    first: Pause,
    last: Pause,
    /// Stops that were in vain: somebody had found more.
    others: i64,
    goal: usize,
    before: usize,
    at_end: usize,
    after: usize,
    stacks: usize,
    globals: usize,
}

impl Trace {
    pub fn begin(why: Why) -> Trace {
        Trace {
            why,
            began: 0,
            ended: 0,
            first: Pause::default(),
            last: Pause::default(),
            others: 0,
            goal: 0,
            before: 0,
            at_end: 0,
            after: 0,
            stacks: 0,
            globals: 0,
        }
    }

    /// The stop is about to come; so many bytes are live.
    pub fn marking(&mut self, live: usize) {
        self.goal = pacer::goal();
        self.before = live;
    }

    pub fn began(&mut self, pause: Pause) {
        self.first = pause;
        self.began = nanotime();
    }

    pub fn roots(&mut self, stacks: usize, globals: usize) {
        self.stacks = stacks;
        self.globals = globals;
    }

    /// Marking seems to be over.
    pub fn stopping(&mut self) {
        self.ended = nanotime();
        self.at_end = pacer::live();
    }

    pub fn stopped(&mut self, pause: Pause) {
        self.others += self.last.total();
        self.last = pause;
    }

    /// Marking is over.
    pub fn ended(&mut self) {
        self.after = pacer::live();
        let pause = self.first.total() + self.last.total() + self.others;
        let ended = SystemTime::now().duration_since(UNIX_EPOCH);
        stats::add_cycle(stats::Cycle {
            forced: self.why == Why::Asked,
            pause: pause as u64,
            ended: ended.map_or(0, |since| since.as_nanos() as u64),
            cpu: (pause + self.ended - self.began) as u64,
        });
    }

    /// Tells who wants to know.
    pub fn tell(&self, cycle: u64) {
        if let Some(observer) = OBSERVER.get() {
            observer(&Collection {
                cycle,
                forced: self.why == Why::Asked,
                begun: self.began - self.first.total(),
                marking: self.began,
                marked: self.ended,
                ended: self.ended + self.last.total(),
                before: self.before,
                at_end: self.at_end,
                after: self.after,
            });
        }
    }

    /// `gc 1 @0.013s 2%: 0.018+1.3+0.076 ms clock, 0.036+0/1.3/0+0.15 ms cpu, 4->4->2 MB, 5 MB goal, 0 MB stacks, 0 MB globals, 2 P`
    pub fn print(&self, cycle: u64) {
        if !ON.load(Ordering::Relaxed) {
            return;
        }
        let procs = p::count() as i64;
        let since = (nanotime() - started()).max(1);
        let percent = (stats::cycles().cpu_fraction(since * procs) * 100.0) as i64;
        let clock = [
            self.first.total(),
            self.ended - self.began,
            self.last.total(),
        ]
        .map(millis);
        let cpu = [procs * self.first.total(), procs * self.last.total()].map(millis);
        let mib = |bytes: usize| bytes >> 20;
        let forced = if self.why == Why::Asked {
            " (forced)"
        } else {
            ""
        };
        eprintln!(
            "gc {cycle} @{}.{:03}s {percent}%: {}+{}+{} ms clock, {}+0/{}/0+{} ms cpu, {}->{}->{} MB, {} MB goal, {} MB stacks, {} MB globals, {procs} P{forced}",
            since / 1_000_000_000,
            since / 1_000_000 % 1000,
            clock[0],
            clock[1],
            clock[2],
            cpu[0],
            clock[1],
            cpu[1],
            mib(self.before),
            mib(self.at_end),
            mib(self.after),
            mib(self.goal),
            mib(self.stacks),
            mib(self.globals),
        );
    }
}

/// When this was called first, by the start of the heap: times are since then.
pub fn started() -> i64 {
    static STARTED: OnceLock<i64> = OnceLock::new();
    *STARTED.get_or_init(nanotime)
}

/// Nanoseconds in milliseconds, with two significant digits at least, as Go prints them.
fn millis(ns: i64) -> String {
    let micros = ns as f64 / 1000.0;
    match micros {
        ..10.0 => format!("{:.4}", micros / 1000.0),
        ..100.0 => format!("{:.3}", micros / 1000.0),
        ..1000.0 => format!("{:.2}", micros / 1000.0),
        ..10_000.0 => format!("{:.1}", micros / 1000.0),
        _ => format!("{:.0}", micros / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn times_have_two_digits() {
        let shown = [0, 7_100, 18_000, 130_000, 1_300_000, 26_000_000].map(millis);
        assert_eq!(shown, ["0.0000", "0.0071", "0.018", "0.13", "1.3", "26"]);
    }
}
