//! What a call from Go to C, and a thread that calls Go, must cost at least.

use std::fmt::Write;

use crate::bench::peer::Measured;
use crate::bench::peer::catalogue::Figure;
use crate::bench::peer::report::with_spread;
use crate::bench::peer::results::Results;

/// A benchmark, and what of it there is without Go.
struct Limit {
    title: &'static str,
    rungs: &'static [(&'static str, &'static str)],
    ours: (&'static str, &'static str),
}

const LIMITS: &[Limit] = &[
    Limit {
        title: "the call of GoToC in hand-written assembly (bench/crossing/c/limit.S), in the same loop",
        rungs: &[
            ("PlainCall", "C calls C"),
            (
                "StackSwitch",
                "the thread found, the stack switched, one store out, one store and one load back",
            ),
            (
                "StackSwitchLocked",
                "the same with an atomic read-modify-write on the way back",
            ),
        ],
        ours: (
            "GoToC",
            "crosscall's, with a count of calls and a check against longjmp",
        ),
    },
    Limit {
        title: "the threads of ThreadsToGo, which call C instead of Go; no runtime is there",
        rungs: &[(
            "Threads",
            "the system makes a thread, and one waits for its end",
        )],
        ours: ("ThreadsToGo", "crosscall's"),
    },
];

pub fn table(measured: &Measured, limits: &Results) -> String {
    let mut text = String::new();
    for limit in LIMITS {
        let _ = writeln!(
            text,
            "\nThe limit: {}.\n\n| call | time | what it does |\n|---|--:|---|",
            limit.title
        );
        let rungs = limit.rungs.iter().map(|rung| (limits, rung));
        for (results, (name, what)) in rungs.chain([(&measured.crosscall, &limit.ours)]) {
            if let Some(summary) = results.summary(name, Figure::Time) {
                let time = with_spread(&summary, Figure::Time);
                let _ = writeln!(text, "| {name} | {time} | {what} |");
            }
        }
    }
    text
}
