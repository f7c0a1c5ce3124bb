//! The core by itself: goroutines with guarded stacks on threads that the test has made, C calls, calls back.

use std::arch::global_asm;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sched::{GRef, ops};
use stack::Outcome;

global_asm!(
    // callback(function, argument): as C would call Go.
    ".globl test_callback",
    "test_callback:",
    "mov r11, rdi",
    "mov rdi, rsi",
    "jmp gort_callback",
    // enter(operation, a, b, c): as Go would enter the runtime.
    ".globl test_enter",
    "test_enter:",
    "mov r11, rdi",
    "mov rdi, rsi",
    "mov rsi, rdx",
    "mov rdx, rcx",
    "jmp gort_enter",
    // ccall(function, argument): as Go would call C.
    ".globl test_ccall",
    "test_ccall:",
    "mov r11, rdi",
    "mov rdi, rsi",
    "jmp gort_ccall",
);

unsafe extern "C" {
    fn test_callback(function: extern "C" fn(*mut u8), argument: *mut u8);
    fn test_enter(operation: usize, a: usize, b: usize, c: usize) -> usize;
    fn test_ccall(function: extern "C" fn(usize) -> usize, argument: usize) -> usize;
}

/// Runs `function` as a goroutine on this thread.
fn as_goroutine(function: extern "C" fn(*mut u8)) {
    bridge::start(true);
    // SAFETY: this thread isn't in Go, and the function takes anything.
    unsafe { test_callback(function, std::ptr::null_mut()) };
}

fn enter(operation: usize, a: usize, b: usize, c: usize) -> usize {
    // SAFETY: tests call it on goroutines, with operations and their arguments.
    unsafe { test_enter(operation, a, b, c) }
}

fn yield_now() {
    enter(ops::gosched as *const () as usize, 0, 0, 0);
}

fn go(function: extern "C" fn(*mut u8), argument: usize) {
    enter(
        ops::spawn_guarded as *const () as usize,
        function as *const () as usize,
        argument,
        64 << 10,
    );
}

fn ccall(function: extern "C" fn(usize) -> usize, argument: usize) -> usize {
    // SAFETY: tests call it on goroutines.
    unsafe { test_ccall(function, argument) }
}

fn wait_until(count: &AtomicUsize, value: usize) {
    let start = Instant::now();
    while count.load(Ordering::SeqCst) != value {
        yield_now();
        let stuck = start.elapsed() > Duration::from_secs(10);
        assert!(
            !stuck,
            "{} of {value}\n{}",
            count.load(Ordering::SeqCst),
            sched::dump::goroutines(true)
        );
    }
}

#[test]
fn a_thread_of_c_runs_a_goroutine() {
    static RAN: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn body(_: *mut u8) {
        assert!(GRef::current().id.load(Ordering::Relaxed) > 0);
        RAN.fetch_add(1, Ordering::SeqCst);
    }
    as_goroutine(body);
    as_goroutine(body);
    assert_eq!(RAN.load(Ordering::SeqCst), 2);
}

#[test]
fn goroutines_run_and_yield() {
    static DONE: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn child(_: *mut u8) {
        for _ in 0..10 {
            yield_now();
        }
        DONE.fetch_add(1, Ordering::SeqCst);
    }
    extern "C" fn body(_: *mut u8) {
        for _ in 0..1000 {
            go(child, 0);
        }
        wait_until(&DONE, 1000);
    }
    as_goroutine(body);
}

#[test]
fn c_and_go_nest() {
    extern "C" fn body(_: *mut u8) {
        assert_eq!(ccall(down, 200), 400);
    }
    extern "C" fn down(depth: usize) -> usize {
        if depth == 0 {
            return 0;
        }
        let mut below = depth - 1;
        // SAFETY: C calls Go; the word outlives the call.
        unsafe { test_callback(up, (&raw mut below).cast()) };
        below + 1
    }
    extern "C" fn up(word: *mut u8) {
        // SAFETY: `down` passes a word.
        let word = unsafe { &mut *word.cast::<usize>() };
        *word = ccall(down, *word) + 1;
    }
    as_goroutine(body);
}

#[test]
fn while_threads_sit_in_c_others_run() {
    static DONE: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn sleep(ms: usize) -> usize {
        thread::sleep(Duration::from_millis(ms as u64));
        ms
    }
    extern "C" fn child(_: *mut u8) {
        assert_eq!(ccall(sleep, 200), 200);
        DONE.fetch_add(1, Ordering::SeqCst);
    }
    extern "C" fn body(_: *mut u8) {
        let start = Instant::now();
        for _ in 0..50 {
            go(child, 0);
        }
        wait_until(&DONE, 50);
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "they slept one after the other"
        );
    }
    as_goroutine(body);
}

#[test]
fn a_parked_goroutine_is_woken_from_any_thread() {
    static WOKEN: AtomicUsize = AtomicUsize::new(0);
    static SELF: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn child(_: *mut u8) {
        SELF.store(GRef::current().as_ptr() as usize, Ordering::SeqCst);
        for _ in 0..100 {
            enter(ops::park as *const () as usize, 0, 0, 0);
            WOKEN.fetch_add(1, Ordering::SeqCst);
        }
    }
    extern "C" fn body(_: *mut u8) {
        go(child, 0);
        while SELF.load(Ordering::SeqCst) == 0 {
            yield_now();
        }
        // SAFETY: the child's own address.
        let child = unsafe { GRef::from_ptr(SELF.load(Ordering::SeqCst) as *mut _) };
        for i in 0..100 {
            extern "C" fn wake(g: usize) -> usize {
                // SAFETY: as above.
                thread::spawn(move || ops::unpark(unsafe { GRef::from_ptr(g as *mut _) }))
                    .join()
                    .unwrap();
                0
            }
            ccall(wake, child.as_ptr() as usize);
            wait_until(&WOKEN, i + 1);
        }
    }
    as_goroutine(body);
}

#[test]
fn gomaxprocs_changes_while_running() {
    static DONE: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn child(_: *mut u8) {
        for _ in 0..100 {
            yield_now();
        }
        DONE.fetch_add(1, Ordering::SeqCst);
    }
    extern "C" fn body(_: *mut u8) {
        for n in 0..50 {
            go(child, 0);
            while enter(ops::gomaxprocs as *const () as usize, 1 + n % 7, 0, 0) == ops::BUSY {}
        }
        wait_until(&DONE, 50);
    }
    as_goroutine(body);
}

#[test]
fn threads_come_and_go() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn body(_: *mut u8) {
        yield_now();
        CALLS.fetch_add(1, Ordering::SeqCst);
    }
    for _ in 0..100 {
        let threads: Vec<_> = (0..8)
            .map(|_| thread::spawn(|| (0..10).for_each(|_| as_goroutine(body))))
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    }
    assert_eq!(CALLS.load(Ordering::SeqCst), 8000);
}

#[test]
fn an_operation_gives_its_result() {
    extern "C" fn answer() -> Outcome {
        Outcome::done(42)
    }
    extern "C" fn body(_: *mut u8) {
        assert_eq!(enter(answer as *const () as usize, 0, 0, 0), 42);
    }
    as_goroutine(body);
}
