//! What developers see of a run: durations and intermediate stages, asked for through `CROSSCALL_LOG` (a comma-separated
//! list of `time`, `c`, `names`), and the line for proofs in `CROSSCALL_TRACE_FILE`.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, Instant};
use std::{env, process};

pub struct Passes {
    begin: Instant,
    last: Instant,
    done: Vec<(&'static str, Duration)>,
    log: String,
}

impl Passes {
    pub fn begin() -> Passes {
        let now = Instant::now();
        Passes {
            begin: now,
            last: now,
            done: Vec::new(),
            log: env::var("CROSSCALL_LOG").unwrap_or_default(),
        }
    }

    /// `what` is among the stages asked for.
    pub fn shows(&self, what: &str) -> bool {
        self.log.split(',').any(|asked| asked.trim() == what)
    }

    /// The pass `name` has ended now.
    pub fn end(&mut self, name: &'static str) {
        let now = Instant::now();
        self.done.push((name, now - self.last));
        self.last = now;
    }

    /// Prints durations and leaves the trace line: what was done (`cgo`, `dynimport`), for which package, by which process, in
    /// how many milliseconds.
    /// One run, one write: concurrent runs don't mix their lines.
    pub fn finish(self, what: &str, package: &str) {
        let total = self.last - self.begin;
        if self.shows("time") {
            let mut text = format!("{what} {package}: {:.1} ms", millis(total));
            for (name, time) in &self.done {
                text.push_str(&format!(", {name} {:.1}", millis(*time)));
            }
            eprintln!("{text}");
        }
        if let Some(path) = env::var_os("CROSSCALL_TRACE_FILE")
            && let Ok(mut file) = OpenOptions::new().append(true).create(true).open(path)
        {
            let package = if package.is_empty() { "-" } else { package };
            let line = format!("{what} {package} {} {}\n", process::id(), total.as_millis());
            let _ = file.write_all(line.as_bytes());
        }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
