//! What the poller knows of one descriptor.

use std::io;
use std::mem;
use std::os::fd::RawFd;
use std::ptr;
use std::sync::Arc;

use stack::Outcome;

use crate::g::{GQueue, GRef, WaitReason};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use crate::timer::{Expire, Expiry, Timer, nanotime};

use super::epoll;
use super::state::{Failure, GENERATION_BITS, Mode, PollError, PollState, Published, Woken};

/// How many goroutines wait, from before each is published until somebody has taken it to be readied.
static WAITERS: AtomicUsize = AtomicUsize::new(0);

/// PollDescs that belong to no descriptor.
static FREE: Mutex<Vec<&'static PollDesc>> = Mutex::new(Vec::new());

/// All PollDescs.
static ALL: Mutex<Vec<&'static PollDesc>> = Mutex::new(Vec::new());

/// The descriptor of one that has none, or whose descriptor was closed without our doing.
const NO_FD: RawFd = -1;

/// Calls `act` for each that has a descriptor.
pub(super) fn each_open(act: impl Fn(&'static PollDesc)) {
    let all = ALL.lock().unwrap().clone();
    let open = |desc: &&PollDesc| desc.fd.load(Ordering::Relaxed) != NO_FD;
    all.into_iter().filter(open).for_each(act);
}

/// A descriptor that goroutines can wait for. Never freed: those of closed descriptors are used again.
///
/// It belongs to who opened it, who sees to it that at most one goroutine waits in each direction, and that nobody uses it any more when
/// it is closed.
#[repr(align(128))]
pub struct PollDesc {
    state: PollState,
    fd: AtomicI32,
    deadlines: Mutex<Deadlines>,
}

/// The lock comes before the timers' locks. An expiry, which is called under its timer's lock, touches only the state words.
struct Deadlines {
    closing: bool,
    read: Deadline,
    write: Deadline,
}

struct Deadline {
    /// Made for the first deadline, kept with the PollDesc.
    timer: Option<Arc<Timer>>,
    /// The timer was set for a deadline; it may have expired since.
    set: bool,
}

impl Deadline {
    const NONE: Deadline = Deadline {
        timer: None,
        set: false,
    };
}

/// How many goroutines wait for descriptors.
pub fn waiters() -> usize {
    WAITERS.load(Ordering::SeqCst)
}

/// Gives back the memory of those that are free.
///
/// # Safety
/// No event of theirs can come: the poller is closed.
pub unsafe fn free_all() {
    drop(mem::take(&mut *ALL.lock().unwrap()));
    for desc in mem::take(&mut *FREE.lock().unwrap()) {
        // SAFETY: a leaked box, of which nobody else knows.
        drop(unsafe { Box::from_raw(std::ptr::from_ref(desc).cast_mut()) });
    }
}

impl PollDesc {
    fn new() -> PollDesc {
        PollDesc {
            state: PollState::new(),
            fd: AtomicI32::new(NO_FD),
            deadlines: Mutex::new(Deadlines {
                closing: false,
                read: Deadline::NONE,
                write: Deadline::NONE,
            }),
        }
    }

    fn leak() -> &'static PollDesc {
        let desc: &'static PollDesc = Box::leak(Box::new(PollDesc::new()));
        ALL.lock().unwrap().push(desc);
        desc
    }

    /// Makes a non-blocking descriptor known to the poller. EPERM: it is of a kind that cannot be waited for, such as a regular file.
    pub fn open(fd: RawFd) -> io::Result<&'static PollDesc> {
        let free = FREE.lock().unwrap().pop();
        let desc = free.unwrap_or_else(PollDesc::leak);
        desc.state.renew();
        desc.deadlines.lock().unwrap().closing = false;
        let result = epoll::add(fd, desc.to_event(), || {
            desc.fd.store(fd, Ordering::Relaxed);
        });
        if result.is_err() {
            desc.free();
        }
        result.map(|()| desc)
    }

    /// The operation that waits until a transfer is possible. Done with 0 or a [`PollError`]'s number, if that is known at once;
    /// otherwise the result is 0, which then means no more than that it is time to look again: [`PollDesc::check`], transfer, wait.
    pub fn wait(&self, mode: Mode, g: GRef) -> Outcome {
        match self.state.consume(mode) {
            Err(error) => return Outcome::done(error as usize),
            Ok(true) => return Outcome::done(0),
            Ok(false) => {}
        }
        g.will_park(WaitReason::IoWait);
        if let Published::Withdrawn(g) = self.publish(mode, g) {
            g.ready(0);
        }
        Outcome::switch()
    }

    fn publish(&self, mode: Mode, g: GRef) -> Published {
        WAITERS.fetch_add(1, Ordering::SeqCst);
        // From here on the goroutine may run elsewhere.
        let published = self.state.publish(mode, g);
        if matches!(published, Published::Withdrawn(_)) {
            WAITERS.fetch_sub(1, Ordering::SeqCst);
        }
        published
    }

    /// Whether waiting would fail. To be asked before each transfer: a deadline that has passed forbids it even if it would not wait.
    pub fn check(&self, mode: Mode) -> Result<(), PollError> {
        self.state.check(mode)
    }

    /// Forgets readiness that nobody has consumed, before a transfer whose EAGAIN would prove it stale; says what is wrong.
    pub fn reset(&self, mode: Mode) -> Result<(), PollError> {
        self.state.consume(mode).map(|_| ())
    }

    /// Transfers and waits in a direction shall fail from `when` ([`nanotime`]) on; `None`: not by time.
    pub fn set_deadline(&'static self, mode: Mode, when: Option<i64>) {
        let mut deadlines = self.deadlines.lock().unwrap();
        if deadlines.closing {
            return;
        }
        let deadline = match mode {
            Mode::Read => &mut deadlines.read,
            Mode::Write => &mut deadlines.write,
        };
        match when {
            None => {
                deadline.stop();
                self.state.mend(Failure::expired(mode));
            }
            Some(when) if when <= nanotime() => {
                deadline.stop();
                let woken = self.state.fail(Failure::expired(mode));
                drop(deadlines);
                ready(woken);
            }
            Some(when) => deadline.set(self, mode, when),
        }
    }

    /// From now on every wait fails, and who waits is woken.
    pub fn unblock(&self) {
        let mut deadlines = self.deadlines.lock().unwrap();
        assert!(!deadlines.closing, "unblock on closing polldesc");
        deadlines.closing = true;
        deadlines.read.stop();
        deadlines.write.stop();
        let woken = self.state.fail(Failure::Closing);
        drop(deadlines);
        ready(woken);
    }

    /// The poller forgets the descriptor, which is still open and was [unblocked](PollDesc::unblock). The caller must not use this PollDesc
    /// again: it may soon be another's.
    pub fn close(&'static self) {
        assert!(
            self.deadlines.lock().unwrap().closing,
            "close polldesc w/o unblock"
        );
        assert!(
            self.state.is_idle(),
            "a goroutine waits for a closing polldesc"
        );
        epoll::delete(self.fd.load(Ordering::Relaxed));
        self.free();
    }

    /// Somebody else has closed the descriptor, whose number may be another file's by now: all waits fail.
    pub fn lose(&self) {
        self.fd.store(NO_FD, Ordering::Relaxed);
        ready(self.state.fail(Failure::Closing));
    }

    /// Whether the number is not ours any more.
    pub fn is_lost(&self) -> bool {
        self.fd.load(Ordering::Relaxed) == NO_FD
    }

    /// The poller was made anew.
    pub(super) fn add_again(&'static self) {
        if epoll::add_again(self.fd.load(Ordering::Relaxed), self.to_event()).is_err() {
            self.lose();
        }
    }

    fn free(&'static self) {
        self.fd.store(NO_FD, Ordering::Relaxed);
        self.state.renew();
        FREE.lock().unwrap().push(self);
    }

    /// The kernel says that transfers are possible in some directions; `error`: it says nothing but that there was an error.
    pub(super) fn event(
        &self,
        generation: u32,
        modes: [Option<Mode>; 2],
        error: bool,
        ready: &mut GQueue,
    ) {
        if self.state.generation() != generation {
            return;
        }
        self.state.set_event_error(error, generation);
        for mode in modes.into_iter().flatten() {
            enqueue(self.state.event(mode), ready);
        }
    }

    /// What epoll shall carry: address and generation in one word. Aligned addresses of user space leave exactly that much room.
    fn to_event(&'static self) -> u64 {
        let address = ptr::from_ref(self).expose_provenance() as u64;
        assert!(address >> ADDRESS_BITS == 0);
        address << (64 - ADDRESS_BITS) | u64::from(self.state.generation())
    }

    /// The descriptor and the generation in what epoll carried.
    ///
    /// # Safety
    /// It comes from [`PollDesc::to_event`].
    pub(super) unsafe fn from_event(event: u64) -> (&'static PollDesc, u32) {
        let address = event >> GENERATION_BITS << GENERATION_BITS >> (64 - ADDRESS_BITS);
        let generation = event as u32 & ((1 << GENERATION_BITS) - 1);
        let desc = ptr::with_exposed_provenance(address as usize);
        // SAFETY: by the caller's word it is a PollDesc's address, and those are never freed.
        (unsafe { &*desc }, generation)
    }
}

/// User space addresses on x86-64, unless asked for more: 47 bits.
const ADDRESS_BITS: u32 = 47;
const _: () =
    assert!(mem::align_of::<PollDesc>().trailing_zeros() + 64 - ADDRESS_BITS == GENERATION_BITS);

impl Deadline {
    fn stop(&mut self) {
        if let Some(timer) = &self.timer
            && mem::take(&mut self.set)
        {
            timer.stop();
        }
    }

    fn set(&mut self, desc: &'static PollDesc, mode: Mode, when: i64) {
        let timer = self
            .timer
            .get_or_insert_with(|| Timer::new(Expired { desc, mode }));
        // The usual case: the deadline moves before it has passed.
        if self.set && timer.reset(when, 0) {
            return;
        }
        // Once it is stopped nobody sets the bit behind our back.
        timer.stop();
        desc.state.mend(Failure::expired(mode));
        timer.reset(when, 0);
        self.set = true;
    }
}

/// A deadline that passes.
struct Expired {
    desc: &'static PollDesc,
    mode: Mode,
}

impl Expire for Expired {
    fn expire(&self, _expiry: Expiry, ready: &mut GQueue) {
        for woken in self.desc.state.fail(Failure::expired(self.mode)) {
            enqueue(woken, ready);
        }
    }
}

/// Whom something has woken is to go on, and will be put on a P's queue by the caller.
fn enqueue(woken: Woken, ready: &mut GQueue) {
    if let Woken::Goroutine(g) = woken {
        WAITERS.fetch_sub(1, Ordering::SeqCst);
        g.context.value.set(0);
        ready.push(g);
    }
}

/// Whom something has woken goes on.
fn ready(woken: [Woken; 2]) {
    for woken in woken {
        if let Woken::Goroutine(g) = woken {
            WAITERS.fetch_sub(1, Ordering::SeqCst);
            g.ready(0);
        }
    }
}

#[cfg(test)]
mod tests;
