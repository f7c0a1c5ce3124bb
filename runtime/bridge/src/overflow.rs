//! A stack that has no room left is reported as what it is: C's, the thread's own, or a Rust goroutine's. (One that grows reports for
//! itself.) Any other fault goes to who had the signal before.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};

use sched::fatal;
use stack::fault::{Message, Overflow, classify, describe, stack_at};

const SIGNALS: [i32; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// What was there before our handler.
static BEFORE: [AtomicPtr<libc::sigaction>; 2] = [const { AtomicPtr::new(ptr::null_mut()) }; 2];

/// Listens for faults.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (signal, before) in SIGNALS.iter().zip(&BEFORE) {
            let mut old = MaybeUninit::<libc::sigaction>::uninit();
            // SAFETY: the handler is async-signal-safe and asks for the signal stack, which every M has; `old` is written by the call. The old
            // action is published before the new one can need it, but for a fault in between, which would end the program anyway.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = handler as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
                libc::sigaction(*signal, &raw const action, old.as_mut_ptr());
                before.store(Box::leak(Box::new(old.assume_init())), Ordering::Release);
            }
        }
    });
}

extern "C" fn handler(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::ucontext_t) {
    // SAFETY: the kernel passes both; these signals carry an address.
    let (address, sp) = unsafe {
        let registers = &(*context).uc_mcontext.gregs;
        (
            (*info).si_addr() as usize,
            registers[libc::REG_RSP as usize] as usize,
        )
    };
    let overflow = classify(address, sp, stack_at(sp));
    if overflow != Overflow::None {
        let mut message = Message::new();
        describe(&overflow, sp, &mut message);
        // SAFETY: writes bytes that are there; ends the process.
        unsafe {
            libc::write(
                2,
                message.as_bytes().as_ptr().cast(),
                message.as_bytes().len(),
            );
            libc::_exit(fatal::EXIT_CODE);
        }
    }
    let index = usize::from(signal != SIGNALS[0]);
    // SAFETY: the kernel's own arguments.
    unsafe { pass_on(&BEFORE[index], signal, info, context) };
}

/// Does what would have been done without us.
///
/// # Safety
/// As a signal handler is called.
unsafe fn pass_on(
    before: &AtomicPtr<libc::sigaction>,
    signal: i32,
    info: *mut libc::siginfo_t,
    context: *mut libc::ucontext_t,
) {
    // SAFETY: leaked when the handler was installed.
    let before = unsafe { before.load(Ordering::Acquire).as_ref() };
    match before {
        Some(before) if before.sa_sigaction > libc::SIG_IGN => {
            // SAFETY: a handler of this kind, says its flag; it takes what the kernel gave.
            unsafe {
                if before.sa_flags & libc::SA_SIGINFO != 0 {
                    let function: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::ucontext_t) =
                        std::mem::transmute(before.sa_sigaction);
                    function(signal, info, context);
                } else {
                    let function: extern "C" fn(i32) = std::mem::transmute(before.sa_sigaction);
                    function(signal);
                }
            }
        }
        // The fault happens again when we return, and then the system does what it does.
        _ => {
            // SAFETY: the default needs nothing.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    }
}
