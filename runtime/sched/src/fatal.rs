//! The end of the program by the runtime's own decision, in Go's words.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

/// Go's exit code for a program that died.
pub const EXIT_CODE: i32 = 2;

/// The thread that ends the program; 0: none does.
static DYING: AtomicI32 = AtomicI32::new(0);

/// How long a thread waits for another one that ends the program, and may have to wait for this one's locks, before it ends the program itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is done last, where there is memory for it.
static LAST: OnceLock<extern "C" fn()> = OnceLock::new();

/// The program is to end with a call of this function as well, unless it ends for lack of memory; the first one counts.
pub fn set_last(function: extern "C" fn()) {
    let _ = LAST.set(function);
}

/// Ends the program: `fatal error: what`, after what led to it and before the goroutines.
pub fn throw(before: &str, what: &str) -> ! {
    begin();
    // First, and alone: the goroutines take memory, which there may be none of.
    write(&format!("{before}fatal error: {what}\n\n"));
    write(&crate::dump::goroutines(true));
    do_last();
    exit()
}

/// Ends the program with nothing but a message.
pub fn end(message: &str) -> ! {
    begin();
    write(message);
    do_last();
    exit()
}

fn do_last() {
    if let Some(last) = LAST.get() {
        last();
    }
}

/// Ends the program, which has no memory for a block of `bytes`, and has `in_use` bytes. From anywhere, with whatever locks: this takes no memory.
pub fn out_of_memory(bytes: usize, in_use: usize) -> ! {
    begin();
    let mut text = [0; 200];
    let mut rest = &mut text[..];
    let _ = write!(
        rest,
        "runtime: out of memory: cannot allocate {bytes}-byte block ({in_use} in use)\nfatal error: runtime: out of memory\n"
    );
    let left = rest.len();
    let _ = std::io::stderr().write_all(&text[..text.len() - left]);
    exit()
}

/// Writes to standard error, whatever state the program is in.
pub fn write(message: &str) {
    let mut error = std::io::stderr();
    let _ = error.write_all(message.as_bytes());
}

/// This thread alone ends the program. What goes wrong while it does isn't said any more.
fn begin() {
    // SAFETY: reads the calling thread's id, which always works.
    let own = unsafe { libc::gettid() };
    match DYING.compare_exchange(0, own, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {}
        Err(other) if other == own => exit(),
        Err(_) => {
            std::thread::sleep(PATIENCE);
            exit()
        }
    }
}

fn exit() -> ! {
    // SAFETY: ends the process, without the handlers of `exit`, which may need what is broken.
    unsafe { libc::_exit(EXIT_CODE) }
}
