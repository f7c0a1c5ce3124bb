use std::collections::HashSet;
use std::sync::atomic::AtomicUsize;
use std::thread;

use super::*;

fn any(number: usize) -> Any {
    Any {
        kind: number,
        data: !number,
    }
}

#[test]
fn a_handle_stands_for_its_value_until_it_is_deleted() {
    let a = new(any(1)).unwrap();
    let b = new(any(2)).unwrap();
    assert_eq!((value(a), value(b)), (Some(any(1)), Some(any(2))));
    assert_eq!(delete(a), Some(any(1)));
    assert_eq!((value(a), value(b)), (None, Some(any(2))));
    assert_eq!(delete(a), None);
    assert_eq!(delete(b), Some(any(2)));
}

#[test]
fn no_other_number_is_a_handle() {
    let handle = new(any(7)).unwrap();
    for bit in 0..64 {
        assert_eq!(value(handle ^ (1 << bit)), None, "bit {bit}");
    }
    // The word of a slot that is free, and indices without a chunk.
    delete(handle);
    for number in [
        0,
        1,
        65536,
        u64::MAX,
        handle,
        handle.wrapping_add(TAG),
        TAG | 65536,
    ] {
        assert_eq!(value(number), None, "{number:#x}");
        assert_eq!(delete(number), None, "{number:#x}");
    }
}

#[test]
fn a_slot_whose_tags_are_used_up_is_left_alone() {
    let handle = new(any(3)).unwrap();
    let slot = slot(handle as u32).unwrap();
    // As if all others had been used.
    let tag = (handle >> 32) as u32;
    slot.first_tag.store(tag.wrapping_add(1), Ordering::Relaxed);
    assert_eq!(delete(handle), Some(any(3)));
    let later: Vec<u64> = (0..1000).map(|n| new(any(n)).unwrap()).collect();
    assert!(later.iter().all(|other| *other as u32 != handle as u32));
    later.into_iter().for_each(|handle| {
        delete(handle);
    });
    assert_eq!(value(handle), None);
}

#[test]
fn tags_go_round() {
    let index = new(any(4)).unwrap() as u32;
    let slot = slot(index).unwrap();
    let last = u64::from(u32::MAX) << 32 | u64::from(index);
    slot.word.store(last, Ordering::Relaxed);
    assert_eq!(delete(last), Some(any(4)));
    let word = slot.word.load(Ordering::Relaxed);
    assert_eq!(word as u32, index, "nothing is carried into the index");
    assert_ne!(word, last);
    assert_eq!(value(last), None);
}

/// All words that the collector looks at.
fn seen() -> HashSet<usize> {
    let ranges = words().into_iter();
    ranges
        .flat_map(|range| range.step_by(8))
        // SAFETY: words of slots.
        .map(|at| unsafe { &*(at as *const AtomicUsize) }.load(Ordering::Relaxed))
        .collect()
}

#[test]
fn the_collector_sees_every_value() {
    let numbers = 0x5eed_0000_0000..0x5eed_0000_0000 + 70_000;
    let handles: Vec<u64> = numbers.clone().map(|n| new(any(n)).unwrap()).collect();
    let now = seen();
    assert!(
        numbers
            .clone()
            .all(|n| now.contains(&n) && now.contains(&!n))
    );
    for handle in handles {
        delete(handle);
    }
    let now = seen();
    assert!(
        numbers
            .clone()
            .all(|n| !now.contains(&n) && !now.contains(&!n))
    );
}

#[test]
fn one_of_many_deletes() {
    for round in 0..2000 {
        let handle = new(any(round)).unwrap();
        let deleted = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    if delete(handle) == Some(any(round)) {
                        deleted.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(deleted.into_inner(), 1);
    }
}

/// Who reads while others delete and make: its own value or none.
#[test]
fn a_reader_never_sees_another_value() {
    let shared = AtomicU64::new(new(any(0)).unwrap());
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..100_000 {
                let before = shared.swap(new(any(round)).unwrap(), Ordering::AcqRel);
                let value = delete(before).unwrap();
                assert_eq!(value.kind, !value.data);
            }
            shared.store(0, Ordering::Release);
        });
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let handle = shared.load(Ordering::Acquire);
                    if handle == 0 {
                        break;
                    }
                    if let Some(value) = value(handle) {
                        assert_eq!(value.kind, !value.data);
                    }
                }
            });
        }
    });
}
