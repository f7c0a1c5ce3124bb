use std::thread;

use super::*;

/// An object that could be there: pins need its address alone.
fn object(number: usize) -> Object {
    heap::init();
    Object {
        page: 0,
        index: number as u32,
        base: layout::get().base + number * ALIGN,
        size: ALIGN,
        noscan: true,
    }
}

#[test]
fn pins_are_counted() {
    let (object, neighbour) = (object(1), object(2));
    assert!(!is_pinned(&object));
    // More often than a byte can count.
    for _ in 0..1000 {
        pin(&object).unwrap();
        assert!(is_pinned(&object));
    }
    assert!(!is_pinned(&neighbour));
    for _ in 0..999 {
        assert!(unpin(object.base));
        assert!(is_pinned(&object));
    }
    assert!(unpin(object.base));
    assert!(!is_pinned(&object));
    assert!(!unpin(object.base), "it has no pin left");
    assert!(!unpin(neighbour.base));
    assert!(
        many()
            .as_ref()
            .is_none_or(|map| !map.contains_key(&object.base))
    );
}

#[test]
fn what_was_never_pinned_has_no_leaf() {
    let far = object((1 << 30) / ALIGN);
    assert!(!is_pinned(&far));
    assert!(!unpin(far.base));
    assert!(place(far.base).0.load(Ordering::Relaxed).is_null());
}

#[test]
fn many_threads_pin_and_unpin() {
    let object = object(3);
    pin(&object).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // Together they go beyond what a byte counts, and back, all the time.
                for _ in 0..200 {
                    for _ in 0..100 {
                        pin(&object).unwrap();
                    }
                    for _ in 0..100 {
                        assert!(is_pinned(&object));
                        assert!(unpin(object.base));
                    }
                }
            });
        }
    });
    assert!(unpin(object.base));
    assert!(!is_pinned(&object));
}
