//! `go test -json`, as outcomes by test.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// `pass`, `fail` or `skip` by `package/test`; a package itself stands under its own name.
pub type Outcomes = BTreeMap<String, String>;

/// Runs the tests. What the command printed besides comes with the outcomes, for a person to read.
pub fn run(command: &mut Command) -> Result<(Outcomes, String), String> {
    let output = command.output().map_err(|err| format!("go test: {err}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let (outcomes, log) = parse(&stdout);
    if outcomes.is_empty() {
        return Err(format!("go test: no test ran\n{log}{stderr}"));
    }
    Ok((outcomes, format!("{log}{stderr}")))
}

fn parse(stdout: &str) -> (Outcomes, String) {
    let mut outcomes = Outcomes::new();
    let mut log = String::new();
    for line in stdout.lines() {
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            log.push_str(line);
            log.push('\n');
            continue;
        };
        let text = |key: &str| event[key].as_str().unwrap_or_default();
        match text("Action") {
            action @ ("pass" | "fail" | "skip") => {
                let name = match text("Test") {
                    "" => text("Package").to_string(),
                    test => format!("{}/{test}", text("Package")),
                };
                outcomes.insert(name, action.to_string());
            }
            "output" | "build-output" => log.push_str(text("Output")),
            _ => {}
        }
    }
    (outcomes, log)
}

/// One line for each test whose outcome differs.
pub fn differences(official: &Outcomes, candidate: &Outcomes) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> =
        official.keys().chain(candidate.keys()).collect();
    let outcome = |side: &Outcomes, name: &String| {
        side.get(name)
            .cloned()
            .unwrap_or_else(|| "did not run".into())
    };
    names
        .into_iter()
        .filter(|name| official.get(*name) != candidate.get(*name))
        .map(|name| {
            format!(
                "{name}: official {}, crosscall {}",
                outcome(official, name),
                outcome(candidate, name)
            )
        })
        .collect()
}
