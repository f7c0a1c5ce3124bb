//! What is measured, how much faster than the official runtime it is meant to be, and why both sides do the same.

use crate::bench::peer::catalogue::{Benchmark, Figure, Goal, Suite, Target, time};

pub const SUITE: Suite = Suite {
    name: "crossing",
    benchmarks: BENCHMARKS,
};

const BENCHMARKS: &[Benchmark] = &[
    time!(
        "GoToC",
        8.0,
        "one call of the same C function of two ints from a loop in a goroutine; the C code runs on the thread's system stack, it may \
         call Go, block or take long, and others may run Go meanwhile",
    ),
    time!(
        "GoToCStruct",
        8.0,
        "the same with a struct of 32 bytes by value, which C gets on the stack; Go has its four words in registers, on both sides, until the \
         wrapper or the stub writes them to memory; both add up the results",
    ),
    time!(
        "CToGo",
        6.0,
        "one call of Go, then a loop in C that calls the same Go function of two ints n times; each call may grow its stack, block, \
         panic or move the goroutine to the queue",
    ),
    time!(
        "ThreadToGo",
        6.0,
        "the same loop on one thread that C makes and joins; making it is part of both",
    ),
    time!(
        "ThreadsToGo",
        1.2,
        "each operation makes a thread with pthread_create, calls Go once from it and joins it: most of the time is the system's on both \
         sides",
    ),
    time!(
        "Bounce100",
        5.0,
        "a hundred Go and a hundred C frames on top of each other, on growing stacks, and the depth is checked",
    ),
    Benchmark {
        name: "GoToCParallel",
        goals: &[Goal {
            figure: Figure::Time,
            target: Target::None,
        }],
        same: "as many goroutines as Ps call the same C function, taking shares of the iterations as testing.B.RunParallel does",
    },
    time!(
        "Spawn",
        1.2,
        "a goroutine is started, tells a WaitGroup that it is done and ends; the starter waits for that each time",
    ),
    time!(
        "SpawnMany",
        1.2,
        "10,000 goroutines are started, each waits at one channel, which is closed then; all are waited for",
    ),
    time!(
        "PingPong",
        1.2,
        "an 8-byte value over one unbuffered channel and back over another, between two goroutines",
    ),
    time!(
        "Yield",
        1.2,
        "two goroutines on one P: one yields in a loop, the other does so too after looking at a channel without waiting",
    ),
    Benchmark {
        name: "ParkedBytes",
        goals: &[Goal {
            figure: Figure::Bytes,
            target: Target::Ratio(1.0),
        }],
        same: "100,000 goroutines wait at one channel: official, what its allocator counts for stacks and heap; crosscall, what its runtime and \
               malloc count, or what the process has grown by, whichever is more",
    },
];
