//! The system's part: mappings, and their refusal.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ptr;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::sync::{Mutex, MutexGuard};

/// The system gave no memory for a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory {
    /// What the system said.
    pub errno: i32,
    /// What was asked of it.
    pub bytes: usize,
}

impl fmt::Display for NoMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = io::Error::from_raw_os_error(self.errno);
        write!(
            f,
            "no memory for a goroutine stack: {} bytes: {error}",
            self.bytes
        )?;
        if self.errno == libc::ENOMEM {
            f.write_str(" (out of memory, over a limit of the process, or out of mappings: vm.max_map_count)")?;
        }
        Ok(())
    }
}

impl std::error::Error for NoMemory {}

/// Refusals on demand, for tests of those who ask for stacks. They hold for the whole process.
pub mod inject {
    use super::*;

    /// The next `n` requests for memory are passed to the system, all later ones refused with ENOMEM.
    pub fn fail_mmap_after(n: usize) {
        MMAPS.store(n as u64, Ordering::SeqCst);
    }

    /// The next `n` mappings that are given up are passed to the system, which then refuses: giving up the middle of a mapping makes two
    /// of it, and their number is limited.
    pub fn fail_munmap_after(n: usize) {
        MUNMAPS.store(n as u64, Ordering::SeqCst);
    }

    /// Guard pages are made as on Linux before 6.13: by a mapping of their own each.
    pub fn plain_guards(yes: bool) {
        PLAIN_GUARDS.store(yes, Ordering::SeqCst);
    }

    /// Nothing fails by order any more.
    pub fn reset() {
        MMAPS.store(NEVER, Ordering::SeqCst);
        MUNMAPS.store(NEVER, Ordering::SeqCst);
        plain_guards(false);
    }

    /// How many requests for memory have been made of the system so far.
    pub fn mmaps() -> usize {
        ASKED.load(Ordering::SeqCst)
    }
}

const NEVER: u64 = u64::MAX;
static MMAPS: AtomicU64 = AtomicU64::new(NEVER);
static MUNMAPS: AtomicU64 = AtomicU64::new(NEVER);
static ASKED: AtomicUsize = AtomicUsize::new(0);
static PLAIN_GUARDS: AtomicBool = AtomicBool::new(false);

/// Whether a request that counts down `left` is to be refused.
fn refused(left: &AtomicU64) -> bool {
    if left.load(Ordering::Relaxed) == NEVER {
        return false;
    }
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| match n {
        NEVER => None,
        n => Some(n.saturating_sub(1)),
    }) == Ok(0)
}

fn asks(bytes: usize) -> Result<(), NoMemory> {
    ASKED.fetch_add(1, Ordering::Relaxed);
    match refused(&MMAPS) {
        true => Err(NoMemory {
            errno: libc::ENOMEM,
            bytes,
        }),
        false => Ok(()),
    }
}

fn last_error(bytes: usize) -> NoMemory {
    let errno = io::Error::last_os_error()
        .raw_os_error()
        .unwrap_or(libc::ENOMEM);
    NoMemory { errno, bytes }
}

/// The smallest page of any system: what small segments are counted in. [`page`] may be larger.
pub const PAGE: usize = 4096;

/// The system's pages, in bytes.
pub fn page() -> usize {
    static SIZE: AtomicUsize = AtomicUsize::new(0);
    match SIZE.load(Ordering::Relaxed) {
        0 => {
            // SAFETY: reads a constant of the system.
            let size =
                usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(PAGE);
            SIZE.store(size, Ordering::Relaxed);
            size
        }
        size => size,
    }
}

/// A new mapping, all zeros, which takes memory only where it is touched.
pub fn map(bytes: usize) -> Result<*mut u8, NoMemory> {
    map_as(bytes, libc::PROT_READ | libc::PROT_WRITE)
}

/// Addresses without memory; [`allow`] makes parts of them usable.
pub fn reserve(bytes: usize) -> Result<*mut u8, NoMemory> {
    map_as(bytes, libc::PROT_NONE)
}

fn map_as(bytes: usize, protection: i32) -> Result<*mut u8, NoMemory> {
    asks(bytes)?;
    // Newer systems take MAP_STACK for "no huge pages": memory comes and goes by the page here.
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK;
    // SAFETY: a new mapping where the system likes it changes nothing that exists.
    let at = unsafe { libc::mmap(ptr::null_mut(), bytes, protection, flags, -1, 0) };
    if at == libc::MAP_FAILED {
        return Err(last_error(bytes));
    }
    mappings().insert(at as usize, bytes);
    Ok(at.cast())
}

/// All that were made and not given back: address and bytes.
static MAPPINGS: Mutex<BTreeMap<usize, usize>> = Mutex::new(BTreeMap::new());

fn mappings() -> MutexGuard<'static, BTreeMap<usize, usize>> {
    MAPPINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// These bytes, which lie in one mapping, are mapped no more.
fn note_unmapped(at: usize, bytes: usize) {
    let mut mappings = mappings();
    let found = mappings.range(..=at).next_back().map(|(at, n)| (*at, *n));
    let Some((start, whole)) = found else { return };
    let before = at - start;
    match before {
        0 => mappings.remove(&start),
        _ => mappings.insert(start, before),
    };
    let behind = whole - before - bytes;
    if behind > 0 {
        mappings.insert(at + bytes, behind);
    }
}

/// Gives everything back.
///
/// # Safety
/// Nobody uses any memory that came from here, or asks for more.
pub unsafe fn give_all_back() {
    for (at, bytes) in std::mem::take(&mut *mappings()) {
        // SAFETY: a mapping from here, which nobody uses, says the caller.
        unsafe { libc::munmap(at as *mut _, bytes) };
    }
}

/// A new mapping that begins at a multiple of its own size, a power of two.
pub fn map_aligned(bytes: usize) -> Result<*mut u8, NoMemory> {
    let at = map(bytes)?;
    if (at as usize).is_multiple_of(bytes) {
        return Ok(at);
    }
    // Mappings grow towards each other, so this mostly happens for the first. Should the system refuse to take anything back here, then
    // some addresses stay unused that cost nothing.
    // SAFETY: nobody knows of the mapping yet.
    let _ = unsafe { unmap(at, bytes) };
    let wide = map(2 * bytes)?;
    let before = (wide as usize).next_multiple_of(bytes) - wide as usize;
    // SAFETY: `before` is below `bytes`, so all three parts lie in the mapping, of which nobody knows yet.
    unsafe {
        if before > 0 {
            let _ = unmap(wide, before);
        }
        let _ = unmap(wide.add(before + bytes), bytes - before);
        Ok(wide.add(before))
    }
}

/// Gives a mapping back. The system may refuse (see [`inject::fail_munmap_after`]); the mapping is then as it was.
///
/// # Safety
/// The mapping came from here, and nobody uses it any more.
pub unsafe fn unmap(at: *mut u8, bytes: usize) -> Result<(), NoMemory> {
    if refused(&MUNMAPS) {
        return Err(NoMemory {
            errno: libc::ENOMEM,
            bytes,
        });
    }
    // SAFETY: the mapping is the caller's to give up.
    match unsafe { libc::munmap(at.cast(), bytes) } {
        0 => {
            note_unmapped(at as usize, bytes);
            Ok(())
        }
        _ => Err(last_error(bytes)),
    }
}

/// Makes reserved addresses usable.
///
/// # Safety
/// They come from [`reserve`], in whole pages.
pub unsafe fn allow(at: *mut u8, bytes: usize) -> Result<(), NoMemory> {
    // SAFETY: passed on to the caller.
    unsafe { protect(at, bytes, libc::PROT_READ | libc::PROT_WRITE) }
}

/// # Safety
/// The pages are the caller's, and nobody relies on them.
unsafe fn protect(at: *mut u8, bytes: usize, protection: i32) -> Result<(), NoMemory> {
    asks(bytes)?;
    // SAFETY: the pages are the caller's.
    match unsafe { libc::mprotect(at.cast(), bytes, protection) } {
        0 => Ok(()),
        _ => Err(last_error(bytes)),
    }
}

/// Makes pages fault for good. Linux 6.13 can do so within a mapping; before, each guard page is a mapping, whose number is limited
/// (`vm.max_map_count`).
///
/// # Safety
/// The pages are the caller's, and nobody uses them.
pub unsafe fn guard(at: *mut u8, bytes: usize) -> Result<(), NoMemory> {
    /// `<linux/mman.h>`; libc has it not for all targets.
    const MADV_GUARD_INSTALL: i32 = 102;
    static MISSING: AtomicBool = AtomicBool::new(false);
    if !MISSING.load(Ordering::Relaxed) && !PLAIN_GUARDS.load(Ordering::Relaxed) {
        asks(bytes)?;
        // SAFETY: nobody uses the pages.
        if unsafe { libc::madvise(at.cast(), bytes, MADV_GUARD_INSTALL) } == 0 {
            return Ok(());
        }
        let error = last_error(bytes);
        if error.errno == libc::ENOMEM {
            return Err(error);
        }
        MISSING.store(true, Ordering::Relaxed);
    }
    // SAFETY: nobody uses the pages.
    unsafe { protect(at, bytes, libc::PROT_NONE) }
}

/// Gives back the memory of all pages that lie wholly in these bytes, keeping the addresses: what is read there next is zero. Guard pages
/// stay what they are. Locked memory stays.
///
/// # Safety
/// The bytes are the caller's, and nobody needs what is in them.
pub unsafe fn forget(at: *mut u8, bytes: usize) {
    let start = (at as usize).next_multiple_of(page());
    let end = (at as usize + bytes) & !(page() - 1);
    if start < end {
        // SAFETY: nobody needs what is in the pages, says the caller.
        unsafe { libc::madvise(start as *mut _, end - start, libc::MADV_DONTNEED) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_mapping_is_known() {
        let page = page();
        let at = reserve(8 * page).unwrap();
        let start = at as usize;
        for (first, pages) in [(0, 1), (3, 2), (7, 1)] {
            // SAFETY: nobody else knows of the mapping.
            unsafe { unmap(at.add(first * page), pages * page).unwrap() };
        }
        let left: Vec<_> = mappings()
            .range(start..start + 8 * page)
            .map(|(at, bytes)| ((at - start) / page, bytes / page))
            .collect();
        assert_eq!(left, [(1, 2), (5, 2)]);
        for (first, pages) in left {
            // SAFETY: as above.
            unsafe { unmap(at.add(first * page), pages * page).unwrap() };
        }
        assert_eq!(mappings().range(start..start + 8 * page).count(), 0);
    }
}
