//! `crosscall abi 'int f(struct point, double)'`: where each argument and result of a call lives, conventions side by side.

mod cgo_types;
mod column;
mod convert;
mod declaration;
mod spell;
mod table;

use std::{env, fmt};

use abi::call::{self, Assignment, Signature, Unsupported, Which};
use cdecl::{Meaning, TypeId, TypeKind, Unit};
use rayon::prelude::*;

use crate::failure::{Failure, Result};
use crate::stdout;
use crate::text::flags::{self, Flag, Kind, Stop};
use column::Column;
use declaration::{Declaration, Trouble};

const FLAGS: flags::Table = &[
    Flag {
        name: "conv",
        kind: Kind::Text(""),
        usage: "the `conventions` to show, separated by commas (default all):\n    \tsysv, win64, aapcs64, cdecl, stdcall, fastcall, abi0, abiinternal",
    },
    Flag {
        name: "goarch",
        kind: Kind::Text(""),
        usage: "the architecture of Go's conventions: amd64, arm64 or 386 (default this machine's)",
    },
    Flag {
        name: "include",
        kind: Kind::Text(""),
        usage: "a header to include before the declaration",
    },
    Flag {
        name: "preamble",
        kind: Kind::Text(""),
        usage: "C text to stand before the declaration",
    },
];

const USAGE: &str = "\
usage: crosscall abi [flags] 'struct point {double x, y;}; int f(struct point, double)' [-- compiler options]
       crosscall abi [flags] -include unistd.h read
";

/// Columns of text where the terminal doesn't say.
const WIDTH: usize = 100;

/// What the command line asks for.
struct Asked {
    columns: Vec<Column>,
    declaration: Declaration,
    compiler_flags: Vec<String>,
}

pub fn run(args: &[String]) -> Result<()> {
    let asked = Asked::parse(args)?;
    let columns = asked.columns.into_par_iter();
    let answers: Vec<(Column, Answered)> = columns
        .map(|column| {
            let unit = column.resolve(&asked.declaration, &asked.compiler_flags);
            let answer = unit.and_then(|unit| Shown::new(&column, &asked.declaration, &unit));
            (column, answer)
        })
        .collect();
    let mut shown = Vec::new();
    let mut troubles = Vec::new();
    for (column, answer) in answers {
        match answer {
            Ok(answer) => shown.push((column, answer)),
            Err(trouble) => troubles.push((column, trouble)),
        }
    }
    if shown.is_empty() {
        let (_, trouble) = troubles.swap_remove(0);
        return Err(asked.declaration.failure(trouble));
    }
    let width = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let mut text = table::render(&shown, width.unwrap_or(WIDTH));
    for (column, trouble) in &troubles {
        text.push_str(&format!("{}: {}\n", column.name, trouble.line()));
    }
    stdout::write(text.as_bytes())
}

type Answered = std::result::Result<Shown, Trouble>;

/// A signature as a column's compiler understands it, with its assignment.
struct Shown {
    name: String,
    /// Names of the parameters' types and of the result's; there is none of `void`.
    params: Vec<String>,
    result: Option<String>,
    is_variadic: bool,
    signature: Signature,
    assigned: std::result::Result<Assignment, Unsupported>,
}

impl Shown {
    fn new(column: &Column, declaration: &Declaration, unit: &Unit) -> Answered {
        let function = Function::of(declaration, unit)?;
        let is_go = column.is_go();
        let mut types = Vec::new();
        for &id in function.params.iter().chain(&function.result) {
            types.push(convert::convert(unit, id, column.model(), is_go));
        }
        let mut signature = Signature::default();
        let mut unknown = None;
        for (index, ty) in types.into_iter().enumerate() {
            let which = match function.params.get(index) {
                Some(_) => Which::Param(index),
                None => Which::Result(0),
            };
            match (ty, which) {
                (Ok(ty), Which::Param(_)) => signature.params.push(ty),
                (Ok(ty), Which::Result(_)) => signature.results.push(ty),
                (Err(convert::Error::Incomplete(id)), _) => {
                    let name = spell::spell(unit, id);
                    return Err(Trouble::incomplete(&name));
                }
                (Err(convert::Error::Unknown(why)), which) => {
                    unknown.get_or_insert(Unsupported { which, why });
                }
            }
        }
        // To Go, a function with `...` has only its named parameters.
        signature.variadic = (function.is_variadic && !is_go).then_some(signature.params.len());
        let assigned = match unknown {
            Some(unsupported) => Err(unsupported),
            None => call::assign(column.convention, &signature),
        };
        let names = function.params.iter().map(|&id| spell::spell(unit, id));
        Ok(Shown {
            name: declaration.name.clone(),
            params: names.collect(),
            result: function.result.map(|id| spell::spell(unit, id)),
            is_variadic: function.is_variadic,
            signature,
            assigned,
        })
    }
}

struct Function {
    params: Vec<TypeId>,
    result: Option<TypeId>,
    is_variadic: bool,
}

impl Function {
    fn of(declaration: &Declaration, unit: &Unit) -> std::result::Result<Function, Trouble> {
        let answer = &unit.answers[0];
        let mut id = match &answer.meaning {
            Meaning::Expr { ty } => *ty,
            Meaning::Undeclared => {
                return Err(Trouble::undeclared(
                    declaration,
                    answer.suggestion.as_deref(),
                ));
            }
            _ => return Err(Trouble::no_function(declaration)),
        };
        // A pointer to a function is called like one.
        loop {
            match &unit.get(id).kind {
                TypeKind::Typedef { target, .. }
                | TypeKind::Qualified { target, .. }
                | TypeKind::Pointer(target) => id = *target,
                TypeKind::Func {
                    params,
                    result,
                    variadic,
                    ..
                } => {
                    return Ok(Function {
                        params: params.clone(),
                        result: Some(*result).filter(|id| !is_void(unit, *id)),
                        is_variadic: *variadic,
                    });
                }
                _ => return Err(Trouble::no_function(declaration)),
            }
        }
    }
}

fn is_void(unit: &Unit, mut id: TypeId) -> bool {
    loop {
        match &unit.get(id).kind {
            TypeKind::Void => return true,
            TypeKind::Typedef { target, .. } | TypeKind::Qualified { target, .. } => id = *target,
            _ => return false,
        }
    }
}

impl Asked {
    fn parse(args: &[String]) -> Result<Asked> {
        let end = args.iter().position(|arg| arg == "--");
        let (args, compiler_flags) = match end {
            Some(end) => (&args[..end], &args[end + 1..]),
            None => (args, &[][..]),
        };
        // Flags may stand on both sides of the declaration.
        let before = flags::parse(FLAGS, args).map_err(usage)?;
        let Some((declaration, rest)) = before.rest.split_first() else {
            return Err(usage("there is no declaration"));
        };
        let after = flags::parse(FLAGS, rest).map_err(usage)?;
        if let Some(second) = after.rest.first() {
            return Err(usage(format!(
                "one declaration at a time, and not also {second}"
            )));
        }
        let text = |name| {
            let text = after.text(FLAGS, name);
            if text.is_empty() {
                before.text(FLAGS, name)
            } else {
                text
            }
        };
        let declaration = Declaration::new(&text("preamble"), &text("include"), declaration)?;
        Ok(Asked {
            columns: column::choose(&text("conv"), &text("goarch")).map_err(usage)?,
            declaration,
            compiler_flags: compiler_flags.to_vec(),
        })
    }
}

impl From<Stop> for String {
    fn from(stop: Stop) -> String {
        match stop {
            Stop::Bad(message) => message,
            Stop::Help | Stop::Version(_) => String::new(),
        }
    }
}

/// A misuse of the command line; without a message the user asked for help.
fn usage(message: impl Into<String>) -> Failure {
    let message: String = message.into();
    let separator = if message.is_empty() { "" } else { "\n" };
    let text = format!("{message}{separator}{USAGE}{}", flags::defaults(FLAGS));
    Failure::raw(text, 2)
}

/// Where a value is that a convention doesn't know.
struct Where<'a>(&'a Which);

impl fmt::Display for Where<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Which::Param(index) => write!(f, "argument {}", index + 1),
            Which::Result(_) => write!(f, "the result"),
        }
    }
}
