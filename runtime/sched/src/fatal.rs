//! The end of the program by the runtime's own decision, in Go's words.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::Duration;

use crate::g::Fault;
use crate::{capture, dump, signal, thread};

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

/// How much a program that dies tells: GOTRACEBACK, `debug.SetTraceback`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Goroutines are shown.
    pub shown: bool,
    /// All of them.
    pub all: bool,
    /// The runtime's own, too.
    pub system: bool,
    /// The process ends as by a fault, for a core dump.
    pub crash: bool,
}

const ALL: u32 = 1;
const CRASH: u32 = 2;
const SHOWN: u32 = 4;
const SYSTEM: u32 = 8;

static LEVEL: AtomicU32 = AtomicU32::new(SHOWN);
/// What the environment wants at least.
static FLOOR: AtomicU32 = AtomicU32::new(0);

/// GOTRACEBACK is read: when the runtime starts, since handlers can't.
pub fn read_environment() {
    let level = std::env::var("GOTRACEBACK").unwrap_or_default();
    LEVEL.store(bits(&level), Ordering::Relaxed);
    FLOOR.store(bits(&level), Ordering::Relaxed);
}

/// `debug.SetTraceback`: not less than the environment says.
pub fn set_traceback(level: &str) {
    LEVEL.store(
        bits(level) | FLOOR.load(Ordering::Relaxed),
        Ordering::Relaxed,
    );
}

fn bits(level: &str) -> u32 {
    match level {
        "none" => 0,
        "single" | "" => SHOWN,
        "all" => SHOWN | ALL,
        "system" => SHOWN | ALL | SYSTEM,
        "crash" => SHOWN | ALL | SYSTEM | CRASH,
        other => match other.parse::<u32>() {
            Ok(1) => SHOWN | ALL,
            Ok(2..) => SHOWN | ALL | SYSTEM,
            _ => ALL,
        },
    }
}

/// As it is now.
pub fn level() -> Level {
    let bits = LEVEL.load(Ordering::Relaxed);
    Level {
        shown: bits & SHOWN != 0,
        all: bits & ALL != 0,
        system: bits & SYSTEM != 0,
        crash: bits & CRASH != 0,
    }
}

/// The goroutines, as many as [`level`] wants, of a program that ends.
pub fn goroutines() -> String {
    let level = level();
    if level.shown && level.all {
        capture::others();
    }
    match level.shown {
        true => dump::goroutines(level.all),
        false => String::new(),
    }
}

/// Ends the program: `fatal error: what`, after what led to it and before the goroutines.
pub fn throw(before: &str, what: &str) -> ! {
    throw_by(before, what, Fault::default())
}

/// The same with a signal to be told of, if there is one.
pub fn throw_by(before: &str, what: &str, fault: Fault) -> ! {
    begin();
    let mut signal = String::new();
    tell_fault(&mut signal, fault);
    // First, and alone: the goroutines take memory, which there may be none of.
    write(&format!("{before}fatal error: {what}\n{signal}\n"));
    capture::others();
    write(&dump::goroutines(true));
    do_last();
    exit()
}

/// The line that tells of the signal behind a panic, if there is one.
pub fn tell_fault(out: &mut String, fault: Fault) {
    if fault.signal == 0 {
        return;
    }
    let _ = match signal::name(fault.signal) {
        Some(name) => write!(out, "[signal {name}"),
        None => write!(out, "[signal {:#x}", fault.signal),
    };
    let _ = writeln!(
        out,
        " code={:#x} addr={:#x} pc={:#x}]",
        fault.code, fault.address, fault.pc
    );
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
pub fn begin() {
    let own = thread::gettid();
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
    leave(EXIT_CODE)
}

/// Ends the process, without the handlers of `exit`, which may need what is broken; or by a core dump, if [`level`] wants one. Async-signal-safe.
pub fn leave(code: i32) -> ! {
    if level().crash {
        die_by(libc::SIGABRT);
    }
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}

/// Ends the process by the signal's default action. Async-signal-safe.
pub fn die_by(signal: i32) -> ! {
    // SAFETY: zeros are an action, the default.
    unsafe { signal::set_action(signal, &std::mem::zeroed()) };
    signal::change_mask(libc::SIG_UNBLOCK, signal::bit(signal));
    signal::send_to(thread::gettid(), signal);
    // SAFETY: ends the process. The first one of a container is told of no such signal: as a shell would say it.
    unsafe { libc::_exit(128 + signal) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_as_go_reads_them() {
        let cases = [
            ("", SHOWN),
            ("single", SHOWN),
            ("none", 0),
            ("0", ALL),
            ("1", SHOWN | ALL),
            ("all", SHOWN | ALL),
            ("system", SHOWN | ALL | SYSTEM),
            ("2", SHOWN | ALL | SYSTEM),
            ("crash", SHOWN | ALL | SYSTEM | CRASH),
            ("nonsense", ALL),
        ];
        for (text, level) in cases {
            assert_eq!(bits(text), level, "{text:?}");
        }
    }

    #[test]
    fn a_fault_is_told_as_go_tells_it() {
        let mut text = String::new();
        tell_fault(&mut text, Fault::default());
        assert_eq!(text, "");
        let fault = Fault {
            signal: libc::SIGSEGV,
            code: 1,
            address: 0x18,
            pc: 0x401000,
        };
        tell_fault(&mut text, fault);
        assert_eq!(
            text,
            "[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x401000]\n"
        );
    }
}
