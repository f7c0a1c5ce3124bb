//! The runtime as a library: the C ABI that compiled Go calls (`include/gort.h`), and the same for Rust.
//!
//! ```
//! let answer = gort::run(|| {
//!     let (sender, receiver) = gort::channel(0);
//!     gort::go(move || sender.send(6 * 7));
//!     receiver.recv()
//! });
//! assert_eq!(answer, Some(42));
//! ```
//!
//! | wanted | here |
//! |---|---|
//! | a program of goroutines | [`run`] |
//! | goroutines in a program of somebody else's | [`start`], [`enter`] |
//! | more goroutines, with more stack | [`go`](go()), [`Builder`] |
//! | channels | [`channel`](channel()), [`select!`], [`recv_any`], [`after`] |
//! | to wait for one another | [`WaitGroup`], [`Mutex`], [`Cond`], [`sleep`] |
//! | to call C, or block the thread | [`ccall`](ccall()), [`ccall_nonblocking`], [`blocking`] |
//! | to be called by C | [`export!`] |
//! | to give C a value to keep | [`Handle`] |
//! | a thread of one's own | [`lock_os_thread`] |
//!
//! # Threads
//! A goroutine may come back on another thread from every operation that may wait. Therefore:
//!
//! - No reference to a thread-local variable, and nothing that isn't `Send` because it belongs to a thread, may be kept across one. The compiler
//!   doesn't check this. With link-time optimisation the standard library's own such variables are inlined, too: catch panics with
//!   [`catch_unwind`].
//! - A lock of the standard library's that is held across one blocks the threads of those who want it, not only their goroutines: use [`Mutex`].
//!
//! # Panics
//! A goroutine may catch its panics ([`catch_unwind`]), as Go recovers them; they are silent until then. One that nobody catches ends the
//! program as Go's does: `panic:` with the message, the goroutine's frames, status 2. Panics pass C in both directions: see
//! [`ccall`](ccall()) and [`export!`]. Compiled Go's arrive as a `String` where they are of a string, else as a [`GoPanic`].
//!
//! # Environment
//! `GOMAXPROCS` is how many goroutines run at the same time (as many as there are processors). `GORT_DEBUG=nomembarrier` does without the system
//! call of that name, as where there is none. `GORT_TRACE=FILE` has all calls between Rust, Go and C written to a file (for Perfetto or
//! chrome://tracing), and a table of them to standard error at the end.
//!
//! # fork
//! A child of `fork` may run C, exec and `_exit`; goroutines would wait there for threads that are not, so calling or returning to them ends it
//! with a message.

#[cfg(feature = "archive")]
mod archive;
#[cfg(target_arch = "x86_64")]
mod capi;
mod ccall;
mod channel;
mod enter;
#[doc(hidden)]
pub mod export;
mod go;
mod handle;
mod name;
mod panics;
#[doc(hidden)]
pub mod select;
mod sync;
mod time;

pub use bridge::panic::GoPanic;
pub use ccall::{blocking, ccall, ccall_nonblocking};
pub use channel::{Receiver, Sender, TryRecvError, TrySendError, channel};
pub use enter::{enter, on_goroutine};
pub use go::{
    Builder, ThreadLock, go, goexit, gomaxprocs, lock_os_thread, num_goroutines, run, start,
    yield_now,
};
pub use handle::Handle;
pub use panics::catch_unwind;
pub use select::recv_any;
pub use sync::{Cond, Mutex, MutexGuard, WaitGroup};
pub use time::{after, sleep};

#[cfg(target_arch = "x86_64")]
pub use capi::arguments;
