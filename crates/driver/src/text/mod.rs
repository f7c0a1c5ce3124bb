//! Go's conventions for text that crosses a process boundary: flags, quoting, response files, paths, error messages.

pub mod errno;
pub mod flags;
pub mod paths;
pub mod quoted;
pub mod quoting;
pub mod response;
