//! What keeps objects alive from memory that the collector doesn't see.
//!
//! A keeper is a word of the collector's own, which it reads like a range of roots, while the program runs; so there may be many of them.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use stack::sync::{Mutex, MutexGuard};

use crate::barrier;

const CHUNK: usize = 512;
type Chunk = [AtomicUsize; CHUNK];

#[derive(Default)]
struct Words {
    chunks: Vec<&'static Chunk>,
    free: Vec<&'static AtomicUsize>,
}

static WORDS: Mutex<Words> = Mutex::new(Words {
    chunks: Vec::new(),
    free: Vec::new(),
});

fn lock() -> MutexGuard<'static, Words> {
    WORDS.lock().expect("nobody panics with it")
}

/// Where the words are.
pub(crate) fn ranges() -> Vec<Range<usize>> {
    let range = |chunk: &&Chunk| {
        let start = chunk.as_ptr().addr();
        start..start + size_of::<Chunk>()
    };
    lock().chunks.iter().map(range).collect()
}

/// Keeps the object at an address alive for as long as it lives itself.
#[derive(Debug)]
pub struct Keeper(&'static AtomicUsize);

impl Keeper {
    /// `address` may be anything; if it is one of an object, the caller's goroutine holds it.
    pub fn new(address: usize) -> Keeper {
        let mut words = lock();
        if words.free.is_empty() {
            let chunk: &'static Chunk = Box::leak(Box::new([const { AtomicUsize::new(0) }; CHUNK]));
            words.chunks.push(chunk);
            words.free.extend(chunk);
        }
        let word = words.free.pop().expect("a chunk has some");
        word.store(address, Ordering::Relaxed);
        Keeper(word)
    }

    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // As every word that stops holding something while the collector marks.
        barrier::shade(self.0.swap(0, Ordering::Relaxed));
        lock().free.push(self.0);
    }
}
