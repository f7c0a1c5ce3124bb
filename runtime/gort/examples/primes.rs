//! The prime sieve: a goroutine for each prime passes on what it doesn't divide. `cargo run --release --example primes 1000`

use gort::{Receiver, channel};

/// Those of `numbers` that `prime` doesn't divide.
fn sieve(numbers: Receiver<u64>, prime: u64) -> Receiver<u64> {
    let (sender, receiver) = channel(0);
    gort::Builder::new().stack_size(16 << 10).go(move || {
        for number in numbers.iter() {
            if number % prime != 0 {
                sender.send(number);
            }
        }
    });
    receiver
}

fn main() {
    let count = std::env::args()
        .nth(1)
        .map_or(100, |n| n.parse().expect("a number"));
    let last = gort::run(|| {
        let (sender, mut numbers) = channel(0);
        gort::go(move || {
            for number in 2.. {
                sender.send(number);
            }
        });
        let mut last = 0;
        for _ in 0..count {
            last = numbers.recv().expect("numbers don't end");
            numbers = sieve(numbers, last);
        }
        last
    });
    println!("prime number {count}: {last}");
}
