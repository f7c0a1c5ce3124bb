//! The results as Markdown: who is how much faster, how near to the limit a call is, and why the comparison is fair.

use std::fmt::Write;

use super::Measured;
use super::catalogue::{Benchmark, Figure, LIMITS};
use super::results::{Results, Summary};

pub fn table(measured: &Measured, benchmarks: &[&Benchmark]) -> String {
    let mut text = format!(
        "\nMedians of {} runs in turn, against Go {}; in brackets the least and the most. Ratio: how many times as fast (for bytes: as \
         small) as the official one.\n\n",
        measured.runs, measured.go
    );
    text += "| benchmark | official | crosscall | ratio | target |\n|---|--:|--:|--:|--:|\n";
    for benchmark in benchmarks {
        text += &row(measured, benchmark);
    }
    text
}

fn row(measured: &Measured, benchmark: &Benchmark) -> String {
    let of = |results: &Results| results.summary(benchmark.name, benchmark.figure);
    let (official, crosscall) = (of(&measured.official), of(&measured.crosscall));
    let ratio = official.as_ref().zip(crosscall.as_ref());
    let ratio = ratio.map(|(official, crosscall)| official.median / crosscall.median);
    let target = match (benchmark.target, ratio) {
        (Some(target), Some(ratio)) if ratio >= target => format!("{target} ✓"),
        (Some(target), _) => target.to_string(),
        (None, _) => "–".to_owned(),
    };
    let cell = |summary: Option<Summary>| match summary {
        Some(summary) => with_spread(&summary, benchmark.figure),
        None => "–".to_owned(),
    };
    let ratio = ratio.map_or("–".to_owned(), |ratio| format!("**{ratio:.2}**"));
    let (official, crosscall) = (cell(official), cell(crosscall));
    format!(
        "| {} | {official} | {crosscall} | {ratio} | {target} |\n",
        benchmark.name
    )
}

fn with_spread(summary: &Summary, figure: Figure) -> String {
    let number = |value: f64| match figure {
        Figure::Time => time(value),
        Figure::Bytes => format!("{value:.0} B"),
    };
    format!(
        "{} ({} – {})",
        number(summary.median),
        number(summary.least),
        number(summary.most)
    )
}

/// Nanoseconds in three digits.
fn time(ns: f64) -> String {
    match ns {
        ..10.0 => format!("{ns:.2} ns"),
        ..100.0 => format!("{ns:.1} ns"),
        ..1e4 => format!("{ns:.0} ns"),
        ..1e6 => format!("{:.1} µs", ns / 1e3),
        _ => format!("{:.1} ms", ns / 1e6),
    }
}

/// GoToC between what it must cost at least and a plain call.
pub fn limits(measured: &Measured) -> String {
    let mut text = "\nThe limit: the call of GoToC in hand-written assembly (bench/crossing/c/limit.S), in the same loop.\n\n".to_owned();
    text += "| call | time | what it does |\n|---|--:|---|\n";
    for (name, what) in LIMITS {
        if let Some(summary) = measured.limit.summary(name, Figure::Time) {
            let _ = writeln!(
                text,
                "| {name} | {} | {what} |",
                with_spread(&summary, Figure::Time)
            );
        }
    }
    if let Some(ours) = measured.crosscall.summary("GoToC", Figure::Time) {
        let time = with_spread(&ours, Figure::Time);
        let _ = writeln!(
            text,
            "| GoToC | {time} | crosscall's, with a count of calls and a check against longjmp |"
        );
    }
    text
}

pub fn reasons(benchmarks: &[&Benchmark]) -> String {
    let mut text = "\nWhy the two sides do the same:\n\n".to_owned();
    for Benchmark { name, same, .. } in benchmarks {
        let _ = writeln!(text, "- {name}: {same}.");
    }
    text
}
