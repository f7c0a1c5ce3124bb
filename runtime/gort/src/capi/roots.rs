//! Variables that the collector begins with.

use stack::Outcome;

extern "C" fn add(start: usize, bytes: usize) -> Outcome {
    heap::roots::add_range(start, bytes);
    Outcome::done(0)
}

anywhere!("gort_add_roots" add);
