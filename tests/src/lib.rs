//! Proofs that crosscall does what cgo does. The official tool is the specification: most tests run both on the same input and
//! compare.
//!
//! - `equivalence`: every run of cgo that the go command makes over Go's own cgo suites, parts of its standard library and real
//!   packages, once by each generator; [`compare`] says what they declare differently, [`known`] what of it is accepted.
//! - `packages`: real packages pass the same tests with both.
//! - `robustness`: odd paths, broken input, builds killed half-way.
//! - `comparator`: the comparison itself, on differences planted on purpose.
//!
//! All need the official toolchain that `CROSSCALL_GOROOT` names; without it they fail. `CROSSCALL_BIN` names the `crosscall`
//! binary to test; without it the one of this workspace is built.

pub mod cases;
pub mod compare;
pub mod conventions;
pub mod gotest;
pub mod headers;
pub mod known;
pub mod messages;
pub mod mimic;
pub mod record;
pub mod replay;
pub mod table;
pub mod toolchain;
