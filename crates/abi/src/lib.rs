//! What compiler and runtime must agree on: sizes of the targets, layouts of what crosses between Go and C, and where each
//! argument and result of a call lives.
//!
//! Each fact is written once, here; who generates code and who runs it read the same.

pub mod arch;
pub mod call;
pub mod frame;
pub mod model;
pub mod thread;
pub mod types;
