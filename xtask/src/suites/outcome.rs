//! What a suite's run came to, read from the events of `go test -json`: one status for each test and each subtest.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use crate::sh;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    Pass,
    Fail,
    Skip,
}

#[derive(Default, Debug)]
pub struct Outcome {
    pub tests: BTreeMap<String, Status>,
    /// The package itself did not pass: it did not build, or its process ended early.
    pub broken: bool,
    /// What failing tests printed, by test; the package's own words under the empty name.
    pub said: BTreeMap<String, String>,
    pub time: Duration,
    /// How often crosscall's generator ran, by its own account.
    pub generated: usize,
}

#[derive(Default, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    pub pass: usize,
    pub fail: usize,
    pub skip: usize,
}

impl Outcome {
    /// From the lines of `go test -json` for one package. A test that began and never ended has failed.
    pub fn read(events: &str) -> Outcome {
        let mut outcome = Outcome::default();
        for line in events.lines().filter(|line| !line.is_empty()) {
            match serde_json::from_str::<Value>(line) {
                Ok(event) => outcome.event(&event),
                Err(_) => outcome.say("", &format!("{line}\n")),
            }
        }
        outcome.forget_passes();
        outcome
    }

    fn event(&mut self, event: &Value) {
        let field = |name: &str| event[name].as_str().unwrap_or_default();
        let test = field("Test");
        let status = match field("Action") {
            "output" | "build-output" => return self.say(test, field("Output")),
            // Until something better is heard.
            "run" | "fail" | "build-fail" => Status::Fail,
            "pass" => Status::Pass,
            "skip" => Status::Skip,
            _ => return,
        };
        if test.is_empty() {
            self.broken |= status == Status::Fail;
        } else {
            self.tests.insert(test.to_owned(), status);
        }
    }

    fn say(&mut self, test: &str, text: &str) {
        self.said.entry(test.to_owned()).or_default().push_str(text);
    }

    fn forget_passes(&mut self) {
        let tests = &self.tests;
        let broken = self.broken;
        self.said.retain(|test, _| match tests.get(test) {
            Some(status) => *status == Status::Fail,
            None => broken,
        });
    }

    pub fn counts(&self) -> Counts {
        let count = |status| self.tests.values().filter(|is| **is == status).count();
        Counts {
            pass: count(Status::Pass),
            fail: count(Status::Fail),
            skip: count(Status::Skip),
        }
    }

    /// The tests that pass here and not in `other`, each with what the other said about it.
    pub fn lost_in(&self, other: &Outcome) -> Vec<(String, String)> {
        let passed = self.tests.iter().filter(|(_, is)| **is == Status::Pass);
        passed
            .filter(|(test, _)| other.tests.get(*test) != Some(&Status::Pass))
            .map(|(test, _)| (test.clone(), other.why(test)))
            .collect()
    }

    fn why(&self, test: &str) -> String {
        match self.tests.get(test) {
            None => self
                .said
                .get("")
                .map(|text| sh::tail(text, 20))
                .unwrap_or_else(|| "    not run".to_owned()),
            Some(Status::Skip) => "    skipped".to_owned(),
            Some(_) => self
                .said
                .get(test)
                .map(|text| sh::tail(text, 30))
                .unwrap_or_default(),
        }
    }

    pub fn to_json(&self) -> Value {
        let tests = |status| -> Vec<&String> {
            let of = self.tests.iter().filter(|(_, is)| **is == status);
            of.map(|(test, _)| test).collect()
        };
        json!({
            "pass": tests(Status::Pass),
            "fail": tests(Status::Fail),
            "skip": tests(Status::Skip),
            "broken": self.broken,
            "seconds": self.time.as_secs_f64(),
            "generated": self.generated,
        })
    }

    pub fn from_json(value: &Value) -> Result<Outcome> {
        let Some(object) = value.as_object() else {
            bail!("an outcome is an object");
        };
        let mut outcome = Outcome {
            broken: value["broken"].as_bool().unwrap_or_default(),
            time: Duration::from_secs_f64(value["seconds"].as_f64().unwrap_or_default()),
            ..Outcome::default()
        };
        for (name, status) in [
            ("pass", Status::Pass),
            ("fail", Status::Fail),
            ("skip", Status::Skip),
        ] {
            outcome
                .tests
                .extend(names(object, name).map(|test| (test, status)));
        }
        Ok(outcome)
    }
}

fn names<'a>(object: &'a Map<String, Value>, list: &str) -> impl Iterator<Item = String> + use<'a> {
    let list = object.get(list).and_then(Value::as_array);
    let names = list.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = r#"
{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/sub"}
{"Action":"output","Package":"p","Test":"TestA/sub","Output":"too bad\n"}
{"Action":"fail","Package":"p","Test":"TestA/sub"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestB","Output":"fine\n"}
{"Action":"pass","Package":"p","Test":"TestB"}
{"Action":"run","Package":"p","Test":"TestC"}
{"Action":"skip","Package":"p","Test":"TestC"}
{"Action":"run","Package":"p","Test":"TestCrashed"}
{"Action":"fail","Package":"p"}
"#;

    #[test]
    fn subtests_count_and_packages_do_not() {
        let outcome = Outcome::read(EVENTS);
        let counts = Counts {
            pass: 1,
            fail: 3,
            skip: 1,
        };
        assert_eq!(outcome.counts(), counts);
        assert!(outcome.broken);
        assert_eq!(outcome.said.keys().collect::<Vec<_>>(), ["TestA/sub"]);
    }

    #[test]
    fn a_lost_test_is_named() {
        let events = EVENTS.replace("fail", "pass");
        let lost = Outcome::read(&events).lost_in(&Outcome::read(EVENTS));
        let names: Vec<&str> = lost.iter().map(|(test, _)| test.as_str()).collect();
        assert_eq!(names, ["TestA", "TestA/sub"]);
        assert!(lost[1].1.contains("too bad"));
    }

    #[test]
    fn an_outcome_can_be_kept() {
        let outcome = Outcome::read(EVENTS);
        let kept = Outcome::from_json(&outcome.to_json()).unwrap();
        assert_eq!(kept.tests, outcome.tests);
        assert!(kept.broken);
    }
}
