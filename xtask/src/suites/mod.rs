//! `cargo xtask suites`: Go's own cgo suites, run with the official tool and with crosscall in its two ways in. What the official
//! tool passes, crosscall must pass; and its own log must show that it was crosscall that ran.

mod catalogue;
mod kept;
mod outcome;
mod report;
mod way;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::crosscall::Crosscall;
use crate::repo::Repo;
use crate::setup::{self, Needs};
use crate::term;
use crate::toolchain::Toolchain;
use catalogue::{SUITES, Suite};
use kept::Kept;
use outcome::Outcome;
use report::Row;
use way::{Prepared, Way};

struct Options {
    suites: Vec<&'static Suite>,
    ways: Vec<Way>,
    json: bool,
    kept: bool,
}

pub fn command(repo: &Repo, args: &[&str]) -> Result<ExitCode> {
    let options = Options::parse(args)?;
    let ready = setup::ensure(repo, Needs::Test)?;
    let crosscall = match options.ways.as_slice() {
        [Way::Official] => None,
        _ => Some(Crosscall::build(repo)?.0),
    };
    let runner = Runner::new(
        repo,
        &ready.go,
        crosscall.as_ref(),
        options.kept,
        !options.json,
    );
    let rows = runner.run(&options.suites, |_| options.ways.clone())?;
    let complaints: Vec<String> = rows.iter().flat_map(Row::complaints).collect();
    if options.json {
        println!("{:#}", as_json(&rows, &complaints));
    } else {
        println!("\n{}", report::table(&rows));
        for complaint in &complaints {
            println!("{} {complaint}", term::red("✗"));
        }
        println!("{}", verdict(&complaints));
    }
    Ok(if complaints.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What the suites' part of `cargo xtask test` came to.
pub struct Verdict {
    pub table: String,
    /// Tests that pass with crosscall, each way for itself.
    pub passed: usize,
    pub complaints: Vec<String>,
}

/// All but the long suites, through toolexec, and through a shadow GOROOT those that toolexec alone doesn't reach.
pub fn for_test(repo: &Repo, go: &Toolchain, crosscall: &Crosscall) -> Result<Verdict> {
    let suites: Vec<&Suite> = SUITES.iter().filter(|suite| !suite.long).collect();
    let ways = |suite: &Suite| match suite.bypasses_toolexec {
        true => Way::ALL.to_vec(),
        false => vec![Way::Official, Way::Toolexec],
    };
    let runner = Runner::new(repo, go, Some(crosscall), true, true);
    let rows = runner.run(&suites, ways)?;
    let outcomes = rows.iter().flat_map(|row| &row.outcomes);
    let ours = outcomes.filter(|(way, _)| *way != Way::Official);
    Ok(Verdict {
        table: report::table(&rows),
        passed: ours.map(|(_, outcome)| outcome.counts().pass).sum(),
        complaints: rows.iter().flat_map(Row::complaints).collect(),
    })
}

impl Options {
    fn parse(args: &[&str]) -> Result<Options> {
        let mut options = Options {
            suites: Vec::new(),
            ways: Way::ALL.to_vec(),
            json: false,
            kept: false,
        };
        for arg in args {
            match *arg {
                "--official-only" => options.ways = vec![Way::Official],
                "--json" => options.json = true,
                "--kept" => options.kept = true,
                name => options.suites.push(named(name)?),
            }
        }
        if options.suites.is_empty() {
            options.suites = SUITES.iter().collect();
        }
        Ok(options)
    }
}

fn named(name: &str) -> Result<&'static Suite> {
    if let Some(suite) = SUITES.iter().find(|suite| suite.name == name) {
        return Ok(suite);
    }
    let all: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
    bail!("no suite `{name}`; there are {}", all.join(", "))
}

struct Runner<'a> {
    work: PathBuf,
    go: &'a Toolchain,
    crosscall: Option<&'a Crosscall>,
    kept: Kept,
    /// Take the official tool's results of an earlier run.
    use_kept: bool,
    /// Say what is done.
    aloud: bool,
}

impl<'a> Runner<'a> {
    fn new(
        repo: &Repo,
        go: &'a Toolchain,
        crosscall: Option<&'a Crosscall>,
        use_kept: bool,
        aloud: bool,
    ) -> Self {
        Runner {
            work: repo.work("suites").join(format!("go{}", go.version)),
            go,
            crosscall,
            kept: Kept::new(repo, go),
            use_kept,
            aloud,
        }
    }

    /// One way after the other, so that crosscall's cache can begin as a copy of the official one.
    fn run<'s>(
        &self,
        suites: &[&'s Suite],
        ways: impl Fn(&Suite) -> Vec<Way>,
    ) -> Result<Vec<Row<'s>>> {
        let mut rows: Vec<Row> = suites
            .iter()
            .map(|suite| Row {
                suite,
                outcomes: Vec::new(),
            })
            .collect();
        for way in Way::ALL {
            let mut prepared = None;
            for row in rows.iter_mut().filter(|row| ways(row.suite).contains(&way)) {
                let outcome = self.one(way, row.suite, &mut prepared)?;
                row.outcomes.push((way, outcome));
            }
        }
        Ok(rows)
    }

    fn one(&self, way: Way, suite: &Suite, prepared: &mut Option<Prepared<'a>>) -> Result<Outcome> {
        if way == Way::Official
            && self.use_kept
            && let Some(outcome) = self.kept.load(suite)
        {
            return Ok(outcome);
        }
        let prepared = match prepared {
            Some(prepared) => prepared,
            None => prepared.insert(Prepared::new(way, &self.work, self.go, self.crosscall)?),
        };
        let outcome = prepared.run(suite)?;
        if way == Way::Official {
            self.kept.save(suite, &outcome)?;
        }
        if self.aloud {
            let counts = outcome.counts();
            let result = format!(
                "{} passed, {} failed, {} skipped",
                counts.pass, counts.fail, counts.skip
            );
            term::done(
                &format!("{:<9} {:<21} {result}", way.name(), suite.name),
                outcome.time,
            );
        }
        Ok(outcome)
    }
}

fn as_json(rows: &[Row], complaints: &[String]) -> Value {
    let suite = |row: &Row| {
        let outcomes = row.outcomes.iter();
        let ways: serde_json::Map<String, Value> = outcomes
            .map(|(way, outcome)| (way.name().to_owned(), outcome.to_json()))
            .collect();
        (row.suite.name.to_owned(), Value::Object(ways))
    };
    let suites: serde_json::Map<String, Value> = rows.iter().map(suite).collect();
    json!({ "suites": suites, "complaints": complaints })
}

fn verdict(complaints: &[String]) -> String {
    match complaints.len() {
        0 => "nothing lost against the official tool".to_owned(),
        lost => format!("{lost} lost against the official tool"),
    }
}
