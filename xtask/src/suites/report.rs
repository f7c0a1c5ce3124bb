//! The suites' results side by side, and what is wrong with them.

use super::catalogue::Suite;
use super::outcome::{Counts, Outcome};
use super::way::Way;
use crate::term;

/// One suite in the ways in which it was run.
pub struct Row<'a> {
    pub suite: &'a Suite,
    pub outcomes: Vec<(Way, Outcome)>,
}

impl Row<'_> {
    pub fn outcome(&self, way: Way) -> Option<&Outcome> {
        let found = self.outcomes.iter().find(|(is, _)| *is == way);
        found.map(|(_, outcome)| outcome)
    }

    /// Everything that must not be: one line each, a test's own words below it.
    pub fn complaints(&self) -> Vec<String> {
        let Some(official) = self.outcome(Way::Official) else {
            return vec![format!(
                "{}: the official tool has not been run",
                self.suite.name
            )];
        };
        let mut complaints = Vec::new();
        if official.generated > 0 {
            complaints.push(format!(
                "{}: crosscall ran in the official tool's run",
                self.suite.name
            ));
        }
        if official.counts().pass == 0 {
            let why = official
                .said
                .get("")
                .map(String::as_str)
                .unwrap_or_default();
            complaints.push(format!(
                "{}: nothing passes with the official tool\n{why}",
                self.suite.name
            ));
        }
        for (way, outcome) in self
            .outcomes
            .iter()
            .filter(|(way, _)| *way != Way::Official)
        {
            let place = format!("{} ({})", self.suite.name, way.name());
            if way.must_generate(self.suite) && outcome.generated == 0 {
                complaints.push(format!("{place}: by its own log crosscall never ran"));
            }
            if outcome.broken && !official.broken && outcome.counts().fail == 0 {
                complaints.push(format!("{place}: the package failed"));
            }
            let lost = official.lost_in(outcome);
            complaints.extend(
                lost.iter()
                    .map(|(test, why)| format!("{place}: {test}\n{why}")),
            );
        }
        complaints
    }
}

/// Pass/fail/skip and seconds for each way; how often the generator ran for crosscall's.
pub fn table(rows: &[Row]) -> String {
    let ways: Vec<Way> = Way::ALL
        .into_iter()
        .filter(|way| rows.iter().any(|row| row.outcome(*way).is_some()))
        .collect();
    let mut header = vec!["pass/fail/skip".to_owned()];
    for way in &ways {
        header.extend([way.name().to_owned(), "time".to_owned()]);
        header.extend((*way != Way::Official).then(|| "cgo runs".to_owned()));
    }
    let lines = rows
        .iter()
        .map(|row| line(row.suite.name, &ways, |way| row.outcome(way).map(Cells::of)));
    let sum = line("in all", &ways, |way| Some(total(rows, way)));
    let all: Vec<Vec<String>> = [header].into_iter().chain(lines).chain([sum]).collect();
    term::table(&all)
}

#[derive(Default)]
struct Cells {
    counts: Counts,
    seconds: f64,
    generated: usize,
}

impl Cells {
    fn of(outcome: &Outcome) -> Cells {
        Cells {
            counts: outcome.counts(),
            seconds: outcome.time.as_secs_f64(),
            generated: outcome.generated,
        }
    }
}

fn total(rows: &[Row], way: Way) -> Cells {
    let outcomes = rows.iter().filter_map(|row| row.outcome(way));
    outcomes
        .map(Cells::of)
        .fold(Cells::default(), |sum, one| Cells {
            counts: Counts {
                pass: sum.counts.pass + one.counts.pass,
                fail: sum.counts.fail + one.counts.fail,
                skip: sum.counts.skip + one.counts.skip,
            },
            seconds: sum.seconds + one.seconds,
            generated: sum.generated + one.generated,
        })
}

fn line(name: &str, ways: &[Way], cells: impl Fn(Way) -> Option<Cells>) -> Vec<String> {
    let mut line = vec![name.to_owned()];
    for way in ways {
        let crosscall = *way != Way::Official;
        match cells(*way) {
            Some(Cells {
                counts,
                seconds,
                generated,
            }) => {
                line.push(format!("{}/{}/{}", counts.pass, counts.fail, counts.skip));
                line.push(format!("{seconds:.1} s"));
                line.extend(crosscall.then(|| generated.to_string()));
            }
            None => line.extend(vec!["-".to_owned(); if crosscall { 3 } else { 2 }]),
        }
    }
    line
}
