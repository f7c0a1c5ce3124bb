//! Probes: declarations that make the front end say what a name is.
//!
//! The translation unit that libclang sees is
//!
//! ```c
//! #include "crosscall-preamble.c"     // the source, a virtual file
//! extern void *__crosscall_first;       // takes the blame for an unfinished declaration above
//! extern __typeof__(X) *__crosscall_t_0;
//! …
//! ```
//!
//! For a name that is not a plain identifier or that is a macro there are five probes, those of official
//! cgo: is it declared, a type, an integer constant, a number, a string? Which of them the front end
//! rejects is the answer. A plain identifier that is no macro needs the first only, and its tree: it is
//! a typedef, an enumerator, a function or a variable. At the very end every plain identifier is
//! redefined as a macro: the complaint leads to the earlier definition.
//!
//! Each probe stands on its own line and is recognised by that line.

use std::ffi::CStr;
use std::fmt::Write;

use clang_sys as c;

use crate::clang::{Cursor, File, Parsed, Severity};

pub const MAIN: &str = "crosscall-probes.c";
pub const PREAMBLE: &str = "crosscall-preamble.c";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `__typeof__(X)`: fails for what is not declared.
    Typeof,
    /// `X *p`: fails for what is not a type.
    Type,
    Int,
    Number,
    Text,
    /// `#define X`: warns where X is a macro.
    Redefine,
}

/// How a name is asked about, known from its spelling.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An identifier that is no keyword.
    Plain,
    /// `struct x`, `union x`, `enum x`: a type whether declared or not.
    Tag,
    /// Keywords (`unsigned long`) and expressions (`sizeof(struct x)`).
    Other,
    /// Nothing that could stand on one line of C.
    Hopeless,
}

const KEYWORDS: [&str; 40] = [
    "auto",
    "break",
    "case",
    "char",
    "const",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "float",
    "for",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "switch",
    "typedef",
    "union",
    "unsigned",
    "void",
    "volatile",
    "while",
    "_Bool",
    "_Complex",
    "_Float16",
    "__int128",
    "__float128",
    "_Atomic",
];

pub fn form(name: &str) -> Form {
    let plain = name
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_' || c == '$')
        && name.starts_with(|c: char| !c.is_ascii_digit());
    if name.contains(['\n', '\r', '\\', '#', '"', '\'']) || name.trim().is_empty() {
        Form::Hopeless
    } else if plain && !KEYWORDS.contains(&name) {
        Form::Plain
    } else if ["struct ", "union ", "enum "]
        .iter()
        .any(|keyword| name.starts_with(keyword))
    {
        Form::Tag
    } else {
        Form::Other
    }
}

/// The text of the probes, and which line is whose.
pub struct Probes {
    pub text: String,
    /// For each line (0-based): the index of its name and what it asks.
    lines: Vec<Option<(usize, Part)>>,
    names: usize,
    /// The line (1-based) of `__crosscall_first`.
    first: u32,
}

impl Probes {
    /// Probes for `names`, which are distinct. `head` stands before everything.
    /// `predefined` are macros that the user's compiler has defined before the source, and that the source
    /// leaves alone: clang's own idea of them is corrected.
    pub fn new(
        names: &[&str],
        head: &str,
        is_clang: bool,
        predefined: &dyn Fn(&str) -> Option<String>,
    ) -> Probes {
        let mut probes = Probes {
            text: String::new(),
            lines: Vec::new(),
            names: names.len(),
            first: 0,
        };
        for line in head.lines() {
            probes.line(line, None);
        }
        probes.line(&format!("#include \"{PREAMBLE}\""), None);
        probes.line("extern void *__crosscall_first;", None);
        probes.first = probes.lines.len() as u32;
        for warning in [
            "gnu-folding-constant",
            "macro-redefined",
            "builtin-macro-redefined",
        ] {
            probes.line(
                &format!("#pragma clang diagnostic warning \"-W{warning}\""),
                None,
            );
        }
        // `extern X *p` with a macro for nothing but attributes: gcc takes it for an `int`, clang does not.
        probes.line("#if __STDC_VERSION__ >= 199901L", None);
        let severity = if is_clang { "error" } else { "ignored" };
        probes.line(
            &format!("#pragma clang diagnostic {severity} \"-Wimplicit-int\""),
            None,
        );
        probes.line("#endif", None);
        for name in names {
            if let Some(text) = predefined(name) {
                probes.line(&format!("#undef {name}"), None);
                probes.line(&format!("#define {name} {text}"), None);
            }
        }
        for (i, name) in names.iter().enumerate() {
            probes.name(i, name);
        }
        for (i, name) in names.iter().enumerate() {
            if form(name) == Form::Plain {
                probes.line(
                    &format!("#define {name} __crosscall_macro"),
                    Some((i, Part::Redefine)),
                );
            }
        }
        probes
    }

    fn line(&mut self, line: &str, what: Option<(usize, Part)>) {
        let _ = writeln!(self.text, "{line}");
        self.lines.push(what);
    }

    fn name(&mut self, i: usize, name: &str) {
        let form = form(name);
        if form == Form::Hopeless {
            return;
        }
        if form == Form::Plain {
            self.line(&format!("#ifndef {name}"), None);
            self.probe(i, name, Part::Typeof);
            self.line("#else", None);
        }
        self.probe(i, name, Part::Typeof);
        self.probe(i, name, Part::Type);
        if form != Form::Tag {
            self.probe(i, name, Part::Int);
            self.probe(i, name, Part::Number);
            self.probe(i, name, Part::Text);
        }
        if form == Form::Plain {
            self.line("#endif", None);
        }
    }

    fn probe(&mut self, i: usize, name: &str, part: Part) {
        let line = match part {
            Part::Typeof => format!("extern __typeof__({name}) *__crosscall_t_{i};"),
            Part::Type => format!("extern {name} *__crosscall_n_{i};"),
            Part::Int => format!("enum {{ __crosscall_i_{i} = ({name})*1 }};"),
            Part::Number => format!("static const double __crosscall_f_{i} = ({name});"),
            Part::Text => format!("static const char __crosscall_s_{i}[] = ({name});"),
            Part::Redefine => return,
        };
        self.line(&line, Some((i, part)));
    }
}

/// What the front end made of the probes of one name.
#[derive(Clone, Default)]
pub struct Seen<'a> {
    /// The declarations of the probes, whether they were accepted or not.
    declarations: [Option<Cursor<'a>>; 5],
    rejected: [bool; 5],
    /// The integer constant is one only by an extension of clang's.
    pub folded: bool,
    /// The name is a macro.
    pub is_macro: bool,
    /// Where the macro is defined, if that is in a file: the file and the offset of the name in it.
    pub definition: Option<(File<'a>, u32)>,
}

impl<'a> Seen<'a> {
    /// The declaration of a probe, if it was accepted.
    pub fn accepted(&self, part: Part) -> Option<Cursor<'a>> {
        self.declarations[part as usize].filter(|_| !self.rejected[part as usize])
    }
}

/// The outcome of a parse with probes.
pub struct Outcome<'a> {
    pub names: Vec<Seen<'a>>,
    /// The declaration of `void *__crosscall_first`, a pointer if there ever was one.
    pub first: Option<Cursor<'a>>,
    /// The first error in the source itself.
    pub error_in_source: Option<String>,
    /// An error that belongs to no file: libclang dislikes its arguments.
    pub error_in_arguments: Option<String>,
}

impl Probes {
    pub fn read<'a>(&self, unit: &'a Parsed, main: &CStr) -> Outcome<'a> {
        let main = unit.file(main);
        let names = vec![Seen::default(); self.names];
        let mut outcome = Outcome {
            names,
            first: None,
            error_in_source: None,
            error_in_arguments: None,
        };
        self.read_diagnostics(unit, main, &mut outcome);
        unit.root().each_child(|cursor| {
            // Cheapest first: most of the top level is functions and typedefs of headers.
            if matches!(cursor.kind(), c::CXCursor_VarDecl | c::CXCursor_EnumDecl) {
                let spot = cursor.spot();
                if spot.file != main {
                } else if spot.line == self.first {
                    outcome.first = Some(cursor);
                } else if let Some((name, part)) = self.at(spot.line)
                    && let Some(slot) = outcome.names[name].declarations.get_mut(part as usize)
                {
                    // `extern enum {A} *n` declares the enum first.
                    if slot.is_none() || cursor.kind() == c::CXCursor_VarDecl {
                        *slot = Some(cursor);
                    }
                }
            }
            true
        });
        outcome
    }

    fn at(&self, line: u32) -> Option<(usize, Part)> {
        *self.lines.get(line.checked_sub(1)? as usize)?
    }

    fn read_diagnostics<'a>(&self, unit: &'a Parsed, main: File<'a>, outcome: &mut Outcome<'a>) {
        for diagnostic in unit.diagnostics() {
            let (severity, spot) = (diagnostic.severity(), diagnostic.spot());
            if severity == Severity::Note {
                continue;
            }
            let place = if spot.file == main {
                self.at(spot.line)
            } else {
                None
            };
            match place {
                Some((name, Part::Redefine)) => {
                    let seen = &mut outcome.names[name];
                    seen.is_macro = true;
                    seen.definition = diagnostic
                        .note()
                        .filter(|spot| !spot.file.is_none())
                        .map(|spot| (spot.file, spot.offset));
                }
                Some((name, part)) if severity == Severity::Error => {
                    outcome.names[name].rejected[part as usize] = true;
                }
                Some((name, Part::Int)) => outcome.names[name].folded = true,
                _ if severity != Severity::Error => {}
                _ if spot.file.is_none() => {
                    outcome
                        .error_in_arguments
                        .get_or_insert_with(|| diagnostic.message());
                }
                _ => {
                    outcome
                        .error_in_source
                        .get_or_insert_with(|| diagnostic.message());
                }
            }
        }
    }
}
