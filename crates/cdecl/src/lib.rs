//! C declarations: what the names in a piece of C mean to the user's C compiler.
//!
//! This crate alone talks to libclang. It answers questions about names in a translation unit
//! ([`resolve`]) with plain data ([`model`]).

mod answer;
mod basic;
mod cache;
mod clang;
mod convert;
mod dump;
mod imitate;
mod model;
mod probe;
mod text;
mod trace;

use std::collections::HashMap;
use std::ffi::{CStr, CString};

pub use model::*;

use crate::answer::Answerer;
use crate::clang::{Clang, Parsed};
use crate::convert::Converter;
use crate::imitate::Facts;
use crate::probe::Probes;
use crate::trace::Trace;

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
    if let Some(unit) = basic::resolve(compiler, source, names) {
        return Ok(unit);
    }
    let mut trace = Trace::new();
    let clang = clang::load().map_err(Error::NoLibclang)?;
    trace.stage("load");
    let facts = compiler.facts()?;
    trace.stage("facts");
    let mut places = HashMap::new();
    let mut distinct: Vec<&str> = Vec::new();
    for name in names {
        places.entry(name.as_str()).or_insert_with(|| {
            distinct.push(name);
            distinct.len() - 1
        });
    }
    let predefined = |name: &str| {
        let text = facts.predefined.get(name).filter(|_| !facts.is_clang);
        text.filter(|_| !text::touches_macros(source, &[name]))
            .cloned()
    };
    let probes = Probes::new(&distinct, head(&facts), &predefined);
    let parse = Parse {
        compiler,
        clang,
        facts: &facts,
        source,
        probes: &probes,
        names: &distinct,
    };
    // Libclang may not know all that the flags ask of the machine.
    let unit = match parse.attempt(true, &mut trace) {
        Err(Failure::Arguments(_)) => parse.attempt(false, &mut trace),
        result => result,
    };
    let unit = unit.map_err(|failure| match failure {
        Failure::Final(error) => error,
        Failure::Arguments(message) => Error::Other(message),
    })?;
    let answers = names
        .iter()
        .map(|name| unit.answers[places[name.as_str()]].clone())
        .collect();
    Ok(Unit { answers, ..unit })
}

/// What must stand before the source: gcc's `max_align_t`, whose alignment on 32-bit x86 is not clang's.
fn head(facts: &Facts) -> &'static str {
    if facts.is_clang { "" } else { MAX_ALIGN_T }
}

const MAX_ALIGN_T: &str = "\
#if __STDC_VERSION__ >= 201112L
#define __CLANG_MAX_ALIGN_T_DEFINED
typedef struct {
long long __max_align_ll __attribute__((__aligned__(__alignof__(long long))));
long double __max_align_ld __attribute__((__aligned__(__alignof__(long double))));
#ifdef __i386__
__float128 __max_align_f128 __attribute__((__aligned__(__alignof__(__float128))));
#endif
} max_align_t;
#endif
";

/// The ingredients of a parse.
struct Parse<'a> {
    compiler: &'a Compiler,
    clang: &'static Clang,
    facts: &'a Facts,
    source: &'a str,
    probes: &'a Probes,
    /// Distinct, in the order of the probes.
    names: &'a [&'a str],
}

enum Failure {
    /// Libclang dislikes its arguments; others may do.
    Arguments(String),
    Final(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Final(error)
    }
}

const OPTIONS: i32 = clang_sys::CXTranslationUnit_SkipFunctionBodies
    | clang_sys::CXTranslationUnit_KeepGoing
    | clang_sys::CXTranslationUnit_IncludeAttributedTypes;

impl Parse<'_> {
    /// Parses and answers, with or without the machine flags that only choose instructions.
    fn attempt(&self, machine: bool, trace: &mut Trace) -> Result<Unit, Failure> {
        let arguments =
            self.compiler
                .arguments(self.facts, self.clang.resource_dir.as_deref(), machine);
        let c_string =
            |text: String| CString::new(text).map_err(|error| Error::Other(error.to_string()));
        let arguments: Vec<CString> = arguments
            .into_iter()
            .map(c_string)
            .collect::<Result<_, _>>()?;
        let path =
            |name: &str| c_string(self.compiler.directory().join(name).display().to_string());
        let main = path(probe::MAIN)?;
        let files = [
            (main.clone(), self.probes.text.as_str()),
            (path(probe::PREAMBLE)?, self.source),
        ];
        match self.clang.parse(&main, &files, &arguments, OPTIONS) {
            Some(unit) => {
                trace.stage("parse");
                let answers = self.answers(&unit, &main, trace);
                drop(unit);
                trace.stage("dispose");
                answers
            }
            None => Err(Failure::Arguments("libclang rejects its arguments".into())),
        }
    }

    fn answers(&self, unit: &Parsed, main: &CStr, trace: &mut Trace) -> Result<Unit, Failure> {
        let outcome = self.probes.read(unit, main);
        trace.stage("probes");
        if let Some(message) = outcome.error_in_arguments {
            return Err(Failure::Arguments(message));
        }
        // Either the source is wrong or the imitation is: the compiler itself decides.
        if outcome.error_in_source.is_some()
            && let Some(stderr) = self.compiler.rejects(self.source)?
        {
            return Err(Error::Rejected { stderr }.into());
        }
        let Some(first) = outcome.first else {
            let message = outcome
                .error_in_source
                .unwrap_or_else(|| "the probes were not parsed".into());
            return Err(Error::Other(message).into());
        };
        let types = Converter::new(first.ty());
        let flags = &self.compiler.flags;
        let mut answerer = Answerer {
            unit,
            facts: self.facts,
            flags,
            types,
        };
        let answers = self
            .names
            .iter()
            .zip(&outcome.names)
            .map(|(name, seen)| answerer.answer(name, seen))
            .collect();
        let types = answerer.types.finish();
        trace.stage("types");
        Ok(Unit { types, answers })
    }
}
