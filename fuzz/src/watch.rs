//! The parent's side: starts workers, sees them die, hang or grow, and keeps the inputs that made them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::corpus;
use crate::mutate::mutate;
use crate::random::Random;
use crate::targets::Target;

/// An input may take this long. The slowest honest ones take a tenth of it on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Resident memory that a worker may have, in bytes.
const APPETITE: u64 = 3 << 30;
/// Give up after so many finds: they are most likely one.
const ENOUGH: usize = 10;

/// An input that the target did not get through.
#[derive(Debug)]
pub struct Find {
    pub why: String,
    pub input: PathBuf,
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Report {
    pub inputs: u64,
    pub finds: Vec<Find>,
}

/// Fuzzes `target` with workers of `program` (this package's binary), from `seed`, leaving finds in `dir`.
pub fn watch(
    program: &Path,
    target: &Target,
    seed: u64,
    time: Duration,
    dir: &Path,
) -> io::Result<Report> {
    fs::create_dir_all(dir)?;
    let current = dir.join(format!("{}.current", target.name));
    let start = Instant::now();
    let mut report = Report::default();
    let mut seed = seed;
    while start.elapsed() < time && report.finds.len() < ENOUGH {
        let left = time.saturating_sub(start.elapsed()).as_millis().to_string();
        let log = dir.join(format!("{}.log", target.name));
        let mut child = Command::new(program)
            .args([
                "worker",
                target.name,
                "--seed",
                &seed.to_string(),
                "--milliseconds",
                &left,
                "--current",
            ])
            .arg(&current)
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log)?)
            .spawn()?;
        let end = guard(&mut child, &current)?;
        let output = child.wait_with_output()?;
        let inputs = String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .unwrap_or(1);
        report.inputs += inputs;
        if let Some(why) = end.or_else(|| {
            (!output.status.success()).then(|| last_words(&log, &output.status.to_string()))
        }) {
            let input = dir.join(format!("{}-{seed}-{}.go", target.name, report.finds.len()));
            fs::copy(&current, &input)?;
            report.finds.push(Find { why, input });
        }
        seed += 1;
    }
    Ok(report)
}

/// Waits for the worker. If it hangs or grows too large, ends it and says so.
fn guard(child: &mut Child, current: &Path) -> io::Result<Option<String>> {
    let modified = || fs::metadata(current).and_then(|data| data.modified()).ok();
    let (mut seen, mut since) = (modified(), Instant::now());
    loop {
        if child.try_wait()?.is_some() {
            return Ok(None);
        }
        if modified() != seen {
            (seen, since) = (modified(), Instant::now());
        }
        let why = if since.elapsed() > PATIENCE {
            format!("hangs: more than {} s", PATIENCE.as_secs())
        } else if resident(child.id()) > APPETITE {
            format!("takes more than {} MiB", APPETITE >> 20)
        } else {
            sleep(Duration::from_millis(50));
            continue;
        };
        child.kill()?;
        return Ok(Some(why));
    }
}

/// Resident memory of a process in bytes; 0 where the system does not tell.
fn resident(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages: u64 = text
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0);
    pages * 4096
}

fn last_words(log: &Path, status: &str) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let said = text.lines().take(3).collect::<Vec<_>>().join(" ");
    format!("{status}: {said}")
}

/// The worker: mutates and runs until its time is over, then prints how many inputs it had.
pub fn work(target: &Target, seed: u64, time: Duration, current: &Path) -> io::Result<u64> {
    let seeds = corpus::load(target.cgo_only);
    if seeds.is_empty() {
        return Err(io::Error::other("the corpus is empty"));
    }
    let mut random = Random::new(seed);
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < time {
        let text = mutate(
            &mut random,
            &random_seed(&seeds, seed, count).text,
            &random_seed(&seeds, seed ^ 1, count).text,
        );
        fs::write(current, &text)?;
        (target.run)(&text);
        count += 1;
    }
    Ok(count)
}

fn random_seed(seeds: &[corpus::Seed], seed: u64, count: u64) -> &corpus::Seed {
    Random::new(seed.wrapping_mul(1_000_003).wrapping_add(count)).pick(seeds)
}
