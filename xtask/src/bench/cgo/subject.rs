//! What is measured: a package over a huge C header, one of the standard library, and the smallest there is.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::Bench;
use crate::examples::copy_tree;
use crate::repo::Repo;

pub struct Subject {
    pub name: &'static str,
    /// Its directory in the workspace; the standard library has its own.
    source: Option<&'static str>,
    /// What the go command is asked to build.
    package: &'static str,
    import_path: &'static str,
}

pub const SUBJECTS: &[Subject] = &[
    Subject {
        name: "gtk",
        source: Some("bench/gtk"),
        package: ".",
        import_path: "gtkbench",
    },
    Subject {
        name: "net",
        source: None,
        package: "net",
        import_path: "net",
    },
    Subject {
        name: "sum",
        source: Some("examples/sum"),
        package: ".",
        import_path: "sum",
    },
];

/// A subject where it is built.
pub struct Place {
    pub dir: PathBuf,
    pub package: &'static str,
    pub import_path: &'static str,
}

impl Subject {
    pub fn place(&self, repo: &Repo, bench: &Bench) -> Result<Place> {
        let dir = bench.work.join(self.name);
        match self.source {
            Some(source) => copy_tree(&repo.root.join(source), &dir)?,
            None => fs::create_dir_all(&dir)?,
        }
        Ok(Place {
            dir,
            package: self.package,
            import_path: self.import_path,
        })
    }
}
