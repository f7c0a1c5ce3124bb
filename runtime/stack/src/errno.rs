//! C's `errno`, which a call into Go must leave as it is: the runtime's own system calls don't count.

use std::sync::atomic::AtomicU32;

/// Puts `errno` back when it is dropped, on the thread that made it.
#[must_use = "errno is put back when this is dropped"]
pub struct Kept {
    place: *mut i32,
    value: i32,
}

/// Keeps the calling thread's `errno` as it is now. For code that stays on its thread.
pub fn keep() -> Kept {
    // SAFETY: the thread's own variable.
    unsafe {
        let place = libc::__errno_location();
        Kept {
            place,
            value: *place,
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: this is the thread that made it.
        unsafe { *self.place = self.value };
    }
}

/// `futex`, of this process only, without touching `errno`: below zero is an error's number.
///
/// # Safety
/// `timeout` is null or readable.
#[cfg(target_arch = "x86_64")]
pub unsafe fn futex(
    word: &AtomicU32,
    operation: i32,
    value: u32,
    timeout: *const libc::timespec,
) -> isize {
    let result: isize;
    // SAFETY: the word lives for the call, and the timeout is as the caller says. The kernel changes rax, rcx and r11 only.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") libc::SYS_futex as isize => result,
            in("rdi") word.as_ptr(),
            in("rsi") operation | libc::FUTEX_PRIVATE_FLAG,
            in("rdx") value,
            in("r10") timeout,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}
