//! Size classes: the sizes in which small objects are allocated.
//!
//! Steps of 16 bytes up to 128; from there on eight steps from one power of two to the next, so that at most an eighth of an object is waste.

use crate::layout::PAGE;

/// Every object's address is a multiple of this.
pub const ALIGN: usize = 16;
/// The largest size that has a class; what is larger has a span of its own.
pub const LARGEST: usize = 32 << 10;
/// How many classes there are; class 0 is that of large objects.
pub const COUNT: usize = 1 + 8 + 8 * 8;

/// Objects of one size.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// In bytes.
    pub size: u32,
    /// `offset * magic >> 32` is the number of the object at that offset in a span.
    pub magic: u32,
    /// How many objects a span has.
    pub objects: u32,
    /// Pages of a span.
    pub pages: u32,
}

impl Class {
    /// Bytes of a span's objects.
    pub const fn bytes(&self) -> usize {
        self.objects as usize * self.size as usize
    }
}

/// By number of class.
pub static CLASSES: [Class; COUNT] = table();

const fn size_of_class(class: usize) -> usize {
    if class <= 8 {
        return class * 16;
    }
    let step = (class - 9) % 8 + 1;
    let base = 128 << ((class - 9) / 8);
    base + base / 8 * step
}

/// Eight objects at least, unless they are large, and no more than an eighth of the span left over.
const fn pages_for(size: usize) -> usize {
    let mut least = 8 * size;
    if least > LARGEST {
        least = LARGEST;
    }
    let mut pages = 1;
    while pages * PAGE < least || (pages * PAGE) % size > pages * PAGE / 8 {
        pages += 1;
    }
    pages
}

const fn table() -> [Class; COUNT] {
    let large = Class {
        size: 0,
        magic: 0,
        objects: 1,
        pages: 0,
    };
    let mut table = [large; COUNT];
    let mut class = 1;
    while class < COUNT {
        let size = size_of_class(class);
        let pages = pages_for(size);
        table[class] = Class {
            size: size as u32,
            magic: ((1u64 << 32).div_ceil(size as u64)) as u32,
            objects: (pages * PAGE / size) as u32,
            pages: pages as u32,
        };
        class += 1;
    }
    assert!(table[COUNT - 1].size as usize == LARGEST);
    table
}

/// By size in units of 16 bytes, rounded up, for those up to 1 KiB; by units of 128 bytes above.
const SMALL: usize = 1024;
static BY_16: [u8; SMALL / 16 + 1] = index(16);
static BY_128: [u8; LARGEST / 128 + 1] = index(128);

const fn index<const N: usize>(unit: usize) -> [u8; N] {
    let mut table = [0; N];
    let mut class = 1;
    let mut at = 0;
    while at < N {
        while class < COUNT && size_of_class(class) < at * unit {
            class += 1;
        }
        if class == COUNT {
            break;
        }
        table[at] = class as u8;
        at += 1;
    }
    table
}

/// By (size - 1) / 16, for sizes from 1 to [`QUICK`]: the [`SpanClass`] of objects without pointers; the next number is that with pointers.
pub static QUICK_CLASSES: [u8; QUICK / 16] = quick();

/// The largest size that `gort_new` allocates by itself.
pub const QUICK: usize = 256;

const fn quick() -> [u8; QUICK / 16] {
    let mut table = [0; QUICK / 16];
    let mut at = 0;
    while at < table.len() {
        table[at] = SpanClass::new(BY_16[at + 1], true).0;
        at += 1;
    }
    table
}

/// The class for an object of `size` bytes, which is at most [`LARGEST`].
pub fn class_of(size: usize) -> u8 {
    match size <= SMALL {
        true => BY_16[size.div_ceil(16)],
        false => BY_128[size.div_ceil(128)],
    }
}

/// A class, and whether its objects hold pointers: what spans are sorted by. Class 0 without pointers is number 1, so 0 is free for "none".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanClass(pub u8);

impl SpanClass {
    /// How many there are.
    pub const COUNT: usize = 2 * COUNT + 1;

    pub const fn new(class: u8, noscan: bool) -> SpanClass {
        SpanClass(2 * class + 1 + !noscan as u8)
    }

    pub const fn class(self) -> u8 {
        (self.0 - 1) / 2
    }

    /// Whether the objects hold no pointers.
    pub const fn is_noscan(self) -> bool {
        self.0 % 2 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offset_has_its_number() {
        for class in &CLASSES[1..] {
            for offset in 0..class.pages as usize * PAGE {
                let number = (offset as u64 * u64::from(class.magic)) >> 32;
                assert_eq!(
                    number as usize,
                    offset / class.size as usize,
                    "{offset} of {class:?}"
                );
            }
        }
    }

    #[test]
    fn sizes_find_the_smallest_class() {
        for size in 1..=LARGEST {
            let class = usize::from(class_of(size));
            assert!(CLASSES[class].size as usize >= size, "{size}");
            assert!(
                class == 1 || (CLASSES[class - 1].size as usize) < size,
                "{size}"
            );
        }
    }

    #[test]
    fn little_is_wasted() {
        for class in &CLASSES[1..] {
            let bytes = class.pages as usize * PAGE;
            let left = bytes - class.objects as usize * class.size as usize;
            assert!(left <= bytes / 8, "{class:?}");
            assert!(class.objects as usize <= class.pages as usize * PAGE / ALIGN);
            assert!(class.pages <= 64, "{class:?}");
        }
    }

    #[test]
    fn span_classes_are_all_different() {
        let mut seen = [false; SpanClass::COUNT + 1];
        for class in 0..COUNT as u8 {
            for noscan in [false, true] {
                let span_class = SpanClass::new(class, noscan);
                assert_eq!(span_class.class(), class);
                assert_eq!(span_class.is_noscan(), noscan);
                assert!(!std::mem::replace(
                    &mut seen[usize::from(span_class.0)],
                    true
                ));
            }
        }
        assert!(!seen[0]);
    }
}
