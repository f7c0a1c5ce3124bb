//! The system's part: addresses, and memory for them.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicI64, Ordering};

use stack::sync::{Mutex, MutexGuard};

/// The smallest page of any system.
pub const PAGE: usize = 4096;

/// The system has refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// How many more requests are passed to the system; below zero: all.
static LEFT: AtomicI64 = AtomicI64::new(-1);

/// For tests of those who ask: the next `n` requests are passed to the system, all later ones are refused. Below zero: none is.
pub fn refuse_after(n: i64) {
    LEFT.store(n, Ordering::SeqCst);
}

fn ask() -> Result<(), Refused> {
    if LEFT.load(Ordering::Relaxed) < 0 {
        return Ok(());
    }
    match LEFT.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
        Some(if left > 0 { left - 1 } else { left })
    }) {
        Ok(0) => Err(Refused),
        _ => Ok(()),
    }
}

/// Addresses without memory.
pub fn reserve(bytes: usize) -> Result<usize, Refused> {
    ask()?;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping where the system likes it changes nothing that exists.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
    match at == libc::MAP_FAILED {
        true => Err(Refused),
        false => {
            reserved().push((at as usize, bytes));
            Ok(at as usize)
        }
    }
}

/// What was reserved and not given up: address and bytes.
static RESERVED: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

fn reserved() -> MutexGuard<'static, Vec<(usize, usize)>> {
    RESERVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives everything up.
///
/// # Safety
/// Nobody uses any memory from here, or asks for more.
pub unsafe fn give_all_back() {
    for (start, bytes) in std::mem::take(&mut *reserved()) {
        // SAFETY: a mapping from here, which nobody uses, says the caller.
        unsafe { libc::munmap(start as *mut _, bytes) };
    }
}

/// Makes reserved addresses usable: all zeros, unless they were usable before.
///
/// # Safety
/// They come from [`reserve`]; both ends are multiples of [`PAGE`].
pub unsafe fn commit(start: usize, bytes: usize) -> Result<(), Refused> {
    ask()?;
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the addresses are the caller's; what was usable stays as it is.
    match unsafe { libc::mprotect(start as *mut _, bytes, protection) } {
        0 => Ok(()),
        _ => Err(Refused),
    }
}

/// Gives the memory of the pages back; the addresses stay usable, and what is read there next is zero.
///
/// # Safety
/// Committed pages of which nobody needs what is in them; both ends are multiples of the system's page.
pub unsafe fn release(start: usize, bytes: usize) {
    // SAFETY: nobody needs what is in the pages, says the caller.
    unsafe { libc::madvise(start as *mut _, bytes, libc::MADV_DONTNEED) };
}
