//! The program's beginning and end.

use std::arch::global_asm;
use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use bridge::StackKind;
use bridge::sections::gort_text_bounds;
use sched::{deadlock, preempt, start};
use stack::Outcome;

/// What `main` got from the system: see [`arguments`].
static ARGC: AtomicI32 = AtomicI32::new(0);
static ARGV: AtomicPtr<*mut c_char> = AtomicPtr::new(std::ptr::null_mut());

/// What the first goroutine calls.
#[repr(C)]
struct Main {
    function: extern "C" fn(*mut c_void),
    argument: *mut c_void,
}

/// `argc` and `argv` as the program's `main` gets them.
pub fn arguments() -> (c_int, *const *mut c_char) {
    let argv = ARGV.load(Ordering::Acquire);
    (ARGC.load(Ordering::Acquire), argv)
}

// The first goroutine: calls main, then C's exit, as C does for its own main. That may run C that calls Go, so it is called as C.
global_asm!(
    function!(
        "gort_main_goroutine",
        stack::open_frame!(),
        "mov rax, qword ptr [rdi]",
        "mov rdi, qword ptr [rdi + 8]",
        "call rax",
        "xor edi, edi",
        "mov r11, qword ptr [rip + exit@GOTPCREL]",
        "call gort_ccall",
        "ud2",
    ),
    ".hidden gort_main_goroutine",
);

unsafe extern "C" {
    fn gort_main_goroutine(main: *mut u8);
}

// C may call Go, in a program or a library, before anything else of the runtime is called. What refers to `gort_start`, as all stubs for calls into Go
// do, brings this object along, and with it a constructor; it runs before all others: a program's priorities begin at 101.
global_asm!(
    ".pushsection .init_array.00001, \"aw\", @init_array",
    ".p2align 3",
    ".quad {prepare}",
    ".popsection",
    prepare = sym prepare,
);

/// The process, or the library, is being loaded. glibc passes constructors what it passes `main`.
extern "C" fn prepare(argc: c_int, argv: *mut *mut c_char) {
    if cfg!(target_env = "gnu") {
        ARGV.store(argv, Ordering::Release);
        ARGC.store(argc, Ordering::Release);
    }
    bridge::prepare();
    let text = gort_text_bounds();
    if text.start != text.end {
        preempt::note_text(text.start, text.end);
    }
}

/// `int gort_main(int argc, char **argv, void (*main_goroutine)(void *), void *arg)`
#[unsafe(no_mangle)]
extern "C" fn gort_main(
    argc: c_int,
    argv: *mut *mut c_char,
    function: extern "C" fn(*mut c_void),
    argument: *mut c_void,
) -> c_int {
    ARGV.store(argv, Ordering::Release);
    ARGC.store(argc, Ordering::Release);
    bridge::signals::own_the_process();
    bridge::start(false);
    let mut main = Main { function, argument };
    // SAFETY: a function of the same type but for being called through a safe pointer: it is called with the argument given here.
    let goroutine: extern "C" fn(*mut u8) =
        unsafe { std::mem::transmute(gort_main_goroutine as unsafe extern "C" fn(*mut u8)) };
    start::run_main(goroutine, (&raw mut main).cast(), StackKind::Small);
    // A goroutine that was locked to this thread has ended, and with it what the thread was good for; the others go on.
    deadlock::retire_thread();
    loop {
        std::thread::park();
    }
}

/// `void gort_start(void)`
#[unsafe(no_mangle)]
extern "C" fn gort_start() {
    bridge::start(true);
}

extern "C" fn exit(status: c_int) -> Outcome {
    bridge::trace::finish();
    // SAFETY: ends the process at once, as `os.Exit` does.
    unsafe { libc::_exit(status) }
}

anywhere!("gort_exit" exit);

/// `int gort_shutdown(void)`
#[unsafe(no_mangle)]
extern "C" fn gort_shutdown() -> c_int {
    bridge::shut_down().map_or_else(|busy| busy as c_int, |()| 0)
}

/// `const char *gort_shutdown_error(int error)`
#[unsafe(no_mangle)]
extern "C" fn gort_shutdown_error(error: c_int) -> *const c_char {
    let text = bridge::Busy::from_number(error).map_or(c"", bridge::Busy::text);
    text.as_ptr()
}

/// `void gort_detach(void)`
#[unsafe(no_mangle)]
extern "C" fn gort_detach() {
    bridge::detach_this_thread();
}

/// `void gort_announce(void (*init)(void))`
#[unsafe(no_mangle)]
extern "C" fn gort_announce(init: extern "C" fn()) {
    bridge::announce(init);
}

/// The arguments' number, and where they are if the caller has a place for that.
extern "C" fn store_arguments(place: *mut *const *mut c_char) -> c_int {
    let (argc, argv) = arguments();
    if !place.is_null() {
        // SAFETY: the caller's place for a pointer.
        unsafe { place.write(argv) };
    }
    argc
}

extern "C" fn op_arguments(place: *mut *const *mut c_char) -> Outcome {
    Outcome::done(store_arguments(place) as usize)
}

anywhere!("gort_arguments" op_arguments, or store_arguments);
