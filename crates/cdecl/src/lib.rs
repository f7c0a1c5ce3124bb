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
mod shared;
mod suggest;
mod text;
mod trace;

use std::collections::HashMap;
use std::ffi::{CStr, CString};

pub use model::*;
use rayon::prelude::*;

use crate::answer::Answerer;
use crate::clang::{Clang, Parsed};
use crate::convert::Converter;
use crate::imitate::Facts;
use crate::probe::Probes;
use crate::trace::Trace;

/// The user's C compiler as libclang must imitate it: search paths, target, predefined macros.
#[derive(Clone, Debug, Default)]
pub struct Compiler {
    /// The command, split: `CC` and its own arguments (`["gcc"]`, `["ccache", "clang", "-m32"]`). With none, and a
    /// `--target=…` among the flags, libclang stands for itself: for targets that no compiler is installed for.
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

/// A question: what each of `names` (C spellings: `puts`, `struct stat`, `unsigned long`,
/// `sizeof(struct stat)`) means at the end of the translation unit `source`.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub source: &'a str,
    pub names: &'a [String],
}

/// Answers one question.
///
/// # Errors
/// See [`Error`]. An undeclared name is not an error but an answer.
pub fn resolve(compiler: &Compiler, source: &str, names: &[String]) -> Result<Unit, Error> {
    basic::resolve(compiler, source, names)
        .map_or_else(|| Question::whole(source, names).answer(compiler), Ok)
}

/// Answers the questions of a package's files, on all cores; what the files have in common is parsed once.
pub fn resolve_all(compiler: &Compiler, requests: &[Request<'_>]) -> Vec<Result<Unit, Error>> {
    let basic: Vec<Option<Unit>> = requests
        .iter()
        .map(|request| match request.names {
            // What is wrong in a text that nobody asks about, the C compiler will say.
            [] => Some(Unit::default()),
            names => basic::resolve(compiler, request.source, names),
        })
        .collect();
    let open: Vec<usize> = (0..requests.len())
        .filter(|&index| basic[index].is_none())
        .collect();
    let sources: Vec<&str> = open.iter().map(|&index| requests[index].source).collect();
    // A file that the flags include would be included twice.
    let includes = |flag: &String| flag.starts_with("-include") || flag.starts_with("-imacros");
    let groups = if compiler.flags.iter().any(includes) {
        Vec::new()
    } else {
        shared::groups(&sources)
    };
    let headers: Vec<_> = groups
        .par_iter()
        .map(|group| Precompiled::new(compiler, &group.head).ok())
        .collect();

    let mut questions: Vec<Question<'_>> = open
        .iter()
        .map(|&index| Question::whole(requests[index].source, requests[index].names))
        .collect();
    for (group, header) in groups.iter().zip(&headers) {
        if let Some(header) = header {
            for (index, rest) in &group.members {
                questions[*index].rest = rest;
                questions[*index].header = Some(header);
            }
        }
    }
    let answers: Vec<_> = questions
        .par_iter()
        .map(|question| question.answer(compiler))
        .collect();
    let mut answers = answers.into_iter();
    basic
        .into_iter()
        .map(|unit| unit.map_or_else(|| answers.next().expect("one for each open question"), Ok))
        .collect()
}

/// A question on its way to libclang.
struct Question<'a> {
    source: &'a str,
    names: &'a [String],
    /// What of the source is not in `header`.
    rest: &'a str,
    header: Option<&'a Precompiled>,
}

impl<'a> Question<'a> {
    fn whole(source: &'a str, names: &'a [String]) -> Question<'a> {
        Question {
            source,
            names,
            rest: source,
            header: None,
        }
    }

    fn answer(&self, compiler: &Compiler) -> Result<Unit, Error> {
        let mut trace = Trace::new();
        let clang = clang::load().map_err(Error::NoLibclang)?;
        trace.stage("load");
        let facts = compiler.facts()?;
        trace.stage("facts");
        let mut places = HashMap::new();
        let mut distinct: Vec<&str> = Vec::new();
        for name in self.names {
            places.entry(name.as_str()).or_insert_with(|| {
                distinct.push(name);
                distinct.len() - 1
            });
        }
        let predefined = |name: &str| {
            let text = facts.predefined.get(name).filter(|_| !facts.is_clang);
            text.filter(|_| !text::touches_macros(self.source, &[name]))
                .cloned()
        };
        let head = match self.header {
            Some(_) => "",
            None => head(&facts),
        };
        let probes = Probes::new(&distinct, head, facts.is_clang, &predefined);
        let parse = Parse {
            compiler,
            clang,
            facts: &facts,
            question: self,
            probes: &probes,
            names: &distinct,
        };
        // Libclang may not know all that the flags ask of the machine.
        let unit = match parse.attempt(true, &mut trace) {
            Err(Failure::Arguments(_)) => parse.attempt(false, &mut trace),
            result => result,
        };
        let mut unit = unit.map_err(|failure| match failure {
            Failure::Final(error) => error,
            Failure::Arguments(message) => Error::Other(message),
        })?;
        let (unknown, names): (Vec<usize>, Vec<&str>) = (0..distinct.len())
            .filter(|&index| matches!(unit.answers[index].meaning, Meaning::Undeclared))
            .map(|index| (index, distinct[index]))
            .unzip();
        if !names.is_empty() {
            let guesses = suggest::suggest(clang, &facts, compiler, self.source, &names);
            for (index, guess) in unknown.into_iter().zip(guesses) {
                unit.answers[index].suggestion = guess;
            }
            trace.stage("suggest");
        }
        let answers = self
            .names
            .iter()
            .map(|name| unit.answers[places[name.as_str()]].clone())
            .collect();
        Ok(Unit { answers, ..unit })
    }
}

/// A precompiled header, gone with its temporary file.
struct Precompiled {
    file: tempfile::TempPath,
}

impl Precompiled {
    /// Fails where libclang finds errors in the text: then every file is parsed for itself.
    fn new(compiler: &Compiler, text: &str) -> Result<Precompiled, Failure> {
        let clang = clang::load().map_err(Error::NoLibclang)?;
        let facts = compiler.facts()?;
        let mut trace = Trace::new();
        let mut arguments =
            c_strings(compiler.arguments(&facts, clang.resource_dir.as_deref(), true))?;
        // The language is the first of the arguments; the last one counts.
        arguments.push(c_string("-xc-header".into())?);
        let main = c_string(
            compiler
                .directory()
                .join(probe::PREAMBLE)
                .display()
                .to_string(),
        )?;
        let text = format!("{}{text}", head(&facts));
        let unit = clang
            .parse(&main, &[(main.clone(), &text)], &arguments, PRECOMPILE)
            .ok_or_else(|| Failure::Arguments("libclang rejects its arguments".into()))?;
        trace.stage("parse shared");
        let file = tempfile::Builder::new()
            .prefix("crosscall-")
            .suffix(".pch")
            .tempfile()
            .map_err(|error| Error::Other(error.to_string()))?
            .into_temp_path();
        let path = c_string(file.display().to_string())?;
        if !unit.save(&path) {
            return Err(Error::Other("libclang saves no header with errors".into()).into());
        }
        trace.stage("save shared");
        Ok(Precompiled { file })
    }
}

fn c_string(text: String) -> Result<CString, Error> {
    CString::new(text).map_err(|error| Error::Other(error.to_string()))
}

fn c_strings(texts: Vec<String>) -> Result<Vec<CString>, Error> {
    texts.into_iter().map(c_string).collect()
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
    question: &'a Question<'a>,
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

const PRECOMPILE: i32 =
    clang_sys::CXTranslationUnit_SkipFunctionBodies | clang_sys::CXTranslationUnit_ForSerialization;

impl Parse<'_> {
    /// Parses and answers, with or without the machine flags that only choose instructions.
    fn attempt(&self, machine: bool, trace: &mut Trace) -> Result<Unit, Failure> {
        let mut arguments =
            self.compiler
                .arguments(self.facts, self.clang.resource_dir.as_deref(), machine);
        if let Some(header) = self.question.header {
            let file = header.file.display().to_string();
            // It was made a moment ago: its headers need not be looked at again.
            arguments
                .extend(["-include-pch", &file, "-Xclang", "-fno-validate-pch"].map(String::from));
        }
        let arguments = c_strings(arguments)?;
        let path =
            |name: &str| c_string(self.compiler.directory().join(name).display().to_string());
        let main = path(probe::MAIN)?;
        let files = [
            (main.clone(), self.probes.text.as_str()),
            (path(probe::PREAMBLE)?, self.question.rest),
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
        if let (Some(message), Some(_)) =
            (&outcome.error_in_source, self.compiler.without_command())
        {
            let stderr = format!("{message}\n");
            return Err(Error::Rejected { stderr }.into());
        }
        // Either the source is wrong or the imitation is: the compiler itself decides.
        if outcome.error_in_source.is_some()
            && let Some(stderr) = self.compiler.rejects(self.question.source)?
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
