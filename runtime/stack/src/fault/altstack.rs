//! The stack that signal handlers run on.

use std::io;
use std::marker::PhantomData;
use std::ptr;
use std::sync::PoisonError;

use crate::memory::NoMemory;
use crate::memory::map;
use crate::sync::Mutex;

/// Room for a handler; what the processor's registers take comes on top.
const SIZE: usize = 64 << 10;

/// The calling thread's alternate signal stack, while it is needed: without one, the handler of a stack overflow would need the very stack
/// that has overflowed.
#[derive(Debug)]
#[must_use = "dropping it takes the stack away"]
pub struct AltStack {
    /// The mapping, guard page first; None: the host has brought a stack.
    mapping: Option<(*mut u8, usize)>,
    /// It is this thread's, and can only be taken down here.
    _thread: PhantomData<*mut ()>,
}

impl AltStack {
    /// Gives the calling thread a stack for signals, unless it has one: that is its host's, and stays.
    pub fn install() -> Result<AltStack, NoMemory> {
        // SAFETY: reads a constant of the system.
        let registers = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
        let bytes = map::page() + (SIZE + registers).next_multiple_of(map::page());
        let kept = POOL.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let fresh = kept.is_none();
        let base = match kept {
            Some(kept) => kept.0,
            None => map::map(bytes)?,
        };
        // From here on, dropping it undoes what was done.
        let stack = AltStack {
            mapping: Some((base, bytes)),
            _thread: PhantomData,
        };
        if fresh {
            // SAFETY: nobody uses the mapping yet.
            unsafe { map::guard(base, map::page())? };
        }
        let own = describe(base.wrapping_add(map::page()), bytes - map::page(), 0);
        // SAFETY: the stack lies in the mapping, behind the guard page, and stays there until it is taken down.
        let before = match unsafe { exchange(&own) } {
            Ok(before) => before,
            // A handler of the host's runs on the stack that it has brought.
            Err(libc::EPERM) => return Ok(stack.unused()),
            Err(errno) => return Err(NoMemory { errno, bytes }),
        };
        if is_none(&before) {
            return Ok(stack);
        }
        // SAFETY: it was the thread's before.
        let restored = unsafe { exchange(&before) };
        debug_assert!(restored.is_ok(), "what the system had taken before");
        Ok(stack.unused())
    }

    /// The host has brought a stack: this one, which is not the thread's, goes back.
    fn unused(mut self) -> AltStack {
        if let Some((base, bytes)) = self.mapping.take() {
            keep(base, bytes);
        }
        self
    }

    /// Whether the thread's stack for signals came from here.
    pub fn is_own(&self) -> bool {
        self.mapping.is_some()
    }

    /// Takes the stack away again; the thread is as it was before [`install`](Self::install).
    pub fn uninstall(self) {}
}

impl Drop for AltStack {
    fn drop(&mut self) {
        let Some((base, bytes)) = self.mapping else {
            return;
        };
        let none = describe(ptr::null_mut(), 0, libc::SS_DISABLE);
        // SAFETY: no stack is better than one that is unmapped. The system refuses while a handler runs on it.
        let gone = match unsafe { exchange(&none) } {
            Ok(before) if is_none(&before) => true,
            Ok(before) if before.ss_sp.cast() == base.wrapping_add(map::page()) => true,
            // Somebody has put another in its place, and may put this one back.
            Ok(before) => {
                // SAFETY: it was the thread's a moment ago.
                let restored = unsafe { exchange(&before) };
                debug_assert!(restored.is_ok(), "what the system had taken before");
                false
            }
            Err(_) => false,
        };
        if gone {
            keep(base, bytes);
        }
    }
}

/// For the next thread, unless there are enough. No thread uses the mapping.
fn keep(base: *mut u8, bytes: usize) {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if pool.len() < KEPT {
        pool.push(Mapping(base));
        return;
    }
    drop(pool);
    // SAFETY: nobody uses it, says the caller. If the system keeps it, some addresses are lost.
    let _ = unsafe { map::unmap(base, bytes) };
}

/// Mappings for threads to come, all of one size: a thread that C makes for one call gets its own in no time.
static POOL: Mutex<Vec<Mapping>> = Mutex::new(Vec::new());
const KEPT: usize = 64;

/// A mapping that nobody uses.
struct Mapping(*mut u8);

// SAFETY: memory of no thread.
unsafe impl Send for Mapping {}

fn describe(stack: *mut u8, size: usize, flags: i32) -> libc::stack_t {
    libc::stack_t {
        ss_sp: stack.cast(),
        ss_flags: flags,
        ss_size: size,
    }
}

fn is_none(stack: &libc::stack_t) -> bool {
    stack.ss_flags & libc::SS_DISABLE != 0
}

/// Makes `new` the calling thread's stack for signals. What it was before, or `errno`.
///
/// # Safety
/// The stack stays where it is for as long as it is the thread's.
unsafe fn exchange(new: &libc::stack_t) -> Result<libc::stack_t, i32> {
    let mut before = describe(ptr::null_mut(), 0, libc::SS_DISABLE);
    // SAFETY: as the caller says.
    match unsafe { libc::sigaltstack(new, &mut before) } {
        0 => Ok(before),
        _ => Err(io::Error::last_os_error()
            .raw_os_error()
            .unwrap_or(libc::ENOMEM)),
    }
}
