//! The stub generator: from a Go file's references to `C.xxx` to the Go and C text that joins the two.
//!
//! Two steps with the C front end between them, and no I/O in either:
//!
//! 1. [`collect`] reads one Go file: the preamble, the names it wants from C, the functions it exports;
//! 2. the caller asks `cdecl` what those names mean;
//! 3. [`generate`] takes all files of a package with the answers and returns the text of every output file.

mod backend;
mod convert;
mod exports;
mod fields;
mod gc;
mod gccgo;
mod godefs;
mod gofile;
mod gotype;
mod names;
mod package;
mod prologs;
mod rewrite;
mod special;
mod wrappers;

use source::Diagnostic;

pub use gccgo::{Gccgo, MANGLING_PROBE, Mangling};
use gofile::GoFile;
use package::Package;

/// What a run of the generator is told, in the terms of `go tool cgo`'s flags and environment.
#[derive(Clone, Debug)]
pub struct Options {
    pub goos: String,
    pub goarch: String,
    /// Sizes in bytes of a pointer and of Go's `int` on `goarch`.
    pub ptr_size: u64,
    pub int_size: u64,
    /// `-importpath`, for the comment in `_cgo_export.h`.
    pub import_path: String,
    pub import_runtime_cgo: bool,
    pub import_syscall: bool,
    /// `-ldflags` and `CGO_LDFLAGS`, split.
    pub ldflags: Vec<String>,
    /// `-fsanitize=thread`, `-fsanitize=memory` among the C compiler's flags.
    pub tsan: bool,
    pub msan: bool,
    /// `-godefs`: print the Go file with C types spelled out instead of writing stubs.
    pub godefs: bool,
    /// `os.Args` for the header comment of `-godefs`, the program name first.
    pub args: Vec<String>,
    /// Makes global C symbols unique to the package: `_` and twelve hex digits.
    pub c_prefix: String,
}

/// One Go file: its path as messages and line directives show it (absolute, `-trimpath` applied), its bytes.
#[derive(Clone, Debug)]
pub struct Input {
    pub path: String,
    pub text: Vec<u8>,
}

/// What one Go file asks of C.
pub struct Collected {
    /// Errors in the Go file. Where there is one, the file is not to be taken further.
    pub diagnostics: Vec<Diagnostic>,
    /// The C translation unit in which the names are to be looked up.
    pub c_source: String,
    /// C spellings of the names that the file refers to.
    pub names: Vec<String>,
    file: GoFile,
}

/// A finished output file: name within the object directory, contents.
pub struct Output {
    pub name: String,
    pub text: String,
}

/// Everything a run produces. With an error among `diagnostics` there are no outputs.
#[derive(Default)]
pub struct Generated {
    pub diagnostics: Vec<Diagnostic>,
    pub outputs: Vec<Output>,
    /// The package exports functions: `-exportheader` is to receive a copy of `_cgo_export.h`.
    pub has_exports: bool,
    /// `-godefs`: what goes to standard output.
    pub godefs: String,
}

/// Reads one Go file.
pub fn collect(input: Input, options: &Options) -> Collected {
    let mut file = GoFile::read(input, options);
    Collected {
        diagnostics: std::mem::take(&mut file.diagnostics),
        c_source: file.c_source(),
        names: file.names.keys().map(|go| names::c_spelling(go)).collect(),
        file,
    }
}

/// Generates the stubs of a package from its files, in command-line order, each with the answers to its names.
pub fn generate(options: &Options, files: Vec<(Collected, cdecl::Unit)>) -> Generated {
    generate_for(None, options, files)
}

/// `generate` with `-gccgo`: the Go side is for gccgo.
pub fn generate_for_gccgo(
    gccgo: &Gccgo,
    options: &Options,
    files: Vec<(Collected, cdecl::Unit)>,
) -> Generated {
    generate_for(Some(gccgo), options, files)
}

fn generate_for(
    gccgo: Option<&Gccgo>,
    options: &Options,
    files: Vec<(Collected, cdecl::Unit)>,
) -> Generated {
    let files: Vec<_> = files
        .into_iter()
        .map(|(collected, unit)| (collected.file, unit))
        .collect();
    Package::new(options, gccgo).generate(&files)
}
