//! `cargo xtask tidy`: the rules of the house that a compiler doesn't check. Each rule reads files and lists what breaks it.

mod atomics;
mod differences;
mod graph;
mod locks;
mod manifests;
mod paths;
mod purity;
mod sizes;
mod sources;
mod unsafety;

use std::process::ExitCode;

use anyhow::Result;

use crate::repo::Repo;
use crate::term;
use sources::Sources;

/// What a rule found.
pub struct Rule {
    pub name: &'static str,
    /// Worth knowing; nothing fails for it.
    pub notes: Vec<String>,
    pub broken: Vec<String>,
}

impl Rule {
    fn new(name: &'static str, broken: Vec<String>) -> Rule {
        Rule {
            name,
            notes: Vec::new(),
            broken,
        }
    }
}

pub fn check(repo: &Repo) -> Result<Vec<Rule>> {
    let sources = Sources::read(&repo.root)?;
    let packages = manifests::packages(repo)?;
    Ok(vec![
        graph::order(&packages),
        graph::guarded(&packages),
        manifests::complete(&packages, &sources),
        purity::no_io(&sources),
        unsafety::confined(&sources),
        atomics::replaceable(&sources),
        locks::unnoticed(&sources),
        sizes::readable(&sources),
        paths::portable(&sources),
        differences::explained(&sources),
    ])
}

pub fn command(repo: &Repo, _: &[&str]) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for rule in check(repo)? {
        let mark = if rule.broken.is_empty() {
            term::green("✓")
        } else {
            term::red("✗")
        };
        println!("{mark} {}", rule.name);
        rule.notes.iter().for_each(|note| term::note(note));
        for broken in &rule.broken {
            println!("    {broken}");
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_in_order() {
        let rules = check(&Repo::find().unwrap()).unwrap();
        let broken: Vec<String> = rules
            .iter()
            .flat_map(|rule| {
                rule.broken
                    .iter()
                    .map(|one| format!("{}: {one}", rule.name))
            })
            .collect();
        assert!(broken.is_empty(), "\n{}", broken.join("\n"));
    }
}
