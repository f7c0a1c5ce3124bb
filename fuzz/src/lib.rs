//! Fuzzing without a fuzzing engine: deterministic mutations of real Go files, in worker processes that a parent watches.
//!
//! `cargo run -p crosscall-fuzz --release -- TARGET --seconds N [--seed S]`. A worker writes each input to a file before it touches
//! it, so that whatever ends the worker (a panic, a stack overflow, a hang, too much memory) leaves its input behind.

pub mod corpus;
pub mod mutate;
pub mod random;
pub mod targets;
pub mod watch;
