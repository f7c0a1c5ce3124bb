//! Model of `runq`: an owner that puts and gets, and thieves.
#![cfg(loom)]

use std::num::NonZeroUsize;

use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;
use sched::fault::{self, Fault};
use sched::runq::{CAPACITY, RunNext, RunQueue};

type Queue = RunQueue<NonZeroUsize>;

/// A queue, and what its items stand for.
struct World {
    queue: Queue,
    /// Item `i` is written before it is put, and by who gets it: the checker fails if two get it, or one before it was written.
    items: [UnsafeCell<u32>; 2 * CAPACITY],
}

impl World {
    fn new() -> Arc<World> {
        Arc::new(World {
            queue: Queue::default(),
            items: std::array::from_fn(|_| UnsafeCell::new(0)),
        })
    }

    fn touch(&self, i: usize, expected: u32) {
        self.items[i].with_mut(|item| {
            // SAFETY: the checker looks whether anyone else touches it at the same time.
            let item = unsafe { &mut *item };
            assert_eq!(*item, expected, "item {i}");
            *item += 1;
        });
    }

    fn put(&self, i: usize, next: bool) {
        self.touch(i, 0);
        let batch = self.queue.put(NonZeroUsize::new(i + 1).unwrap(), next);
        for item in batch.into_iter().flatten() {
            self.got(item);
        }
    }

    fn got(&self, item: NonZeroUsize) {
        self.touch(item.get() - 1, 1);
    }

    fn drain(&self, queue: &Queue) {
        while let Some((item, _)) = queue.get() {
            self.got(item);
        }
    }

    fn steal(&self, next: RunNext) {
        let mine = Queue::default();
        if let Some(item) = self.queue.steal_into(&mine, next) {
            self.got(item);
        }
        self.drain(&mine);
    }
}

/// The owner puts `early`, then, together with the thieves, does `owner`. In the end each of `count` items was got once.
fn model(count: usize, early: usize, thieves: &[RunNext], owner: fn(&World)) {
    let thieves = thieves.to_vec();
    let mut builder = Builder::new();
    // One thief: all interleavings there are. With two there would be too many.
    builder.preemption_bound = (thieves.len() > 1).then_some(3);
    builder.check(move || {
        let world = World::new();
        for i in 0..early {
            world.put(i, false);
        }
        let thieves: Vec<_> = thieves
            .iter()
            .map(|&next| {
                let world = world.clone();
                thread::spawn(move || world.steal(next))
            })
            .collect();
        owner(&world);
        for thief in thieves {
            thief.join().unwrap();
        }
        world.drain(&world.queue);
        assert!(world.queue.is_empty());
        for i in 0..count {
            world.touch(i, 2);
        }
    });
}

const LEAVE: RunNext = RunNext::Leave;

fn put_and_get(world: &World) {
    world.put(0, false);
    world.put(1, true);
    world.put(2, true);
    if let Some((item, inherits)) = world.queue.get() {
        assert_eq!(inherits, item.get() == 3);
        world.got(item);
    }
}

/// All but one place is taken; these fill the ring, and perhaps overflow it, and begin it anew where a thief has taken some.
fn fill(world: &World) {
    for i in CAPACITY - 1..CAPACITY + 2 {
        world.put(i, false);
    }
}

#[test]
fn a_thief_and_the_owner() {
    model(3, 0, &[LEAVE], put_and_get);
    model(3, 0, &[RunNext::Take], put_and_get);
    model(CAPACITY + 2, CAPACITY - 1, &[LEAVE], fill);
}

#[test]
fn two_thieves_and_the_owner() {
    model(3, 0, &[LEAVE, RunNext::Take], put_and_get);
}

#[test]
fn thieves_at_a_ring_that_overflows() {
    model(CAPACITY + 2, CAPACITY - 1, &[LEAVE, LEAVE], fill);
}

#[test]
fn the_last_item_is_stolen_or_got() {
    model(1, 1, &[LEAVE, LEAVE], |world| world.drain(&world.queue));
}

#[test]
fn runnext_is_stolen_or_got() {
    model(1, 0, &[RunNext::Take, RunNext::TakeLate], |world| {
        world.put(0, true);
        world.drain(&world.queue);
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_thief_that_reads_late_gets_what_was_put_later() {
    fault::with(Fault::ReadAfterSteal, || {
        model(CAPACITY + 2, CAPACITY - 1, &[LEAVE], fill);
    });
}

#[test]
#[should_panic(expected = "item ")]
fn a_tail_that_releases_nothing_shows_an_unwritten_item() {
    fault::with(Fault::RelaxedTail, || model(3, 0, &[LEAVE], put_and_get));
}

/// Item 0 moves from `runnext` to the ring while the other looks; it is there all the time.
fn look_while_it_moves() {
    loom::model(|| {
        let world = World::new();
        world.put(0, true);
        let other = world.clone();
        let look = thread::spawn(move || other.queue.is_empty());
        world.put(1, true);
        let (item, inherits) = world.queue.get().unwrap();
        assert!(item.get() == 2 && inherits);
        assert!(!look.join().unwrap(), "overlooked");
    });
}

#[test]
fn an_item_that_moves_is_not_overlooked() {
    look_while_it_moves();
}

#[test]
#[should_panic(expected = "overlooked")]
fn one_look_overlooks_an_item_that_moves() {
    fault::with(Fault::EmptyInOneLook, look_while_it_moves);
}
