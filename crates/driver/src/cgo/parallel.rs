//! One function over many values, on all cores, results in order.

use std::num::NonZero;
use std::sync::Mutex;
use std::thread;

pub fn map<T: Send, R: Send>(values: Vec<T>, f: impl Fn(T) -> R + Sync) -> Vec<R> {
    let workers = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(values.len());
    if workers <= 1 {
        return values.into_iter().map(f).collect();
    }
    let mut results: Vec<Option<R>> = values.iter().map(|_| None).collect();
    let jobs = Mutex::new(values.into_iter().zip(results.iter_mut()));
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let job = jobs.lock().expect("no holder panics").next();
                    let Some((value, result)) = job else { break };
                    *result = Some(f(value));
                }
            });
        }
    });
    let results = results.into_iter();
    results
        .map(|result| result.expect("every job ran"))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn keeps_order() {
        let squares = super::map((0..100).collect(), |n: u64| n * n);
        assert_eq!(squares, (0..100).map(|n| n * n).collect::<Vec<_>>());
        assert!(super::map(Vec::<u8>::new(), |n| n).is_empty());
    }
}
