//! Channels, select, semaphores and what sync builds on them, under the model checker:
//! `RUSTFLAGS="--cfg loom" cargo test -p crosscall-sched --release --test model_chan`.
//!
//! Goroutines are the checker's threads; everything else is the scheduler's own code. A wake-up that is lost shows as a deadlock.
//! Each model is checked as the code is, and must fail with each mistake that it is there to find.
#![cfg(loom)]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::rc::Rc;

use sched::chan::{self, CLOSED, Chan, DONE, WOULD_BLOCK};
use sched::fault::{self, Fault};
use sched::mutex::{self, Mutex, Unlocked};
use sched::notify::NotifyList;
use sched::reason::WaitReason;
use sched::select::{self, Case, PARKED, SUCCESS, Select};
use sched::sema;
use sched::sync::atomic::{AtomicU32, Ordering};
use sched::waitgroup::{Added, WAITED, WaitGroup};
use sched::{Goroutines, enter};

/// Checks `model` with up to `preemptions` of threads that could go on, and that it fails with each of `faults`.
fn check(preemptions: usize, faults: &[Fault], model: fn(&mut Goroutines)) {
    let run = move || {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(preemptions);
        builder.max_branches = 10_000;
        builder.check(move || {
            let mut goroutines = Goroutines::default();
            model(&mut goroutines);
            goroutines.join();
        });
    };
    run();
    for &fault in faults {
        let found = catch_unwind(AssertUnwindSafe(|| fault::with(fault, run))).is_err();
        assert!(found, "{fault:?} isn't found");
    }
}

/// A channel of 64-bit numbers, freed with the last of its goroutines.
#[derive(Clone)]
struct Ch(Rc<Owned>);

struct Owned(NonNull<Chan>);

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: nobody has it any more.
        unsafe { Chan::free(self.0) };
    }
}

impl Ch {
    fn new(cap: usize) -> Ch {
        Ch(Rc::new(Owned(Chan::new(8, cap).unwrap())))
    }

    fn chan(&self) -> &Chan {
        // SAFETY: freed with the last handle.
        unsafe { self.0.0.as_ref() }
    }

    fn send(&self, value: u64) -> usize {
        // SAFETY: the value stays until the goroutine goes on.
        enter(|g| unsafe { chan::send(Some(self.chan()), g, (&raw const value).cast()) })
    }

    fn recv(&self) -> Option<u64> {
        let mut value = u64::MAX;
        let place = (&raw mut value).cast();
        // SAFETY: the place stays until the goroutine goes on.
        match enter(|g| unsafe { chan::recv(Some(self.chan()), g, place) }) {
            DONE => Some(value),
            result => {
                assert_eq!((result, value), (CLOSED, 0));
                None
            }
        }
    }

    /// Sends from outside of any goroutine.
    fn fill(&self, value: u64) {
        // SAFETY: the value is there.
        let sent = unsafe { chan::try_send(Some(self.chan()), (&raw const value).cast()) };
        assert_eq!(sent.value, DONE);
    }

    fn try_recv(&self) -> (usize, u64) {
        let mut value = u64::MAX;
        let place = (&raw mut value).cast();
        // SAFETY: the place is there.
        let result = enter(|_| unsafe { chan::try_recv(Some(self.chan()), place) });
        (result, value)
    }

    fn close(&self) -> usize {
        enter(|_| chan::close(Some(self.chan())))
    }
}

/// What goroutines tell: loom runs them by turns on one thread.
type Log<T> = Rc<RefCell<Vec<T>>>;

/// A select of two cases: the number of the chosen one, and its success.
fn select2(cases: [Case; 2], block: bool) -> Option<(usize, bool)> {
    let mut order = [0u16; 4];
    // SAFETY: the cases stay until the select has ended, and there is room for two orders of two.
    let statement = unsafe { Select::new(&cases, order.as_mut_ptr()) };
    // SAFETY: as above; this goroutine runs.
    let mut value = enter(|g| unsafe { select::begin(&statement, g, block) });
    if value == select::DEFAULT {
        return None;
    }
    if value & PARKED != 0 {
        // SAFETY: as above.
        value = enter(|_| unsafe { select::finish(&statement, value) });
    }
    Some((value >> select::CASE_SHIFT, value & SUCCESS != 0))
}

#[test]
fn unbuffered_hand_off() {
    check(5, &[Fault::RecvRelocks], |goroutines| {
        let ch = Ch::new(0);
        let sender = ch.clone();
        goroutines.go(move || {
            assert_eq!(sender.send(1), DONE);
            assert_eq!(sender.send(2), DONE);
        });
        goroutines.go(move || {
            assert_eq!(ch.recv(), Some(1));
            assert_eq!(ch.recv(), Some(2));
        });
    });
}

#[test]
fn buffered_values_come_in_order_and_before_the_close() {
    check(
        3,
        &[Fault::RecvRelocks, Fault::CloseMarksLate],
        |goroutines| {
            let ch = Ch::new(1);
            let sender = ch.clone();
            goroutines.go(move || {
                assert_eq!(sender.send(1), DONE);
                assert_eq!(sender.send(2), DONE);
                assert_eq!(sender.close(), DONE);
            });
            goroutines.go(move || {
                assert_eq!(ch.recv(), Some(1));
                assert_eq!(ch.recv(), Some(2));
                assert_eq!(ch.recv(), None);
            });
        },
    );
}

#[test]
fn two_receivers_share_what_one_sends() {
    check(3, &[Fault::RecvRelocks], |goroutines| {
        let ch = Ch::new(0);
        let log = Log::default();
        for _ in 0..2 {
            let (ch, log) = (ch.clone(), log.clone());
            goroutines.go(move || {
                let value = ch.recv().unwrap();
                let mut log: std::cell::RefMut<'_, Vec<u64>> = log.borrow_mut();
                assert!(!log.contains(&value), "received twice");
                log.push(value);
            });
        }
        goroutines.go(move || {
            assert_eq!(ch.send(1), DONE);
            assert_eq!(ch.send(2), DONE);
        });
    });
}

#[test]
fn two_senders_lose_nothing() {
    check(3, &[Fault::RecvRelocks], |goroutines| {
        let ch = Ch::new(1);
        for value in [1, 2] {
            let ch = ch.clone();
            goroutines.go(move || assert_eq!(ch.send(value), DONE));
        }
        goroutines.go(move || {
            let sum = ch.recv().unwrap() + ch.recv().unwrap();
            assert_eq!(sum, 3);
        });
    });
}

#[test]
fn a_close_wakes_all_receivers() {
    check(3, &[Fault::CloseMarksLate], |goroutines| {
        let ch = Ch::new(0);
        for _ in 0..2 {
            let ch = ch.clone();
            goroutines.go(move || assert_eq!(ch.recv(), None));
        }
        goroutines.go(move || assert_eq!(ch.close(), DONE));
    });
}

#[test]
fn a_close_wakes_all_senders() {
    check(3, &[Fault::CloseMarksLate], |goroutines| {
        let ch = Ch::new(0);
        for value in 0..2 {
            let ch = ch.clone();
            goroutines.go(move || assert_eq!(ch.send(value), CLOSED));
        }
        goroutines.go(move || assert_eq!(ch.close(), DONE));
    });
}

#[test]
fn one_of_two_closes_is_told() {
    check(5, &[], |goroutines| {
        let ch = Ch::new(0);
        let log = Log::default();
        for _ in 0..2 {
            let (ch, log) = (ch.clone(), log.clone());
            goroutines.go(move || {
                let result = ch.close();
                let mut log: std::cell::RefMut<'_, Vec<usize>> = log.borrow_mut();
                assert!(!log.contains(&result));
                log.push(result);
            });
        }
    });
}

#[test]
fn a_channel_that_was_never_open_and_empty_is_not_found_so() {
    check(5, &[Fault::ClosedBeforeEmpty], |goroutines| {
        let ch = Ch::new(1);
        ch.fill(7);
        let other = ch.clone();
        goroutines.go(move || {
            assert_eq!(ch.close(), DONE);
            assert!(matches!(ch.try_recv(), (DONE, 7) | (CLOSED, 0)));
        });
        goroutines.go(move || assert_ne!(other.try_recv().0, WOULD_BLOCK));
    });
}

#[test]
fn what_was_sent_before_the_close_is_received() {
    check(5, &[Fault::ClosedInTwoLooks], |goroutines| {
        let ch = Ch::new(1);
        let other = ch.clone();
        goroutines.go(move || {
            assert_eq!(ch.send(7), DONE);
            assert_eq!(ch.close(), DONE);
        });
        goroutines.go(move || {
            let (result, value) = other.try_recv();
            assert!(result == WOULD_BLOCK || (result, value) == (DONE, 7));
        });
    });
}

#[test]
fn a_try_receive_meets_a_parked_sender_or_says_so() {
    check(5, &[], |goroutines| {
        let ch = Ch::new(0);
        let sender = ch.clone();
        goroutines.go(move || assert_eq!(sender.send(7), DONE));
        goroutines.go(move || {
            let (result, value) = ch.try_recv();
            if result == WOULD_BLOCK {
                assert_eq!(ch.recv(), Some(7));
            } else {
                assert_eq!((result, value), (DONE, 7));
            }
        });
    });
}

#[test]
fn selects_meet_through_one_channel() {
    check(3, &[Fault::SelectLocksUnsorted], |goroutines| {
        let (a, b) = (Ch::new(0), Ch::new(0));
        let (c, d) = (a.clone(), b.clone());
        let log: Log<(usize, u64)> = Log::default();
        let told = log.clone();
        goroutines.go(move || {
            let values = [1u64, 2];
            let cases = [
                Case::send(Some(a.chan()), (&raw const values[0]).cast()),
                Case::send(Some(b.chan()), (&raw const values[1]).cast()),
            ];
            let (case, success) = select2(cases, true).unwrap();
            assert!(success);
            log.borrow_mut().push((case, values[case]));
        });
        goroutines.go(move || {
            let mut values = [0u64; 2];
            let cases = [
                Case::recv(Some(d.chan()), (&raw mut values[0]).cast()),
                Case::recv(Some(c.chan()), (&raw mut values[1]).cast()),
            ];
            let (case, success) = select2(cases, true).unwrap();
            assert!(success);
            assert_eq!(values[1 - case], 0);
            told.borrow_mut().push((1 - case, values[case]));
            let told = told.borrow();
            assert!(told.iter().all(|entry| *entry == told[0]));
            assert!(c.chan().would_block_send() && d.chan().would_block_send());
        });
    });
}

#[test]
fn a_select_is_woken_once() {
    check(3, &[Fault::SelectWonTwice], |goroutines| {
        let (a, b) = (Ch::new(0), Ch::new(0));
        for (ch, value) in [(a.clone(), 1), (b.clone(), 2)] {
            goroutines.go(move || assert_eq!(ch.send(value), DONE));
        }
        goroutines.go(move || {
            let mut seen = 0;
            for _ in 0..2 {
                let mut values = [0u64; 2];
                let cases = [
                    Case::recv(Some(a.chan()), (&raw mut values[0]).cast()),
                    Case::recv(Some(b.chan()), (&raw mut values[1]).cast()),
                ];
                let (case, success) = select2(cases, true).unwrap();
                assert!(success);
                assert_eq!(values[case], case as u64 + 1);
                assert_eq!(values[1 - case], 0);
                seen += values[case];
            }
            assert_eq!(seen, 3);
        });
    });
}

#[test]
fn a_select_leaves_the_queues_of_other_cases() {
    check(5, &[Fault::SelectStaysQueued], |goroutines| {
        let (a, b) = (Ch::new(0), Ch::new(0));
        let sender = a.clone();
        goroutines.go(move || assert_eq!(sender.send(1), DONE));
        goroutines.go(move || {
            let (mut first, mut second) = (0u64, 0u64);
            let cases = [
                Case::recv(Some(a.chan()), (&raw mut first).cast()),
                Case::recv(Some(b.chan()), (&raw mut second).cast()),
            ];
            assert_eq!(select2(cases, true), Some((0, true)));
            assert_eq!((first, second), (1, 0));
            assert!(b.chan().would_block_send(), "still in the queue of b");
        });
    });
}

#[test]
fn a_close_wakes_a_select_through_one_case() {
    check(3, &[Fault::CloseMarksLate], |goroutines| {
        let (a, b) = (Ch::new(0), Ch::new(0));
        for ch in [a.clone(), b.clone()] {
            goroutines.go(move || assert_eq!(ch.close(), DONE));
        }
        goroutines.go(move || {
            let (mut received, sent) = (9u64, 1u64);
            let cases = [
                Case::recv(Some(a.chan()), (&raw mut received).cast()),
                Case::send(Some(b.chan()), (&raw const sent).cast()),
            ];
            let (case, success) = select2(cases, true).unwrap();
            assert!(!success);
            assert!(case == 1 || received == 0);
        });
    });
}

#[test]
fn a_select_with_a_default_goes_on() {
    check(5, &[], |goroutines| {
        let (a, b) = (Ch::new(0), Ch::new(0));
        let sender = b.clone();
        goroutines.go(move || assert_eq!(sender.send(3), DONE));
        goroutines.go(move || {
            let mut value = 0u64;
            let place = (&raw mut value).cast();
            let cases = [
                Case::recv(Some(a.chan()), ptr::null_mut()),
                Case::recv(Some(b.chan()), place),
            ];
            match select2(cases, false) {
                None => assert_eq!(b.recv(), Some(3)),
                chosen => assert_eq!((chosen, value), (Some((1, true)), 3)),
            }
        });
    });
}

fn acquire(semaphore: &AtomicU32) {
    // SAFETY: the semaphore stays until the goroutine goes on.
    let result = enter(|g| unsafe { sema::acquire(semaphore, g, false, WaitReason::Semacquire) });
    assert_eq!(result, sema::ACQUIRED);
}

fn release(semaphore: &AtomicU32, handoff: bool) {
    // SAFETY: the semaphore is valid.
    enter(|g| unsafe { sema::release(semaphore, g, handoff) });
}

#[test]
fn a_semaphore_wakes_who_waits() {
    check(5, &[Fault::SemaphoreCountsLate], |goroutines| {
        let semaphore = Rc::new(AtomicU32::new(0));
        let other = semaphore.clone();
        goroutines.go(move || acquire(&semaphore));
        goroutines.go(move || release(&other, false));
    });
}

#[test]
fn as_many_tokens_as_waiters() {
    check(2, &[Fault::SemaphoreCountsLate], |goroutines| {
        let semaphore = Rc::new(AtomicU32::new(0));
        for _ in 0..2 {
            let semaphore = semaphore.clone();
            goroutines.go(move || acquire(&semaphore));
        }
        goroutines.go(move || {
            release(&semaphore, false);
            release(&semaphore, true);
        });
    });
}

#[test]
fn semaphores_of_one_root_are_apart() {
    check(3, &[Fault::SemaphoreCountsLate], |goroutines| {
        let semaphores = Rc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        for index in 0..2 {
            let semaphores = semaphores.clone();
            goroutines.go(move || {
                acquire(&semaphores[index]);
                assert_eq!(semaphores[index].load(Ordering::Relaxed), 0);
            });
        }
        goroutines.go(move || {
            release(&semaphores[1], false);
            release(&semaphores[0], false);
        });
    });
}

fn done(group: &WaitGroup) {
    match group.add(-1) {
        Added::Done => {}
        Added::Release(waiters) => {
            enter(|_| group.release(waiters));
        }
        wrong => panic!("{wrong:?}"),
    }
}

fn wait(group: &WaitGroup) {
    if group.is_zero() {
        return;
    }
    if enter(|g| group.wait(g)) == WAITED {
        assert!(group.waited(), "reused");
    }
}

#[test]
fn a_wait_group_is_waited_for() {
    check(
        3,
        &[Fault::WaitGroupResetsLate, Fault::SemaphoreCountsLate],
        |goroutines| {
            let group = Rc::new(WaitGroup::new());
            let work = Rc::new(loom::cell::Cell::new(0));
            assert_eq!(group.add(1), Added::Done);
            let (worker, finished) = (group.clone(), work.clone());
            goroutines.go(move || {
                finished.set(1);
                done(&worker);
            });
            goroutines.go(move || {
                wait(&group);
                assert_eq!(work.get(), 1);
                // It may be used again at once.
                assert_eq!(group.add(1), Added::Done);
                done(&group);
                wait(&group);
            });
        },
    );
}

#[test]
fn a_wait_group_of_two_with_two_who_wait() {
    check(2, &[Fault::SemaphoreCountsLate], |goroutines| {
        let group = Rc::new(WaitGroup::new());
        let work = Rc::new([0, 0].map(loom::cell::Cell::new));
        assert_eq!(group.add(2), Added::Done);
        for index in 0..2 {
            let (group, work) = (group.clone(), work.clone());
            goroutines.go(move || {
                work[index].set(1);
                done(&group);
                if index == 0 {
                    wait(&group);
                    assert_eq!(work[1].get(), 1);
                }
            });
        }
        goroutines.go(move || {
            wait(&group);
            assert_eq!((work[0].get(), work[1].get()), (1, 1));
        });
    });
}

fn lock(mutex: &Mutex) {
    if mutex.try_lock() {
        return;
    }
    let mut attempt = 0;
    while enter(|g| mutex.lock(g, attempt)) == mutex::AGAIN {
        attempt += 1;
    }
}

fn unlock(mutex: &Mutex) {
    match mutex.unlock() {
        Unlocked::Done => {}
        Unlocked::Awaited(state) => {
            enter(|g| mutex.unlock_slow(g, state));
        }
        Unlocked::Never => panic!("not locked"),
    }
}

#[test]
fn a_mutex_excludes_and_wakes() {
    check(4, &[Fault::MutexKeepsWoken], |goroutines| {
        let shared = Rc::new((Mutex::new(), loom::cell::Cell::new(0)));
        for times in [2, 1] {
            let shared = shared.clone();
            goroutines.go(move || {
                for _ in 0..times {
                    lock(&shared.0);
                    shared.1.set(shared.1.get() + 1);
                    unlock(&shared.0);
                }
            });
        }
    });
}

#[test]
fn a_starving_mutex_is_handed_over() {
    check(3, &[Fault::MutexTakenOnItsWay], |goroutines| {
        let shared = Rc::new((Mutex::new(), loom::cell::Cell::new(0)));
        assert!(shared.0.try_lock());
        let other = shared.clone();
        goroutines.go(move || {
            lock(&other.0);
            other.1.set(other.1.get() + 1);
            unlock(&other.0);
        });
        goroutines.go(move || {
            unlock(&shared.0);
            // Often enough for the other to lose its patience.
            for _ in 0..3 {
                lock(&shared.0);
                shared.1.set(shared.1.get() + 1);
                unlock(&shared.0);
            }
        });
    });
}

#[test]
fn a_condition_is_signalled() {
    check(5, &[Fault::NotifyForgetsTicket], |goroutines| {
        let shared = Rc::new((
            Mutex::new(),
            NotifyList::new(),
            loom::cell::Cell::new(false),
        ));
        let other = shared.clone();
        goroutines.go(move || {
            lock(&shared.0);
            while !shared.2.get() {
                let ticket = shared.1.ticket();
                unlock(&shared.0);
                enter(|g| shared.1.wait(g, ticket));
                lock(&shared.0);
            }
            unlock(&shared.0);
        });
        goroutines.go(move || {
            lock(&other.0);
            other.2.set(true);
            unlock(&other.0);
            enter(|_| other.1.notify_one());
        });
    });
}

#[test]
fn a_condition_is_told_to_all() {
    check(3, &[Fault::NotifyForgetsTicket], |goroutines| {
        let list = Rc::new(NotifyList::new());
        for _ in 0..2 {
            let list = list.clone();
            let ticket = list.ticket();
            goroutines.go(move || {
                enter(|g| list.wait(g, ticket));
            });
        }
        goroutines.go(move || {
            enter(|_| list.notify_all());
        });
    });
}
