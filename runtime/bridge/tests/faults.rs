//! What can go wrong around the runtime, and what comes of it: a message and an exit code, or nothing at all. Never a hang.

mod common;

use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::*;

const ROLE: &str = "CROSSCALL_TEST_FAULT";

/// How long a child may take before it counts as hung.
const LIMIT: Duration = Duration::from_secs(60);

/// In the parent: runs `test` again in a process of its own, and gives what came of it. In that process: runs `fault`.
fn in_child(test: &str, fault: impl FnOnce()) -> Option<Output> {
    if std::env::var_os(ROLE).is_some() {
        fault();
        return None;
    }
    let mut child = Command::new(std::env::current_exe().expect("a test has a path"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ROLE, test)
        // A sanitizer leaves faults to us.
        .env(
            "ASAN_OPTIONS",
            "handle_segv=0:detect_leaks=0:detect_stack_use_after_return=0",
        )
        .env("TSAN_OPTIONS", "handle_segv=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let start = Instant::now();
    while child.try_wait().expect("it can be waited for").is_none() {
        if start.elapsed() > LIMIT {
            let _ = child.kill();
            let output = child.wait_with_output().expect("it has ended");
            panic!("{test} hangs\n{}", String::from_utf8_lossy(&output.stderr));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Some(child.wait_with_output().expect("it has ended"))
}

/// The child must have died as Go programs do, saying all of this.
fn assert_died(output: Option<Output>, messages: &[&str]) {
    let Some(output) = output else { return };
    let error = String::from_utf8_lossy(&output.stderr);
    for message in messages {
        assert!(error.contains(message), "no `{message}` in\n{error}");
    }
    assert_eq!(output.status.code(), Some(2), "{error}");
}

fn wait_until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        yield_now();
        assert!(start.elapsed() < LIMIT, "{}", sched::dump::goroutines(true));
    }
}

#[test]
fn a_refused_thread_ends_the_program() {
    let output = in_child("a_refused_thread_ends_the_program", || {
        as_goroutine(|| {
            sched::thread::REFUSE_AFTER.store(0, Ordering::SeqCst);
            for _ in 0..100 {
                go(|| ccall(|| thread::sleep(Duration::from_secs(100))));
            }
            wait_until(|| false);
        });
    });
    let messages = [
        "runtime: failed to create new OS thread (have ",
        "errno=11",
        "runtime: may need to increase max user processes (ulimit -u)",
        "fatal error: runtime.newosproc",
    ];
    assert_died(output, &messages);
}

#[test]
fn a_refused_mapping_ends_the_program() {
    let output = in_child("a_refused_mapping_ends_the_program", || {
        as_goroutine(|| {
            stack::memory::inject::fail_mmap_after(0);
            for _ in 0..100_000 {
                go(park);
            }
        });
    });
    assert_died(
        output,
        &[
            "runtime: cannot allocate a goroutine's stack: ",
            "fatal error: out of memory (stack allocation)",
        ],
    );
}

#[test]
fn too_many_threads_end_the_program() {
    let output = in_child("too_many_threads_end_the_program", || {
        as_goroutine(|| {
            sched::global::lock().max_ms = 20;
            for _ in 0..100 {
                go(|| ccall(|| thread::sleep(Duration::from_secs(100))));
            }
            wait_until(|| false);
        });
    });
    assert_died(
        output,
        &[
            "runtime: program exceeds 20-thread limit",
            "fatal error: thread exhaustion",
        ],
    );
}

/// Uses up whatever stack there is.
fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 16]);
    match std::hint::black_box(depth) {
        u64::MAX => 0,
        _ => recurse(depth + 1) + frame[7],
    }
}

#[test]
fn a_rust_goroutine_without_stack_is_told_so() {
    let output = in_child("a_rust_goroutine_without_stack_is_told_so", || {
        as_goroutine(|| {
            go(|| {
                recurse(0);
            });
            wait_until(|| false);
        });
    });
    assert_died(
        output,
        &[
            "runtime: goroutine stack of ",
            "Rust goroutines' stacks do not grow",
            "fatal error: stack overflow",
        ],
    );
}

#[test]
fn c_without_stack_is_told_so_on_a_thread_of_the_runtime() {
    let output = in_child(
        "c_without_stack_is_told_so_on_a_thread_of_the_runtime",
        || {
            as_goroutine(|| {
                go(|| {
                    ccall(|| recurse(0));
                });
                wait_until(|| false);
            });
        },
    );
    assert_died(
        output,
        &[
            "runtime: C stack overflow on thread ",
            "fatal error: stack overflow",
        ],
    );
}

#[test]
#[cfg_attr(
    gort_tsan,
    ignore = "the signal stack that Rust gives its threads is too small for an instrumented handler"
)]
fn c_without_stack_is_told_so_on_its_own_thread() {
    let output = in_child("c_without_stack_is_told_so_on_its_own_thread", || {
        as_goroutine(|| {
            ccall(|| recurse(0));
        });
    });
    assert_died(
        output,
        &[
            "runtime: C stack overflow on thread ",
            "fatal error: stack overflow",
        ],
    );
}

/// Writes where nothing is. A dump is to name it.
#[inline(never)]
fn fault() {
    // SAFETY: none: it faults.
    unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
}

#[test]
fn a_fault_in_c_ends_the_program() {
    let output = in_child("a_fault_in_c_ends_the_program", || {
        as_goroutine(|| {
            ccall(fault);
        });
    });
    assert_died(
        output,
        &[
            "SIGSEGV: segmentation violation\nPC=0x",
            " sigcode=1 addr=0x8\nsignal arrived during cgo execution\n\ngoroutine 1 [syscall]:\n",
            "fault",
            "\nrax    0x",
        ],
    );
}

#[test]
fn a_fault_of_a_rust_goroutine_ends_the_program() {
    let output = in_child("a_fault_of_a_rust_goroutine_ends_the_program", || {
        as_goroutine(fault);
    });
    assert_died(
        output,
        &[
            "fatal error: unexpected signal during runtime execution\n\
             [signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x",
            "\n\ngoroutine 1 [running]:\n",
            "fault(...)",
            "\nrax    0x",
        ],
    );
}

#[test]
fn a_fault_of_a_strangers_is_its_own() {
    let output = in_child("a_fault_of_a_strangers_is_its_own", || {
        as_goroutine(|| {});
        thread::spawn(fault).join().expect("it doesn't get here");
    });
    let Some(output) = output else { return };
    use std::os::unix::process::ExitStatusExt;
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(libc::SIGSEGV), "{error}");
    assert!(!error.contains("goroutine"), "{error}");
}

#[test]
fn c_that_jumps_over_go_frames_is_detected() {
    unsafe extern "C" {
        #[link_name = "_setjmp"]
        fn setjmp(buffer: *mut u64) -> i32;
        fn longjmp(buffer: *mut u64, value: i32) -> !;
    }
    /// More than a `jmp_buf` of glibc's.
    static mut BUFFER: [u64; 64] = [0; 64];
    let output = in_child("c_that_jumps_over_go_frames_is_detected", || {
        as_goroutine(|| {
            ccall(|| {
                let buffer = &raw mut BUFFER;
                // SAFETY: none: C does what it must not, and the runtime is to notice. Nothing that needs dropping lies in between.
                unsafe {
                    if setjmp(buffer.cast()) == 0 {
                        callback(move || ccall(move || longjmp((&raw mut BUFFER).cast(), 1)));
                    }
                }
            });
        });
    });
    assert_died(
        output,
        &["fatal error: C code jumped over Go frames", "longjmp"],
    );
}

#[test]
fn c_that_never_returns_keeps_nobody_from_running() {
    as_goroutine(|| {
        gomaxprocs(2);
        for _ in 0..8 {
            go(|| {
                ccall(|| {
                    loop {
                        thread::park()
                    }
                })
            });
        }
        let count = Arc::new(AtomicUsize::new(0));
        for _ in 0..1000 {
            let count = count.clone();
            go(move || {
                yield_now();
                count.fetch_add(1, Ordering::SeqCst);
            });
        }
        wait_until(|| count.load(Ordering::SeqCst) == 1000);
        // Nor does stopping the world wait.
        gomaxprocs(3);
    });
}

#[test]
fn twenty_thousand_threads_come_and_go() {
    let output = in_child("twenty_thousand_threads_come_and_go", || {
        let calls = Arc::new(AtomicUsize::new(0));
        let streams: Vec<_> = (0..4)
            .map(|_| thread::spawn(visits(5000, calls.clone())))
            .collect();
        streams
            .into_iter()
            .for_each(|stream| stream.join().expect("it ends"));
        assert_eq!(calls.load(Ordering::SeqCst), 20_000);
        // Their Ms are used again: there are about as many as threads at once.
        let ms = sched::global::lock().m_count;
        assert!(ms < 50, "{ms} Ms are left");
    });
    let error = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.as_ref().is_none_or(|output| output.status.success()),
        "{}",
        output.as_ref().map(error).unwrap_or_default()
    );
}

/// So many threads, one after the other, each of which calls Go once.
fn visits(count: usize, calls: Arc<AtomicUsize>) -> impl FnOnce() {
    move || {
        for _ in 0..count {
            let calls = calls.clone();
            let visitor = thread::Builder::new().stack_size(64 << 10).spawn(move || {
                as_goroutine(move || {
                    calls.fetch_add(1, Ordering::SeqCst);
                });
            });
            visitor
                .expect("there are threads enough")
                .join()
                .expect("it ends");
        }
    }
}

#[test]
fn signals_at_random_moments() {
    static HANDLED: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn handler(_: i32) {
        HANDLED.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: the handler is async-signal-safe, and asks for the signal stack, as handlers in programs with Go must.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_ONSTACK | libc::SA_RESTART;
        libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut());
    }
    let over = Arc::new(AtomicBool::new(false));
    let stop = over.clone();
    let sender = thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            signal_every_thread();
            thread::sleep(Duration::from_micros(200));
        }
    });
    let done = Arc::new(AtomicUsize::new(0));
    let all = done.clone();
    as_goroutine(move || {
        for _ in 0..200 {
            let done = all.clone();
            go(move || {
                for _ in 0..50 {
                    ccall(|| callback(yield_now));
                }
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        wait_until(|| all.load(Ordering::SeqCst) == 200);
    });
    over.store(true, Ordering::Relaxed);
    sender.join().expect("it ends");
    assert!(HANDLED.load(Ordering::Relaxed) > 0);
}

fn signal_every_thread() {
    let threads = std::fs::read_dir("/proc/self/task").expect("Linux lists threads");
    for thread in threads.flatten() {
        let id: i32 = thread
            .file_name()
            .to_string_lossy()
            .parse()
            .expect("a thread's name is a number");
        sched::signal::send_to(id, libc::SIGUSR1);
    }
}
