//! How the commands speak: sections, lines with a time at the right edge, tables.

use std::env;
use std::io::{IsTerminal, stdout};
use std::sync::OnceLock;
use std::time::Duration;

const WIDTH: usize = 100;

fn coloured() -> bool {
    static COLOURED: OnceLock<bool> = OnceLock::new();
    *COLOURED.get_or_init(|| stdout().is_terminal() && env::var_os("NO_COLOR").is_none())
}

fn paint(code: &str, text: &str) -> String {
    if coloured() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

pub fn bold(text: &str) -> String {
    paint("1", text)
}

pub fn dim(text: &str) -> String {
    paint("2", text)
}

pub fn green(text: &str) -> String {
    paint("32", text)
}

pub fn red(text: &str) -> String {
    paint("31", text)
}

pub fn title(text: &str) {
    println!("{}\n{}", bold(text), dim(&"═".repeat(WIDTH)));
}

pub fn section(text: &str) {
    println!("\n{}\n{}", bold(text), dim(&"─".repeat(WIDTH)));
}

/// One thing done, with how long it took at the right edge.
pub fn done(what: &str, time: Duration) {
    let time = seconds(time);
    let gap = WIDTH.saturating_sub(4 + width(what) + width(&time)).max(1);
    println!("  {} {what}{}{}", green("✓"), " ".repeat(gap), dim(&time));
}

/// A remark below a thing done.
pub fn note(text: &str) {
    println!("    {}", dim(text));
}

/// What a program printed, set apart.
pub fn quote(text: &str) {
    for line in text.trim_end().lines() {
        println!("    {} {line}", dim("│"));
    }
}

pub fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 100.0 {
        format!("{seconds:.1} s")
    } else {
        format!(
            "{:.0} min {:02.0} s",
            (seconds / 60.0).floor(),
            (seconds % 60.0).floor()
        )
    }
}

/// Columns as wide as their widest cell; the first is aligned left, the others right.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| width(cell)).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[column] - width(cell));
            text += if column > 0 { "  " } else { "" };
            text += &if column == 0 {
                format!("{cell}{pad}")
            } else {
                format!("{pad}{cell}")
            };
        }
        text = text.trim_end().to_owned() + "\n";
    }
    text
}

fn width(text: &str) -> usize {
    text.chars().count()
}
