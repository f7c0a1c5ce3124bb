//! From byte offsets to lines and columns, physical and presumed.
//!
//! The presumed position is what `go/token`'s `PositionFor(pos, true)` answers: a line directive renames everything after it.

use std::borrow::Cow;
use std::fmt;

use crate::path;
use crate::span::Pos;

/// A physical line and column, both counted from 1, the column in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineCol {
    pub line: u32,
    pub col: u32,
}

/// A place as messages name it. `col` 0: the column is unknown; `line` 0: so is the line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Presumed {
    pub file: String,
    pub line: u32,
    pub col: u32,
}

impl fmt::Display for Presumed {
    /// `file:line:col`, without what is unknown, `-` where all is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Presumed { file, line, col } = self;
        match (file.is_empty(), *line, *col) {
            (true, 0, _) => f.write_str("-"),
            (true, _, 0) => write!(f, "{line}"),
            (true, _, _) => write!(f, "{line}:{col}"),
            (false, 0, _) => f.write_str(file),
            (false, _, 0) => write!(f, "{file}:{line}"),
            (false, _, _) => write!(f, "{file}:{line}:{col}"),
        }
    }
}

/// A `//line` or `/*line*/` directive: the byte at `offset` is presumed to be at `line` and `col` of `file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineDirective {
    pub offset: Pos,
    /// As written. Empty with a column: the file name that holds before the directive.
    pub file: String,
    pub line: u32,
    /// 0 where the directive gives none.
    pub col: u32,
}

/// Line starts and line directives of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineTable {
    starts: Vec<Pos>,
    size: Pos,
    directives: Vec<LineDirective>,
}

impl LineTable {
    /// A table that knows its first line only. `size` is the length of the text.
    pub fn new(size: Pos) -> LineTable {
        LineTable {
            starts: vec![0],
            size,
            directives: Vec::new(),
        }
    }

    pub fn of_text(text: &[u8]) -> LineTable {
        let mut table = LineTable::new(u32::try_from(text.len()).unwrap_or(u32::MAX));
        for (offset, _) in text.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            table.add_line(offset as Pos + 1);
        }
        table
    }

    /// A line starts at `offset`. As in Go, a newline that ends the file starts no line: the end of the file belongs to the
    /// line before it.
    #[inline]
    pub fn add_line(&mut self, offset: Pos) {
        if offset < self.size && self.starts.last().is_none_or(|last| *last < offset) {
            self.starts.push(offset);
        }
    }

    /// Directives come in the order of their offsets; one at the end of the file has no effect and is dropped.
    pub fn add_directive(&mut self, directive: LineDirective) {
        let in_order = self
            .directives
            .last()
            .is_none_or(|last| last.offset < directive.offset);
        if in_order && directive.offset < self.size {
            self.directives.push(directive);
        }
    }

    pub fn directives(&self) -> &[LineDirective] {
        &self.directives
    }

    pub fn line_count(&self) -> u32 {
        self.starts.len() as u32
    }

    /// The offset at which the 1-based `line` starts; `None` outside of the file.
    pub fn line_start(&self, line: u32) -> Option<Pos> {
        self.starts.get((line as usize).checked_sub(1)?).copied()
    }

    /// The physical line (from 1) of `pos`; offsets beyond the end count as the end.
    pub fn line(&self, pos: Pos) -> u32 {
        let pos = pos.min(self.size);
        self.starts.partition_point(|start| *start <= pos) as u32
    }

    pub fn line_col(&self, pos: Pos) -> LineCol {
        let pos = pos.min(self.size);
        let line = self.line(pos);
        LineCol {
            line,
            col: pos - self.starts[line as usize - 1] + 1,
        }
    }

    /// The presumed line alone: cheaper than [`LineTable::presumed`].
    pub fn presumed_line(&self, pos: Pos) -> u32 {
        self.presumed_line_col(pos).line
    }

    /// The presumed position of `pos` in the file `name`. Relative names in directives stand beside it.
    pub fn presumed(&self, name: &str, pos: Pos) -> Presumed {
        let LineCol { line, col } = self.presumed_line_col(pos);
        Presumed {
            file: self.presumed_file(name, pos).into_owned(),
            line,
            col,
        }
    }

    fn presumed_line_col(&self, pos: Pos) -> LineCol {
        let pos = pos.min(self.size);
        let physical = self.line_col(pos);
        let Some(directive) = self.directive_before(pos) else {
            return physical;
        };
        let distance = physical.line - self.line(directive.offset);
        LineCol {
            line: directive.line.saturating_add(distance),
            col: match (directive.col, distance) {
                (0, _) => 0,
                (col, 0) => col.saturating_add(pos - directive.offset),
                _ => physical.col,
            },
        }
    }

    fn presumed_file<'a>(&self, name: &'a str, pos: Pos) -> Cow<'a, str> {
        let count = self.directives.partition_point(|d| d.offset <= pos);
        let named = self.directives[..count]
            .iter()
            .rev()
            .find(|d| !d.file.is_empty() || d.col == 0);
        match named {
            Some(directive) => Cow::Owned(path::resolve(path::dir(name), &directive.file)),
            None => Cow::Borrowed(name),
        }
    }

    fn directive_before(&self, pos: Pos) -> Option<&LineDirective> {
        let count = self.directives.partition_point(|d| d.offset <= pos);
        self.directives[..count].last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directive(offset: Pos, file: &str, line: u32, col: u32) -> LineDirective {
        LineDirective {
            offset,
            file: file.to_string(),
            line,
            col,
        }
    }

    #[test]
    fn the_end_of_the_file_belongs_to_its_last_line() {
        let table = LineTable::of_text(b"ab\ncd\n");
        assert_eq!(table.line_count(), 2);
        assert_eq!(table.line_col(2), LineCol { line: 1, col: 3 });
        assert_eq!(table.line_col(3), LineCol { line: 2, col: 1 });
        assert_eq!(table.line_col(6), LineCol { line: 2, col: 4 });
        assert_eq!(table.line_col(99), LineCol { line: 2, col: 4 });
    }

    #[test]
    fn directives_rename_what_follows() {
        let mut table = LineTable::of_text(b"0123\n5678\nabcd\nfghi\n");
        table.add_directive(directive(5, "x.y", 100, 0));
        table.add_directive(directive(12, "", 7, 30));
        let show = |pos| table.presumed("/p/f.go", pos).to_string();
        assert_eq!(show(1), "/p/f.go:1:2");
        assert_eq!(show(6), "/p/x.y:100");
        assert_eq!(show(11), "/p/x.y:101");
        assert_eq!(show(13), "/p/x.y:7:31");
        assert_eq!(show(16), "/p/x.y:8:2");
    }

    #[test]
    fn a_directive_without_name_and_column_has_the_empty_name() {
        let mut table = LineTable::of_text(b"0123\n5678\n");
        table.add_directive(directive(5, "", 9, 0));
        assert_eq!(table.presumed("f.go", 6).to_string(), "9");
    }
}
