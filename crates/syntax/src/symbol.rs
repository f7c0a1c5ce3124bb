//! Interned identifiers: a name is compared and hashed as a pointer and read without a lock.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::ops::Deref;
use std::sync::{LazyLock, Mutex, PoisonError};

/// An interned string. Equal strings are the same symbol throughout the process; symbols are never freed.
#[derive(Clone, Copy)]
pub struct Symbol(&'static &'static str);

static TABLE: LazyLock<Mutex<HashMap<&'static str, Symbol>>> = LazyLock::new(Mutex::default);

impl Symbol {
    pub fn intern(text: &str) -> Symbol {
        let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = table.get(text) {
            return *known;
        }
        let text: &'static str = Box::leak(Box::from(text));
        let symbol = Symbol(Box::leak(Box::new(text)));
        table.insert(text, symbol);
        symbol
    }

    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Reports whether the name starts with an upper-case letter.
    pub fn is_exported(self) -> bool {
        self.chars().next().is_some_and(char::is_uppercase)
    }

    pub fn is_blank(self) -> bool {
        self.as_str() == "_"
    }
}

impl Deref for Symbol {
    type Target = str;

    fn deref(&self) -> &str {
        self.0
    }
}

impl PartialEq for Symbol {
    fn eq(&self, other: &Symbol) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Symbol {}

impl PartialEq<str> for Symbol {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Symbol {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl Hash for Symbol {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::hash(self.0, state);
    }
}

/// By text, so that sorted output does not depend on addresses.
impl Ord for Symbol {
    fn cmp(&self, other: &Symbol) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Symbol {
    fn partial_cmp(&self, other: &Symbol) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl From<&str> for Symbol {
    fn from(text: &str) -> Symbol {
        Symbol::intern(text)
    }
}

/// One parse's view of the table: the shared lock is taken once per distinct name of a file.
#[derive(Default)]
pub(crate) struct Interner<'a> {
    known: HashMap<&'a [u8], Symbol, BuildHasherDefault<NameHasher>>,
}

impl<'a> Interner<'a> {
    #[inline]
    pub fn intern(&mut self, name: &'a [u8]) -> Symbol {
        *self
            .known
            .entry(name)
            .or_insert_with(|| Symbol::intern(&String::from_utf8_lossy(name)))
    }
}

/// A multiplicative hash: names are short, and nobody gains from making them collide in a table that lives for one file.
#[derive(Default)]
struct NameHasher(u64);

impl NameHasher {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.add(u64::from_le_bytes(last));
    }

    fn write_usize(&mut self, value: usize) {
        self.add(value as u64);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
}
