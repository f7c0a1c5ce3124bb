//! Source files, positions and diagnostics: the vocabulary in which every other crate talks about text.
//!
//! Positions are byte offsets ([`Span`]) into one file; lines and columns exist only where people read them. A file may carry
//! line directives (`//line x.y:10`), so a place has two names: the physical one ([`LineCol`]) and the presumed one
//! ([`Presumed`]), the one that messages show. There is no I/O here: text comes in as bytes, renderings go out as strings.

mod diagnostic;
mod file;
mod lines;
mod path;
mod span;

pub use diagnostic::{Diagnostic, Note, Place, Severity};
pub use file::{FileId, SourceFile, SourceMap};
pub use lines::{LineCol, LineDirective, LineTable, Presumed};
pub use span::{Pos, Span};
