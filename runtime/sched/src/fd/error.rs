//! Why a transfer failed.

use std::fmt;
use std::io;

use crate::netpoll::PollError;

/// Why a transfer failed. The texts are Go's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The file is closed, or is being closed.
    FileClosing,
    /// The connection is closed, or is being closed.
    NetClosing,
    /// The deadline has passed.
    Timeout,
    /// The kernel's poller reports an error for the descriptor and nothing else.
    NotPollable,
    /// No goroutine waits for files of this kind, so none can be told to give up.
    NoDeadline,
    /// The system's error.
    Os(i32),
}

impl Error {
    /// The errno that says it best.
    pub fn errno(self) -> i32 {
        match self {
            Error::FileClosing | Error::NetClosing => libc::EBADF,
            Error::Timeout => libc::ETIMEDOUT,
            Error::NotPollable => libc::EPERM,
            Error::NoDeadline => libc::EOPNOTSUPP,
            Error::Os(errno) => errno,
        }
    }

    pub(super) fn of_poll(error: PollError, closed: Error) -> Error {
        match error {
            PollError::Closing => closed,
            PollError::Timeout => Error::Timeout,
            PollError::NotPollable => Error::NotPollable,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Os(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::FileClosing => f.write_str("use of closed file"),
            Error::NetClosing => f.write_str("use of closed network connection"),
            Error::Timeout => f.write_str("i/o timeout"),
            Error::NotPollable => f.write_str("not pollable"),
            Error::NoDeadline => f.write_str("file type does not support deadline"),
            Error::Os(errno) => io::Error::from_raw_os_error(*errno).fmt(f),
        }
    }
}

impl std::error::Error for Error {}
