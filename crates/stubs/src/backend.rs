//! The compiler that the Go side is for: Go's own (`gc.rs`) or gccgo (`gccgo.rs`). They differ in how Go
//! calls C and C calls Go; what C names mean and how the user's file is rewritten is the same for both.

use crate::exports::{Export, Signature};
use crate::gc::Gc;
use crate::gccgo::{Gccgo, GccgoBackend};
use crate::names::Name;
use crate::wrappers::Promises;
use crate::{Options, Output};

/// What each compiler wants spelled differently.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    /// What the generated name of a C variable starts with.
    pub variable: &'static str,
    /// The type of what C has only declared.
    pub incomplete: &'static str,
    /// What `_Ctype_void` is.
    pub void: &'static str,
    /// Go text that keeps arguments alive.
    pub keepalive: &'static str,
    /// The runtime's entry points.
    pub runtime: &'static str,
}

/// The texts of the files that a package has once, as far as they have been written.
#[derive(Default)]
pub struct Texts {
    /// `_cgo_gotypes.go`.
    pub go: String,
    /// `_cgo_main.c`.
    pub main_c: String,
    /// `_cgo_export.c`.
    pub export_c: String,
    /// `_cgo_export.h`.
    pub header: String,
}

pub trait Backend {
    fn dialect(&self) -> Dialect;

    /// What stands for a function or variable in the C file of a Go file, behind the preamble.
    fn c_side(&self, name: &Name) -> String;

    /// The beginnings of the texts, but for the header's.
    fn begin(&self, texts: &mut Texts);

    /// The import of package runtime/cgo, or what takes its place.
    fn import_runtime_cgo(&self) -> &'static str;

    /// A C variable, or a function used as a value: a Go variable that holds its address. `first` is
    /// false where the same C name has been written under another Go name.
    fn variable(&self, name: &Name, first: bool, texts: &mut Texts);

    /// The Go ends of all functions, and what they need.
    fn functions(&self, functions: &[&Name], promises: &Promises, texts: &mut Texts);

    /// Both ends of an exported function.
    fn export(&self, export: &Export, signature: &Signature, texts: &mut Texts);

    /// Files that no other compiler has.
    fn further_files(&self) -> Vec<Output>;
}

/// The backend of a package of that name: for Go's own compiler unless one for gccgo is wanted.
pub fn of<'a>(
    options: &'a Options,
    gccgo: Option<&'a Gccgo>,
    package: &str,
) -> Box<dyn Backend + 'a> {
    match gccgo {
        Some(gccgo) => Box::new(GccgoBackend::new(options, gccgo, package)),
        None => Box::new(Gc { options }),
    }
}
