//! Files and the set of them.

use crate::lines::{LineCol, LineTable, Presumed};
use crate::span::{Pos, Span};

/// A file's name, bytes and line table. The text need not be valid UTF-8.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub name: String,
    pub text: Vec<u8>,
    lines: LineTable,
}

impl SourceFile {
    pub fn new(name: impl Into<String>, text: impl Into<Vec<u8>>) -> SourceFile {
        let text = text.into();
        SourceFile {
            name: name.into(),
            lines: LineTable::of_text(&text),
            text,
        }
    }

    pub fn lines(&self) -> &LineTable {
        &self.lines
    }

    /// Replaces the line table by the one that a parser has made, with the directives that it has seen.
    pub fn set_lines(&mut self, lines: LineTable) {
        self.lines = lines;
    }

    /// The bytes of `span`, cut to the text.
    pub fn slice(&self, span: Span) -> &[u8] {
        let end = (span.end as usize).min(self.text.len());
        &self.text[(span.start as usize).min(end)..end]
    }

    pub fn line_col(&self, pos: Pos) -> LineCol {
        self.lines.line_col(pos)
    }

    pub fn presumed(&self, pos: Pos) -> Presumed {
        self.lines.presumed(&self.name, pos)
    }

    /// The span of the 1-based physical `line`, without its newline.
    pub fn line_span(&self, line: u32) -> Option<Span> {
        let start = self.lines.line_start(line)?;
        let rest = &self.text[start as usize..];
        let len = rest.iter().position(|byte| *byte == b'\n');
        Some(Span::new(start, start + len.unwrap_or(rest.len()) as Pos))
    }
}

/// Names a file of a [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// All files of a run.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    pub fn new() -> SourceMap {
        SourceMap::default()
    }

    pub fn add(&mut self, file: SourceFile) -> FileId {
        self.files.push(file);
        FileId(self.files.len() as u32 - 1)
    }

    /// Panics on an id of another map.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    pub fn file_mut(&mut self, id: FileId) -> &mut SourceFile {
        &mut self.files[id.0 as usize]
    }

    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(i, file)| (FileId(i as u32), file))
    }
}
