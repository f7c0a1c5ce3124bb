//! The stack that signal handlers run on.

use std::io;
use std::marker::PhantomData;
use std::mem;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use crate::memory::NoMemory;
use crate::memory::map;

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
        if current().is_some() {
            return Ok(AltStack {
                mapping: None,
                _thread: PhantomData,
            });
        }
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
        // SAFETY: the stack lies in the mapping, behind the guard page, and stays there until it is taken down.
        unsafe { set(base.add(map::page()), bytes - map::page(), 0)? };
        Ok(stack)
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
        let stack = base.wrapping_add(map::page());
        let gone = match current() {
            None => true,
            Some(now) if now == stack => {
                // SAFETY: no stack is better than one that is unmapped. The system refuses while a handler runs on it.
                unsafe { set(ptr::null_mut(), 0, libc::SS_DISABLE) }.is_ok()
            }
            // Somebody has put another in its place, and may put this one back.
            Some(_) => false,
        };
        if gone {
            let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
            if pool.len() < KEPT {
                pool.push(Mapping(base));
                return;
            }
            drop(pool);
            // SAFETY: the thread doesn't use the mapping any more. If the system keeps it, some addresses are lost.
            let _ = unsafe { map::unmap(base, bytes) };
        }
    }
}

/// Mappings for threads to come, all of one size: a thread that C makes for one call gets its own in no time.
static POOL: Mutex<Vec<Mapping>> = Mutex::new(Vec::new());
const KEPT: usize = 64;

/// A mapping that nobody uses.
struct Mapping(*mut u8);

// SAFETY: memory of no thread.
unsafe impl Send for Mapping {}

/// Where the thread's stack for signals begins, if it has one.
fn current() -> Option<*mut u8> {
    // SAFETY: zeros are a `stack_t`.
    let mut now: libc::stack_t = unsafe { mem::zeroed() };
    // SAFETY: only asks.
    let failed = unsafe { libc::sigaltstack(ptr::null(), &mut now) } != 0;
    (!failed && now.ss_flags & libc::SS_DISABLE == 0).then_some(now.ss_sp.cast())
}

/// # Safety
/// The stack stays where it is for as long as it is the thread's.
unsafe fn set(stack: *mut u8, size: usize, flags: i32) -> Result<(), NoMemory> {
    let new = libc::stack_t {
        ss_sp: stack.cast(),
        ss_flags: flags,
        ss_size: size,
    };
    // SAFETY: as the caller says.
    match unsafe { libc::sigaltstack(&new, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(NoMemory {
            errno: io::Error::last_os_error()
                .raw_os_error()
                .unwrap_or(libc::ENOMEM),
            bytes: size,
        }),
    }
}
