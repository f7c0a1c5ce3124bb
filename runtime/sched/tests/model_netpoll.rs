//! Model of `netpoll::state`: goroutines wait for a descriptor while events come, deadlines pass, and somebody closes it:
//! `RUSTFLAGS="--cfg loom" cargo test -p crosscall-sched --release --test model_netpoll`.
#![cfg(loom)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use loom::sync::Mutex;
use sched::fault::{self, Fault};
use sched::netpoll::state::{Failure, Mode, PollError, PollState, Published, Woken};
use sched::reason::WaitReason;
use sched::{GRef, Goroutines, enter};
use stack::Outcome;
use std::rc::Rc;

/// Checks `model`, and that it fails with each of `faults`: with goroutines asleep for ever, a panic, or a wrong result.
fn check(faults: &[Fault], model: fn(&mut Goroutines)) {
    let run = move || {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
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

/// A descriptor, as `PollDesc` and `Fd` use the state.
#[derive(Default)]
struct Descriptor {
    state: PollState,
    /// What there is to read. The kernel has a lock for it: who finds nothing, and who brings something later, come one after the other.
    bytes: Mutex<usize>,
}

impl Descriptor {
    /// Reads a byte, or says why there will be none.
    fn read(&self) -> Result<(), PollError> {
        loop {
            self.state.check(Mode::Read)?;
            if self.take() {
                return Ok(());
            }
            enter(|g| self.wait(Mode::Read, g));
        }
    }

    fn take(&self) -> bool {
        let mut bytes = self.bytes.lock().unwrap();
        let some = *bytes > 0;
        *bytes -= usize::from(some);
        some
    }

    /// `PollDesc::wait`.
    fn wait(&self, mode: Mode, g: GRef) -> Outcome {
        match self.state.consume(mode) {
            Err(error) => return Outcome::done(error as usize),
            Ok(true) => return Outcome::done(0),
            Ok(false) => {}
        }
        g.will_park(WaitReason::IoWait);
        if let Published::Withdrawn(g) = self.state.publish(mode, g) {
            g.ready(0);
        }
        Outcome::switch()
    }

    /// The kernel gets a byte, and the poller hears of it.
    fn byte(&self) {
        *self.bytes.lock().unwrap() += 1;
        wake([self.state.event(Mode::Read)]);
    }

    fn fail(&self, failure: Failure) {
        wake(self.state.fail(failure));
    }
}

fn wake<const N: usize>(woken: [Woken; N]) {
    for woken in woken {
        if let Woken::Goroutine(g) = woken {
            g.ready(0);
        }
    }
}

/// What came before, while and after the goroutine went to wait reaches it.
#[test]
fn readiness_is_not_lost() {
    check(&[Fault::PollForgetsEvent], |goroutines| {
        let desc = Rc::new(Descriptor::default());
        let poller = desc.clone();
        goroutines.go(move || {
            poller.byte();
            poller.byte();
        });
        goroutines.go(move || {
            assert_eq!(desc.read(), Ok(()));
            assert_eq!(desc.read(), Ok(()));
        });
    });
}

/// A goroutine doesn't sleep beyond its deadline.
#[test]
fn a_deadline_wakes() {
    let faults = [
        Fault::PollLooksOnce,
        Fault::PollLooksPlainly,
        Fault::PollWakesEarly,
    ];
    check(&faults, |goroutines| {
        let desc = Rc::new(Descriptor::default());
        let timer = desc.clone();
        goroutines.go(move || timer.fail(Failure::ReadExpired));
        goroutines.go(move || assert_eq!(desc.read(), Err(PollError::Timeout)));
    });
}

/// A byte and a deadline at the same time: the goroutine is readied once for each wait, and nothing is forgotten.
#[test]
fn an_event_and_a_deadline_meet() {
    check(&[Fault::PollLooksPlainly], |goroutines| {
        let desc = Rc::new(Descriptor::default());
        let (poller, timer) = (desc.clone(), desc.clone());
        goroutines.go(move || poller.byte());
        goroutines.go(move || timer.fail(Failure::ReadExpired));
        goroutines.go(move || {
            if desc.read().is_ok() {
                assert_eq!(desc.read(), Err(PollError::Timeout));
            }
        });
    });
}

/// A deadline passes and is put off, while the goroutine waits: woken for nothing, it waits again, until it is closed.
#[test]
fn a_deadline_that_was_put_off_is_none() {
    check(&[Fault::PollLooksOnce], |goroutines| {
        let desc = Rc::new(Descriptor::default());
        let setter = desc.clone();
        goroutines.go(move || {
            setter.fail(Failure::ReadExpired);
            setter.state.mend(Failure::ReadExpired);
            setter.fail(Failure::Closing);
        });
        goroutines.go(move || assert!(desc.read().is_err()));
    });
}

/// A close wakes both directions, each by itself.
#[test]
fn a_close_wakes_both_directions() {
    check(
        &[Fault::PollLooksOnce, Fault::PollWakesEarly],
        |goroutines| {
            let desc = Rc::new(Descriptor::default());
            let (closer, writer) = (desc.clone(), desc.clone());
            goroutines.go(move || closer.fail(Failure::Closing));
            goroutines.go(move || {
                while writer.state.check(Mode::Write).is_ok() {
                    enter(|g| writer.wait(Mode::Write, g));
                }
            });
            goroutines.go(move || assert_eq!(desc.read(), Err(PollError::Closing)));
        },
    );
}

/// An event of a generation that is over leaves no error behind, whether it comes before or after the descriptor's next life begins.
#[test]
fn a_stale_error_is_dropped() {
    check(&[], |goroutines| {
        let desc = Rc::new(Descriptor::default());
        let poller = desc.clone();
        let generation = desc.state.generation();
        goroutines.go(move || poller.state.set_event_error(true, generation));
        goroutines.go(move || {
            desc.state.renew();
            assert_eq!(desc.state.check(Mode::Read), Ok(()));
            assert_ne!(desc.state.generation(), generation);
        });
    });
}
