//! The end of the program by the runtime's own decision, in Go's words.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// Go's exit code for a program that died.
pub const EXIT_CODE: i32 = 2;

static DYING: AtomicBool = AtomicBool::new(false);

/// Ends the program: `fatal error: what`, after what led to it and before the goroutines.
pub fn throw(before: &str, what: &str) -> ! {
    end(&format!(
        "{before}fatal error: {what}\n\n{}",
        crate::dump::goroutines(true)
    ))
}

/// Ends the program with nothing but a message.
pub fn end(message: &str) -> ! {
    write(message);
    exit(EXIT_CODE)
}

/// Writes to standard error, whatever state the program is in.
pub fn write(message: &str) {
    let mut error = std::io::stderr();
    let _ = error.write_all(message.as_bytes());
}

fn exit(code: i32) -> ! {
    if DYING.swap(true, Ordering::AcqRel) {
        // Another thread is at it already.
        loop {
            std::thread::park();
        }
    }
    // SAFETY: ends the process, without the handlers of `exit`, which may need what is broken.
    unsafe { libc::_exit(code) }
}
