//! When a collection begins, and who works for it.
//!
//! The *goal* is how large the heap may be when a marking ends: what the marking before found, and GOGC percent more (of that, of stacks and of global
//! variables); at least 4 MiB times GOGC/100; and no more than the memory limit leaves. Marking begins before, at the *trigger*, so early that it should
//! end at the goal: from the bytes that were allocated for each that was looked through, last time. If allocation is faster than that, who allocates
//! *assists*: it marks as much as keeps the balance, unless the collector is ahead anyway (*credit*).

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use stack::Outcome;
use stack::sync::{Mutex, MutexGuard};

use crate::alloc::Again;
use crate::barrier;
use crate::collector::{self, Why};
use crate::layout;
use crate::mark::{self, QUEUE};
use crate::pages;

/// The least goal with GOGC=100, in bytes.
const LEAST: usize = 4 << 20;
/// Without a limit.
pub const NO_LIMIT: i64 = i64::MAX;
/// GOGC=off.
pub const OFF: i32 = -1;
/// An assist looks through so many bytes of objects at least, for it has a price of its own; and at most, for its goroutine has other things to do.
const LEAST_ASSIST: usize = 64 << 10;
const MOST_ASSIST: usize = 1 << 20;

/// How often an assist asks others for work, and how long it waits for an answer: nobody can stop the world meanwhile.
const ASKS: usize = 3;
const SHORTLY: Duration = Duration::from_micros(30);

/// Bytes that are allocated, or kept for it by a P's cache; as the last marking left them, and what came since.
static LIVE: AtomicUsize = AtomicUsize::new(0);
/// With so many of them a collection begins.
static TRIGGER: AtomicUsize = AtomicUsize::new(LEAST);
static GOAL: AtomicUsize = AtomicUsize::new(LEAST);
/// What the collector has looked through and nobody's allocation has claimed, in bytes.
static CREDIT: AtomicI64 = AtomicI64::new(0);
/// Bytes to look through for each that is allocated, an f64's bits.
static RATIO: AtomicU64 = AtomicU64::new(0);

struct Plan {
    /// GOGC; [`OFF`]: none but the memory limit begins collections.
    percent: i32,
    /// GOMEMLIMIT, in bytes.
    limit: i64,
    /// Bytes that the last marking found, and looked through.
    marked: usize,
    scanned: usize,
    /// Bytes of stacks and global variables that it has read.
    roots: usize,
    /// Live bytes when marking began.
    before: usize,
    /// Bytes of spans beyond what was allocated in them, when the last marking ended.
    loss: usize,
    /// Bytes allocated while marking, for each that was looked through.
    rate: f64,
}

static PLAN: Mutex<Plan> = Mutex::new(Plan {
    percent: 100,
    limit: NO_LIMIT,
    marked: 0,
    scanned: 0,
    roots: 0,
    before: 0,
    loss: 0,
    rate: 0.5,
});

fn lock() -> MutexGuard<'static, Plan> {
    PLAN.lock().expect("nobody panics with it")
}

/// Bytes that are allocated, or kept for it by a P's cache, garbage included that came about since the last marking.
pub fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// How large the heap may become, in bytes.
pub fn goal() -> usize {
    GOAL.load(Ordering::Relaxed)
}

/// Reads GOGC and GOMEMLIMIT. Ends the program, as Go does, when GOMEMLIMIT is no size.
pub fn read_environment() {
    let mut plan = lock();
    match std::env::var("GOGC").ok().as_deref() {
        Some("off") => plan.percent = OFF,
        Some(text) => plan.percent = text.parse().unwrap_or(100),
        None => {}
    }
    if let Ok(text) = std::env::var("GOMEMLIMIT")
        && !text.is_empty()
    {
        match parse_size(&text) {
            Some(limit) => plan.limit = limit,
            None => sched::fatal::throw(
                &format!("GOMEMLIMIT={text}\n"),
                "malformed GOMEMLIMIT; see `go doc runtime/debug.SetMemoryLimit`",
            ),
        }
    }
    plan.follow();
}

/// `123`, `123B`, `4KiB`, …, `off`.
fn parse_size(text: &str) -> Option<i64> {
    const UNITS: [(&str, u32); 5] = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("B", 0)];
    if text == "off" {
        return Some(NO_LIMIT);
    }
    let unit = UNITS.iter().find(|(name, _)| text.ends_with(name));
    let (digits, shift) = match unit {
        Some((name, shift)) => (&text[..text.len() - name.len()], *shift),
        None => (text, 0),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = digits.parse().ok()?;
    number.checked_mul(1 << shift)
}

/// `debug.SetGCPercent`: what it was. Below 0: off.
pub fn set_percent(percent: i32) -> i32 {
    let mut plan = lock();
    let before = std::mem::replace(&mut plan.percent, percent.max(OFF));
    plan.follow();
    drop(plan);
    ask();
    before
}

/// `debug.SetMemoryLimit`: what it was. Below 0 nothing changes.
pub fn set_limit(bytes: i64) -> i64 {
    let mut plan = lock();
    let before = plan.limit;
    if bytes >= 0 {
        plan.limit = bytes;
        plan.follow();
    }
    drop(plan);
    ask();
    before
}

/// Whether there is a memory limit.
pub fn is_tight() -> bool {
    lock().limit != NO_LIMIT
}

/// GOGC, below 0 if it is off.
pub fn percent() -> i32 {
    lock().percent
}

impl Plan {
    /// Goal and trigger, as things stand.
    fn follow(&mut self) {
        let goal = self.goal();
        let trigger = self.trigger(goal);
        GOAL.store(goal, Ordering::Relaxed);
        TRIGGER.store(trigger, Ordering::Relaxed);
    }

    fn goal_of_percent(&self) -> usize {
        let Ok(percent) = usize::try_from(self.percent) else {
            return usize::MAX;
        };
        let more = (self.marked + self.roots) as u128 * percent as u128 / 100;
        let least = LEAST * percent / 100;
        self.marked.saturating_add(more as usize).max(least)
    }

    fn goal(&self) -> usize {
        let goal = self.goal_of_percent();
        if self.limit == NO_LIMIT {
            return goal;
        }
        // What isn't the heap's counts as well: tables, stacks, spans that are partly free.
        let stacks = stack::memory::stats().inuse_bytes;
        let others = layout::table_bytes() + stacks + self.loss;
        let left = usize::try_from(self.limit)
            .unwrap_or(0)
            .saturating_sub(others);
        // Less than what is in use can't be had.
        goal.min(left.max(self.marked))
    }

    /// Go's bounds: between seven tenths and nineteen twentieths of the way to the goal.
    fn trigger(&self, goal: usize) -> usize {
        if goal == usize::MAX {
            return goal;
        }
        let way = goal.saturating_sub(self.marked);
        let (low, high) = (self.marked + way / 10 * 7, self.marked + way / 20 * 19);
        let runway = (self.rate * self.scanned as f64) as usize;
        goal.saturating_sub(runway).clamp(low, high)
    }
}

/// Whether the memory limit leaves next to nothing beyond what is in use: collections would follow one another.
pub fn is_cramped() -> bool {
    let plan = lock();
    plan.limit != NO_LIMIT
        && goal() < plan.goal_of_percent()
        && goal() < plan.marked + plan.marked / 8
}

/// Whether so much is allocated that a collection is to begin.
pub fn is_due() -> bool {
    live() >= TRIGGER.load(Ordering::Relaxed)
}

/// Marking begins: the world is stopped.
pub fn begin() {
    let mut plan = lock();
    plan.before = live();
    drop(plan);
    CREDIT.store(0, Ordering::Relaxed);
    revise();
}

/// The collector is about to go on marking: how much others have to do for it.
pub fn revise() {
    let plan = lock();
    // As large a part of what is there will have to be looked through as last time.
    let part = match plan.marked {
        0 => 1.0,
        marked => (plan.scanned as f64 / marked as f64).min(1.0),
    };
    let expected = (plan.before as f64 * part).max((1 << 20) as f64);
    let scanned = mark::scanned() as f64;
    let left = (expected - scanned).max(expected / 10.0);
    let mut goal = goal() as f64;
    let live = live() as f64;
    if live >= goal {
        // Late: a tenth more, then.
        goal *= 1.1;
    }
    let room = (goal - live).max((1 << 20) as f64);
    RATIO.store((left / room).min(100.0).to_bits(), Ordering::Relaxed);
}

/// Marking has ended: the world is stopped, and the Ps hold no spans. `roots`: bytes of stacks and variables that were read.
pub fn end(roots: usize) {
    let mut plan = lock();
    let fresh = live().saturating_sub(plan.before);
    plan.scanned = mark::scanned();
    plan.marked = mark::marked() + fresh;
    plan.roots = roots;
    let rate = fresh as f64 / plan.scanned.max(1 << 20) as f64;
    // A quarter of the difference: one cycle may be an exception.
    plan.rate += (rate.min(10.0) - plan.rate) / 4.0;
    // Before what is to be swept isn't counted as live any more: it still has its spans.
    plan.loss = pages::in_use().saturating_sub(live());
    LIVE.store(plan.marked, Ordering::Relaxed);
    plan.follow();
}

/// Somebody is about to take memory for so many bytes of objects, in an operation of a P's: work for the collector, in proportion. Again: the goroutine
/// has to wait, and has been parked.
pub fn assist(bytes: usize) -> Result<(), Again> {
    if barrier::marking() {
        help(bytes);
    } else if is_late() {
        let _parked: Outcome = collector::collect_for_allocation(Why::Heap);
        return Err(Again);
    }
    Ok(())
}

/// Whether the heap is far beyond its goal, and nobody marks yet: the collector's thread hasn't had its turn. Then nobody may allocate more before it has.
fn is_late() -> bool {
    let goal = goal();
    live() > goal.saturating_add(goal / 4) && !is_cramped()
}

#[cold]
fn help(bytes: usize) {
    let ratio = f64::from_bits(RATIO.load(Ordering::Relaxed));
    let debt = (bytes as f64 * ratio) as i64;
    let credit = CREDIT.fetch_sub(debt, Ordering::Relaxed);
    if credit >= debt {
        return;
    }
    let debt = (debt - credit.max(0)) as usize;
    let mut left = debt.clamp(LEAST_ASSIST, MOST_ASSIST);
    for _ in 0..ASKS {
        QUEUE.begin();
        let done = mark::work(left).bytes;
        QUEUE.end();
        left = left.saturating_sub(done);
        if left == 0 {
            return;
        }
        // Others have all there is: they share when they see that somebody waits.
        QUEUE.wait(SHORTLY);
    }
}

/// Objects of so many bytes were looked through.
pub fn earn(bytes: usize) {
    // What is lacking was never done: it isn't made up for for ever.
    let credit = CREDIT.fetch_add(bytes as i64, Ordering::Relaxed);
    if credit < -(MOST_ASSIST as i64) {
        CREDIT.store(0, Ordering::Relaxed);
    }
}

/// A P has taken memory for so many bytes of objects.
pub fn take(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    if live >= TRIGGER.load(Ordering::Relaxed) && !barrier::marking() {
        collector::trigger();
    }
}

fn ask() {
    if is_due() {
        collector::trigger();
    }
}

/// A P gives back what it had taken, and not used.
pub fn give(bytes: usize) {
    LIVE.fetch_sub(bytes, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(percent: i32, marked: usize) -> Plan {
        Plan {
            percent,
            limit: NO_LIMIT,
            marked,
            scanned: marked,
            roots: 0,
            before: 0,
            loss: 0,
            rate: 0.0,
        }
    }

    #[test]
    fn sizes_are_read_as_go_reads_them() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("123", Some(123)),
            ("7B", Some(7)),
            ("4KiB", Some(4 << 10)),
            ("2MiB", Some(2 << 20)),
            ("1GiB", Some(1 << 30)),
            ("1TiB", Some(1 << 40)),
            ("off", Some(NO_LIMIT)),
            ("", None),
            ("KiB", None),
            ("-1", None),
            ("4KB", None),
            ("9999999999TiB", None),
        ] {
            assert_eq!(parse_size(text), bytes, "{text}");
        }
    }

    #[test]
    fn the_goal_is_what_is_used_and_as_many_percent() {
        for (percent, marked, goal) in [
            (100, 0, 4 << 20),
            (100, 100 << 20, 200 << 20),
            (50, 100 << 20, 150 << 20),
            (200, 1 << 20, 8 << 20),
            (OFF, 1 << 30, usize::MAX),
        ] {
            assert_eq!(plan(percent, marked).goal() >> 10, goal >> 10, "{percent}");
        }
    }

    #[test]
    fn marking_begins_earlier_the_more_is_allocated_meanwhile() {
        let mut plan = plan(100, 100 << 20);
        let goal = plan.goal();
        plan.rate = 0.0;
        assert_eq!(plan.trigger(goal) >> 20, 195);
        plan.rate = 0.2;
        assert_eq!(plan.trigger(goal) >> 20, 180);
        plan.rate = 9.0;
        assert_eq!(plan.trigger(goal) >> 20, 170);
        assert_eq!(plan.trigger(usize::MAX), usize::MAX);
    }
}
