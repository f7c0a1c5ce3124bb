//! Panics of Rust goroutines that somebody catches: at once, after they have passed C, while goroutines wait. For others see `rust_ends.rs`.

use std::any::Any;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use gort::{WaitGroup, channel};

type Compare = unsafe extern "C" fn(*const c_void, *const c_void) -> i32;

unsafe extern "C" {
    fn qsort(base: *mut c_void, count: usize, size: usize, compare: Compare);
}

/// What one element is compared with another by.
struct Element {
    key: u64,
    action: Option<fn() -> u64>,
}

gort::export! {
    /// Compares elements; one with an action does that first.
    unsafe fn compare_elements(a: *const c_void, b: *const c_void) -> i32 {
        // SAFETY: qsort passes two elements of its array.
        let (a, b) = unsafe { (&*a.cast::<Element>(), &*b.cast::<Element>()) };
        let key = |element: &Element| element.key + element.action.map_or(0, |act| act());
        key(a).cmp(&key(b)) as i32
    }

    fn mix(a: u8, b: f64, c: i64, d: u64, e: u64, f: u64, g: u64, h: u64, i: f32) -> f64 {
        gort::yield_now();
        f64::from(a) + b + c as f64 + (d + e + f + g) as f64 + 100.0 * h as f64 + f64::from(i)
    }
}

/// Sorts the keys by C's qsort, which calls back.
fn sort_with(keys: &mut [u64], action: Option<fn() -> u64>) {
    let mut elements: Vec<Element> = keys.iter().map(|&key| Element { key, action }).collect();
    let (base, count) = (elements.as_mut_ptr(), elements.len());
    // SAFETY: sorts an array of such elements.
    gort::ccall(|| unsafe {
        qsort(base.cast(), count, size_of::<Element>(), compare_elements);
    });
    for (key, element) in keys.iter_mut().zip(&elements) {
        *key = element.key;
    }
}

fn caught(function: impl FnOnce()) -> Box<dyn Any + Send> {
    catch_unwind(AssertUnwindSafe(function)).expect_err("it panics")
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let string = panic.downcast_ref::<String>().map(String::as_str);
    string
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("neither a string nor a text")
}

/// Notes when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn c_sorts_with_a_goroutines_comparison() {
    gort::enter(|| {
        let mut keys: Vec<u64> = (0..1000).map(|n| n * 7919 % 1000).collect();
        sort_with(
            &mut keys,
            Some(|| {
                gort::yield_now();
                0
            }),
        );
        assert!(keys.is_sorted());
    });
}

#[test]
fn many_goroutines_sort_at_once() {
    gort::enter(|| {
        let group = WaitGroup::new();
        for seed in 1..40 {
            group.go(move || {
                let mut keys: Vec<u64> = (0..100).map(|n| n * 31 * seed % 101).collect();
                sort_with(
                    &mut keys,
                    Some(|| {
                        gort::yield_now();
                        0
                    }),
                );
                assert!(keys.is_sorted());
            });
        }
        group.wait();
    });
}

#[test]
fn arguments_beyond_the_registers_arrive() {
    let sum = gort::enter(|| gort::ccall(|| mix(1, 0.5, -3, 4, 5, 6, 7, 8, 0.25)));
    assert_eq!(sum, 820.75);
    // On a thread that is no goroutine's, too.
    assert_eq!(
        thread::spawn(|| mix(1, 0.5, -3, 4, 5, 6, 7, 8, 0.25))
            .join()
            .unwrap(),
        820.75
    );
}

#[test]
fn a_panic_is_caught_on_its_goroutine() {
    gort::enter(|| {
        let panic = caught(|| panic!("here {}", 1));
        assert_eq!(text_of(&*panic), "here 1");
        assert!(!thread::panicking());
    });
}

#[test]
fn a_panic_goes_on_in_who_entered() {
    let panic = caught(|| gort::enter(|| panic!("inside")));
    assert_eq!(text_of(&*panic), "inside");
    gort::enter(gort::yield_now);
}

#[test]
fn a_panic_in_a_call_to_c_goes_on_outside() {
    gort::enter(|| {
        let panic = caught(|| gort::ccall(|| panic!("in C's place")));
        assert_eq!(text_of(&*panic), "in C's place");
        let panic = caught(|| gort::ccall_nonblocking(|| panic!("shortly")));
        assert_eq!(text_of(&*panic), "shortly");
        assert_eq!(gort::ccall(|| 3), 3);
    });
}

#[test]
fn a_panic_passes_c_with_what_it_carries() {
    #[derive(Debug, PartialEq)]
    struct Carried(Vec<u64>);
    gort::enter(|| {
        for n in 0..200 {
            let panic =
                caught(|| sort_with(&mut [3, 1, 2], Some(|| panic_any(Carried(vec![7, 8])))));
            assert_eq!(panic.downcast_ref(), Some(&Carried(vec![7, 8])), "{n}");
            let mut keys = [3, 1, 2];
            sort_with(&mut keys, None);
            assert_eq!(keys, [1, 2, 3]);
            gort::yield_now();
        }
    });
}

#[test]
fn a_panic_passes_c_many_times() {
    fn nested(depth: u64) -> u64 {
        thread_local!(static DEPTH: std::cell::Cell<u64> = const { std::cell::Cell::new(0) });
        if depth == 0 {
            panic!("at the bottom");
        }
        DEPTH.set(depth - 1);
        // The goroutine stays on this thread: C's frames are there.
        sort_with(&mut [2, 1], Some(|| nested(DEPTH.get())));
        0
    }
    gort::enter(|| {
        for depth in [1, 2, 10] {
            let panic = caught(|| {
                nested(depth);
            });
            assert_eq!(text_of(&*panic), "at the bottom");
            gort::yield_now();
        }
    });
}

#[test]
fn what_rust_owns_between_two_stretches_of_c_is_dropped() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    fn inner() -> u64 {
        let _dropped = OnDrop(|| {
            DROPPED.fetch_add(1, Ordering::SeqCst);
        });
        sort_with(&mut [2, 1], Some(|| panic!("below")));
        0
    }
    gort::enter(|| {
        let panic = caught(|| sort_with(&mut [2, 1], Some(inner)));
        assert_eq!(text_of(&*panic), "below");
        assert_eq!(DROPPED.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_panic_caught_between_is_none_for_c() {
    gort::enter(|| {
        let mut keys = [3, 1, 2];
        sort_with(
            &mut keys,
            Some(|| {
                let panic = caught(|| sort_with(&mut [2, 1], Some(|| panic!("below"))));
                assert_eq!(text_of(&*panic), "below");
                0
            }),
        );
        assert_eq!(keys, [1, 2, 3]);
    });
}

#[test]
fn goroutines_may_wait_while_they_unwind() {
    gort::enter(|| {
        let (group, waited) = (WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
        for n in 0..200_u64 {
            let waited = waited.clone();
            group.go(move || {
                let panic = caught(|| {
                    let _waits = OnDrop(|| {
                        let (sender, receiver) = channel(0);
                        gort::go(move || sender.send(n));
                        for _ in 0..3 {
                            gort::yield_now();
                            gort::sleep(Duration::from_micros(50));
                            assert!(thread::panicking());
                        }
                        assert_eq!(receiver.recv(), Some(n));
                        gort::blocking(|| thread::sleep(Duration::from_micros(10)));
                        waited.fetch_add(1, Ordering::SeqCst);
                    });
                    panic!("{n}");
                });
                assert_eq!(text_of(&*panic), n.to_string());
                assert!(!thread::panicking());
                for _ in 0..20 {
                    gort::yield_now();
                    assert!(!thread::panicking());
                }
            });
        }
        group.wait();
        assert_eq!(waited.load(Ordering::SeqCst), 200);
        assert!(!thread::panicking());
    });
}

#[test]
fn a_send_to_a_closed_channel_panics_with_gos_words() {
    gort::enter(|| {
        let (sender, receiver) = channel(0);
        let other = sender.clone();
        gort::go(move || other.close());
        assert_eq!(receiver.recv(), None::<i32>);
        assert_eq!(
            text_of(&*caught(|| sender.send(1))),
            "send on closed channel"
        );
        assert_eq!(
            text_of(&*caught(|| sender.close())),
            "close of closed channel"
        );
        assert_eq!(
            text_of(&*caught(|| gort::Sender::<i32>::never().close())),
            "close of nil channel"
        );
        let in_select = caught(|| {
            gort::select! {
                send(sender, 1) => {}
                recv(gort::Receiver::<i32>::never()) -> _ => {}
            }
        });
        assert_eq!(text_of(&*in_select), "send on closed channel");
    });
}

#[test]
fn goexit_drops_what_there_is_and_passes_c() {
    gort::enter(|| {
        for through_c in [false, true] {
            let (sender, receiver) = channel(2);
            let other = sender.clone();
            gort::go(move || {
                let _told = OnDrop(|| sender.send("dropped"));
                match through_c {
                    true => sort_with(&mut [2, 1], Some(|| gort::goexit())),
                    false => gort::goexit(),
                }
                sender.send("went on");
            });
            assert_eq!(receiver.recv(), Some("dropped"));
            gort::sleep(Duration::from_millis(20));
            assert!(receiver.try_recv().is_err());
            drop(other);
        }
    });
}
