//! How programs of Rust goroutines end. This program runs itself again for each case, with the case's name in the environment.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::process::{Command, Output};
use std::thread;
use std::time::Duration;

use gort::channel;
use libtest_mimic::{Arguments, Failed, Trial};

type Compare = unsafe extern "C" fn(*const c_void, *const c_void) -> i32;

unsafe extern "C" {
    fn qsort(base: *mut c_void, count: usize, size: usize, compare: Compare);
}

gort::export! {
    unsafe fn compare_by(a: *const c_void, _b: *const c_void) -> i32 {
        // SAFETY: elements are functions.
        let compare = unsafe { *a.cast::<fn() -> i32>() };
        compare()
    }

    fn add_up(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64) -> u64 {
        gort::yield_now();
        a + b + c + d + e + f + g
    }
}

/// Has C call `function`.
fn through_c(function: fn() -> i32) {
    let mut functions = [function; 2];
    let base = functions.as_mut_ptr().cast();
    // SAFETY: sorts an array of functions.
    gort::ccall(|| unsafe { qsort(base, 2, size_of::<fn() -> i32>(), compare_by) });
}

/// Does something when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// In tracebacks without debug information, too.
#[inline(never)]
fn panics() {
    panic!("nobody catches this\nand that");
}

fn run_twice_and_enter() {
    let before = thread::current().id();
    for _ in 0..2 {
        gort::run(|| {
            for _ in 0..100 {
                gort::go(gort::yield_now);
                gort::sleep(Duration::from_micros(10));
                assert_eq!(thread::current().id(), before);
            }
        });
        gort::enter(gort::yield_now);
    }
}

/// What ends a process, by name; its exit status then, and what it says.
type Case = (&'static str, fn(), i32, &'static [&'static str]);

const CASES: &[Case] = &[
    ("main_returns", || assert_eq!(gort::run(|| 5), 5), 0, &[]),
    (
        "main_returns_while_others_sleep",
        || {
            gort::run(|| {
                for _ in 0..5 {
                    let (_sender, receiver) = channel::<()>(0);
                    gort::go(move || assert_eq!(receiver.recv(), None));
                }
                gort::yield_now();
            });
            thread::sleep(Duration::from_millis(50));
        },
        0,
        &[],
    ),
    ("main_stays_on_its_thread", run_twice_and_enter, 0, &[]),
    (
        "main_is_on_any_thread",
        || thread::spawn(run_twice_and_enter).join().unwrap(),
        0,
        &[],
    ),
    (
        "uncaught",
        || gort::run(panics),
        2,
        &["panic: nobody catches this\n\tand that\n\ngoroutine 1 [running]:\nrust_ends::"],
    ),
    (
        "uncaught_in_another_goroutine",
        || {
            gort::run(|| {
                gort::go(|| {
                    gort::yield_now();
                    panic!("over there")
                });
                gort::sleep(Duration::from_secs(20));
            })
        },
        2,
        &[
            "panic: over there\n\ngoroutine ",
            " [running]:\nrust_ends::",
        ],
    ),
    (
        "uncaught_value",
        || gort::run(|| panic_any(17_u8)),
        2,
        &["panic: (Box<dyn Any>) 0x"],
    ),
    (
        "uncaught_through_c",
        || gort::run(|| through_c(|| panic!("in qsort"))),
        2,
        &[
            "panic: in qsort\n\ngoroutine 1 [running]:\nrust_ends::",
            "qsort",
        ],
    ),
    (
        "uncaught_where_nobody_called_c",
        || {
            // No goroutine's frames are below.
            let function: fn() -> i32 = || panic!("nobody called");
            let element = (&raw const function).cast();
            // SAFETY: an element is a function.
            unsafe { compare_by(element, element) };
        },
        2,
        &[
            "panic: nobody called\n\ngoroutine ",
            "would cross a C frame that no Go called",
        ],
    ),
    (
        "deadlock",
        || {
            gort::run(|| {
                let (_sender, receiver) = channel::<()>(0);
                receiver.recv();
            })
        },
        2,
        &[
            "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive, locked to thread]:",
        ],
    ),
    (
        "deadlock_below_c",
        || {
            gort::run(|| {
                through_c(|| {
                    let (_sender, receiver) = channel::<()>(0);
                    receiver.recv();
                    0
                })
            })
        },
        2,
        &[
            "goroutine 1 [chan receive, locked to thread]:\n",
            "rust_ends::",
            "gort_callback",
            "qsort",
            "gort_ccall",
        ],
    ),
    (
        "main_goexits",
        || gort::run(|| gort::goexit()),
        2,
        &["fatal error: no goroutines (main called runtime.Goexit) - deadlock!"],
    ),
    (
        "main_goexits_and_others_end_later",
        || {
            gort::run(|| {
                gort::go(|| gort::sleep(Duration::from_millis(20)));
                gort::goexit()
            })
        },
        2,
        &["fatal error: no goroutines (main called runtime.Goexit) - deadlock!"],
    ),
    (
        "goexit_of_a_thread",
        || gort::enter(|| gort::goexit()),
        2,
        &["fatal error: runtime.Goexit called in a thread that was not created by the Go runtime"],
    ),
    (
        "goexit_within_a_call_within_a_goroutine",
        || {
            gort::run(|| {
                let (sender, receiver) = channel(1);
                gort::go(move || {
                    let _told = OnDrop(|| sender.send(1));
                    gort::ccall(|| gort::enter(|| gort::goexit()))
                });
                assert_eq!(receiver.recv(), Some(1));
                gort::sleep(Duration::from_millis(10));
                assert_eq!(gort::num_goroutines(), 1);
            })
        },
        0,
        &[],
    ),
    (
        "a_panic_while_a_panic_unwinds",
        || {
            gort::run(|| {
                let _panics = OnDrop(|| panic!("the second"));
                panic!("the first");
            })
        },
        2,
        &[
            "panic: the second\nfatal error: panic in a destructor during cleanup\n\ngoroutine 1 [running]:",
        ],
    ),
    (
        "a_panic_where_it_cannot_unwind",
        || {
            extern "C" fn c_function() {
                panic!("out of C")
            }
            gort::run(|| c_function())
        },
        2,
        &[
            "panic: out of C\nfatal error: panic in a function that cannot unwind\n\ngoroutine 1 [running]:",
        ],
    ),
    (
        "uncaught_on_a_small_stack",
        || {
            gort::run(|| {
                gort::Builder::new().stack_size(1).go(|| panic!("small"));
                gort::sleep(Duration::from_secs(20));
            })
        },
        2,
        &["panic: small\n\ngoroutine 2 [running]:"],
    ),
    (
        "an_exported_function_called_by_rust",
        || gort::run(|| assert_eq!(add_up(1, 2, 3, 4, 5, 6, 7), 0)),
        2,
        &["fatal error: exported function called without going through C\n\ngoroutine 1 [running"],
    ),
    (
        "a_call_that_was_to_be_short_calls_back",
        || gort::run(|| assert_eq!(gort::ccall_nonblocking(|| add_up(1, 2, 3, 4, 5, 6, 7)), 0)),
        2,
        &["fatal error: function marked with #cgo nocallback called back into Go"],
    ),
    (
        "outside",
        || drop(catch_unwind(AssertUnwindSafe(gort::yield_now))),
        0,
        &["called outside of a goroutine"],
    ),
    (
        "inside_of_a_call_to_c",
        || gort::run(|| gort::ccall(gort::yield_now)),
        2,
        &["panic: gort: called outside of a goroutine"],
    ),
    (
        "a_rust_goroutine_runs_other_programs",
        || {
            gort::run(|| {
                for _ in 0..5 {
                    let done = gort::blocking(|| Command::new("true").status()).unwrap();
                    assert!(done.success());
                    let done = Command::new("true").current_dir("/").status().unwrap();
                    assert!(done.success());
                }
            })
        },
        0,
        &[],
    ),
    (
        "the_first_call_to_rust_starts_the_runtime",
        || assert_eq!(add_up(1, 2, 3, 4, 5, 6, 7), 28),
        0,
        &[],
    ),
    (
        "gotraceback_all",
        || {
            // SAFETY: no other thread looks at the environment.
            unsafe { std::env::set_var("GOTRACEBACK", "all") };
            gort::run(|| {
                let (_sender, receiver) = channel::<()>(0);
                gort::go(move || assert_eq!(receiver.recv(), None));
                gort::sleep(Duration::from_millis(20));
                panic!("with all");
            })
        },
        2,
        &[
            "panic: with all\n\ngoroutine 1 [running]:",
            "\ngoroutine 2 [chan receive]:",
        ],
    ),
];

fn main() {
    if let Ok(wanted) = std::env::var("RUST_ENDS_CASE") {
        // SAFETY: ends a child that would hang.
        unsafe { libc::alarm(30) };
        let case = CASES.iter().find(|(name, ..)| *name == wanted);
        return case.expect("there is such a case").1();
    }
    let trial = |case: &'static Case| Trial::test(case.0, || check(case));
    let trials = CASES.iter().map(trial).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn run(case: &str) -> std::io::Result<Output> {
    Command::new(std::env::current_exe()?)
        .env("RUST_ENDS_CASE", case)
        .env("RUST_BACKTRACE", "0")
        .env_remove("GOTRACEBACK")
        .output()
}

fn check(&(name, _, status, texts): &Case) -> Result<(), Failed> {
    let output = run(name)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let missing: Vec<_> = texts.iter().filter(|text| !said.contains(**text)).collect();
    // A program that a signal has ended has none.
    let ended = output.status.code().unwrap_or(-1);
    match ended == status && missing.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "{}, should be {status}; missing: {missing:?}\n{said}",
            output.status
        )
        .into()),
    }
}
