//! Handles of Rust's values.

use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use gort::Handle;

/// Counts how many of it there are.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Counted {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn a_value_lives_until_its_handle_is_deleted_and_nobody_has_it() {
    let count = Arc::default();
    let handle = Handle::new(Counted::new(&count));
    let number = handle.into_raw();
    assert_ne!(number, 0);
    let value = Handle::<Counted>::from_raw(number).get();
    handle.delete();
    assert_eq!(count.load(Ordering::Relaxed), 1);
    assert!(handle.try_get().is_none());
    drop(value);
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[test]
fn misuse_is_found_out() {
    let handle = Handle::new(7_u32);
    let other = Handle::<String>::from_raw(handle.into_raw());
    assert!(other.try_get().is_none(), "another type");
    assert!(catch_unwind(|| other.delete()).is_err());
    assert_eq!(*handle.get(), 7, "it is still there");
    handle.delete();
    for number in [0, 1, handle.into_raw(), usize::MAX] {
        let handle = Handle::<u32>::from_raw(number);
        assert!(handle.try_get().is_none(), "{number:#x}");
        let panic = catch_unwind(|| handle.delete()).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert_eq!(text, "runtime/cgo: misuse of an invalid Handle");
    }
}

/// Threads read what others delete: they get the value or nothing, and every value is dropped once.
#[test]
fn threads_read_while_others_delete() {
    let count = Arc::default();
    let slots: Vec<AtomicUsize> = (0..8).map(|_| AtomicUsize::new(0)).collect();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for round in 0..5_000 {
                    let new = Handle::new(Counted::new(&count)).into_raw();
                    let old = slots[round % slots.len()].swap(new, Ordering::AcqRel);
                    if old != 0 {
                        Handle::<Counted>::from_raw(old).delete();
                    }
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for round in 0..20_000 {
                    let number = slots[round % slots.len()].load(Ordering::Acquire);
                    if let Some(value) = Handle::<Counted>::from_raw(number).try_get() {
                        assert!(value.0.load(Ordering::Relaxed) > 0);
                    }
                }
            });
        }
    });
    for slot in &slots {
        Handle::<Counted>::from_raw(slot.load(Ordering::Relaxed)).delete();
    }
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

/// On goroutines, which may be on another thread each time.
#[test]
fn goroutines_pass_handles_on() {
    let sum = gort::enter(|| {
        let (sender, receiver) = gort::channel(4);
        for number in 0..100_usize {
            let sender = sender.clone();
            gort::go(move || sender.send(Handle::new(number).into_raw()));
        }
        (0..100)
            .map(|_| {
                let handle = Handle::<usize>::from_raw(receiver.recv().unwrap());
                let value = *handle.get();
                handle.delete();
                value
            })
            .sum::<usize>()
    });
    assert_eq!(sum, 99 * 100 / 2);
}
