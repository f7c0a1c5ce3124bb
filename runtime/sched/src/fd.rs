//! Descriptors: pipes, sockets, files, for goroutines to read and write.
//!
//! A goroutine that has to wait for a pipe or a socket waits for the poller ([`crate::netpoll`]), and no thread waits with it. Files that the
//! kernel's poller refuses (regular ones: always "ready", yet slow) are read and written by system calls that block, with the thread
//! handed off as for a call of C; [`Transfer`] says when.
//!
//! In each direction one transfer goes on at a time; who comes second waits in line. A close makes all of them fail, and waits for the
//! last to notice before the number is given back to the kernel: so no transfer ever meets somebody else's descriptor of that number.
//!
//! | who           | may do what                                                                                    |
//! |---------------|------------------------------------------------------------------------------------------------|
//! | a user        | use the descriptor and its PollDesc, from `enter` or `borrow` until `leave`                     |
//! | the last user | once it is closing: destroy it                                                                 |
//! | the closer    | is a user itself until it has woken the others; if it isn't the last, the last readies it       |

mod error;
mod socket;
mod table;
mod transfer;

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use stack::Outcome;

use crate::g::{GQueue, GRef, WaitReason};
use crate::netpoll::{Mode, PollDesc};
use crate::sync::{Mutex, MutexGuard};

pub use error::Error;
pub use socket::{Address, connecting, listen, local_port, pipe};
pub use table::{insert, lookup, remove};
pub use transfer::{Step, Transfer, drive};

/// A descriptor.
pub struct Fd {
    raw: RawFd,
    desc: Option<&'static PollDesc>,
    is_socket: bool,
    state: Mutex<State>,
}

/// The lock is a leaf but for those that readying goroutines takes.
#[derive(Default)]
struct State {
    closing: bool,
    users: usize,
    read: Gate,
    write: Gate,
    /// Waits until the last user has gone.
    closer: Option<GRef>,
}

/// Lets one transfer through at a time.
#[derive(Default)]
struct Gate {
    held: bool,
    queue: GQueue,
}

/// Whether a transfer may go on.
#[must_use]
enum Entered {
    Yes,
    /// The goroutine stands in line and must not be touched; when it runs again, it tries again.
    Parked,
    Closing,
}

impl Fd {
    /// Takes over a descriptor; if it can be waited for, it becomes non-blocking.
    pub fn new(fd: OwnedFd) -> io::Result<Arc<Fd>> {
        let raw = fd.as_raw_fd();
        let is_socket = socket::is_socket(raw)?;
        let desc = match PollDesc::open(raw) {
            Ok(desc) => Some(desc),
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => None,
            Err(error) => return Err(error),
        };
        let fd = Fd {
            raw: fd.into_raw_fd(),
            desc,
            is_socket,
            state: Mutex::default(),
        };
        if desc.is_some() {
            socket::set_nonblocking(raw)?;
        }
        Ok(Arc::new(fd))
    }

    /// Somebody else has closed the number.
    fn lose(&self) {
        if let Some(desc) = self.desc {
            desc.lose();
        }
    }

    /// Whether goroutines can wait for it; otherwise transfers block their thread.
    pub fn pollable(&self) -> bool {
        self.desc.is_some()
    }

    /// Whether transfers go through `send`, and closing is a network connection's.
    pub fn is_socket(&self) -> bool {
        self.is_socket
    }

    /// Transfers in a direction shall fail from `when` (by [`crate::timer::nanotime`]) on; `None`: not by time.
    pub fn set_deadline(&self, mode: Mode, when: Option<i64>) -> Result<(), Error> {
        let desc = self.desc.ok_or(Error::NoDeadline)?;
        self.borrow()?;
        desc.set_deadline(mode, when);
        self.leave(None);
        Ok(())
    }

    /// The operation that closes: done with 0 or an errno (EBADF: somebody else has closed it), once no transfer uses it any more.
    pub fn close(&self, g: GRef) -> Outcome {
        let Some(woken) = self.start_closing() else {
            return Outcome::done(libc::EBADF as usize);
        };
        crate::g::ready_all(woken);
        if let Some(desc) = self.desc {
            desc.unblock();
        }
        let mut state = self.lock();
        state.users -= 1;
        if state.users == 0 {
            drop(state);
            return Outcome::done(self.destroy());
        }
        g.will_park(WaitReason::Semacquire);
        state.closer = Some(g);
        Outcome::switch()
    }

    /// The number, for calls that the layer above makes between [`Fd::borrow`] and [`Fd::give_back`].
    pub fn raw(&self) -> RawFd {
        self.raw
    }

    /// The descriptor stays open until [`Fd::give_back`].
    pub fn borrow(&self) -> Result<(), Error> {
        let mut state = self.lock();
        if state.closing {
            return Err(self.closed());
        }
        state.users += 1;
        Ok(())
    }

    /// Ends what [`Fd::borrow`] began.
    pub fn give_back(&self) {
        self.leave(None);
    }

    /// Why transfers fail once it is closing.
    fn closed(&self) -> Error {
        if self.is_socket {
            Error::NetClosing
        } else {
            Error::FileClosing
        }
    }

    /// Begins a transfer.
    fn enter(&self, mode: Mode, g: GRef) -> Entered {
        let mut state = self.lock();
        if state.closing {
            return Entered::Closing;
        }
        let gate = state.gate(mode);
        if gate.held {
            g.will_park(WaitReason::Semacquire);
            g.context.value.set(Step::Again as usize);
            gate.queue.push(g);
            return Entered::Parked;
        }
        gate.held = true;
        state.users += 1;
        Entered::Yes
    }

    /// Ends a use; that of a transfer, if there is a mode.
    fn leave(&self, mode: Option<Mode>) {
        let mut state = self.lock();
        state.users -= 1;
        let last = state.closing && state.users == 0;
        let next = mode.and_then(|mode| {
            let gate = state.gate(mode);
            gate.held = false;
            gate.queue.pop()
        });
        let closer = if last { state.closer.take() } else { None };
        drop(state);
        if let Some(next) = next {
            next.ready(Step::Again as usize);
        }
        if let Some(closer) = closer {
            closer.ready(self.destroy());
        }
    }

    /// From now on nothing begins. Who stands in line is to be woken; none if somebody else closes it.
    fn start_closing(&self) -> Option<GQueue> {
        let mut state = self.lock();
        if mem::replace(&mut state.closing, true) {
            return None;
        }
        state.users += 1;
        let mut woken = mem::take(&mut state.read.queue);
        woken.append(mem::take(&mut state.write.queue));
        Some(woken)
    }

    /// Nobody uses it, and nobody will. Returns 0 or an errno.
    fn destroy(&self) -> usize {
        let lost = self.desc.is_some_and(PollDesc::is_lost);
        if let Some(desc) = self.desc {
            desc.close();
        }
        if lost {
            return libc::EBADF as usize;
        }
        // SAFETY: the number is ours to close, and this is the only time: the closer, the last user and drop exclude each other.
        let result = unsafe { libc::close(self.raw) };
        match result {
            0 => 0,
            _ => io::Error::last_os_error()
                .raw_os_error()
                .unwrap_or(libc::EIO) as usize,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn gate(&mut self, mode: Mode) -> &mut Gate {
        match mode {
            Mode::Read => &mut self.read,
            Mode::Write => &mut self.write,
        }
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        if self.lock().closing {
            return;
        }
        if let Some(desc) = self.desc {
            desc.unblock();
        }
        self.destroy();
    }
}
