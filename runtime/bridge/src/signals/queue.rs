//! os/signal: who has asked for signals is told of them over channels.
//!
//! The handler sets a bit and wakes a thread, which sends to the channels without waiting. That thread also lets signals through that all
//! others block.

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use sched::chan::{self, Chan};
use sched::m::Note;
use sched::signal::{self, COUNT, bit, flag};
use sched::thread;
use stack::sync::{Mutex, MutexGuard};

use super::{HANDLING, claim, hand_back};

/// Who asks for a signal: a channel of `int32_t`.
pub type Channel = NonNull<Chan>;

/// Signals that somebody wants, that are ignored at somebody's wish, and that have come: each a bit.
static WANTED: AtomicU64 = AtomicU64::new(0);
static IGNORED: AtomicU64 = AtomicU64::new(0);
static PENDING: AtomicU64 = AtomicU64::new(0);
/// Handlers between their look at `WANTED` and their bit in `PENDING`.
static SENDING: AtomicUsize = AtomicUsize::new(0);
static NOTE: Note = Note::new();

/// A channel and what it wants.
struct Receiver {
    channel: Channel,
    signals: u64,
}

// SAFETY: channels are for all threads.
unsafe impl Send for Receiver {}

static RECEIVERS: Mutex<Vec<Receiver>> = Mutex::new(Vec::new());

/// In a handler: whether somebody wants the signal, who is going to be told.
pub(super) fn send(number: i32) -> bool {
    SENDING.fetch_add(1, Ordering::SeqCst);
    let is_wanted = WANTED.load(Ordering::SeqCst) & bit(number) != 0;
    if is_wanted {
        PENDING.fetch_or(bit(number), Ordering::SeqCst);
        NOTE.wake();
    }
    SENDING.fetch_sub(1, Ordering::SeqCst);
    is_wanted
}

/// Whether the signal is ignored at somebody's wish (`signal.Ignored`).
pub fn is_ignored(number: i32) -> bool {
    number > 0 && number < COUNT as i32 && IGNORED.load(Ordering::Relaxed) & bit(number) != 0
}

/// The process began with the signal ignored.
pub(super) fn begin_ignored(number: i32) {
    IGNORED.fetch_or(bit(number), Ordering::Relaxed);
}

/// Sends what has come.
fn deliver(receivers: &[Receiver]) {
    let pending = PENDING.swap(0, Ordering::SeqCst);
    for number in (1..COUNT as i32).filter(|number| pending & bit(*number) != 0) {
        let wants = |receiver: &&Receiver| receiver.signals & bit(number) != 0;
        for receiver in receivers.iter().filter(wants) {
            // SAFETY: a channel stays until it is taken off the list; its elements are such numbers. Who doesn't keep up misses some.
            let _ = unsafe {
                chan::try_send(
                    Some(receiver.channel.as_ref()),
                    ptr::from_ref(&number).cast(),
                )
            };
        }
    }
}

extern "C" fn run(_: *mut c_void) -> *mut c_void {
    thread::obey(|| NOTE.wake(), serve);
    ptr::null_mut()
}

fn serve() {
    while !thread::ending() {
        let open = WANTED.load(Ordering::SeqCst) | signal::mask_of(flag::UNBLOCK);
        signal::change_mask(libc::SIG_SETMASK, !open);
        deliver(&lock());
        NOTE.sleep();
    }
}

fn lock() -> MutexGuard<'static, Vec<Receiver>> {
    RECEIVERS.lock().expect("nobody panics with it")
}

fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| thread::start_uncounted(run));
}

/// The signals of a list; of an empty one all that there are.
fn set_of(signals: &[i32]) -> u64 {
    let known = signals.iter().filter(|n| (1..COUNT as i32).contains(*n));
    match signals.is_empty() {
        true => u64::MAX,
        false => known.fold(0, |set, number| set | bit(*number)),
    }
}

fn each(set: u64, act: impl FnMut(i32)) {
    let there = (1..COUNT as i32).filter(|number| set & bit(*number) != 0);
    there.for_each(act);
}

/// `signal.Notify`: the channel, which nobody frees before [`stop`], is sent the signals as they come; of no signals, all.
pub fn notify(channel: Channel, signals: &[i32]) {
    let set = set_of(signals);
    let mut receivers = lock();
    match receivers.iter_mut().find(|r| r.channel == channel) {
        Some(receiver) => receiver.signals |= set,
        None => receivers.push(Receiver {
            channel,
            signals: set,
        }),
    }
    start();
    each(set & !WANTED.load(Ordering::SeqCst), enable);
    NOTE.wake();
}

/// `signal.Stop`: the channel is sent what has come, and nothing from then on.
pub fn stop(channel: Channel) {
    let mut receivers = lock();
    let Some(place) = receivers.iter().position(|r| r.channel == channel) else {
        return;
    };
    let gone = receivers[place].signals;
    let others = receivers.iter().filter(|r| r.channel != channel);
    let kept = others.fold(0, |set, receiver| set | receiver.signals);
    each(gone & !kept, disable);
    while SENDING.load(Ordering::SeqCst) != 0 {
        std::thread::yield_now();
    }
    deliver(&receivers);
    receivers.remove(place);
}

/// `signal.Reset`: what happened before [`notify`] happens again; to all signals, if none is given.
pub fn reset(signals: &[i32]) {
    cancel(signals, disable);
}

/// `signal.Ignore`; all signals, if none is given.
pub fn ignore(signals: &[i32]) {
    cancel(signals, ignore_one);
}

fn cancel(signals: &[i32], act: fn(i32)) {
    let set = set_of(signals);
    let mut receivers = lock();
    receivers.iter_mut().for_each(|r| r.signals &= !set);
    receivers.retain(|r| r.signals != 0);
    each(set, act);
}

/// Whether one may ask for the signal. SIGPROF is the profiler's.
fn can_notify(number: i32) -> bool {
    signal::flags(number) & flag::NOTIFY != 0 && number != libc::SIGPROF
}

fn enable(number: i32) {
    WANTED.fetch_or(bit(number), Ordering::SeqCst);
    IGNORED.fetch_and(!bit(number), Ordering::SeqCst);
    if can_notify(number) {
        claim(number);
    }
}

fn disable(number: i32) {
    if can_notify(number) {
        hand_back(number);
    }
    WANTED.fetch_and(!bit(number), Ordering::SeqCst);
}

fn ignore_one(number: i32) {
    if can_notify(number) {
        HANDLING[number as usize].store(false, Ordering::Release);
        // SAFETY: zeros are an action; there is no handler in it.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = libc::SIG_IGN;
            signal::set_action(number, &action);
        }
    }
    WANTED.fetch_and(!bit(number), Ordering::SeqCst);
    IGNORED.fetch_or(bit(number), Ordering::SeqCst);
}
