//! What is allocated has the pointers that its type says, on every way through the allocator.

use std::ptr;

use gort as _;
use heap::object::{self, Object};
use heap::types::{Kind, Type, WORD};

unsafe extern "C" {
    /// As `gort.h` declares them.
    fn gort_new(ty: *const Type) -> *mut u8;
    fn gort_new_array(ty: *const Type, count: usize) -> *mut u8;
}

/// A type of that many words of which `random` says, over and over, which are pointers.
fn of_words(words: usize, random: &[u8]) -> Type {
    let mut mask = vec![0; words.div_ceil(8)];
    let mut last = None;
    for word in 0..words {
        let bit = random[word / 8 % random.len()] & 1 << (word % 8);
        mask[word / 8] |= bit;
        last = if bit != 0 { Some(word) } else { last };
    }
    let mask = mask.leak();
    Type {
        size: words * WORD,
        ptrdata: last.map_or(0, |word| (word + 1) * WORD),
        ptrmask: mask.as_ptr(),
        kind: Kind::Struct,
        align: 8,
        reserved: [0; 6],
        len: 0,
        elem: ptr::null(),
        fields: ptr::null(),
        name: ptr::null(),
    }
}

/// Pseudo-random masks of 64 bytes.
fn masks() -> impl Iterator<Item = &'static [u8]> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::from_fn(move || {
        let mut mask = vec![0; 64];
        for byte in &mut mask {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *byte = (state >> 33) as u8;
        }
        Some(&*mask.leak())
    })
}

fn pointers(object: &Object) -> Vec<usize> {
    let mut words = Vec::new();
    object.for_each_pointer(|slot| words.push((ptr::from_ref(slot).addr() - object.base) / WORD));
    words
}

/// Allocates and looks: it is zero, and has the pointers of `count` values.
fn check(ty: &Type, count: usize) {
    // SAFETY: on a goroutine; the type lives on.
    let address = unsafe {
        match count {
            1 => gort_new(ty),
            _ => gort_new_array(ty, count),
        }
    };
    let object = object::find(address as usize).expect("it lies in the heap");
    assert_eq!(object.base, address as usize);
    assert!(object.size >= ty.size * count);
    assert_eq!(object::find(object.base + object.size - 1), Some(object));
    // SAFETY: the object's own memory.
    let bytes = unsafe { std::slice::from_raw_parts_mut(address, ty.size * count) };
    assert!(bytes.iter().all(|byte| *byte == 0));
    let words = ty.size / WORD;
    let expected: Vec<usize> = (0..count * words)
        .filter(|word| ty.is_pointer(word % words))
        .collect();
    assert_eq!(pointers(&object), expected, "{ty:?} × {count}");
}

#[test]
fn every_word_is_what_the_type_says() {
    gort::enter(|| {
        for words in 1..=80 {
            for mask in masks().take(20) {
                check(&of_words(words, mask), 1);
            }
        }
    });
}

#[test]
fn without_a_mask_every_word_of_the_prefix_is_one() {
    gort::enter(|| {
        for words in 1..=80 {
            for pointers in 0..=words {
                let ty = Type {
                    ptrdata: pointers * WORD,
                    ptrmask: ptr::null(),
                    ..of_words(words, &[0])
                };
                check(&ty, 1);
                check(&ty, 3);
            }
        }
    });
}

#[test]
fn arrays_repeat_their_element() {
    gort::enter(|| {
        for words in [1, 2, 3, 5, 8, 13, 64, 65, 200] {
            for mask in masks().take(4) {
                for count in [2, 3, 7, 64, 100, 5000] {
                    check(&of_words(words, mask), count);
                }
            }
        }
    });
}

#[test]
fn what_has_no_pointers_is_not_looked_at() {
    const NONE: &[u8] = &[0; 64];
    gort::enter(|| {
        for words in 1..=80 {
            let ty = of_words(words, NONE);
            // SAFETY: as above.
            let address = unsafe { gort_new(&ty) } as usize;
            let object = object::find(address).expect("it lies in the heap");
            assert!(object.noscan);
        }
    });
}

#[test]
fn there_is_nothing_where_nothing_was_allocated() {
    gort::enter(|| {
        let local = 0;
        assert_eq!(object::find(ptr::from_ref(&local) as usize), None);
        let ty = of_words(2, &[3]);
        // SAFETY: as above.
        let address = unsafe { gort_new(&ty) } as usize;
        let object = object::find(address).expect("it lies in the heap");
        let span = object.span();
        let free = (0..span.objects.get() as usize)
            .map(|index| span.base() + index * object.size)
            .filter(|address| object::find(*address).is_none())
            .count();
        assert!(free > 0, "a span is not full after one allocation");
    });
}
