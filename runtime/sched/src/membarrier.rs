//! A memory barrier on every thread of the process at once, so that the threads themselves need none.
//!
//! Two sides that store to one word and then load the other's need a full fence each, or both may miss the other's store. Where one
//! side is frequent and the other rare, the rare one can pay for both: Linux's `membarrier` makes every running thread of the process
//! execute a full barrier between the caller's accesses before and after the call (one that doesn't run has had its barrier when it
//! was switched out). The frequent side then only has to keep the compiler from changing the order.
//!
//! The model checker has no such call. There both sides are fences: membarrier puts the other side's barrier somewhere into its
//! program. Before its store: then its load, later still, sees what the caller stored. Behind its load: then the caller sees its
//! store. Between them: both. "At least one sees the other" is also exactly what two sequentially consistent fences promise.

use crate::fault::{Fault, on};

#[cfg(loom)]
use model as system;
#[cfg(not(loom))]
pub use system::{available, register};

/// The rare side's barrier: in every thread of the process if membarrier was registered, else in this one alone.
///
/// Ends the program if the system has taken membarrier away since, as a seccomp filter can: threads that are on their way back from C
/// rely on it, so that nothing safe is left to do.
pub fn heavy() {
    if !on(Fault::HeavyBarrier) {
        system::heavy();
    }
}

/// The frequent side's barrier: keeps the compiler's order. Whoever runs where membarrier is missing adds a fence.
pub fn light() {
    // The models of a system without membarrier turn it off: there it does nothing for the machine's order.
    if !on(Fault::LightBarrier) && !on(Fault::SettleFence) {
        system::light();
    }
}

#[cfg(not(loom))]
mod system {
    use crate::sync::atomic::{AtomicBool, Ordering, compiler_fence, fence};

    static AVAILABLE: AtomicBool = AtomicBool::new(false);

    fn membarrier(command: libc::c_int) -> libc::c_long {
        // SAFETY: membarrier takes three integers and touches no memory of the caller's.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) }
    }

    /// Asks the system for the barrier; says whether it can be had. To be called once, before the first thread that relies on it;
    /// without the call, everybody uses fences.
    pub fn register() -> bool {
        let supported = membarrier(libc::MEMBARRIER_CMD_QUERY);
        let wanted = libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED
            | libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
        let there = supported >= 0
            && supported & libc::c_long::from(wanted) == libc::c_long::from(wanted)
            && membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0
            // A sandbox may let one command through and not the other.
            && membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
        AVAILABLE.store(there, Ordering::Relaxed);
        there
    }

    /// Whether [`heavy`] reaches the other threads. If not, they need fences of their own.
    pub fn available() -> bool {
        AVAILABLE.load(Ordering::Relaxed)
    }

    pub fn heavy() {
        if !available() {
            fence(Ordering::SeqCst);
        } else if membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 {
            let error = std::io::Error::last_os_error();
            crate::fatal::throw(
                &format!("runtime: membarrier worked when the program started: {error}\n"),
                "runtime: membarrier failed",
            );
        }
    }

    pub fn light() {
        compiler_fence(Ordering::SeqCst);
    }
}

#[cfg(loom)]
mod model {
    use crate::sync::atomic::{Ordering, fence};

    pub fn heavy() {
        fence(Ordering::SeqCst);
    }

    pub fn light() {
        fence(Ordering::SeqCst);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    #[test]
    fn registered_barriers_work() {
        if super::register() {
            assert!(super::available());
        }
        super::heavy();
        super::light();
    }
}
