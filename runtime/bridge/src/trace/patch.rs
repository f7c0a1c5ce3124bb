//! Exchanging instructions of this module's own code, before anybody runs it.
//!
//! The kernel writes them through `/proc/self/mem`, which leaves pages as they are protected. Where that is refused, the page is made writable
//! for the moment; where that is refused as well, nothing is traced.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering;

use super::x86_64::{self, Entry};

/// `call` or `jmp` to an address that follows as a distance from behind it.
const CALL: u8 = 0xe8;
const JUMP: u8 = 0xe9;
/// `jmp` to seven bytes before what follows it: to the five before itself.
const SHORT_JUMP_BACK: [u8; 2] = [0xeb, 0xf9];
/// `push rbp; mov rbp, rsp`.
const FRAME: [u8; 4] = [0x55, 0x48, 0x89, 0xe5];
/// What stands before an entry, so that a jump has room there.
const ROOM: [u8; 5] = [0xcc; 5];

/// The way to write into code.
pub struct Code {
    memory: Option<File>,
}

impl Code {
    pub fn open() -> Code {
        Code {
            memory: OpenOptions::new().write(true).open("/proc/self/mem").ok(),
        }
    }

    /// Whether code can be written at all: writes what is there.
    ///
    /// # Errors
    /// The system's.
    pub fn probe(&self) -> io::Result<()> {
        let address = x86_64::traced_call();
        // SAFETY: a byte of code, which stays what it is.
        unsafe { self.write(address, &[*(address as *const u8)]) }
    }

    /// Sends the call that returns to `back` elsewhere. Returns what it called.
    ///
    /// # Safety
    /// There is code before `back`, and nobody runs it. `to` does what is called there.
    pub unsafe fn redirect_call(&self, back: usize, to: usize) -> io::Result<usize> {
        // SAFETY: the code is longer than this before the address.
        let (opcode, distance) = unsafe {
            (
                ((back - 5) as *const u8).read(),
                ((back - 4) as *const i32).read_unaligned(),
            )
        };
        if opcode != CALL {
            return Err(unknown("a call"));
        }
        let to = relative(back, to)?;
        // SAFETY: the four bytes before `back` are the call's distance.
        unsafe { self.write(back - 4, &to.to_le_bytes())? };
        Ok(back.wrapping_add_signed(distance as isize))
    }

    /// Has an entry of the runtime's begin with its traced way.
    ///
    /// # Safety
    /// Nobody runs the entry's first two instructions.
    pub unsafe fn redirect_entry(&self, entry: &Entry) -> io::Result<()> {
        let at = entry.address;
        // SAFETY: the entry's own instructions, and the room before it.
        let (before, begin) = unsafe { (*((at - 5) as *const [u8; 5]), *(at as *const [u8; 4])) };
        if before != ROOM || begin != FRAME {
            return Err(unknown("an entry"));
        }
        entry.body.store(at + FRAME.len(), Ordering::Relaxed);
        let mut jump = [JUMP, 0, 0, 0, 0];
        jump[1..].copy_from_slice(&relative(at, entry.traced)?.to_le_bytes());
        // SAFETY: the room before the entry, then its first bytes, which nobody runs now.
        unsafe {
            self.write(at - 5, &jump)?;
            self.write(at, &SHORT_JUMP_BACK)
        }
    }

    /// # Safety
    /// The bytes are code of this module's that nobody runs.
    unsafe fn write(&self, address: usize, bytes: &[u8]) -> io::Result<()> {
        let memory = self.memory.as_ref();
        if memory.is_some_and(|memory| memory.write_all_at(bytes, address as u64).is_ok()) {
            return Ok(());
        }
        // SAFETY: asks for the size of pages.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let start = address & !(page - 1);
        let length = (address + bytes.len() - start).next_multiple_of(page);
        let protect = |how: i32| {
            // SAFETY: pages of this module's code, which stay readable and executable.
            match unsafe { libc::mprotect(start as *mut _, length, how) } {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            }
        };
        protect(libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC)?;
        // SAFETY: the pages can be written now; the rest is the caller's word.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
        protect(libc::PROT_READ | libc::PROT_EXEC)
    }
}

fn relative(from: usize, to: usize) -> io::Result<i32> {
    i32::try_from(to.wrapping_sub(from) as isize).map_err(|_| unknown("a distance"))
}

fn unknown(what: &str) -> io::Error {
    io::Error::other(format!("{what} is not as the tracer knows it"))
}
