//! The trace as a file: Chrome's trace events, an array of JSON objects, one a line.
//!
//! A line begins with the comma that separates it from the one before, and is written whole. So a file whose end is missing, because the process
//! was killed, is good but for the closing bracket, which viewers don't insist on.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::mem;
use std::os::fd::AsRawFd;

use heap::trace::Collection;
use sched::fatal;
use sched::timer::nanotime;
use stack::sync::MutexGuard;

use super::Trace;
use super::crossing::{Crossing, End, hold};
use super::functions::{Direction, Function, FunctionId, Functions};
use super::stats::{self, Stats};

/// Nothing but the table.
const SUMMARY: &str = "summary";
/// Before a file's name, where that would mean something else.
const FILE: &str = "file:";
/// How many names are tried, where somebody has the file already.
const NAMES: u32 = 100;

pub struct File {
    /// None where only the table is wanted, or the file can't be written any more.
    out: Option<std::fs::File>,
    /// As it is shown.
    name: String,
    pid: u32,
    /// When time began, by the clock of [`nanotime`].
    origin: i64,
    /// What is to be written.
    text: String,
    events: u64,
    threads: u64,
    /// Those that were asked for, by number.
    functions: Vec<Option<Function>>,
    /// An empty buffer, to be exchanged with a recorder's.
    spare: Vec<Crossing>,
}

impl File {
    /// By the variable's value: `summary`, or a file's name, perhaps after `file:`, in which `%p` is the process's number.
    pub fn open(wish: &str) -> Result<File, String> {
        let pid = std::process::id();
        let path = wish.strip_prefix(FILE).unwrap_or(wish);
        let path = path.replace("%p", &pid.to_string());
        let (out, name) = match wish {
            SUMMARY => (None, String::new()),
            _ => create(&path, pid).map(|(out, name)| (Some(out), name))?,
        };
        let mut file = File {
            out,
            name,
            pid,
            origin: nanotime(),
            text: String::from("["),
            events: 0,
            threads: 0,
            functions: Vec::new(),
            spare: Vec::new(),
        };
        let program = std::env::args_os().next().unwrap_or_default();
        let program = std::path::Path::new(&program).file_name();
        let program = program.unwrap_or_default().to_string_lossy().into_owned();
        file.metadata("process_name", pid as i32, &program);
        file.write_out();
        Ok(file)
    }

    /// The name of a process or of a thread.
    fn metadata(&mut self, what: &str, tid: i32, name: &str) {
        let comma = if self.text == "[" { "\n" } else { ",\n" };
        let pid = self.pid;
        let _ = write!(
            self.text,
            "{comma}{{\"name\":\"{what}\",\"ph\":\"M\",\"pid\":{pid},\"tid\":{tid},\"args\":{{\"name\":{}}}}}",
            Quoted(name)
        );
    }

    /// The function, its name looked for once.
    fn function(&mut self, all: &Functions, id: FunctionId) -> Function {
        let index = id.0 as usize;
        if self.functions.len() <= index {
            self.functions.resize(index + 1, None);
        }
        self.functions[index]
            .get_or_insert_with(|| all.get(id))
            .clone()
    }

    fn event(&mut self, crossing: &Crossing, function: &Function) {
        self.events += 1;
        if crossing.end == End::Waited {
            return self.wait(crossing, function);
        }
        let category = match function.direction {
            Direction::Call => "C",
            Direction::Callback => "Go",
        };
        let _ = write!(
            self.text,
            ",\n{{\"name\":{},\"cat\":\"{category}\",\"ph\":\"X\",\"ts\":{},\"dur\":{},\"pid\":{},\"tid\":{},\"args\":{{\"goroutine\":{}",
            Quoted(&function.name),
            Microseconds(crossing.begin - self.origin),
            Microseconds(crossing.nanoseconds),
            self.pid,
            crossing.tid,
            crossing.goroutine,
        );
        if let Some(p) = crossing.p {
            let _ = write!(self.text, ",\"p\":{p}");
        }
        if function.direction == Direction::Call {
            let _ = write!(
                self.text,
                ",\"p_taken\":{},\"callbacks\":{}",
                crossing.p_taken, crossing.callbacks
            );
        }
        let _ = write!(self.text, ",\"callback_depth\":{}", crossing.depth);
        self.text.push_str(match crossing.end {
            End::Returned | End::Waited => "}}",
            End::Unwound => ",\"end\":\"unwound\"}}",
            End::Never => ",\"end\":\"never\"}}",
        });
    }

    /// On a track of their own, and the size of the heap as a curve.
    fn collection(&mut self, collection: &Collection) {
        let pid = self.pid;
        let stops = [
            (collection.begun, collection.marking),
            (collection.marked, collection.ended),
        ];
        let whole = ("collection", collection.begun, collection.ended);
        let stops = stops.map(|(from, to)| ("world stopped", from, to));
        for (name, from, to) in [whole].into_iter().chain(stops) {
            for (phase, at) in [("b", from), ("e", to)] {
                let _ = write!(
                    self.text,
                    ",\n{{\"name\":\"{name}\",\"cat\":\"GC\",\"ph\":\"{phase}\",\"id\":{},\"ts\":{},\"pid\":{pid},\"tid\":{pid},\"args\":{{\"forced\":{}}}}}",
                    collection.cycle,
                    Microseconds(at - self.origin),
                    collection.forced,
                );
            }
        }
        let sizes = [
            (collection.begun, collection.before),
            (collection.marked, collection.at_end),
            (collection.ended, collection.after),
        ];
        for (at, bytes) in sizes {
            let _ = write!(
                self.text,
                ",\n{{\"name\":\"heap\",\"ph\":\"C\",\"ts\":{},\"pid\":{pid},\"args\":{{\"bytes\":{bytes}}}}}",
                Microseconds(at - self.origin),
            );
        }
        self.events += 1;
    }

    /// Such events lie on a track of the goroutine's: its threads have others to run meanwhile.
    fn wait(&mut self, wait: &Crossing, after: &Function) {
        let begin = wait.begin - self.origin;
        for (phase, at) in [("b", begin), ("e", begin + wait.nanoseconds)] {
            let _ = write!(
                self.text,
                ",\n{{\"name\":\"waits for a P\",\"cat\":\"P\",\"ph\":\"{phase}\",\"id\":{goroutine},\"ts\":{},\"pid\":{},\"tid\":{},\"args\":{{\"goroutine\":{goroutine},\"after\":{}}}}}",
                Microseconds(at),
                self.pid,
                wait.tid,
                Quoted(&after.name),
                goroutine = wait.goroutine,
            );
        }
    }

    /// One system call, so that others, and who looks after a crash, see whole lines.
    fn write_out(&mut self) {
        if let Some(out) = &mut self.out
            && let Err(why) = out.write_all(self.text.as_bytes())
        {
            fatal::write(&format!("gort: GORT_TRACE: {}: {why}\n", self.name));
            self.out = None;
        }
        self.text.clear();
    }
}

/// Opens a file that no other process, nor another runtime in this one, is writing a trace to: its number follows the name otherwise.
fn create(path: &str, pid: u32) -> Result<(std::fs::File, String), String> {
    for attempt in 0..NAMES {
        let name = match attempt {
            0 => path.to_owned(),
            1 => format!("{path}.{pid}"),
            _ => format!("{path}.{pid}.{attempt}"),
        };
        let mut options = OpenOptions::new();
        let out = options.create(true).append(true).open(&name);
        let out = out.map_err(|why| format!("cannot open {name}: {why}"))?;
        // SAFETY: asks for a lock on a descriptor that is ours.
        if unsafe { libc::flock(out.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
            // What cannot be cut off (a pipe, a terminal) has nothing in it.
            let _ = out.set_len(0);
            return Ok((out, name));
        }
    }
    Err(format!("{path} and all its like are being written to"))
}

impl Trace {
    /// A thread crosses for the first time; `m` is its M's number, if it has one.
    pub(super) fn note_thread(&self, tid: i32, m: Option<u64>) {
        let comm = std::fs::read_to_string(format!("/proc/self/task/{tid}/comm"));
        let comm = comm.unwrap_or_default();
        let name = match m {
            Some(m) => format!("{} (M{m})", comm.trim_end()),
            None => comm.trim_end().to_owned(),
        };
        let mut file = self.lock_file();
        file.threads += 1;
        if file.out.is_some() {
            file.metadata("thread_name", tid, &name);
        }
    }

    /// Fetches what the threads have noted, and writes it.
    pub(super) fn flush(&self) {
        let mut file = self.lock_file();
        let collections = mem::take(&mut *hold(&self.collections));
        if file.out.is_some() {
            collections.iter().for_each(|one| file.collection(one));
        }
        let all = hold(&self.recorders).clone();
        for recorder in all {
            {
                let mut log = hold(&recorder.log);
                mem::swap(&mut log.crossings, &mut file.spare);
            }
            let crossings = mem::take(&mut file.spare);
            if file.out.is_some() && !crossings.is_empty() {
                for crossing in &crossings {
                    let function = file.function(&self.functions, crossing.function);
                    file.event(crossing, &function);
                }
            }
            file.spare = crossings;
            file.spare.clear();
            file.write_out();
        }
    }

    /// Closes the file. What it says at the end, in a few lines and a table.
    pub(super) fn summary(&self, now: i64) -> String {
        let mut file = self.lock_file();
        file.text.push_str("\n]\n");
        file.write_out();
        let (all, dropped) = self.merged();
        let used = all.iter().enumerate().filter(|(_, stats)| stats.calls > 0);
        let rows: Vec<(Function, &Stats)> = used
            .map(|(id, stats)| (file.function(&self.functions, FunctionId(id as u32)), stats))
            .collect();
        let seconds = stats::duration(now - file.origin);
        let mut text = match file.name.as_str() {
            "" => format!("gort trace: {seconds}, {} threads\n", file.threads),
            name => format!(
                "gort trace: {seconds}, {} threads, {} events in {name}, {dropped} too many to be written\n",
                file.threads, file.events
            ),
        };
        text += &stats::table("C called by Go", Direction::Call, &rows);
        text += &stats::table("Go called by C", Direction::Callback, &rows);
        text
    }

    /// The statistics of all threads together, by function, and how many crossings are not in the file.
    fn merged(&self) -> (Vec<Stats>, u64) {
        let mut all: Vec<Stats> = Vec::new();
        let mut dropped = 0;
        let recorders = hold(&self.recorders).clone();
        for recorder in recorders {
            let log = hold(&recorder.log);
            dropped += log.dropped;
            if all.len() < log.stats.len() {
                all.resize_with(log.stats.len(), Stats::default);
            }
            all.iter_mut()
                .zip(&log.stats)
                .for_each(|(sum, one)| sum.merge(one));
        }
        (all, dropped)
    }

    fn lock_file(&self) -> MutexGuard<'_, File> {
        hold(&self.file)
    }
}

/// Nanoseconds, as JSON's number of microseconds.
struct Microseconds(i64);

impl std::fmt::Display for Microseconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let n = self.0.max(0);
        write!(f, "{}.{:03}", n / 1000, n % 1000)
    }
}

/// A text as JSON has it.
struct Quoted<'a>(&'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c < ' ' => write!(f, "\\u{:04x}", c as u32)?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
