//! The timers of one P.

use std::sync::Arc;

use crate::g::{GQueue, GRef};
use crate::sync::atomic::{AtomicI64, Ordering};
use crate::sync::{Mutex, MutexGuard};

use super::NEVER;
use super::heap::Heap;
use super::object::Timer;

/// Fewer dead entries than this are not worth a sweep.
const MIN_DEAD: usize = 16;

/// The timers of one P, in the order in which they are due.
pub struct Timers {
    queue: Mutex<Queue>,
    /// When the first is due: written under the lock, read without. Sequentially consistent: who adds a timer stores this and then looks
    /// whether somebody sleeps too long; who goes to sleep says until when and then loads this. One of them sees the other.
    next_when: AtomicI64,
}

struct Queue {
    heap: Heap<Entry>,
    /// How many entries are dead; may be too many by those that died on their way in or out.
    dead: usize,
}

/// What is due at some time.
pub(super) enum Entry {
    /// A goroutine that sleeps. It cannot be stopped.
    Sleeper(GRef),
    /// A timer, if this is still the number of its entry that counts.
    Timer { timer: Arc<Timer>, number: u64 },
}

impl Entry {
    /// Once false, false for ever: numbers are used once.
    fn is_live(&self) -> bool {
        match self {
            Entry::Sleeper(_) => true,
            Entry::Timer { timer, number } => timer.is_live(*number),
        }
    }
}

impl Default for Timers {
    fn default() -> Timers {
        Timers::new()
    }
}

impl Timers {
    pub const fn new() -> Timers {
        Timers {
            queue: Mutex::new(Queue {
                heap: Heap::new(),
                dead: 0,
            }),
            next_when: AtomicI64::new(NEVER),
        }
    }

    /// When the first timer is due, or [`NEVER`]. It may turn out to have been put off; one that was stopped is never the first.
    pub fn next_when(&self) -> i64 {
        self.next_when.load(Ordering::SeqCst)
    }

    /// Does what is due at `now`: puts sleepers on `ready`, their results set, and lets timers expire. Returns when the next is due.
    pub fn run(&'static self, now: i64, ready: &mut GQueue) -> i64 {
        while self.next_when() <= now {
            if let Some((timer, number)) = self.pop_due(now, ready) {
                timer.fire(number, self, now, ready);
            }
        }
        self.next_when()
    }

    /// Enters a goroutine that was parked; from now on it is the heap's.
    pub(super) fn add_sleeper(&self, when: i64, g: GRef) {
        self.add(when, Entry::Sleeper(g));
    }

    /// Enters a timer or a sleeper, and sees to it that nobody sleeps beyond its time.
    pub(super) fn add(&self, when: i64, entry: Entry) {
        if self.insert(when, entry) {
            crate::wake::timer_added(when);
        }
    }

    /// Enters a timer again that has come up in [`Timers::run`], whose caller will learn from its result when this one is due.
    pub(super) fn add_again(&self, when: i64, entry: Entry) {
        self.insert(when, entry);
    }

    /// Takes note that an entry in this heap has died.
    pub(super) fn bury(&self) {
        let mut queue = self.lock();
        queue.dead += 1;
        let removed = queue.clean();
        self.publish(&queue);
        // What a timer calls may be dropped with it: foreign code, not to be run under the lock.
        drop(queue);
        drop(removed);
    }

    /// Takes over all the timers of `from`, whose P is being retired. Nothing may be added to `from` afterwards.
    pub fn adopt(&'static self, from: &Timers) {
        for (when, entry) in from.take_all() {
            if let Entry::Timer { timer, number } = &entry
                && !timer.move_home(*number, self)
            {
                continue;
            }
            self.add(when, entry);
        }
    }

    fn take_all(&self) -> Vec<(i64, Entry)> {
        let mut queue = self.lock();
        let entries = queue.heap.take();
        queue.dead = 0;
        self.publish(&queue);
        entries
    }

    /// Whether the new entry is the first.
    fn insert(&self, when: i64, entry: Entry) -> bool {
        let mut queue = self.lock();
        // The timer may have been stopped since its lock was left. If it is stopped after this look, the burial that follows, which needs
        // this lock, finds the entry.
        if !entry.is_live() {
            drop(queue);
            return false;
        }
        let first = when < self.next_when();
        queue.heap.push(when, entry);
        self.publish(&queue);
        first
    }

    /// Puts sleepers that are due on `ready`, up to the first timer, which is returned. None if nothing is left that is due.
    fn pop_due(&self, now: i64, ready: &mut GQueue) -> Option<(Arc<Timer>, u64)> {
        let mut queue = self.lock();
        let mut due = None;
        while due.is_none() && queue.heap.peek().is_some_and(|(when, _)| when <= now) {
            match queue.heap.pop() {
                Some((_, Entry::Sleeper(g))) => {
                    g.context.value.set(0);
                    ready.push(g);
                }
                Some((_, Entry::Timer { timer, number })) => due = Some((timer, number)),
                None => {}
            }
        }
        // The new first may be dead.
        let removed = queue.clean();
        self.publish(&queue);
        drop(queue);
        drop(removed);
        due
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap()
    }

    fn publish(&self, queue: &Queue) {
        let next = queue.heap.peek().map_or(NEVER, |(when, _)| when);
        self.next_when.store(next, Ordering::SeqCst);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().heap.len()
    }
}

impl Queue {
    /// Removes dead entries from the top, and all when they are many.
    fn clean(&mut self) -> Vec<Entry> {
        let mut removed = Vec::new();
        if self.dead > MIN_DEAD && self.dead > self.heap.len() / 4 {
            removed = self.heap.retain(Entry::is_live);
            self.dead = 0;
        }
        while self.heap.peek().is_some_and(|(_, first)| !first.is_live()) {
            removed.extend(self.heap.pop().map(|(_, entry)| entry));
            self.dead = self.dead.saturating_sub(1);
        }
        removed
    }
}
