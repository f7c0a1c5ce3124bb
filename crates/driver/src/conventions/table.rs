//! The table: a row for each argument and the result, a column for each convention, as many beside each other as there is room for.

use abi::call::{Assignment, Convention, GoArch, Part, Place};

use super::column::Column;
use super::{Shown, Where};

/// Between columns.
const GAP: usize = 2;
const LABEL: usize = 28;

/// A row's label, and a cell of some lines for each column.
struct Row {
    label: String,
    cells: Vec<Vec<String>>,
}

/// `columns` is not empty. No line is wider than `width`, unless one column alone is.
pub fn render(columns: &[(Column, Shown)], width: usize) -> String {
    let rows = rows(columns);
    let label = rows
        .iter()
        .map(|row| row.label.chars().count())
        .max()
        .unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len())
        .map(|index| cell_width(&rows, index))
        .collect();
    let mut text = title(&columns[0].1);
    let mut start = 0;
    while start < columns.len() {
        let groups: Vec<u8> = columns[start..]
            .iter()
            .map(|(column, _)| column.group())
            .collect();
        let end = start + fitting(&groups, &widths[start..], width.saturating_sub(label));
        text.push('\n');
        for row in &rows {
            if start == 0 || row.cells[start..end].iter().any(|cell| !cell.is_empty()) {
                block(&mut text, row, label, start..end, &widths);
            }
        }
        start = end;
    }
    text.push('\n');
    notes(columns).iter().for_each(|note| {
        text.push_str(note);
        text.push('\n');
    });
    text
}

/// How many columns stand beside each other: as many as there is room for, one at least, and no group begins that doesn't fit.
fn fitting(groups: &[u8], widths: &[usize], room: usize) -> usize {
    let mut used = 0;
    let fit = widths.iter().take_while(|width| {
        used += GAP + **width;
        used <= room
    });
    let count = fit.count();
    match groups.get(count) {
        Some(group) if groups[0] != *group => {
            let start = groups.iter().position(|other| other == group);
            start.unwrap_or(count)
        }
        _ => count.max(1),
    }
}

fn cell_width(rows: &[Row], index: usize) -> usize {
    let lines = rows.iter().flat_map(|row| &row.cells[index]);
    lines.map(|line| line.chars().count()).max().unwrap_or(0)
}

fn block(
    text: &mut String,
    row: &Row,
    label: usize,
    range: std::ops::Range<usize>,
    widths: &[usize],
) {
    let height = row.cells[range.clone()].iter().map(Vec::len).max();
    for line in 0..height.unwrap_or(0).max(1) {
        let head = if line == 0 { row.label.as_str() } else { "" };
        let mut out = format!("{head:label$}");
        for index in range.clone() {
            let cell = row.cells[index].get(line).map_or("", String::as_str);
            out.push_str(&format!("{:GAP$}{cell:width$}", "", width = widths[index]));
        }
        text.push_str(out.trim_end());
        text.push('\n');
    }
}

/// `int f(struct point, double)`
fn title(shown: &Shown) -> String {
    let mut params = shown.params.clone();
    if shown.is_variadic {
        params.push("...".to_owned());
    }
    if params.is_empty() {
        params.push("void".to_owned());
    }
    let result = shown.result.as_deref().unwrap_or("void");
    let blank = if result.ends_with('*') { "" } else { " " };
    format!("{result}{blank}{}({})\n", shown.name, params.join(", "))
}

fn rows(columns: &[(Column, Shown)]) -> Vec<Row> {
    let first = &columns[0].1;
    let mut rows = vec![
        row("", columns, |column, _| vec![column.name.to_owned()]),
        row("", columns, |column, _| vec![column.place()]),
    ];
    for (index, name) in first.params.iter().enumerate() {
        let label = clip(&format!("{} {name}", index + 1));
        rows.push(assigned(&label, columns, |column, assignment| {
            place(column.convention, &assignment.params[index])
        }));
    }
    if let Some(name) = &first.result {
        let label = clip(&format!("result {name}"));
        rows.push(assigned(&label, columns, |column, assignment| {
            place(column.convention, &assignment.results[0])
        }));
    }
    rows.push(row("result address", columns, result_address));
    rows.push(assigned("stack bytes", columns, stack_bytes));
    rows.push(assigned("popped by", columns, popped_by));
    rows.push(row("Windows symbol", columns, windows_symbol));
    rows.retain(|row| row.cells.iter().any(|cell| !cell.is_empty()));
    rows
}

fn row(
    label: &str,
    columns: &[(Column, Shown)],
    cell: impl Fn(&Column, &Shown) -> Vec<String>,
) -> Row {
    Row {
        label: label.to_owned(),
        cells: columns
            .iter()
            .map(|(column, shown)| cell(column, shown))
            .collect(),
    }
}

/// A row about the assignment; what a convention doesn't know stays empty, a note says why.
fn assigned(
    label: &str,
    columns: &[(Column, Shown)],
    cell: impl Fn(&Column, &Assignment) -> Vec<String>,
) -> Row {
    row(label, columns, |column, shown| match &shown.assigned {
        Ok(assignment) => cell(column, assignment),
        Err(_) => vec!["?".to_owned()],
    })
}

fn clip(label: &str) -> String {
    match label.chars().count() {
        0..=LABEL => label.to_owned(),
        _ => label.chars().take(LABEL - 1).chain(['…']).collect(),
    }
}

fn place(convention: Convention, place: &Place) -> Vec<String> {
    match place {
        Place::Nothing => vec!["nothing".to_owned()],
        Place::Registers(parts) => registers(parts),
        Place::Stack { offset, size } => {
            let offset = offset + stack_start(convention);
            let last = offset + size.saturating_sub(1);
            match *size {
                0..=8 => vec![format!("sp+{offset}")],
                _ => vec![format!("sp+{offset}…{last}")],
            }
        }
        Place::Indirect { pointer } => {
            let pointer = self::place(convention, pointer).concat();
            match pointer.contains('+') {
                true => vec![format!("*({pointer})")],
                false => vec![format!("*{pointer}")],
            }
        }
    }
}

/// A line for each, with its bytes of the value where there are some.
fn registers(parts: &[Part]) -> Vec<String> {
    match parts {
        [] => vec!["nothing".to_owned()],
        [part] if part.offset == 0 => vec![part.register.to_string()],
        parts => {
            let name = |part: &Part| part.register.0.len();
            let width = parts.iter().map(name).max().unwrap_or(0);
            let line = |part: &Part| {
                let last = part.offset + part.size - 1;
                format!("{:width$} {}…{last}", part.register.0, part.offset)
            };
            parts.iter().map(line).collect()
        }
    }
}

/// From the stack pointer at the call to the argument area: a Go caller on arm64 keeps a word of its own below it.
fn stack_start(convention: Convention) -> u64 {
    match convention {
        Convention::GoAbi0(GoArch::Arm64) | Convention::GoInternal(GoArch::Arm64) => 8,
        _ => 0,
    }
}

fn result_address(column: &Column, shown: &Shown) -> Vec<String> {
    let assignment = shown.assigned.as_ref().ok();
    let Some(pointer) = assignment.and_then(|assignment| assignment.result_pointer.as_ref()) else {
        return Vec::new();
    };
    let mut cell = place(column.convention, &pointer.place);
    if let Some(register) = pointer.returned {
        cell.push(format!("back in {register}"));
    }
    cell
}

fn stack_bytes(_: &Column, assignment: &Assignment) -> Vec<String> {
    let mut cell = vec![assignment.stack_bytes().to_string()];
    for (bytes, name) in [(assignment.shadow, "shadow"), (assignment.spill, "spill")] {
        if bytes > 0 {
            cell.push(format!("{bytes} {name}"));
        }
    }
    cell
}

fn popped_by(_: &Column, assignment: &Assignment) -> Vec<String> {
    let (popped, all) = (assignment.popped, assignment.stack_bytes());
    match popped {
        0 => vec!["caller".to_owned()],
        _ if popped == all => vec!["callee".to_owned()],
        _ => vec!["caller,".to_owned(), format!("callee {popped}")],
    }
}

fn windows_symbol(column: &Column, shown: &Shown) -> Vec<String> {
    match column.convention {
        Convention::Win64 | Convention::Cdecl | Convention::Stdcall | Convention::Fastcall => {
            vec![
                column
                    .convention
                    .windows_symbol(&shown.name, &shown.signature),
            ]
        }
        _ => Vec::new(),
    }
}

fn notes(columns: &[(Column, Shown)]) -> Vec<String> {
    let mut notes =
        vec!["sp: the stack pointer at the call, before x86 pushes the return address.".to_owned()];
    let assignments = columns
        .iter()
        .filter_map(|(_, shown)| shown.assigned.as_ref().ok());
    let mut places = assignments
        .clone()
        .flat_map(|one| one.params.iter().chain(&one.results));
    if places.any(|place| matches!(place, Place::Indirect { .. })) {
        notes.push("*: in memory of the caller's, at that address.".to_owned());
    }
    if assignments.clone().any(|assignment| assignment.shadow > 0) {
        notes.push("shadow: room for the callee to keep its register arguments.".to_owned());
    }
    if assignments.clone().any(|assignment| assignment.spill > 0) {
        notes.push("spill: the same in Go, behind all else.".to_owned());
    }
    if columns
        .iter()
        .any(|(column, shown)| column.group() == 1 && returns_record(shown))
    {
        notes.push("linux/386: 32-bit Windows returns small structs in eax and edx.".to_owned());
    }
    if columns[0].1.is_variadic {
        notes.extend(variadic(columns));
    }
    for (column, shown) in columns {
        if let Err(unsupported) = &shown.assigned {
            let which = Where(&unsupported.which);
            notes.push(format!("{}: {which}: {}", column.name, unsupported.why));
        }
    }
    notes
}

fn returns_record(shown: &Shown) -> bool {
    shown.signature.results.iter().any(|ty| ty.is_record())
}

fn variadic(columns: &[(Column, Shown)]) -> Vec<String> {
    let has = |convention| {
        columns
            .iter()
            .any(|(column, _)| column.convention == convention)
    };
    let mut notes = vec!["...: the arguments in its place follow like the others.".to_owned()];
    if has(Convention::SysV) {
        notes.push("...: sysv: al says how many vector registers are used.".to_owned());
    }
    if has(Convention::Win64) {
        notes.push("...: win64: floats are in the general register, too.".to_owned());
    }
    notes
}
