//! The declaration on the command line: its text for the compiler, the name that it declares, and what can be wrong with it.

use std::fmt::Write;
use std::io::IsTerminal;

use source::{Diagnostic, Place, SourceFile, SourceMap, Span};

use crate::failure::{Failure, Result};

/// What messages call the text of the command line.
const FILE: &str = "declaration";

pub struct Declaration {
    /// As the user wrote it; empty where only a name was given.
    text: String,
    /// Of the function.
    pub name: String,
    /// The translation unit.
    pub source: String,
}

impl Declaration {
    /// A declaration, or the name of a function that `preamble` or `include` declares.
    pub fn new(preamble: &str, include: &str, text: &str) -> Result<Declaration> {
        let mut source = String::new();
        if !include.is_empty() {
            let _ = writeln!(source, "#include \"{include}\"");
        }
        let _ = writeln!(source, "#line 1 \"preamble\"\n{preamble}");
        let trimmed = text.trim();
        if is_identifier(trimmed) {
            return Ok(Declaration {
                text: String::new(),
                name: trimmed.to_owned(),
                source,
            });
        }
        let end = if trimmed.ends_with([';', '}']) {
            ""
        } else {
            ";"
        };
        let _ = writeln!(source, "#line 1 \"{FILE}\"\n{text}{end}");
        let declaration = Declaration {
            text: text.to_owned(),
            name: declared(text).unwrap_or_default().to_owned(),
            source,
        };
        match declaration.name.is_empty() {
            true => Err(declaration.failure(Trouble::new(
                "no function is declared here",
                Some("write a prototype with a name: int f(struct point, double)"),
            ))),
            false => Ok(declaration),
        }
    }

    /// The word that the list of parameters begins with.
    fn first_parameter(&self) -> Option<&str> {
        let start = position(&self.text, &self.name)? + self.name.len();
        let list = self.text[start..]
            .trim_start()
            .strip_prefix('(')?
            .trim_start();
        Some(&list[..word_at(list)]).filter(|word| is_identifier(word) && !NO_NAMES.contains(word))
    }

    /// Shown with the line and what of it is wrong, where that is in the text of the command line.
    pub fn failure(&self, trouble: Trouble) -> Failure {
        let mut sources = SourceMap::new();
        let file = sources.add(SourceFile::new(FILE, self.text.as_bytes()));
        let start = match trouble.at {
            Some((line, column)) => sources
                .file(file)
                .line_span(line)
                .map(|line| (line.start + column.saturating_sub(1)).min(line.end) as usize),
            None => trouble
                .about
                .as_ref()
                .and_then(|word| position(&self.text, word)),
        };
        let place = match start {
            Some(start) => {
                let size = match &trouble.about {
                    Some(word) if self.text[start..].starts_with(word.as_str()) => word.len(),
                    _ => word_at(&self.text[start..]),
                };
                Place::source(file, Span::new(start as u32, (start + size) as u32))
            }
            None if trouble.is_whole => return Failure::raw(trouble.message, 1),
            None => Place::Nowhere,
        };
        let mut diagnostic = Diagnostic::error(place, &trouble.message);
        if let Some(help) = &trouble.help {
            diagnostic = diagnostic.help(help);
        }
        let color = std::io::stderr().is_terminal();
        Failure::raw(diagnostic.pretty(&sources, color), 1)
    }
}

/// Why a column has no answer.
pub struct Trouble {
    pub message: String,
    help: Option<String>,
    /// Line and column in the declaration, from 1.
    at: Option<(u32, u32)>,
    /// The word of the declaration that it is about.
    about: Option<String>,
    /// The message is all that a compiler printed.
    is_whole: bool,
}

impl Trouble {
    fn new(message: impl Into<String>, help: Option<&str>) -> Trouble {
        Trouble {
            message: message.into(),
            help: help.map(str::to_owned),
            at: None,
            about: None,
            is_whole: false,
        }
    }

    pub fn incomplete(name: &str) -> Trouble {
        let message = format!("{name} has no definition here");
        let help = format!(
            "define it before the function ('{name} {{ … }}; …') or give the header that does: -include point.h"
        );
        Trouble {
            about: Some(name.to_owned()),
            ..Trouble::new(message, Some(&help))
        }
    }

    pub fn undeclared(declaration: &Declaration, suggestion: Option<&str>) -> Trouble {
        let name = &declaration.name;
        let help = suggestion.map_or_else(
            || "give a prototype, or the header that declares it: -include unistd.h".to_owned(),
            |suggestion| format!("there is {suggestion}"),
        );
        Trouble {
            about: Some(name.clone()),
            ..Trouble::new(format!("{name} is not declared"), Some(&help))
        }
    }

    pub fn no_function(declaration: &Declaration) -> Trouble {
        let name = &declaration.name;
        // To gcc, `int f(point)` is the beginning of a definition in the style of 1978.
        if let Some(word) = declaration.first_parameter() {
            return Trouble {
                about: Some(word.to_owned()),
                ..Trouble::new(format!("{word} is not a type"), None)
            };
        }
        Trouble {
            about: Some(name.clone()),
            ..Trouble::new(format!("{name} is not a function"), None)
        }
    }

    /// From what the compiler says; of its messages the first error counts.
    pub fn of_compiler(declaration: &Declaration, error: cdecl::Error) -> Trouble {
        let stderr = match error {
            cdecl::Error::Rejected { stderr } => stderr,
            cdecl::Error::NoLibclang(why) => {
                return Trouble::new(why, Some("crosscall doctor tells what else is missing"));
            }
            cdecl::Error::Compiler(why) | cdecl::Error::Other(why) => {
                return Trouble::new(why, None);
            }
        };
        let mut lines = stderr.lines();
        let first = lines.find_map(|line| line.split_once("error: "));
        let Some((place, message)) = first else {
            // Libclang alone says no more than this.
            let message = stderr.lines().next().unwrap_or_default();
            return Trouble {
                about: quoted_word(message),
                ..Trouble::new(message, None)
            };
        };
        let mut place = place.trim_end().trim_end_matches(':').rsplitn(3, ':');
        let column = place.next().and_then(|text| text.parse().ok());
        let line = place.next().and_then(|text| text.parse().ok());
        let is_ours = place.next() == Some(FILE) && !declaration.text.is_empty();
        match line.zip(column).filter(|_| is_ours) {
            Some(at) => Trouble {
                at: Some(at),
                about: quoted_word(message),
                ..Trouble::new(message, None)
            },
            None => Trouble {
                is_whole: true,
                ..Trouble::new(stderr.clone(), None)
            },
        }
    }

    /// On one line, without a place.
    pub fn line(&self) -> &str {
        let lines = self.message.lines();
        let mut errors = lines.filter_map(|line| line.split_once("error: "));
        match errors.next() {
            Some((_, message)) if self.is_whole => message,
            _ => self.message.lines().next().unwrap_or_default(),
        }
    }
}

/// The first word in quotes of a message: `unknown type name ‘point’`.
fn quoted_word(message: &str) -> Option<String> {
    let is_quote = |c| matches!(c, '\'' | '‘' | '’' | '"');
    let word = message.split(is_quote).nth(1)?;
    (!word.is_empty()).then(|| word.to_owned())
}

/// Where `word` stands in `text` and is no part of a longer one; blanks in it stand for any.
fn position(text: &str, word: &str) -> Option<usize> {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut found = text.match_indices(word).map(|(at, _)| at);
    found.find(|&at| {
        !is_letter(text[..at].chars().next_back())
            && !is_letter(text[at + word.len()..].chars().next())
    })
}

fn word_at(text: &str) -> usize {
    let size = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let first = text.chars().next().map_or(0, char::len_utf8);
    size.max(first)
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Words before a parenthesis that don't name a function.
const NO_NAMES: &[&str] = &[
    "void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "const",
    "volatile", "_Bool", "_Complex", "__int128", "struct", "union", "enum", "inline", "extern",
    "static",
];

/// Words whose parentheses are their own.
const WITH_PARENTHESES: &[&str] = &[
    "__attribute__",
    "__attribute",
    "__declspec",
    "_Alignas",
    "__asm__",
    "__asm",
    "asm",
    "typeof",
    "__typeof__",
    "_Atomic",
];

/// The function that the last declaration of a text declares: the first name before a parenthesis.
fn declared(text: &str) -> Option<&str> {
    let text = last_declaration(text);
    let (mut at, mut word) = (0, "");
    while let Some(c) = text[at..].chars().next() {
        let size = if c.is_alphabetic() || c == '_' {
            word = &text[at..at + word_at(&text[at..])];
            word.len()
        } else if c == '(' && WITH_PARENTHESES.contains(&word) {
            word = "";
            closing(&text[at..])
        } else if c == '(' && !word.is_empty() && !NO_NAMES.contains(&word) {
            return Some(word);
        } else {
            if !c.is_whitespace() {
                word = "";
            }
            c.len_utf8()
        };
        at += size;
    }
    None
}

/// Behind the last semicolon or body outside of braces that something follows.
fn last_declaration(text: &str) -> &str {
    let (mut depth, mut start, mut last) = (0, 0, text);
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ';' if depth == 0 => {
                last = &text[start..at];
                start = at + 1;
            }
            _ => {}
        }
    }
    match text[start..].trim() {
        "" => last,
        _ => &text[start..],
    }
}

/// Bytes up to the end of the parenthesis that `text` begins with.
fn closing(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_function() {
        for (text, want) in [
            ("int f(struct point, double)", Some("f")),
            (
                "struct p { int (*g)(int); }; struct p f (struct p);",
                Some("f"),
            ),
            ("void (*signal(int, void (*)(int)))(int)", Some("signal")),
            (
                "__attribute__((stdcall)) unsigned long long f(void)",
                Some("f"),
            ),
            ("size_t __attribute__((ms_abi)) f(size_t) ", Some("f")),
            ("static int f(int a) { return g(a); }", Some("f")),
            ("int (struct point, double)", None),
            ("struct point", None),
        ] {
            assert_eq!(declared(text), want, "{text}");
        }
    }

    #[test]
    fn words_are_found_whole() {
        assert_eq!(
            position("int pointer(struct point)", "struct point"),
            Some(12)
        );
        assert_eq!(position("int pointer(int)", "point"), None);
    }
}
