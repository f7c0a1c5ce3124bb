//! The project's text files, read once for all rules.

use std::fs;
use std::path::Path;

use anyhow::Result;

pub struct Sources {
    pub files: Vec<Source>,
}

pub struct Source {
    /// Relative to the workspace, with forward slashes.
    pub path: String,
    pub text: String,
}

impl Sources {
    pub fn read(root: &Path) -> Result<Sources> {
        let mut files = Vec::new();
        read_dir(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Sources { files })
    }

    pub fn rust(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// Whether a file or directory of this path is there.
    pub fn has(&self, path: &str) -> bool {
        let inside = format!("{path}/");
        let is = |file: &Source| file.path == path || file.path.starts_with(&inside);
        self.files.iter().any(is)
    }
}

impl Source {
    /// The lines of a Rust file that are compiled into the program, numbered from 1: no comments, and nothing from the first
    /// `#[cfg(test)]` on, below which a file's tests stand.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = (1..).zip(self.text.lines().map(str::trim_start));
        lines
            .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
            .filter(|(_, line)| !line.starts_with("//"))
    }

    /// `path:line: what`, for a rule's list.
    pub fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

fn read_dir(root: &Path, dir: &str, files: &mut Vec<Source>) -> Result<()> {
    for entry in fs::read_dir(root.join(dir))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if dir.is_empty() {
            name.clone()
        } else {
            format!("{dir}/{name}")
        };
        // In a second work tree `.git` is a file.
        if name == ".git" || path == "target" {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read_dir(root, &path, files)?;
        } else if kind.is_file() {
            // What isn't UTF-8 is no text; nothing is said about it.
            if let Ok(text) = fs::read_to_string(entry.path()) {
                files.push(Source { path, text });
            }
        }
    }
    Ok(())
}
