//! Handing the process over to another program.

use std::process::Command;

use crate::failure::{Failure, Result};
use crate::text::errno;

/// Becomes `command`; returns only where that fails. Elsewhere than on Unix, runs it and exits as it does.
pub fn exec(mut command: Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let fail = |err| Failure::own(errno::message("exec", &program, &err));
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        Err(fail(command.exec()))
    }
    #[cfg(not(unix))]
    {
        let status = command.status().map_err(fail)?;
        std::process::exit(status.code().unwrap_or(1));
    }
}
