//! The results as a Markdown table: medians, and the ratio that matters.

use std::time::Duration;

use super::Pairs;
use crate::measure::Measured;
use crate::toolchain::Toolchain;

pub struct Line {
    subject: &'static str,
    cc: String,
    step: String,
    pairs: Pairs,
}

impl Line {
    pub fn new(subject: &'static str, cc: &str, step: &str, pairs: Pairs) -> Line {
        Line {
            subject,
            cc: cc.to_owned(),
            step: step.to_owned(),
            pairs,
        }
    }
}

pub fn table(go: &Toolchain, runs: usize, lines: &[Line]) -> String {
    let mut text = format!(
        "\nMedians of {runs} runs in turn, against Go {}. *stubs*: the generator alone; *imports*: its `-dynimport` run; *build*: \
         `go build` with all imports in the cache. Ratio: crosscall's time in the official tool's. Peak: resident memory of the \
         largest single process.\n\n",
        go.version
    );
    text += "| package | CC | step | official | crosscall | ratio | CPU official | CPU crosscall | peak official | peak crosscall |\n";
    text += "|---|---|---|--:|--:|--:|--:|--:|--:|--:|\n";
    lines.iter().for_each(|line| text += &row(line));
    text
}

fn row(line: &Line) -> String {
    let Pairs {
        official,
        crosscall,
    } = &line.pairs;
    let wall = |runs| median(runs, |run: &Measured| run.wall);
    let cpu = |runs| time(median(runs, |run: &Measured| run.cpu));
    let peak = |runs| median(runs, |run: &Measured| run.peak_kib) as f64 / 1024.0;
    let ratio = wall(crosscall).as_secs_f64() / wall(official).as_secs_f64();
    format!(
        "| {} | {} | {} | {} | {} | **{ratio:.2}** | {} | {} | {:.0} MiB | {:.0} MiB |\n",
        line.subject,
        line.cc,
        line.step,
        time(wall(official)),
        time(wall(crosscall)),
        cpu(official),
        cpu(crosscall),
        peak(official),
        peak(crosscall),
    )
}

fn median<T: Ord + Copy>(runs: &[Measured], of: impl Fn(&Measured) -> T) -> T {
    let mut values: Vec<T> = runs.iter().map(of).collect();
    values.sort();
    values[values.len() / 2]
}

fn time(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    match ms {
        ..10.0 => format!("{ms:.1} ms"),
        ..1000.0 => format!("{ms:.0} ms"),
        _ => format!("{:.2} s", ms / 1e3),
    }
}
