//! Stack enough for types nested as deep as a C front end accepts.
//!
//! Converting a type recurs as deep as the type does. The parser guards its own recursion; here it is
//! simplest to have so much stack that the C front end gives up first. It costs address space only.

use std::sync::{Mutex, PoisonError};
use std::thread;

const STACK: usize = 128 << 20;

/// Runs `f` on a thread with a large stack, and gives parallel work the same. Where no such thread can be
/// had, `f` has the stack that there is.
pub fn run<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    // A pool that exists already has the default stack: nothing is lost but depth.
    let _ = rayon::ThreadPoolBuilder::new()
        .stack_size(STACK)
        .build_global();
    let once = Mutex::new(Some(f));
    let call = || {
        let f = once.lock().unwrap_or_else(PoisonError::into_inner).take();
        f.expect("called once")()
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK);
        match thread.spawn_scoped(scope, call) {
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => call(),
        }
    })
}
