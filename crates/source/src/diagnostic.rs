//! Messages to the user, in two dresses: the one-line form that Go's tools print and editors parse, and one with the source
//! line and a caret.

use std::borrow::Cow;
use std::fmt::Write;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::file::{FileId, SourceFile, SourceMap};
use crate::lines::Presumed;
use crate::span::Span;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
    Note,
}

/// Where a diagnostic points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Nowhere,
    /// Text that the source map holds.
    Source {
        file: FileId,
        span: Span,
    },
    /// A place that another tool has named: its text may not be at hand.
    Presumed(Presumed),
}

/// A remark below a diagnostic, such as `other declaration of x`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub place: Place,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub place: Place,
    pub message: String,
    pub notes: Vec<Note>,
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn new(severity: Severity, place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity,
            place,
            message: message.into(),
            notes: Vec::new(),
            help: None,
        }
    }

    pub fn error(place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, place, message)
    }

    pub fn warning(place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, place, message)
    }

    pub fn note(mut self, place: Place, message: impl Into<String>) -> Diagnostic {
        let message = message.into();
        self.notes.push(Note { place, message });
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// `file:line:col: message`, then each note on a line of its own, its text indented by a tab as Go's tools do. No final
    /// newline.
    pub fn official(&self, sources: &SourceMap) -> String {
        let mut out = self.place.prefix(sources);
        if self.severity == Severity::Warning {
            out.push_str("warning: ");
        }
        out.push_str(&self.message);
        for note in &self.notes {
            let place = note.place.prefix(sources);
            let _ = write!(out, "\n{place}\t{}", note.message);
        }
        if let Some(help) = &self.help {
            let _ = write!(out, "\n\thelp: {help}");
        }
        out
    }

    /// With source lines and carets, for people; `color` adds terminal escapes. No final newline.
    pub fn pretty(&self, sources: &SourceMap, color: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let title = level.primary_title(self.message.as_str());
        let mut report = vec![self.place.show(sources, Group::with_title(title))];
        for note in &self.notes {
            let title = Level::NOTE.secondary_title(note.message.as_str());
            report.push(note.place.show(sources, Group::with_title(title)));
        }
        if let Some(help) = &self.help {
            let title = Level::HELP.secondary_title(help.as_str());
            report.push(Group::with_title(title));
        }
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        renderer.render(&report)
    }
}

impl Place {
    pub fn source(file: FileId, span: Span) -> Place {
        Place::Source { file, span }
    }

    /// The presumed position, if there is one.
    pub fn presumed(&self, sources: &SourceMap) -> Option<Presumed> {
        match self {
            Place::Nowhere => None,
            Place::Source { file, span } => Some(sources.file(*file).presumed(span.start)),
            Place::Presumed(presumed) => Some(presumed.clone()),
        }
    }

    fn prefix(&self, sources: &SourceMap) -> String {
        self.presumed(sources)
            .map_or_else(String::new, |presumed| format!("{presumed}: "))
    }

    fn show<'a>(&self, sources: &'a SourceMap, group: Group<'a>) -> Group<'a> {
        match self {
            Place::Nowhere => group,
            Place::Source { file, span } => group.element(snippet(sources.file(*file), *span)),
            Place::Presumed(presumed) => group.element(origin(presumed)),
        }
    }
}

fn origin<'a>(presumed: &Presumed) -> Origin<'a> {
    let mut origin = Origin::path(presumed.file.clone());
    if presumed.line > 0 {
        origin = origin.line(presumed.line as usize);
        if presumed.col > 0 {
            origin = origin.char_column(presumed.col as usize);
        }
    }
    origin
}

/// The lines of `span`, numbered as messages presume them.
fn snippet(file: &SourceFile, span: Span) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    let size = file.text.len() as u32;
    let span = Span::new(span.start.min(size), span.end.min(size));
    let presumed = file.presumed(span.start);
    let first = file.line_span(file.lines().line(span.start));
    let last = file.line_span(file.lines().line(span.end));
    let window = match (first, last) {
        (Some(first), Some(last)) => first.to(last),
        _ => span,
    };
    let start = (span.start - window.start) as usize;
    let end = (span.end.min(window.end).max(span.start) - window.start) as usize;
    Snippet::source(display_text(file.slice(window)))
        .line_start(presumed.line as usize)
        .path(presumed.file)
        .annotation(AnnotationKind::Primary.span(start..end))
}

/// `text` with each byte that is no UTF-8 replaced by a question mark, so that offsets stay.
fn display_text(text: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| '?'));
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> (SourceMap, FileId) {
        let mut sources = SourceMap::new();
        let text = b"package p\n\nfunc f() {\n\treturn \xff x\n}\n".to_vec();
        let file = sources.add(SourceFile::new("dir/f.go", text));
        (sources, file)
    }

    #[test]
    fn official_form() {
        let (sources, file) = fixture();
        let diagnostic = Diagnostic::error(Place::source(file, Span::new(32, 33)), "undefined: x")
            .note(Place::source(file, Span::new(16, 17)), "in f")
            .note(Place::Nowhere, "no place")
            .help("declare it");
        assert_eq!(
            diagnostic.official(&sources),
            "dir/f.go:4:11: undefined: x\ndir/f.go:3:6: \tin f\n\tno place\n\thelp: declare it"
        );
    }

    #[test]
    fn pretty_form_survives_bytes_that_are_no_text() {
        let (sources, file) = fixture();
        let shown = Diagnostic::error(Place::source(file, Span::new(32, 33)), "undefined: x")
            .help("declare it")
            .pretty(&sources, false);
        assert!(shown.contains("return ? x"), "{shown}");
        assert!(shown.contains("dir/f.go:4:"), "{shown}");
        assert!(shown.contains("help: declare it"), "{shown}");
    }

    #[test]
    fn every_span_can_be_shown() {
        let (sources, file) = fixture();
        for start in 0..40 {
            for end in start..40 {
                let place = Place::source(file, Span::new(start, end));
                assert!(
                    !Diagnostic::warning(place, "m")
                        .pretty(&sources, false)
                        .is_empty()
                );
            }
        }
    }

    #[test]
    fn presumed_places_need_no_text() {
        let place = Place::Presumed(Presumed {
            file: "x.h".to_string(),
            line: 3,
            col: 0,
        });
        let diagnostic = Diagnostic::warning(place, "odd");
        assert_eq!(
            diagnostic.official(&SourceMap::new()),
            "x.h:3: warning: odd"
        );
        assert!(
            diagnostic
                .pretty(&SourceMap::new(), false)
                .contains("x.h:3")
        );
    }
}
