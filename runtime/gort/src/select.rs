//! Select: the first of several channel operations that can go on.

use std::mem::{ManuallyDrop, MaybeUninit};

use sched::GRef;
use sched::chan::SEND_ON_CLOSED;
use sched::select::{self, CASE_SHIFT, Case, DEFAULT, PARKED, SUCCESS, Select};
use stack::Outcome;

use crate::channel::{Receiver, Sender};
use crate::enter::operate;

/// Waits until one of several channel operations can go on, does it, and goes on with its arm. Of several that can, any is taken. With a
/// `default` arm, which stands last, it doesn't wait.
///
/// `recv(receiver) -> value` gives an `Option` as [`Receiver::recv`] does; `send(sender, value)` drops a value that it doesn't send. All
/// expressions in front of the arrows are evaluated, once, in their order.
///
/// ```
/// # gort::enter(|| {
/// let (numbers, number) = gort::channel(0);
/// let (quit, quitting) = gort::channel::<()>(0);
/// gort::go(move || {
///     (0..10).for_each(|n| numbers.send(n));
///     quit.close();
/// });
/// let mut sum = 0;
/// loop {
///     gort::select! {
///         recv(number) -> n => sum += n.unwrap(),
///         recv(quitting) -> _ => break,
///     }
/// }
/// assert_eq!(sum, 45);
///
/// let (sender, receiver) = gort::channel(0);
/// let sent = gort::select! {
///     send(sender, 1) => true,
///     default => false,
/// };
/// assert!(!sent);
/// # drop(receiver);
/// # });
/// ```
///
/// # Panics
/// When it sends to a closed channel (`send on closed channel`), and outside of a goroutine.
#[macro_export]
macro_rules! select {
    ($($arms:tt)*) => { $crate::__select!([] $($arms)*) };
}

// Arms are taken off one by one, each with a variable of its own: an identifier of one expansion is not that of another.
#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    ([$($done:tt)*] recv($end:expr) -> $value:pat => $body:block $(,)? $($rest:tt)*) => {
        $crate::__select!([$($done)* (arm recv(&$end) $value => $body)] $($rest)*)
    };
    ([$($done:tt)*] recv($end:expr) -> $value:pat => $body:expr, $($rest:tt)*) => {
        $crate::__select!([$($done)* (arm recv(&$end) $value => $body)] $($rest)*)
    };
    ([$($done:tt)*] recv($end:expr) -> $value:pat => $body:expr) => {
        $crate::__select!([$($done)* (arm recv(&$end) $value => $body)])
    };
    ([$($done:tt)*] send($end:expr, $sent:expr) => $body:block $(,)? $($rest:tt)*) => {
        $crate::__select!([$($done)* (arm send(&$end, $sent) () => $body)] $($rest)*)
    };
    ([$($done:tt)*] send($end:expr, $sent:expr) => $body:expr, $($rest:tt)*) => {
        $crate::__select!([$($done)* (arm send(&$end, $sent) () => $body)] $($rest)*)
    };
    ([$($done:tt)*] send($end:expr, $sent:expr) => $body:expr) => {
        $crate::__select!([$($done)* (arm send(&$end, $sent) () => $body)])
    };
    ([$(($arm:ident $kind:ident $call:tt $value:pat => $body:expr))*] default => $default:expr $(,)?) => {
        match ($($crate::select::$kind $call,)*) {
            mut arms => $crate::__select!(@run arms, false, [$(($value => $body))*], $default)
        }
    };
    ([$(($arm:ident $kind:ident $call:tt $value:pat => $body:expr))*]) => {
        match ($($crate::select::$kind $call,)*) {
            mut arms => $crate::__select!(
                @run arms, true, [$(($value => $body))*], unreachable!("one of the cases was taken")
            )
        }
    };
    (@run $arms:ident, $block:literal, [$($bodies:tt)*], $default:expr) => {{
        let (chosen, done) = $crate::select::Arms::wait(&mut $arms, $block);
        $crate::__select!(@choose $arms, chosen, done, $default, [$($bodies)*]
            [0 1 2 3 4 5 6 7 8 9 10 11])
    }};
    (@choose $arms:ident, $chosen:ident, $done:ident, $default:expr, [] [$($numbers:tt)*]) => {{
        $crate::select::over($arms);
        $default
    }};
    (@choose $arms:ident, $chosen:ident, $done:ident, $default:expr,
        [($value:pat => $body:expr) $($bodies:tt)*] [$number:tt $($numbers:tt)*]) => {
        if $chosen == $number {
            let $value = $crate::select::Arm::take(&mut $arms.$number, $done);
            $crate::select::over($arms);
            $body
        } else {
            $crate::__select!(@choose $arms, $chosen, $done, $default, [$($bodies)*] [$($numbers)*])
        }
    };
}

/// One arm of a select, which stays where it is while the select waits.
#[doc(hidden)]
pub trait Arm {
    type Value;
    fn case(&mut self) -> Case;
    /// What came of the arm, which was chosen. `done`: whether the channel wasn't closed.
    fn take(&mut self, done: bool) -> Self::Value;
}

#[doc(hidden)]
pub struct RecvArm<'a, T> {
    from: &'a Receiver<T>,
    place: MaybeUninit<T>,
}

#[doc(hidden)]
pub struct SendArm<'a, T> {
    to: &'a Sender<T>,
    value: ManuallyDrop<T>,
    gone: bool,
}

#[doc(hidden)]
pub fn recv<T>(from: &Receiver<T>) -> RecvArm<'_, T> {
    RecvArm {
        from,
        place: MaybeUninit::uninit(),
    }
}

#[doc(hidden)]
pub fn send<T>(to: &Sender<T>, value: T) -> SendArm<'_, T> {
    SendArm {
        to,
        value: ManuallyDrop::new(value),
        gone: false,
    }
}

impl<T> Arm for RecvArm<'_, T> {
    type Value = Option<T>;

    fn case(&mut self) -> Case {
        // SAFETY: null, or the channel of an end that the arm borrows.
        let chan = unsafe { self.from.address().as_ref() };
        Case::recv(chan, self.place.as_mut_ptr().cast())
    }

    fn take(&mut self, done: bool) -> Option<T> {
        // SAFETY: a value has come, and is taken once: the arm was chosen, and its select is over.
        done.then(|| unsafe { self.place.assume_init_read() })
    }
}

impl<T> Arm for SendArm<'_, T> {
    type Value = ();

    fn case(&mut self) -> Case {
        // SAFETY: null, or the channel of an end that the arm borrows.
        let chan = unsafe { self.to.address().as_ref() };
        Case::send(chan, (&raw const *self.value).cast())
    }

    #[track_caller]
    fn take(&mut self, done: bool) {
        if !done {
            panic!("{SEND_ON_CLOSED}");
        }
        self.gone = true;
    }
}

impl<T> Drop for SendArm<'_, T> {
    fn drop(&mut self) {
        if !self.gone {
            // SAFETY: nobody has taken the value, and nobody will.
            unsafe { ManuallyDrop::drop(&mut self.value) };
        }
    }
}

/// A select is over: what its arms have not sent is dropped.
#[doc(hidden)]
pub fn over(arms: impl Arms) {
    drop(arms);
}

/// All arms of a select.
#[doc(hidden)]
pub trait Arms {
    /// The number of the arm that was chosen, or [`DEFAULT`], and whether its channel wasn't closed.
    fn wait(&mut self, block: bool) -> (usize, bool);
}

macro_rules! arms {
    ($(($($arm:ident $number:tt)*))*) => {
        $(
            impl<$($arm: Arm),*> Arms for ($($arm,)*) {
                #[track_caller]
                fn wait(&mut self, block: bool) -> (usize, bool) {
                    const COUNT: usize = 0 $(+ { let _ = $number; 1 })*;
                    let cases: [Case; COUNT] = [$(self.$number.case()),*];
                    let mut order = [[0; COUNT]; 2];
                    wait(&cases, order.as_flattened_mut(), block)
                }
            }
        )*
    };
}

arms! {
    ()
    (A 0)
    (A 0 B 1)
    (A 0 B 1 C 2)
    (A 0 B 1 C 2 D 3)
    (A 0 B 1 C 2 D 3 E 4)
    (A 0 B 1 C 2 D 3 E 4 F 5)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11)
}

#[track_caller]
fn wait(cases: &[Case], order: &mut [u16], block: bool) -> (usize, bool) {
    assert!(cases.len() <= select::MAX_CASES && order.len() >= 2 * cases.len());
    // SAFETY: the cases and the order stay until this returns, and the assertion holds.
    let statement = unsafe { Select::new(cases, order.as_mut_ptr()) };
    // SAFETY: the statement stays where it is.
    let mut result = unsafe { operate!(begin, &raw const statement, block) };
    if result == DEFAULT {
        return (DEFAULT, false);
    }
    if result & PARKED != 0 {
        // SAFETY: as above.
        result = unsafe { operate!(finish, &raw const statement, result) };
    }
    (result >> CASE_SHIFT, result & SUCCESS != 0)
}

extern "C" fn begin(statement: *const Select, block: bool) -> Outcome {
    // SAFETY: `wait` keeps the statement.
    let outcome = unsafe { select::begin(statement, GRef::current(), block) };
    match outcome.switch {
        0 => sched::ops::finish(outcome.value),
        _ => outcome,
    }
}

extern "C" fn finish(statement: *const Select, result: usize) -> Outcome {
    // SAFETY: `wait` keeps the statement, and passes what `begin` resulted in.
    unsafe { select::finish(statement, result) }
}

/// Receives from whichever of `receivers` has a value, or is closed, first: its number and the value. Waits for ever if there are none.
///
/// ```
/// # gort::enter(|| {
/// let ends: Vec<_> = (0..20).map(|_| gort::channel::<usize>(1)).collect();
/// let receivers: Vec<_> = ends.iter().map(|(_, receiver)| receiver.clone()).collect();
/// ends[7].0.send(49);
/// assert_eq!(gort::recv_any(&receivers), (7, Some(49)));
/// # });
/// ```
///
/// # Panics
/// Outside of a goroutine, and with more than 65,536 receivers.
#[track_caller]
pub fn recv_any<T>(receivers: &[Receiver<T>]) -> (usize, Option<T>) {
    let mut arms: Vec<_> = receivers.iter().map(recv).collect();
    let cases: Vec<_> = arms.iter_mut().map(Arm::case).collect();
    let mut order = vec![0; 2 * cases.len()];
    let (chosen, done) = wait(&cases, &mut order, true);
    (chosen, arms[chosen].take(done))
}
