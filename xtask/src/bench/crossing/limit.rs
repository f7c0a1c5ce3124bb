//! GoToC between what it must cost at least and a plain call.

use std::fmt::Write;

use crate::bench::peer::Measured;
use crate::bench::peer::catalogue::Figure;
use crate::bench::peer::report::with_spread;
use crate::bench::peer::results::Results;

/// The rungs from a plain call up to what a call from Go to C must do.
const LIMITS: &[(&str, &str)] = &[
    ("PlainCall", "C calls C"),
    (
        "StackSwitch",
        "the thread found, the stack switched, one store out, one store and one load back",
    ),
    (
        "StackSwitchLocked",
        "the same with an atomic read-modify-write on the way back",
    ),
];

pub fn table(measured: &Measured, limits: &Results) -> String {
    let mut text = "\nThe limit: the call of GoToC in hand-written assembly (bench/crossing/c/limit.S), in the same loop.\n\n".to_owned();
    text += "| call | time | what it does |\n|---|--:|---|\n";
    for (name, what) in LIMITS {
        if let Some(summary) = limits.summary(name, Figure::Time) {
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
