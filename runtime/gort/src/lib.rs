//! The runtime as a library: the C ABI that compiled Go calls, and the same for Rust.

#[cfg(target_arch = "x86_64")]
mod capi;
mod ccall;
mod channel;
mod enter;
#[doc(hidden)]
pub mod export;
mod go;
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
pub use select::recv_any;
pub use sync::{Cond, Mutex, MutexGuard, WaitGroup};
pub use time::{after, sleep};

#[cfg(target_arch = "x86_64")]
pub use capi::arguments;
