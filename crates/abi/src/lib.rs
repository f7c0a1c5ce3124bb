//! What compiler and runtime must agree on: sizes of the targets, layouts of what crosses between Go and C.
//!
//! Each fact is written once, here; who generates code and who runs it read the same.

pub mod arch;
pub mod frame;
