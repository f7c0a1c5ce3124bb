//! Diagnostics on standard error: one line each, as Go's tools print them, for programs; with the source line and a caret
//! for people at a terminal.

use std::env;
use std::io::IsTerminal;

use source::{Diagnostic, Place, Severity, SourceFile, SourceMap, Span};

pub struct Reporter {
    sources: SourceMap,
    pretty: bool,
    color: bool,
}

impl Reporter {
    /// `files`: names as messages show them, with their text.
    pub fn new(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Reporter {
        let mut sources = SourceMap::new();
        for (name, text) in files {
            sources.add(SourceFile::new(name, text));
        }
        let term = env::var_os("TERM").unwrap_or_default();
        let pretty = std::io::stderr().is_terminal();
        Reporter {
            sources,
            pretty,
            color: pretty
                && term != "dumb"
                && env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()),
        }
    }

    /// Returns whether there is an error among `diagnostics`.
    pub fn print(&self, diagnostics: &[Diagnostic]) -> bool {
        for diagnostic in diagnostics {
            eprintln!("{}", self.render(diagnostic));
        }
        let mut severities = diagnostics.iter().map(|diagnostic| diagnostic.severity);
        severities.any(|severity| severity == Severity::Error)
    }

    fn render(&self, diagnostic: &Diagnostic) -> String {
        if self.pretty {
            let mut shown = diagnostic.clone();
            self.locate(&mut shown.place);
            for note in &mut shown.notes {
                self.locate(&mut note.place);
            }
            return shown.pretty(&self.sources, self.color);
        }
        let text = diagnostic.official(&self.sources);
        match diagnostic.place {
            Place::Nowhere => format!("cgo: {text}"),
            _ => text,
        }
    }

    /// Gives a place that is only named the text that it names, where that text is one of ours.
    fn locate(&self, place: &mut Place) {
        let Place::Presumed(presumed) = &*place else {
            return;
        };
        let named = self
            .sources
            .iter()
            .find(|(_, file)| file.name == presumed.file);
        if let Some((id, file)) = named
            && let Some(span) = span_at(file, presumed.line, presumed.col)
        {
            *place = Place::source(id, span);
        }
    }
}

/// The word at a line and column, both from 1.
fn span_at(file: &SourceFile, line: u32, col: u32) -> Option<Span> {
    let whole = file.line_span(line)?;
    let start = (whole.start + col.saturating_sub(1)).min(whole.end);
    let rest = file.slice(Span::new(start, whole.end));
    let is_word =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || byte >= 0x80;
    let word = rest
        .iter()
        .take_while(|byte| is_word(**byte))
        .count()
        .max(1);
    Some(Span::new(start, (start + word as u32).min(whole.end)))
}
