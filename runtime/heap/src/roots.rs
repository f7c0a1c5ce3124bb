//! Where the collector begins, beside goroutines' stacks: ranges of memory with variables of Go's, and tables of the runtime's.
//!
//! The lists only grow, and are read without locks.

use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Shows the collector every address that a table holds.
pub type Source = fn(&mut dyn FnMut(usize));

/// Where the words of a table are at the moment.
pub type Words = fn() -> Vec<Range<usize>>;

/// A list that only grows.
struct List<T>(AtomicPtr<Entry<T>>);

struct Entry<T> {
    value: T,
    next: *const Entry<T>,
}

static RANGES: List<Range<usize>> = List(AtomicPtr::new(ptr::null_mut()));
static SOURCES: List<Source> = List(AtomicPtr::new(ptr::null_mut()));
static TABLES: List<Words> = List(AtomicPtr::new(ptr::null_mut()));

impl<T> List<T> {
    fn add(&self, value: T) {
        let next = ptr::null();
        let entry = Box::leak(Box::new(Entry { value, next }));
        let mut head = self.0.load(Ordering::Relaxed);
        loop {
            entry.next = head;
            // Release: who finds the entry sees what it says.
            match self
                .0
                .compare_exchange_weak(head, entry, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(other) => head = other,
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        // SAFETY: null or an entry, and entries are never freed nor changed once they are in the list.
        let first = unsafe { self.0.load(Ordering::Acquire).as_ref() };
        // SAFETY: as above.
        std::iter::successors(first, |entry| unsafe { entry.next.as_ref() })
            .map(|entry| &entry.value)
    }
}

/// Variables of Go's that may hold pointers: `bytes` from `start` on, words that are looked at as those of a stack are. For good.
pub fn add_range(start: usize, bytes: usize) {
    RANGES.add(start..start + bytes);
}

/// Every range that was added.
pub fn ranges() -> impl Iterator<Item = Range<usize>> {
    RANGES.iter().cloned()
}

/// Whether the address is in a range that was added.
pub fn contains(address: usize) -> bool {
    RANGES.iter().any(|range| range.contains(&address))
}

/// A table whose addresses are roots. It is called while the world is stopped.
pub fn add_source(source: Source) {
    SOURCES.add(source);
}

/// A table whose words are looked at as those of a stack are, while the program runs, so that it may be large. It is asked for its words once when
/// marking begins; who takes a value out of one shades it.
pub fn add_table(words: Words) {
    TABLES.add(words);
}

/// The words of every such table.
pub fn table_words() -> impl Iterator<Item = Range<usize>> {
    TABLES.iter().flat_map(|words| words())
}

/// Shows every address of every source.
pub fn each_of_sources(see: &mut dyn FnMut(usize)) {
    for source in SOURCES.iter() {
        source(see);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_what_is_in_them() {
        add_range(0x1000, 0x100);
        add_range(0x3000, 8);
        for (address, inside) in [
            (0xfff, false),
            (0x1000, true),
            (0x10ff, true),
            (0x1100, false),
            (0x3007, true),
            (0x3008, false),
        ] {
            assert_eq!(contains(address), inside, "{address:#x}");
        }
        assert!(ranges().any(|range| range == (0x3000..0x3008)));
    }

    #[test]
    fn sources_show_what_they_have() {
        add_source(|see| see(1));
        add_source(|see| {
            see(2);
            see(3);
        });
        let mut seen = Vec::new();
        each_of_sources(&mut |address| seen.push(address));
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 3]);
    }
}
