//! The kernel's side of the poller.

use std::io;
use std::os::fd::RawFd;
use std::ptr;
use std::sync::OnceLock;

use crate::g::GQueue;
use crate::sync::atomic::{AtomicBool, Ordering};

use super::desc::PollDesc;
use super::state::Mode;

struct Poller {
    epoll: RawFd,
    /// An eventfd, readable while somebody wants the thread that sleeps in the poller to look up.
    event: RawFd,
}

static POLLER: OnceLock<Poller> = OnceLock::new();

/// A wake-up is on its way: set by who writes to the eventfd, cleared by who reads it.
static WAKING: AtomicBool = AtomicBool::new(false);

/// The kernel knows epoll_pwait2 (Linux 5.11), which counts nanoseconds.
static NANOSECONDS: AtomicBool = AtomicBool::new(true);

/// What the eventfd's events carry; no PollDesc lies there.
const WAKE: u64 = 0;

/// How many events one call brings.
const BATCH: usize = 128;

/// Makes the poller, unless it is there.
///
/// # Panics
/// The system has no descriptors left.
pub fn init() {
    POLLER.get_or_init(|| Poller::new().expect("netpollinit failed"));
}

/// Closes the poller, of which nobody makes use any more.
pub fn end() {
    let Some(poller) = POLLER.get() else { return };
    for fd in [poller.event, poller.epoll] {
        // SAFETY: the poller's own.
        unsafe { libc::close(fd) };
    }
}

/// Whether there is a poller.
pub fn active() -> bool {
    POLLER.get().is_some()
}

/// Whether the descriptor is the poller's own.
pub fn is_poll_descriptor(fd: RawFd) -> bool {
    POLLER
        .get()
        .is_some_and(|poller| fd == poller.epoll || fd == poller.event)
}

/// Puts goroutines whose descriptors are ready on `ready`, their results set; waits for some for at most `wait_ns` nanoseconds (0: doesn't
/// wait; negative: without end), or until [`wake`]. May return early with none.
///
/// # Panics
/// The kernel refuses.
pub fn poll(wait_ns: i64, ready: &mut GQueue) {
    let Some(poller) = POLLER.get() else { return };
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; BATCH];
    let count = loop {
        match poller.wait(&mut events, wait_ns) {
            Ok(count) => break count,
            // Who waits for a certain time has to reckon anew.
            Err(error) if error.kind() == io::ErrorKind::Interrupted && wait_ns > 0 => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => panic!("netpoll failed: {error}"),
        }
    };
    for event in &events[..count] {
        match event.u64 {
            // Somebody who doesn't wait isn't meant.
            WAKE if wait_ns == 0 => {}
            WAKE => poller.take_wake(),
            data => deliver(data, event.events, ready),
        }
    }
}

/// Makes the thread that waits in [`poll`] return, or the next one that would.
pub fn wake() {
    let Some(poller) = POLLER.get() else { return };
    if WAKING.swap(true, Ordering::AcqRel) {
        return;
    }
    let one = 1u64.to_ne_bytes();
    loop {
        // SAFETY: `one` is readable.
        let written = unsafe { libc::write(poller.event, one.as_ptr().cast(), one.len()) };
        if written >= 0 {
            return;
        }
        match io::Error::last_os_error().kind() {
            io::ErrorKind::Interrupted => {}
            // The counter is full: readable, that is.
            io::ErrorKind::WouldBlock => return,
            kind => panic!("netpollBreak write failed: {kind}"),
        }
    }
}

/// Events for `fd` shall carry `data`.
pub(super) fn add(fd: RawFd, data: u64) -> io::Result<()> {
    init();
    let poller = POLLER.get().expect("just made");
    let events = libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET;
    poller.add(fd, events, data)
}

/// No more events for `fd`.
pub(super) fn delete(fd: RawFd) {
    let poller = POLLER.get().expect("something was added");
    // Fails when the descriptor was closed by somebody else, which has the same effect.
    // SAFETY: deleting reads no event.
    unsafe { libc::epoll_ctl(poller.epoll, libc::EPOLL_CTL_DEL, fd, ptr::null_mut()) };
}

fn deliver(data: u64, events: u32, ready: &mut GQueue) {
    const READ: i32 = libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR;
    const WRITE: i32 = libc::EPOLLOUT | libc::EPOLLHUP | libc::EPOLLERR;
    let modes = [
        (events & READ as u32 != 0).then_some(Mode::Read),
        (events & WRITE as u32 != 0).then_some(Mode::Write),
    ];
    // SAFETY: what isn't WAKE was given to `add`, by PollDesc::open.
    let (desc, generation) = unsafe { PollDesc::from_event(data) };
    desc.event(generation, modes, events == libc::EPOLLERR as u32, ready);
}

impl Poller {
    fn new() -> io::Result<Poller> {
        // SAFETY: creates a descriptor.
        let epoll = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: creates a descriptor.
        let event = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        let poller = Poller { epoll, event };
        // Level-triggered: who polls without waiting leaves it to who waits.
        poller.add(event, libc::EPOLLIN, WAKE)?;
        Ok(poller)
    }

    fn add(&self, fd: RawFd, events: i32, data: u64) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: events as u32,
            u64: data,
        };
        // SAFETY: `event` is readable.
        check(unsafe { libc::epoll_ctl(self.epoll, libc::EPOLL_CTL_ADD, fd, &mut event) })?;
        Ok(())
    }

    fn wait(&self, events: &mut [libc::epoll_event], wait_ns: i64) -> io::Result<usize> {
        if NANOSECONDS.load(Ordering::Relaxed) {
            match self.wait_ns(events, wait_ns) {
                // Old kernels don't know the call; sandboxes may forbid what they don't know.
                Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
                    NANOSECONDS.store(false, Ordering::Relaxed);
                }
                result => return result,
            }
        }
        self.wait_ms(events, wait_ns)
    }

    fn wait_ns(&self, events: &mut [libc::epoll_event], wait_ns: i64) -> io::Result<usize> {
        let timeout = libc::timespec {
            tv_sec: wait_ns / 1_000_000_000,
            tv_nsec: wait_ns % 1_000_000_000,
        };
        let timeout = if wait_ns < 0 {
            ptr::null()
        } else {
            ptr::from_ref(&timeout)
        };
        let no_mask = ptr::null::<libc::sigset_t>();
        // SAFETY: `events` is writable for as many as its length says, `timeout` is null or readable.
        let count = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.epoll,
                events.as_mut_ptr(),
                events.len(),
                timeout,
                no_mask,
                0usize,
            )
        };
        check(count as i32).map(|count| count as usize)
    }

    fn wait_ms(&self, events: &mut [libc::epoll_event], wait_ns: i64) -> io::Result<usize> {
        let ms = if wait_ns < 0 {
            -1
        } else {
            milliseconds(wait_ns)
        };
        // SAFETY: `events` is writable for as many as its length says.
        let count =
            unsafe { libc::epoll_wait(self.epoll, events.as_mut_ptr(), events.len() as i32, ms) };
        check(count).map(|count| count as usize)
    }

    fn take_wake(&self) {
        let mut count = [0; 8];
        // SAFETY: `count` is writable. What was read doesn't matter, nor whether another was faster.
        unsafe { libc::read(self.event, count.as_mut_ptr().cast(), count.len()) };
        WAKING.store(false, Ordering::Release);
    }
}

/// Rounded up: who wakes before a timer is due would sleep again at once. At most some eleven days.
fn milliseconds(ns: i64) -> i32 {
    const MOST: i64 = 1_000_000_000;
    (ns.saturating_add(999_999) / 1_000_000).min(MOST) as i32
}

fn check(result: i32) -> io::Result<i32> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
