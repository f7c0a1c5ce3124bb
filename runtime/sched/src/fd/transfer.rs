//! One read, write, accept or connect, from beginning to end.
//!
//! A [`Transfer`] lies on the goroutine's stack, which never moves, and is small, for little may be left of that stack. The goroutine enters [`Transfer::advance`], on the system stack, until
//! that says that it has finished ([`drive`]): each entry does as much as goes without waiting, and parks the goroutine if need be.
//!
//! ```text
//!            gate held              EAGAIN
//!           ┌── parked ──┐       ┌── parked ──┐
//!           ▼            │       ▼            │
//!  new ──► Enter ────────┴────► Try ──────────┴─────────► Finished
//!           │                    │                            ▲
//!           │ closed             └─ not pollable ─► Blocking ─┘
//!           └─────────────────────────────────────────────────┘
//! ```

use std::io;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use stack::Outcome;

use crate::g::GRef;
use crate::netpoll::{Mode, PollDesc};

use super::error::Error;
use super::socket::{self, Address, Encoded};
use super::{Entered, Fd};

/// The kernel transfers no more than 2 GiB at once, and some systems fail beyond; Go stays below as well.
const MOST: usize = 1 << 30;

/// What the goroutine does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Step {
    /// Advances again.
    Again = 0,
    /// Takes the result.
    Finished = 1,
    /// Calls [`Transfer::block`], its thread handed off, and advances again.
    Block = 2,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Enter,
    Try,
    Blocking,
    Finished,
}

enum Kind {
    Read {
        bytes: *mut u8,
        len: usize,
    },
    Write {
        bytes: *const u8,
        len: usize,
    },
    Accept,
    /// The address goes once connecting has begun.
    Connect {
        address: Option<Box<Encoded>>,
    },
}

/// A transfer between a descriptor and the goroutine's memory.
pub struct Transfer<'a> {
    fd: Arc<Fd>,
    kind: Kind,
    phase: Phase,
    /// Bytes so far.
    done: usize,
    connection: Option<OwnedFd>,
    error: Option<Error>,
    memory: PhantomData<&'a mut [u8]>,
}

/// What comes next, as far as the transfer itself can tell.
enum Next {
    Step(Step),
    Enter(*const Fd, Mode),
    Wait(&'static PollDesc, Mode),
}

/// What one system call brought.
enum Attempt {
    /// There is more to do at once.
    Continue,
    WouldBlock,
    Complete,
    Failed(Error),
}

impl<'a> Transfer<'a> {
    /// Reads what there is, at least a byte unless the end is reached.
    pub fn read(fd: Arc<Fd>, bytes: &'a mut [u8]) -> Transfer<'a> {
        let (bytes, len) = (bytes.as_mut_ptr(), bytes.len());
        Transfer::new(fd, Kind::Read { bytes, len })
    }

    /// Writes everything.
    pub fn write(fd: Arc<Fd>, bytes: &'a [u8]) -> Transfer<'a> {
        let (bytes, len) = (bytes.as_ptr(), bytes.len());
        Transfer::new(fd, Kind::Write { bytes, len })
    }

    /// As [`Transfer::read`].
    ///
    /// # Safety
    /// `len` bytes may be written to `bytes` until the transfer is finished or dropped.
    pub unsafe fn read_raw(fd: Arc<Fd>, bytes: *mut u8, len: usize) -> Transfer<'static> {
        Transfer::new(fd, Kind::Read { bytes, len })
    }

    /// As [`Transfer::write`].
    ///
    /// # Safety
    /// `len` bytes may be read from `bytes` until the transfer is finished or dropped.
    pub unsafe fn write_raw(fd: Arc<Fd>, bytes: *const u8, len: usize) -> Transfer<'static> {
        Transfer::new(fd, Kind::Write { bytes, len })
    }

    /// Waits for the next connection.
    pub fn accept(fd: Arc<Fd>) -> Transfer<'a> {
        Transfer::new(fd, Kind::Accept)
    }

    /// Connects what [`connecting`](super::connecting) made.
    pub fn connect(fd: Arc<Fd>, address: &Address) -> Result<Transfer<'a>, Error> {
        let address = Some(Box::new(Encoded::new(address)?));
        Ok(Transfer::new(fd, Kind::Connect { address }))
    }

    fn new(fd: Arc<Fd>, kind: Kind) -> Transfer<'a> {
        Transfer {
            fd,
            kind,
            phase: Phase::Enter,
            done: 0,
            connection: None,
            error: None,
            memory: PhantomData,
        }
    }

    /// The descriptor.
    pub fn fd(&self) -> &Arc<Fd> {
        &self.fd
    }

    /// How many bytes were transferred, and what put an end to it before all were.
    pub fn result(&self) -> (usize, Option<Error>) {
        (self.done, self.error)
    }

    /// Of an accept: the connection.
    ///
    /// # Panics
    /// No accept has finished.
    pub fn into_connection(self) -> Result<OwnedFd, Error> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.connection.expect("an accept that has finished")),
        }
    }

    /// The goroutine's operation: goes on until it would have to wait. The value is a [`Step`].
    ///
    /// # Safety
    /// `transfer` is the goroutine's; it stays where it is, and nobody looks at it, until the goroutine goes on.
    pub unsafe fn advance(transfer: *mut Transfer, g: GRef) -> Outcome {
        loop {
            // SAFETY: by the caller's word. Nothing borrowed from the transfer is alive below, where the goroutine may begin to run elsewhere.
            let next = unsafe { (*transfer).next() };
            match next {
                Next::Step(step) => return Outcome::done(step as usize),
                // SAFETY: the transfer holds the Fd, at least until the goroutine goes on.
                Next::Enter(fd, mode) => match unsafe { (*fd).enter(mode, g) } {
                    // SAFETY: the goroutine still waits for us.
                    Entered::Yes => unsafe { (*transfer).phase = Phase::Try },
                    // SAFETY: as above.
                    Entered::Closing => _ = unsafe { (*transfer).refuse() },
                    Entered::Parked => return Outcome::switch(),
                },
                Next::Wait(desc, mode) => {
                    let outcome = desc.wait(mode, g);
                    if outcome.switch != 0 {
                        return outcome;
                    }
                }
            }
        }
    }

    /// The system calls that block, for descriptors that aren't pollable: anywhere but where they would hold up others.
    pub fn block(&mut self) {
        debug_assert!(self.phase == Phase::Blocking);
        self.error = loop {
            match self.system_call() {
                Attempt::Continue => {}
                Attempt::Complete => break None,
                Attempt::Failed(error) => break Some(error),
                Attempt::WouldBlock => break Some(Error::Os(libc::EAGAIN)),
            }
        };
    }

    fn next(&mut self) -> Next {
        match (self.phase, self.fd.desc) {
            (Phase::Enter, _) => Next::Enter(Arc::as_ptr(&self.fd), self.mode()),
            (Phase::Try, Some(desc)) => self.attempt(desc),
            (Phase::Try, None) => {
                self.phase = Phase::Blocking;
                Next::Step(Step::Block)
            }
            (Phase::Blocking, _) => self.leave(self.error),
            (Phase::Finished, _) => Next::Step(Step::Finished),
        }
    }

    fn attempt(&mut self, desc: &'static PollDesc) -> Next {
        let mode = self.mode();
        loop {
            if let Err(error) = desc.check(mode) {
                return self.leave(Some(Error::of_poll(error, self.fd.closed())));
            }
            match self.system_call() {
                Attempt::Continue => {}
                Attempt::Complete => return self.leave(None),
                Attempt::Failed(error) => return self.leave(Some(error)),
                Attempt::WouldBlock => return Next::Wait(desc, mode),
            }
        }
    }

    fn leave(&mut self, error: Option<Error>) -> Next {
        self.fd.leave(Some(self.mode()));
        Next::Step(self.finish(error))
    }

    /// The descriptor lets nobody in any more.
    fn refuse(&mut self) -> Step {
        self.finish(Some(self.fd.closed()))
    }

    fn finish(&mut self, error: Option<Error>) -> Step {
        self.error = error;
        self.phase = Phase::Finished;
        Step::Finished
    }

    fn mode(&self) -> Mode {
        match self.kind {
            Kind::Read { .. } | Kind::Accept => Mode::Read,
            Kind::Write { .. } | Kind::Connect { .. } => Mode::Write,
        }
    }

    fn system_call(&mut self) -> Attempt {
        let result = match self.kind {
            Kind::Read { bytes, len } => self.system_read(bytes, len),
            Kind::Write { bytes, len } => self.system_write(bytes, len),
            Kind::Accept => self.system_accept(),
            Kind::Connect { ref mut address } => {
                let address = address.take();
                self.system_connect(address)
            }
        };
        match result {
            Ok(attempt) => attempt,
            Err(error) => match error.raw_os_error() {
                Some(libc::EINTR) => Attempt::Continue,
                Some(libc::EAGAIN) => Attempt::WouldBlock,
                // Gave up before it was accepted.
                Some(libc::ECONNABORTED) if matches!(self.kind, Kind::Accept) => Attempt::Continue,
                _ => Attempt::Failed(error.into()),
            },
        }
    }

    fn system_read(&mut self, bytes: *mut u8, len: usize) -> io::Result<Attempt> {
        if len > 0 {
            // SAFETY: a slice that is borrowed for as long as this lives, or as good as one by the word of who called `read_raw`.
            self.done = count(unsafe { libc::read(self.fd.raw, bytes.cast(), len.min(MOST)) })?;
        }
        Ok(Attempt::Complete)
    }

    fn system_write(&mut self, bytes: *const u8, len: usize) -> io::Result<Attempt> {
        let rest = (len - self.done).min(MOST);
        if rest == 0 {
            return Ok(Attempt::Complete);
        }
        // SAFETY: no more than `len` bytes are done.
        let next = unsafe { bytes.add(self.done).cast() };
        let written = if self.fd.is_socket {
            // SAFETY: within a slice that is borrowed for as long as this lives, or as good as one by the word of who called `write_raw`.
            unsafe { libc::send(self.fd.raw, next, rest, libc::MSG_NOSIGNAL) }
        } else {
            // SAFETY: as above.
            unsafe { libc::write(self.fd.raw, next, rest) }
        };
        self.done += match count(written)? {
            0 => return Ok(Attempt::Failed(Error::Os(libc::EIO))),
            written => written,
        };
        Ok(if self.done == len {
            Attempt::Complete
        } else {
            Attempt::Continue
        })
    }

    fn system_accept(&mut self) -> io::Result<Attempt> {
        self.connection = Some(socket::accept(self.fd.raw)?);
        Ok(Attempt::Complete)
    }

    fn system_connect(&self, address: Option<Box<Encoded>>) -> io::Result<Attempt> {
        let Some(address) = address else {
            let connected = socket::connected(self.fd.raw)?;
            return Ok(if connected {
                Attempt::Complete
            } else {
                Attempt::WouldBlock
            });
        };
        let Err(error) = address.connect(self.fd.raw) else {
            return Ok(Attempt::Complete);
        };
        match error.raw_os_error() {
            Some(libc::EISCONN) => Ok(Attempt::Complete),
            // What was interrupted goes on by itself.
            Some(libc::EINPROGRESS | libc::EALREADY | libc::EINTR) => Ok(Attempt::WouldBlock),
            // A Unix socket's backlog is full, and the kernel tells nobody when it no longer is.
            Some(libc::EAGAIN) => Ok(Attempt::Failed(Error::Os(libc::EAGAIN))),
            _ => Err(error),
        }
    }
}

/// The goroutine's part: `advance` enters [`Transfer::advance`] and returns its [`Step`]'s number, `block` calls [`Transfer::block`] as C is
/// called.
pub fn drive(
    transfer: &mut Transfer,
    mut advance: impl FnMut(&mut Transfer) -> usize,
    mut block: impl FnMut(&mut Transfer),
) {
    const BLOCK: usize = Step::Block as usize;
    const FINISHED: usize = Step::Finished as usize;
    loop {
        match advance(transfer) {
            FINISHED => return,
            BLOCK => block(transfer),
            _ => {}
        }
    }
}

fn count(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}
