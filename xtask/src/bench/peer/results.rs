//! Lines of results, in the format of Go's package testing, which both sides print.

use std::collections::BTreeMap;

use super::catalogue::Figure;

/// The figures of all runs by benchmark.
#[derive(Default)]
pub struct Results(BTreeMap<String, Vec<Line>>);

/// Pairs of number and unit.
type Line = Vec<(f64, String)>;

pub struct Summary {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Results {
    pub fn add(&mut self, output: &str) {
        for (name, line) in output.lines().filter_map(read) {
            self.0.entry(name).or_default().push(line);
        }
    }

    pub fn summary(&self, name: &str, figure: Figure) -> Option<Summary> {
        let of = |line: &Line| Some(line.iter().find(|(_, unit)| unit == figure.unit())?.0);
        let mut values: Vec<f64> = self.0.get(name)?.iter().filter_map(of).collect();
        values.sort_by(f64::total_cmp);
        Some(Summary {
            median: *values.get(values.len() / 2)?,
            least: *values.first()?,
            most: *values.last()?,
        })
    }
}

/// `BenchmarkYield-2 8642031 138.9 ns/op …`: the number behind the name is GOMAXPROCS.
fn read(line: &str) -> Option<(String, Line)> {
    let mut words = line.strip_prefix("Benchmark")?.split_whitespace();
    let name = words.next()?;
    let name = match name.rsplit_once('-') {
        Some((name, procs)) if procs.parse::<u32>().is_ok() => name,
        _ => name,
    };
    words.next()?.parse::<u64>().ok()?;
    let words: Vec<&str> = words.collect();
    let pairs = words.chunks_exact(2);
    let pairs = pairs.filter_map(|pair| Some((pair[0].parse().ok()?, pair[1].to_owned())));
    Some((name.to_owned(), pairs.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_read() {
        let mut results = Results::default();
        results.add("goos: linux\nBenchmarkYield-2   \t 8642031\t       138.9 ns/op\nPASS\n");
        results.add("BenchmarkYield          \t  20000000\t       100.5 ns/op\nBenchmarkYield 1\t90 ns/op\n");
        results.add("BenchmarkParkedBytes-2 \t 3\t 231 ns/op\t 2708 B/goroutine\n");
        let time = results.summary("Yield", Figure::Time).unwrap();
        assert_eq!((time.least, time.median, time.most), (90.0, 100.5, 138.9));
        let bytes = results.summary("ParkedBytes", Figure::Bytes).unwrap();
        assert_eq!(bytes.median, 2708.0);
        assert!(results.summary("Yield", Figure::Bytes).is_none());
    }
}
