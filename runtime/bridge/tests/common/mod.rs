//! Goroutines for tests: the least that stands in for compiled Go, and for C that calls it.
#![allow(dead_code)]

use std::arch::global_asm;

use sched::ops;

global_asm!(
    // callback(function, argument): as C would call Go.
    ".globl common_callback",
    "common_callback:",
    "mov r11, rdi",
    "mov rdi, rsi",
    "jmp gort_callback",
    // enter(operation, a, b, c): as Go would enter the runtime.
    ".globl common_enter",
    "common_enter:",
    "mov r11, rdi",
    "mov rdi, rsi",
    "mov rsi, rdx",
    "mov rdx, rcx",
    "jmp gort_enter",
    // ccall(function, argument): as Go would call C.
    ".globl common_ccall",
    "common_ccall:",
    "mov r11, rdi",
    "mov rdi, rsi",
    "jmp gort_ccall",
);

unsafe extern "C" {
    fn common_callback(function: extern "C" fn(*mut u8), argument: *mut u8);
    fn common_enter(operation: usize, a: usize, b: usize, c: usize) -> usize;
    fn common_ccall(function: extern "C" fn(*mut u8), argument: *mut u8);
}

type Body = Box<dyn FnOnce() + Send>;

extern "C" fn run_boxed(body: *mut u8) {
    // SAFETY: `boxed` made it, for one call.
    let body = unsafe { Box::from_raw(body.cast::<Body>()) };
    body();
}

fn boxed(body: impl FnOnce() + Send + 'static) -> *mut u8 {
    Box::into_raw(Box::new(Box::new(body) as Body)).cast()
}

/// Runs `body` as a goroutine on this thread, which Go doesn't know or is in C.
pub fn callback(body: impl FnOnce() + Send + 'static) {
    // SAFETY: the thread isn't in Go, say the tests; the function takes a boxed body.
    unsafe { common_callback(run_boxed, boxed(body)) };
}

/// As [`callback`], starting the runtime.
pub fn as_goroutine(body: impl FnOnce() + Send + 'static) {
    bridge::start(true);
    callback(body);
}

/// Starts a goroutine, from one.
pub fn go(body: impl FnOnce() + Send + 'static) {
    let function: extern "C" fn(*mut u8) = run_boxed;
    enter(
        ops::spawn_guarded as *const () as usize,
        function as usize,
        boxed(body) as usize,
        64 << 10,
    );
}

/// Runs `body` as C that Go calls.
pub fn ccall<F: FnOnce() -> R, R>(body: F) -> R {
    struct Call<F, R>(Option<F>, Option<R>);
    extern "C" fn run<F: FnOnce() -> R, R>(call: *mut u8) {
        // SAFETY: `ccall` passes it, and waits.
        let call = unsafe { &mut *call.cast::<Call<F, R>>() };
        call.1 = call.0.take().map(|body| body());
    }
    let mut call = Call(Some(body), None);
    // SAFETY: tests call it on goroutines; goroutines' stacks don't move.
    unsafe { common_ccall(run::<F, R>, (&raw mut call).cast()) };
    call.1.expect("C has run")
}

/// Enters the runtime.
pub fn enter(operation: usize, a: usize, b: usize, c: usize) -> usize {
    // SAFETY: tests call it on goroutines, with operations and their arguments.
    unsafe { common_enter(operation, a, b, c) }
}

pub fn yield_now() {
    enter(ops::gosched as *const () as usize, 0, 0, 0);
}

pub fn park() {
    enter(ops::park as *const () as usize, 0, 0, 0);
}

pub fn lock_os_thread() {
    enter(ops::lock_os_thread as *const () as usize, 0, 0, 0);
}

pub fn unlock_os_thread() {
    enter(ops::unlock_os_thread as *const () as usize, 0, 0, 0);
}

pub fn gomaxprocs(count: usize) {
    while enter(ops::gomaxprocs as *const () as usize, count, 0, 0) == ops::BUSY {}
}
