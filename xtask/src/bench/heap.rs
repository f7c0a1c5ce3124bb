//! `cargo xtask bench heap`: memory that is allocated and collected, and Go's values in C's hands.

use std::process::ExitCode;

use anyhow::Result;

use super::peer::catalogue::{Benchmark, Figure, Goal, Suite, Target, time};
use super::peer::{self, Options, report};
use crate::repo::Repo;

pub const SUITE: Suite = Suite {
    name: "heap",
    benchmarks: BENCHMARKS,
};

/// Microseconds.
const LONGEST_PAUSE: f64 = 1000.0;

const BENCHMARKS: &[Benchmark] = &[
    time!(
        "GoToCBuffer",
        6.0,
        "64 bytes of the collector's memory, allocated once, go to the same C function, which adds them up; for a pointer to what holds no \
         pointers cgo checks nothing, so neither side does",
    ),
    time!(
        "GoToCChecked",
        6.0,
        "a struct with a pointer in the collector's memory goes to the same C function; both sides look at what the struct points to first, as \
         GODEBUG=cgocheck=1, the default, wants it",
    ),
    time!(
        "Handles",
        8.0,
        "each operation makes a handle for the same pointer, asks for its value, whose type and address are looked at, and deletes the handle; a \
         deleted one would be found out on both sides",
    ),
    time!(
        "Strings",
        1.5,
        "each operation copies 32 bytes into memory of C's malloc, copies those into the collector's memory, of which their length is taken, \
         checks the pointer for C.free, and frees the first copy",
    ),
    time!(
        "AllocSmall",
        1.0,
        "each operation allocates an object of two pointers and stores its address in a global variable, through the write barrier; collections \
         are part of the time on both sides",
    ),
    time!(
        "BinaryTrees",
        1.2,
        "the same trees of objects of two pointers, counted node by node; collections run beside it on both sides, and the long-lived tree is \
         counted at the end. (A new object's pointers are stored as they are: crosscall's collector needs no barrier for these, the official \
         one does while it marks)",
    ),
    Benchmark {
        name: "Collect1GiB",
        goals: &[
            Goal {
                figure: Figure::Time,
                target: Target::Ratio(1.0),
            },
            Goal {
                figure: Figure::Pause,
                target: Target::Below(LONGEST_PAUSE),
            },
            Goal {
                figure: Figure::Resident,
                target: Target::Ratio(1.0),
            },
        ],
        same: "64 trees of a million nodes are kept, and collected as often as there is time; the time is that of one collection from when it is \
               asked for until it has swept, the pause the longest of the process's so far, while the trees grew too, and memory what the system \
               says after the last",
    },
];

pub fn command(repo: &Repo, args: &[&str]) -> Result<ExitCode> {
    let options = Options::parse(&SUITE, &[], args)?;
    let measured = peer::measure(repo, &SUITE, &options, || Ok(()))?;
    print!("{}", report::table(&measured, &options.benchmarks));
    print!("{}", report::reasons(&options.benchmarks));
    Ok(ExitCode::SUCCESS)
}
