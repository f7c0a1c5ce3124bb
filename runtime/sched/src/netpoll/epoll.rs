//! The kernel's side of the poller.
//!
//! In somebody else's process, somebody else may close the poller's descriptors: all above the third, as daemons do. That is noticed by what the
//! system says to their numbers, whoever has these now, and before anything is done to somebody else's file: nothing is ever read or written
//! here. New ones take their place.

use std::io;
use std::os::fd::RawFd;
use std::ptr;
use std::sync::{OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use stack::errno;

use crate::g::GQueue;
use crate::preempt;
use crate::sync::RwLock;
use crate::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use crate::thread::gettid;

use super::desc::{self, PollDesc};
use super::state::Mode;

struct Poller {
    epoll: AtomicI32,
    /// An eventfd, always readable. Its events are on while somebody wants the thread that sleeps in the poller to look up.
    event: AtomicI32,
    /// Written by who puts other descriptors in their place; read by who adds one, and has it known to him.
    replacing: RwLock<()>,
    /// Below, the thread that sleeps in the poller, or is about to; 0: none. Above, how many times one has done so.
    sleeper: AtomicU64,
}

/// In [`Poller::sleeper`].
const THREAD: u64 = u32::MAX as u64;

static POLLER: OnceLock<Poller> = OnceLock::new();

/// A wake-up is on its way: set by who switches the eventfd's events on, cleared by who gets one.
static WAKING: AtomicBool = AtomicBool::new(false);

/// The kernel knows epoll_pwait2 (Linux 5.11), which counts nanoseconds.
static NANOSECONDS: AtomicBool = AtomicBool::new(true);

/// What the eventfd's events carry; no PollDesc lies there.
const WAKE: u64 = 0;

/// What is asked of the kernel for each descriptor.
const EVENTS: i32 = libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET;

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
    // Else the numbers are somebody else's.
    if poller.arm().is_ok() {
        for fd in [&poller.event, &poller.epoll] {
            // SAFETY: the poller's own.
            unsafe { libc::close(fd.load(Ordering::Acquire)) };
        }
    }
}

/// Whether there is a poller.
pub fn active() -> bool {
    POLLER.get().is_some()
}

/// Whether the descriptor is the poller's own.
pub fn is_poll_descriptor(fd: RawFd) -> bool {
    POLLER.get().is_some_and(|poller| {
        [&poller.epoll, &poller.event]
            .iter()
            .any(|own| own.load(Ordering::Acquire) == fd)
    })
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
            Err(error) if is_lost(&error) => poller.replace(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => panic!("netpoll failed: {error}"),
        }
        // Who waits for a certain time has to reckon anew.
        if wait_ns >= 0 {
            return;
        }
    };
    for event in &events[..count] {
        match event.u64 {
            // Somebody who doesn't wait isn't meant.
            WAKE if wait_ns == 0 => poller.arm_or_replace(),
            // What a waker that leaves it to this wake-up has done is seen from here on.
            WAKE => {
                WAKING.swap(false, Ordering::AcqRel);
            }
            data => deliver(data, event.events, ready),
        }
    }
}

/// Makes the thread that waits in [`poll`] return, or the next one that would.
pub fn wake() {
    let Some(poller) = POLLER.get() else { return };
    if !WAKING.swap(true, Ordering::AcqRel) {
        poller.arm_or_replace();
    }
}

/// Events for `fd` shall carry `data`. `note` makes the descriptor one of those that a new poller is told of.
pub(super) fn add(fd: RawFd, data: u64, note: impl FnOnce()) -> io::Result<()> {
    init();
    let poller = POLLER.get().expect("just made");
    loop {
        let staying = poller.replacing.read();
        let staying = staying.unwrap_or_else(PoisonError::into_inner);
        match poller.add_descriptor(fd, data) {
            Err(error) if is_lost(&error) && poller.arm().is_err() => {}
            result => {
                note();
                return result;
            }
        }
        drop(staying);
        poller.replace();
    }
}

/// The same for one that was known to the poller before this one.
pub(super) fn add_again(fd: RawFd, data: u64) -> io::Result<()> {
    let poller = POLLER.get().expect("it has just been made");
    poller.add_descriptor(fd, data)
}

/// No more events for `fd`.
pub(super) fn delete(fd: RawFd) {
    let poller = POLLER.get().expect("something was added");
    let epoll = poller.epoll.load(Ordering::Acquire);
    // Fails when the descriptor was closed by somebody else, which has the same effect.
    // SAFETY: deleting reads no event.
    unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_DEL, fd, ptr::null_mut()) };
}

/// What the system says of a number that is not, or no longer, a poller's.
fn is_lost(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EBADF | libc::EINVAL))
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

/// New descriptors, with the events of the second off.
fn create() -> io::Result<[RawFd; 2]> {
    // SAFETY: creates a descriptor.
    let epoll = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
    // SAFETY: creates a descriptor.
    let event = check(unsafe { libc::eventfd(1, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
    control(epoll, libc::EPOLL_CTL_ADD, event, libc::EPOLLONESHOT, WAKE)?;
    Ok([epoll, event])
}

fn control(epoll: RawFd, operation: i32, fd: RawFd, events: i32, data: u64) -> io::Result<()> {
    let mut event = libc::epoll_event {
        events: events as u32,
        u64: data,
    };
    // SAFETY: `event` is readable.
    check(unsafe { libc::epoll_ctl(epoll, operation, fd, &mut event) }).map(|_| ())
}

/// Whether a number is a file of that kind.
fn is_anonymous(fd: &AtomicI32, kind: &str) -> bool {
    let link = format!("/proc/self/fd/{}", fd.load(Ordering::Acquire));
    let is = |target: std::path::PathBuf| target.as_os_str() == &*format!("anon_inode:[{kind}]");
    std::fs::read_link(link).is_ok_and(is)
}

impl Poller {
    fn new() -> io::Result<Poller> {
        let [epoll, event] = create()?;
        Ok(Poller {
            epoll: AtomicI32::new(epoll),
            event: AtomicI32::new(event),
            replacing: RwLock::new(()),
            sleeper: AtomicU64::new(0),
        })
    }

    fn add_descriptor(&self, fd: RawFd, data: u64) -> io::Result<()> {
        let epoll = self.epoll.load(Ordering::Acquire);
        match control(epoll, libc::EPOLL_CTL_ADD, fd, EVENTS, data) {
            // Somebody else has closed one of this number.
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => {
                control(epoll, libc::EPOLL_CTL_MOD, fd, EVENTS, data)
            }
            result => result,
        }
    }

    /// Has the eventfd's one event come. Fails when either descriptor is lost.
    fn arm(&self) -> io::Result<()> {
        let epoll = self.epoll.load(Ordering::Acquire);
        let event = self.event.load(Ordering::Acquire);
        let events = libc::EPOLLIN | libc::EPOLLONESHOT;
        control(epoll, libc::EPOLL_CTL_MOD, event, events, WAKE)
    }

    fn arm_or_replace(&self) {
        // Anybody may want to be heard, and be in the middle of a call from C.
        let _errno = errno::keep();
        if self.arm().is_err() {
            self.replace();
        }
    }

    /// Somebody has closed the descriptors; the numbers may be somebody else's by now, and are left alone. Who sleeps in the old ones looks up.
    fn replace(&self) {
        let replacing = self.replacing.write();
        let _replacing = replacing.unwrap_or_else(PoisonError::into_inner);
        // If another has done it already, this makes somebody look up for nothing.
        while self.arm().is_err() {
            self.put_others();
            // Before the event can come: it clears this. Who wants a wake-up from now on leaves it to the next round.
            WAKING.store(true, Ordering::Release);
        }
    }

    /// Others in the place of descriptors that are lost.
    fn put_others(&self) {
        let [epoll, event] = create().unwrap_or_else(|why| {
            crate::fatal::throw(
                &format!("runtime: somebody has closed the network poller's descriptors, and there are no new ones: {why}\n"),
                "runtime: netpoll failed",
            )
        });
        // Both gone: whoever closed them has closed everything. What has the numbers of Go's files now isn't Go's.
        let all = !is_anonymous(&self.epoll, "eventpoll") && !is_anonymous(&self.event, "eventfd");
        self.epoll.store(epoll, Ordering::SeqCst);
        self.event.store(event, Ordering::Release);
        desc::each_open(|desc| match all {
            true => desc.lose(),
            false => desc.add_again(),
        });
        self.rouse();
    }

    /// Has the thread that sleeps, with what was the poller when it went to sleep, look up. The signal may come just before it sleeps: another one then.
    fn rouse(&self) {
        // The descriptors, and who sleeps: here one is written and the other read, there the other way about.
        let sleeper = self.sleeper.load(Ordering::SeqCst);
        while sleeper & THREAD != 0 && self.sleeper.load(Ordering::Acquire) == sleeper {
            preempt::interrupt_thread(sleeper as i32);
            thread::sleep(Duration::from_micros(50));
        }
    }

    /// As the system does.
    fn wait(&self, events: &mut [libc::epoll_event], wait_ns: i64) -> io::Result<usize> {
        if wait_ns == 0 {
            return self.wait_as_told(events, wait_ns);
        }
        // Only one sleeps at a time.
        let sleep = (self.sleeper.load(Ordering::Relaxed) | THREAD) + 1;
        self.sleeper
            .store(sleep | gettid() as u64, Ordering::SeqCst);
        let result = self.wait_as_told(events, wait_ns);
        self.sleeper.store(sleep, Ordering::Release);
        result
    }

    fn wait_as_told(&self, events: &mut [libc::epoll_event], wait_ns: i64) -> io::Result<usize> {
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
                self.epoll.load(Ordering::SeqCst),
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
        let epoll = self.epoll.load(Ordering::SeqCst);
        // SAFETY: `events` is writable for as many as its length says.
        let count =
            unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), events.len() as i32, ms) };
        check(count).map(|count| count as usize)
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
