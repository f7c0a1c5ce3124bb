//! Maps by address.

use std::hash::{BuildHasherDefault, Hasher};

pub type Addresses = BuildHasherDefault<AddressHasher>;

/// Spreads one word by multiplication (Fibonacci hashing); addresses of code need no more.
#[derive(Default)]
pub struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        // The map looks at the lowest bits, which the product of an aligned address leaves empty.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, word: usize) {
        self.0 = (self.0.rotate_left(5) ^ word as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
