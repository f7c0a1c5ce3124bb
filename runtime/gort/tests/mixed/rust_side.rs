//! What Rust does in the programs of `rust_and_go.rs`: functions that C and compiled Go call, and that call them.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, panic_any};
use std::sync::atomic::{AtomicI64, Ordering};

use gort::{GoPanic, catch_unwind};

unsafe extern "C" {
    /// Compiled Go's, as C sees it.
    fn go_side(what: i64) -> i64;
    fn gort_exit(status: c_int) -> !;
}

static DROPPED: AtomicI64 = AtomicI64::new(0);

struct OnDrop;

impl Drop for OnDrop {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::SeqCst);
    }
}

fn call_go(what: i64) -> i64 {
    // SAFETY: made by GORT_EXPORT; takes any number.
    gort::ccall(|| unsafe { go_side(what) })
}

gort::export! {
    /// How many of Rust's values were dropped since the last time.
    fn rust_dropped() -> i64 {
        DROPPED.swap(0, Ordering::SeqCst)
    }

    fn rust_panics(what: i64) -> i64 {
        let _dropped = OnDrop;
        match what {
            0 => panic!("from {}", "Rust"),
            1 => panic_any(5_u8),
            2 => gort::goexit(),
            _ => what,
        }
    }

    fn rust_calls_go(what: i64) -> i64 {
        let _dropped = OnDrop;
        call_go(what)
    }

    /// Go's panics end here. 1: of a string; 2: an error of the runtime's; 3: another value; with how it is shown checked.
    fn rust_catches(what: i64) -> i64 {
        match catch_unwind(AssertUnwindSafe(|| call_go(what))) {
            Ok(value) => value,
            Err(panic) => match (panic.downcast_ref::<String>(), panic.downcast_ref::<GoPanic>()) {
                (Some(text), _) if text == "from Go" => -1,
                (_, Some(go)) if go.is_runtime_error() && go.to_string() == "send on closed channel" => -2,
                (_, Some(go)) if go.to_string() == "main.Code(-7)" => -3,
                _ => -4,
            },
        }
    }

    /// Takes much stack on whatever is there.
    fn rust_takes_stack(depth: i64) -> i64 {
        deeper(depth)
    }
}

#[inline(never)]
fn deeper(depth: i64) -> i64 {
    let room = std::hint::black_box([depth as u8; 2000]);
    match depth {
        0 => 0,
        _ => deeper(depth - 1) + 1 + i64::from(room[1999] != depth as u8),
    }
}

/// Goroutines of Rust's that call compiled Go, which panics; on the process's first thread.
#[unsafe(no_mangle)]
extern "C" fn rust_program(_: *mut c_void) {
    gort::run(|| {
        let group = gort::WaitGroup::new();
        for _ in 0..20 {
            group.go(|| {
                for _ in 0..50 {
                    let panic = catch_unwind(|| call_go(0)).expect_err("Go panics");
                    assert_eq!(
                        panic.downcast_ref::<String>().map(String::as_str),
                        Some("from Go")
                    );
                    gort::yield_now();
                    assert_eq!(call_go(9), 9);
                }
            });
        }
        group.wait();
        let (sender, receiver) = gort::channel(1);
        gort::go(move || {
            let _told = Told(sender);
            call_go(4);
            panic!("Goexit came back");
        });
        assert_eq!(receiver.recv(), Some(()));
        gort::sleep(std::time::Duration::from_millis(20));
    });
    // SAFETY: ends the process.
    unsafe { gort_exit(0) }
}

struct Told(gort::Sender<()>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.send(());
    }
}

/// The same with a panic of Go's that nobody catches.
#[unsafe(no_mangle)]
extern "C" fn rust_program_that_ends(_: *mut c_void) {
    gort::run(|| call_go(3));
}
