//! The memory rules between Go and C: what of Go's memory C may see, and how values of Go's travel through C.

pub mod handle;
pub mod strings;
