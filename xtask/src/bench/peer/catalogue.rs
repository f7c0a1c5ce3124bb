//! What a suite of benchmarks is.

/// Benchmarks that the official toolchain runs from `bench/peer`, and crosscall's runtime from `bench/NAME`, by the same names.
pub struct Suite {
    pub name: &'static str,
    pub benchmarks: &'static [Benchmark],
}

pub struct Benchmark {
    pub name: &'static str,
    pub goals: &'static [Goal],
    /// Why the two sides do the same.
    pub same: &'static str,
}

/// A figure, and what it is meant to be.
pub struct Goal {
    pub figure: Figure,
    pub target: Target,
}

#[derive(Clone, Copy)]
pub enum Target {
    None,
    /// So many times as fast, or as small, as the official one.
    Ratio(f64),
    /// Less than that, whatever the official one is.
    Below(f64),
}

/// What of a result counts. Less is better.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Of one operation, in nanoseconds.
    Time,
    /// Of a goroutine.
    Bytes,
    /// The world's longest, in microseconds.
    Pause,
    /// What is in memory, in MiB.
    Resident,
}

impl Figure {
    /// As it stands behind the number in a line of results.
    pub fn unit(self) -> &'static str {
        match self {
            Figure::Time => "ns/op",
            Figure::Bytes => "B/goroutine",
            Figure::Pause => "µs-longest-pause",
            Figure::Resident => "MiB-resident",
        }
    }

    /// What is said of it behind the benchmark's name.
    pub fn title(self) -> &'static str {
        match self {
            Figure::Time | Figure::Bytes => "",
            Figure::Pause => ", longest pause",
            Figure::Resident => ", resident memory after",
        }
    }

    pub fn show(self, value: f64) -> String {
        match self {
            Figure::Time => nanoseconds(value),
            Figure::Bytes => format!("{value:.0} B"),
            Figure::Pause => nanoseconds(value * 1e3),
            Figure::Resident => format!("{value:.0} MiB"),
        }
    }
}

/// Nanoseconds in three digits.
fn nanoseconds(ns: f64) -> String {
    match ns {
        ..10.0 => format!("{ns:.2} ns"),
        ..100.0 => format!("{ns:.1} ns"),
        ..1e4 => format!("{ns:.0} ns"),
        ..1e6 => format!("{:.1} µs", ns / 1e3),
        _ => format!("{:.1} ms", ns / 1e6),
    }
}

/// A benchmark whose time counts: it is meant to be `$ratio` times as fast.
macro_rules! time {
    ($name:literal, $ratio:literal, $same:literal $(,)?) => {
        Benchmark {
            name: $name,
            goals: &[Goal {
                figure: Figure::Time,
                target: Target::Ratio($ratio),
            }],
            same: $same,
        }
    };
}
pub(crate) use time;
