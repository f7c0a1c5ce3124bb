//! The runtime as a library: the C ABI that compiled Go calls, and the same for Rust.

#[cfg(target_arch = "x86_64")]
mod capi;

#[cfg(target_arch = "x86_64")]
pub use capi::arguments;
