//! What came of all calls of a function, and the table of it.

use std::fmt::Write;

use super::crossing::{Crossing, End};
use super::functions::{Direction, Function};

/// Four for each power of two.
const BUCKETS: usize = 4 * 42;

/// All calls of one function on one thread, or on all.
#[derive(Clone)]
pub struct Stats {
    pub calls: u64,
    pub total: i64,
    /// Without what was called across in turn.
    pub own: i64,
    pub longest: i64,
    pub p_taken: u64,
    /// For how long goroutines then waited for one.
    pub waited: i64,
    pub callbacks: u64,
    /// How many took how long.
    histogram: Box<[u32; BUCKETS]>,
}

impl Default for Stats {
    fn default() -> Stats {
        Stats {
            calls: 0,
            total: 0,
            own: 0,
            longest: 0,
            p_taken: 0,
            waited: 0,
            callbacks: 0,
            histogram: Box::new([0; BUCKETS]),
        }
    }
}

impl Stats {
    pub fn add(&mut self, crossing: &Crossing) {
        if crossing.end == End::Waited {
            self.waited += crossing.nanoseconds;
            return;
        }
        self.calls += 1;
        self.total += crossing.nanoseconds;
        self.own += crossing.own;
        self.longest = self.longest.max(crossing.nanoseconds);
        self.p_taken += u64::from(crossing.p_taken);
        self.callbacks += u64::from(crossing.callbacks);
        let count = &mut self.histogram[bucket(crossing.nanoseconds)];
        *count = count.saturating_add(1);
    }

    pub fn merge(&mut self, other: &Stats) {
        self.calls += other.calls;
        self.total += other.total;
        self.own += other.own;
        self.longest = self.longest.max(other.longest);
        self.p_taken += other.p_taken;
        self.waited += other.waited;
        self.callbacks += other.callbacks;
        for (count, more) in self.histogram.iter_mut().zip(other.histogram.iter()) {
            *count = count.saturating_add(*more);
        }
    }

    /// Nanoseconds that 99 of 100 calls don't exceed, to a fifth.
    pub fn p99(&self) -> i64 {
        let mut left = self.calls - self.calls / 100;
        for (index, count) in self.histogram.iter().enumerate() {
            if left <= u64::from(*count) {
                return most(index).min(self.longest);
            }
            left -= u64::from(*count);
        }
        self.longest
    }
}

/// Where a duration is counted.
fn bucket(nanoseconds: i64) -> usize {
    let n = nanoseconds.max(0) as u64;
    if n < 4 {
        return n as usize;
    }
    let octave = n.ilog2() as usize;
    (4 * (octave - 1) + (n >> (octave - 2)) as usize - 4).min(BUCKETS - 1)
}

/// The longest duration that is counted there.
fn most(bucket: usize) -> i64 {
    if bucket < 4 {
        return bucket as i64;
    }
    let octave = bucket / 4 + 1;
    ((bucket as i64 % 4 + 5) << (octave - 2)) - 1
}

/// The table of all functions of one direction, those with the most time first; nothing if there are none.
pub fn table(title: &str, direction: Direction, all: &[(Function, &Stats)]) -> String {
    let mut rows: Vec<(&str, &Stats)> = all
        .iter()
        .filter(|(function, _)| function.direction == direction)
        .map(|(function, stats)| (&*function.name, *stats))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    rows.sort_by(|a, b| (b.1.total, a.0).cmp(&(a.1.total, b.0)));
    let lines = rows.iter().map(|(name, stats)| row(name, stats));
    let titles = [
        title,
        "calls",
        "total",
        "own",
        "mean",
        "p99",
        "longest",
        "P taken",
        "waited",
        "callbacks",
    ];
    let mut lines: Vec<[String; 10]> = std::iter::once(titles.map(str::to_owned))
        .chain(lines)
        .collect();
    if direction == Direction::Callback {
        // A callback has its P all the time.
        lines.iter_mut().for_each(|line| {
            line[7..].iter_mut().for_each(String::clear);
        });
    }
    align(&lines)
}

fn row(name: &str, stats: &Stats) -> [String; 10] {
    [
        name.to_owned(),
        stats.calls.to_string(),
        duration(stats.total),
        duration(stats.own),
        duration(stats.total / stats.calls as i64),
        duration(stats.p99()),
        duration(stats.longest),
        stats.p_taken.to_string(),
        duration(stats.waited),
        stats.callbacks.to_string(),
    ]
}

/// Columns below each other, numbers at their right ends.
fn align(lines: &[[String; 10]]) -> String {
    let width = |column: usize| {
        let widths = lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let mut text = String::new();
    for line in lines {
        let mut row = format!("  {:<1$}", line[0], width(0));
        for (column, cell) in line.iter().enumerate().skip(1) {
            let _ = write!(row, "  {cell:>0$}", width(column));
        }
        text += row.trim_end();
        text.push('\n');
    }
    text
}

/// Three digits and a unit.
pub fn duration(nanoseconds: i64) -> String {
    let n = nanoseconds as f64;
    let (value, unit) = match nanoseconds {
        ..1_000 => return format!("{nanoseconds} ns"),
        1_000..1_000_000 => (n / 1e3, "µs"),
        1_000_000..1_000_000_000 => (n / 1e6, "ms"),
        _ => (n / 1e9, "s"),
    };
    let decimals = match value {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_lies_in_its_bucket() {
        let mut before = -1;
        for index in 0..BUCKETS - 1 {
            let last = most(index);
            assert_eq!(bucket(last), index, "{last}");
            assert_eq!(bucket(before + 1), index, "{before}");
            before = last;
        }
        assert_eq!(bucket(i64::MAX), BUCKETS - 1);
    }

    #[test]
    fn buckets_are_fine_enough() {
        for n in [7_i64, 100, 12_345, 50_000_000] {
            let last = most(bucket(n));
            assert!((n..=n + n / 4).contains(&last), "{n} counts as {last}");
        }
    }

    #[test]
    fn durations_have_units() {
        let shown = [950, 1_500, 49_960, 50_123_456, 2_000_000_000].map(duration);
        assert_eq!(shown, ["950 ns", "1.50 µs", "50.0 µs", "50.1 ms", "2.00 s"]);
    }
}
