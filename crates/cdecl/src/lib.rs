//! C declarations: what the names in a piece of C mean to the user's C compiler.
//!
//! This crate alone talks to libclang. It answers questions about names in a translation unit
//! ([`resolve`]) with plain data ([`model`]).

mod model;

pub use model::*;

/// The user's C compiler as libclang must imitate it: search paths, target, predefined macros.
#[derive(Clone, Debug, Default)]
pub struct Compiler {
    /// The command, split: `CC` and its own arguments (`["gcc"]`, `["ccache", "clang", "-m32"]`).
    pub command: Vec<String>,
    /// GOOS and GOARCH of the target.
    pub goos: String,
    pub goarch: String,
    /// Machine flags for the target (`-m64`, `-m32`, …) followed by the package's CFLAGS, as they
    /// are passed to the C compiler.
    pub flags: Vec<String>,
    /// Working directory for relative include paths.
    pub dir: std::path::PathBuf,
}

/// A failure to answer at all.
#[derive(Debug)]
pub enum Error {
    /// The C compiler rejects the source. `stderr` is what it printed, paths and lines as it presented them.
    Rejected { stderr: String },
    /// libclang is not installed or cannot be loaded; the text says what to install.
    NoLibclang(String),
    /// The C compiler could not be run.
    Compiler(String),
    /// Anything else that keeps libclang from parsing.
    Other(String),
}

/// Says what each of `names` (C spellings: `puts`, `struct stat`, `unsigned long`, `sizeof(struct stat)`)
/// means at the end of the translation unit `source`.
///
/// # Errors
/// See [`Error`]. An undeclared name is not an error but an answer.
pub fn resolve(compiler: &Compiler, source: &str, names: &[String]) -> Result<Unit, Error> {
    let _ = (compiler, source, names);
    Err(Error::Other(String::new()))
}
