//! A descriptor's states, with the kernel's events and without.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::MutexGuard;

use super::*;
use crate::p;

/// The poller is one for the process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let guard = ONE_AT_A_TIME.lock().unwrap();
    if p::count() == 0 {
        // Timers need one.
        p::set_count(1);
    }
    guard
}

fn pair() -> (UnixStream, UnixStream) {
    let pair = UnixStream::pair().unwrap();
    pair.0.set_nonblocking(true).unwrap();
    pair.1.set_nonblocking(true).unwrap();
    pair
}

fn goroutine() -> GRef {
    GRef::make_chunk().pop().unwrap()
}

fn poll(wait_ns: i64) -> Vec<GRef> {
    let mut ready = GQueue::default();
    epoll::poll(wait_ns, &mut ready);
    drain(ready)
}

fn drain(mut ready: GQueue) -> Vec<GRef> {
    std::iter::from_fn(|| ready.pop()).collect()
}

fn retire(desc: &'static PollDesc) {
    desc.unblock();
    desc.close();
}

#[test]
fn data_wakes_the_reader() {
    let _alone = alone();
    let (mut here, there) = pair();
    let desc = PollDesc::open(there.as_raw_fd()).unwrap();
    assert!(poll(0).is_empty());
    // It can be written to from the beginning.
    assert!(desc.state.consume(Mode::Write) == Ok(true));
    assert!(desc.state.consume(Mode::Read) == Ok(false));
    let (before, g) = (waiters(), goroutine());
    assert!(desc.publish(Mode::Read, g) == Published::Parked);
    assert_eq!(waiters(), before + 1);
    io::Write::write_all(&mut here, b"x").unwrap();
    assert!(poll(-1) == [g]);
    assert_eq!(waiters(), before);
    // What came before anybody waited is remembered.
    io::Write::write_all(&mut here, b"y").unwrap();
    assert!(poll(-1).is_empty());
    assert!(desc.publish(Mode::Read, g) == Published::Withdrawn(g));
    retire(desc);
}

#[test]
fn an_event_of_an_earlier_generation_does_nothing() {
    let _alone = alone();
    let (_here, there) = pair();
    let desc = PollDesc::open(there.as_raw_fd()).unwrap();
    let stale = desc.to_event();
    // SAFETY: of `to_event`.
    let (same, generation) = unsafe { PollDesc::from_event(stale) };
    assert!(ptr::eq(same, desc));
    assert_eq!(generation, desc.state.generation());
    retire(desc);
    let again = PollDesc::open(there.as_raw_fd()).unwrap();
    assert!(ptr::eq(again, desc));
    assert_ne!(again.to_event(), stale);
    poll(0);
    let _ = again.state.consume(Mode::Read);
    let mut ready = GQueue::default();
    again.event(generation, [Some(Mode::Read), None], true, &mut ready);
    assert!(again.state.consume(Mode::Read) == Ok(false));
    retire(again);
}

#[test]
fn closing_wakes_both_directions() {
    let _alone = alone();
    let (_here, there) = pair();
    let desc = PollDesc::open(there.as_raw_fd()).unwrap();
    poll(0);
    let _ = desc.state.consume(Mode::Write);
    assert_eq!(desc.check(Mode::Write), Ok(()));
    let (reader, writer) = (goroutine(), goroutine());
    assert!(desc.publish(Mode::Read, reader) == Published::Parked);
    assert!(desc.publish(Mode::Write, writer) == Published::Parked);
    let woken = desc.state.fail(Failure::Closing);
    assert!(woken == [Woken::Goroutine(reader), Woken::Goroutine(writer)]);
    WAITERS.fetch_sub(2, Ordering::SeqCst);
    assert_eq!(desc.check(Mode::Read), Err(PollError::Closing));
    assert!(desc.publish(Mode::Read, reader) == Published::Withdrawn(reader));
    retire(desc);
}

/// The peer's end of a pipe closes: EPOLLERR alone at the writing end is an error for who would read from it, and no error for who writes,
/// since the next write tells the reason.
#[test]
fn an_error_alone_is_the_readers() {
    let _alone = alone();
    let (_here, there) = pair();
    let desc = PollDesc::open(there.as_raw_fd()).unwrap();
    let mut ready = GQueue::default();
    let both = [Some(Mode::Read), Some(Mode::Write)];
    desc.event(desc.state.generation(), both, true, &mut ready);
    assert_eq!(desc.check(Mode::Read), Err(PollError::NotPollable));
    assert_eq!(desc.check(Mode::Write), Ok(()));
    desc.event(desc.state.generation(), both, false, &mut ready);
    assert_eq!(desc.check(Mode::Read), Ok(()));
    retire(desc);
}

#[test]
fn regular_files_are_refused() {
    let _alone = alone();
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let refusal = PollDesc::open(file.as_raw_fd()).err().unwrap();
    assert_eq!(refusal.raw_os_error(), Some(libc::EPERM));
}

#[test]
fn deadlines_come_and_go() {
    let _alone = alone();
    let (_here, there) = pair();
    let desc = PollDesc::open(there.as_raw_fd()).unwrap();
    poll(0);
    desc.set_deadline(Mode::Read, Some(nanotime() - 1));
    assert_eq!(desc.check(Mode::Read), Err(PollError::Timeout));
    assert_eq!(desc.check(Mode::Write), Ok(()));
    desc.set_deadline(Mode::Read, Some(nanotime() + 3_600_000_000_000));
    assert_eq!(desc.check(Mode::Read), Ok(()));
    let g = goroutine();
    assert!(desc.publish(Mode::Read, g) == Published::Parked);
    let mut ready = GQueue::default();
    let expiry = Expiry { now: 0, late: 0 };
    let mode = Mode::Read;
    Expired { desc, mode }.expire(expiry, &mut ready);
    assert!(drain(ready) == [g]);
    assert_eq!(desc.check(Mode::Read), Err(PollError::Timeout));
    desc.set_deadline(Mode::Read, None);
    assert_eq!(desc.check(Mode::Read), Ok(()));
    retire(desc);
}

/// A wake-up ends one wait, also one that begins later; more of them count as one.
#[test]
fn waking_ends_a_wait() {
    let _alone = alone();
    epoll::init();
    epoll::wake();
    epoll::wake();
    assert!(poll(0).is_empty());
    assert!(poll(-1).is_empty());
    let start = nanotime();
    assert!(poll(2_000_000).is_empty());
    assert!(nanotime() - start >= 2_000_000);
    let waker = std::thread::spawn(epoll::wake);
    assert!(poll(-1).is_empty());
    waker.join().unwrap();
}
