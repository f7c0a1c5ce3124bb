//! The results as Markdown: who is how much faster, and why the comparison is fair.

use std::fmt::Write;

use super::Measured;
use super::catalogue::{Benchmark, Figure, Goal, Target};
use super::results::{Results, Summary};

pub fn table(measured: &Measured, benchmarks: &[&Benchmark]) -> String {
    let mut text = format!(
        "\nMedians of {} runs in turn, against Go {}; in brackets the least and the most. Ratio: how many times as fast, or as small, as \
         the official one.\n\n",
        measured.runs, measured.go
    );
    text += "| benchmark | official | crosscall | ratio | target |\n|---|--:|--:|--:|--:|\n";
    for benchmark in benchmarks {
        for goal in benchmark.goals {
            text += &row(measured, benchmark.name, goal);
        }
    }
    text
}

fn row(measured: &Measured, name: &str, goal: &Goal) -> String {
    let of = |results: &Results| results.summary(name, goal.figure);
    let (official, crosscall) = (of(&measured.official), of(&measured.crosscall));
    let ratio = official.as_ref().zip(crosscall.as_ref());
    let ratio = ratio.map(|(official, crosscall)| official.median / crosscall.median);
    let (target, met) = match goal.target {
        Target::None => ("–".to_owned(), false),
        Target::Ratio(target) => (
            target.to_string(),
            ratio.is_some_and(|ratio| ratio >= target),
        ),
        Target::Below(most) => (
            format!("below {}", goal.figure.show(most)),
            crosscall.as_ref().is_some_and(|ours| ours.median < most),
        ),
    };
    let met = if met { " ✓" } else { "" };
    let cell = |summary: Option<Summary>| match summary {
        Some(summary) => with_spread(&summary, goal.figure),
        None => "–".to_owned(),
    };
    let ratio = ratio.map_or("–".to_owned(), |ratio| format!("**{ratio:.2}**"));
    let (official, crosscall) = (cell(official), cell(crosscall));
    let title = goal.figure.title();
    format!("| {name}{title} | {official} | {crosscall} | {ratio} | {target}{met} |\n")
}

pub fn with_spread(summary: &Summary, figure: Figure) -> String {
    format!(
        "{} ({} – {})",
        figure.show(summary.median),
        figure.show(summary.least),
        figure.show(summary.most)
    )
}

pub fn reasons(benchmarks: &[&Benchmark]) -> String {
    let mut text = "\nWhy the two sides do the same:\n\n".to_owned();
    for Benchmark { name, same, .. } in benchmarks {
        let _ = writeln!(text, "- {name}: {same}.");
    }
    text
}
