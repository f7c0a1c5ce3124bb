//! Standard output, whose reader may have gone.

use std::io::{self, ErrorKind, Write};

use crate::failure::{Failure, Result};
use crate::text::errno;

/// Writes `text`. Nobody is told that nobody listens.
pub fn write(text: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(err) if err.kind() == ErrorKind::BrokenPipe => Err(Failure::raw("", 1)),
        Err(err) => Err(Failure::own(errno::message("write", "/dev/stdout", &err))),
    }
}
