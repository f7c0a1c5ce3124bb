//! Traces of crossings (`GORT_TRACE`): of a program in C whose calls are known (`trace/known.c`), and of Rust.

#[path = "trace/build.rs"]
mod build;
mod building;

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use build::{known, linked, source};
use building::{clang_as_go, compile, here, out, tool};
use serde_json::Value;

/// A program that has been traced.
struct Traced {
    output: Output,
    /// The file as it was left.
    text: String,
    events: Vec<Value>,
}

/// Runs `known CASE` with a trace in a file of its own.
fn traced(case: &str) -> Traced {
    trace(Command::new(known()).arg(case), case)
}

fn trace(command: &mut Command, name: &str) -> Traced {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = out(&format!("trace.{name}.{number}.json"));
    let _ = fs::remove_file(&path);
    // Not harassed: what is known of the program would not be so.
    command.env_remove("GORT_DEBUG");
    let output = command.env("GORT_TRACE", &path).output().unwrap();
    let text = fs::read_to_string(&path).unwrap_or_default();
    // Who is killed can't close the bracket.
    let whole = match text.ends_with("]\n") {
        true => text.clone(),
        false => format!("{text}]"),
    };
    let events = serde_json::from_str(&whole).unwrap_or_else(|why| panic!("{why}: {text}"));
    Traced {
        output,
        text,
        events,
    }
}

impl Traced {
    /// The crossings into functions of this name, in the order in which they began.
    fn calls(&self, name: &str) -> Vec<&Value> {
        let found = self.events.iter();
        let mut found: Vec<_> = found
            .filter(|event| event["ph"] == "X" && event["name"] == name)
            .collect();
        found.sort_by(|a, b| begin(a).total_cmp(&begin(b)));
        found
    }

    fn call(&self, name: &str) -> &Value {
        match self.calls(name)[..] {
            [one] => one,
            ref some => panic!("{name}: {} calls", some.len()),
        }
    }

    fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// The table's line of a function, by words.
    fn row(&self, name: &str) -> Vec<String> {
        let text = self.stderr();
        let mut rows = text.lines().map(|line| line.split_whitespace());
        let row = rows.find_map(|mut row| (row.next()? == name).then(|| row.collect::<Vec<_>>()));
        let row = row.unwrap_or_else(|| panic!("no {name} in {text}"));
        row.into_iter().map(str::to_owned).collect()
    }
}

fn nanoseconds(number: &str, unit: &str) -> f64 {
    let unit = match unit {
        "ns" => 1.0,
        "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        unit => panic!("{unit}"),
    };
    number.parse::<f64>().unwrap() * unit
}

fn begin(event: &Value) -> f64 {
    event["ts"].as_f64().unwrap()
}

fn duration(event: &Value) -> f64 {
    event["dur"].as_f64().unwrap()
}

fn holds(outer: &Value, inner: &Value) -> bool {
    // Sums of numbers that have been written with three decimals.
    const ROUNDING: f64 = 0.0005;
    let end = |event| begin(event) + duration(event);
    outer["tid"] == inner["tid"]
        && begin(outer) <= begin(inner)
        && end(inner) <= end(outer) + ROUNDING
}

#[test]
fn every_crossing_is_there() {
    let trace = traced("kinds");
    assert!(trace.output.status.success(), "{}", trace.stderr());
    let counts = [
        ("add", 100, "C"),
        ("mean", 1, "C"),
        ("sum_of_eight", 1, "C"),
        ("quick", 1, "C"),
        ("down", 4, "C"),
        ("on_a_thread", 1, "C"),
        ("by_address", 1, "C"),
        ("go_up", 4, "Go"),
        ("go_up_of_eight", 1, "Go"),
        ("go_touch", 5, "Go"),
    ];
    for (name, count, category) in counts {
        let calls = trace.calls(name);
        assert_eq!(calls.len(), count, "{name}");
        assert!(calls.iter().all(|call| call["cat"] == category), "{name}");
        assert!(
            calls.iter().all(|call| call["args"]["end"].is_null()),
            "{name}"
        );
    }
    for call in trace.calls("add") {
        assert_eq!(call["args"]["goroutine"], 1);
        assert_eq!(call["args"]["p_taken"], false);
        assert_eq!(call["args"]["callback_depth"], 0);
        assert!(duration(call) < 1e6);
    }
    assert!(trace.text.ends_with("}\n]\n"));
}

#[test]
fn calls_and_callbacks_nest() {
    let trace = traced("kinds");
    let (downs, ups) = (trace.calls("down"), trace.calls("go_up"));
    for depth in 0..4 {
        let (down, up) = (downs[depth], ups[depth]);
        assert_eq!(down["args"]["callback_depth"], depth);
        assert_eq!(up["args"]["callback_depth"], depth + 1);
        assert_eq!(down["args"]["callbacks"], 1);
        assert!(holds(down, up), "{down} {up}");
        // Each level sleeps for two milliseconds before it goes deeper.
        assert!(duration(down) >= 2000.0 * (4 - depth) as f64, "{down}");
        assert!(duration(down) >= duration(up) + 2000.0, "{down} {up}");
        if let Some(inner) = downs.get(depth + 1) {
            assert!(holds(up, inner), "{up} {inner}");
        }
    }
}

#[test]
fn what_a_panic_gives_up_is_over() {
    let trace = traced("kinds");
    let (call, callback) = (trace.call("call_and_forget"), trace.call("go_give_up"));
    assert_eq!(call["args"]["end"], "unwound");
    assert_eq!(callback["args"]["end"], "unwound");
    assert!(holds(call, callback));
}

#[test]
fn threads_have_tracks_of_their_own() {
    let trace = traced("kinds");
    let (caller, touches) = (trace.call("on_a_thread"), trace.calls("go_touch"));
    for touch in touches {
        assert_ne!(touch["tid"], caller["tid"]);
        assert_ne!(touch["args"]["goroutine"], caller["args"]["goroutine"]);
        assert_eq!(touch["args"]["callback_depth"], 1);
        let names = trace.events.iter().filter(|event| {
            event["ph"] == "M" && event["name"] == "thread_name" && event["tid"] == touch["tid"]
        });
        assert_eq!(names.count(), 1);
    }
}

#[test]
fn a_p_that_is_taken_is_told() {
    let mut known = Command::new(known());
    let trace = trace(known.arg("taken").env("GOMAXPROCS", "1"), "taken");
    assert!(trace.output.status.success(), "{}", trace.stderr());
    let sleeps = trace.calls("sleep_beside");
    let sleep = *sleeps.last().expect("it sleeps at least once");
    assert!(duration(sleep) >= 50_000.0, "{sleep}");
    assert_eq!(sleep["args"]["p_taken"], true);
    assert_eq!(sleep["args"]["p"], 0);
    let taken = sleeps.iter().filter(|call| call["args"]["p_taken"] == true);
    // calls, total, own, mean, p99, longest (each with a unit), P taken, waited (with one), callbacks
    let row = trace.row("sleep_beside");
    let numbers = [&row[0], &row[11], &row[14]].map(|word| word.parse::<usize>().unwrap());
    assert_eq!(numbers, [sleeps.len(), taken.count(), 0], "{row:?}");
    let waits: Vec<&Value> = trace
        .events
        .iter()
        .filter(|event| event["cat"] == "P" && begin(event) >= begin(sleep))
        .collect();
    let &[from, to] = &waits[..] else {
        panic!("{waits:?}")
    };
    assert_eq!((&from["ph"], &to["ph"]), (&"b".into(), &"e".into()));
    assert_eq!(from["id"], sleep["args"]["goroutine"]);
    assert_eq!(from["args"]["after"], "sleep_beside");
    assert!(begin(from) > begin(sleep) && begin(to) > begin(from));
    let waited = nanoseconds(&row[12], &row[13]) / 1e3;
    assert!(1.01 * waited >= begin(to) - begin(from), "{row:?}");
}

#[test]
fn collections_are_beside_the_calls() {
    let trace = traced("collects");
    let events = trace.events.iter();
    let collections: Vec<&Value> = events.filter(|event| event["cat"] == "GC").collect();
    // Each begins and ends, and so do its two stops of the world.
    assert_eq!(collections.len(), 2 * 3 * 2, "{}", trace.text);
    for one in collections.chunks(6) {
        let at = |index: usize| begin(one[index]);
        assert_eq!(one[0]["name"], "collection");
        assert!(one.iter().all(|event| event["id"] == one[0]["id"]));
        assert!(one.iter().all(|event| event["args"]["forced"] == true));
        // collection, from and to; the first stop; the second.
        assert!(
            at(0) == at(2) && at(2) < at(3) && at(3) <= at(4) && at(4) < at(5) && at(5) == at(1)
        );
    }
    let sizes = trace.events.iter().filter(|event| event["ph"] == "C");
    assert_eq!(sizes.count(), 2 * 3);
}

#[test]
fn the_table_says_what_took_longest() {
    let trace = traced("kinds");
    let text = trace.stderr();
    let rows: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.contains("C called by Go"))
        .skip(1)
        .take_while(|line| !line.contains("Go called by C"))
        .collect();
    assert!(rows[0].trim_start().starts_with("down "), "{text}");
    let totals = rows.iter().map(|row| {
        let words: Vec<&str> = row.split_whitespace().collect();
        nanoseconds(words[2], words[3])
    });
    assert!(totals.is_sorted_by(|a, b| a >= b), "{text}");
    // Each level of `down` sleeps for two milliseconds itself, and includes those below it.
    let down = trace.row("down");
    let (total, own) = (
        nanoseconds(&down[1], &down[2]),
        nanoseconds(&down[3], &down[4]),
    );
    assert!(own >= 8e6 && total >= own + 12e6, "{text}");
    assert_eq!(trace.row("down")[0], "4");
    assert_eq!(trace.row("down").last().unwrap(), "4");
    assert_eq!(trace.row("add")[0], "100");
    assert_eq!(trace.row("go_touch")[0], "5");
}

#[test]
fn what_finds_no_room_is_counted() {
    let trace = traced("many");
    assert!(trace.output.status.success(), "{}", trace.stderr());
    assert_eq!(trace.row("add")[0], "100000");
    let text = trace.stderr();
    let (_, dropped) = text.lines().next().unwrap().rsplit_once(", ").unwrap();
    let dropped: usize = dropped.split(' ').next().unwrap().parse().unwrap();
    // And what_to_do.
    let written = trace.calls("add").len() + trace.calls("what_to_do").len();
    assert_eq!(written + dropped, 100_001, "{text}");
}

#[test]
fn what_has_no_end_is_told_at_the_programs_end() {
    for (case, status) in [("unfinished", 0), ("exits", 7), ("panics", 2)] {
        let trace = traced(case);
        assert_eq!(trace.output.status.code(), Some(status), "{case}");
        assert_eq!(trace.call("sleep_ms")["args"]["end"], "never", "{case}");
        assert!(duration(trace.call("sleep_ms")) >= 10_000.0, "{case}");
        assert!(trace.calls("exit").is_empty(), "{case}");
        assert_eq!(trace.row("sleep_ms")[0], "1", "{case}");
    }
}

#[test]
fn a_killed_process_leaves_what_it_has_done() {
    let trace = traced("killed");
    assert_eq!(trace.output.status.signal(), Some(libc::SIGKILL));
    assert!(!trace.text.ends_with("]\n"));
    assert_eq!(trace.calls("add").len(), 1);
}

/// A process neither writes into a file that another one writes a trace to, nor cuts it off.
#[test]
fn two_processes_have_two_files() {
    let known_to = |case: &str, path: &Path| {
        let mut command = Command::new(known());
        command.arg(case).env("GORT_TRACE", path);
        command.stderr(Stdio::piped()).spawn().unwrap()
    };
    // This process is the other one.
    let path = out("trace.shared.json");
    fs::write(&path, "mine").unwrap();
    let file = fs::File::open(&path).unwrap();
    // SAFETY: asks for a lock on a descriptor that is open.
    assert_eq!(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) }, 0);
    let second = known_to("kinds", &path);
    let beside = out(&format!("trace.shared.json.{}", second.id()));
    let said = second.wait_with_output().unwrap().stderr;
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    assert!(fs::read_to_string(&beside).unwrap().contains("mean"));
    assert!(String::from_utf8_lossy(&said).contains(beside.to_str().unwrap()));
    fs::remove_file(beside).unwrap();

    let third = known_to("kinds", &out("trace.%p.json"));
    let named = out(&format!("trace.{}.json", third.id()));
    third.wait_with_output().unwrap();
    assert!(fs::read_to_string(&named).unwrap().contains("mean"));
    fs::remove_file(named).unwrap();
}

#[test]
fn the_table_alone() {
    let output = Command::new(known())
        .arg("kinds")
        .env("GORT_TRACE", "summary")
        .output();
    let text = String::from_utf8(output.unwrap().stderr).unwrap();
    assert!(text.contains("  add "), "{text}");
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    let mut command = Command::new(known());
    let output = command.arg("kinds").env("GORT_TRACE", "/nowhere/trace");
    let output = output.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success());
    assert!(
        text.starts_with("gort: GORT_TRACE: cannot open /nowhere/trace: No such file"),
        "{text}"
    );
}

/// The system refuses to let code be written, in one way or in both.
#[test]
fn hardened_systems() {
    let hardened = out("trace.hardened");
    let mut gcc = Command::new("gcc");
    let source = here().join("tests/trace/hardened.c");
    tool(gcc.arg(source).arg("-o").arg(&hardened));
    let run = |what: &str| {
        let mut command = Command::new(&hardened);
        trace(command.arg(what).arg(known()).arg("kinds"), what)
    };
    let writing = run("write");
    assert!(writing.output.status.success(), "{}", writing.stderr());
    assert_eq!(writing.calls("add").len(), 100);
    let path = out("trace.both.json");
    let _ = fs::remove_file(&path);
    let mut command = Command::new(&hardened);
    command.arg("both").arg(known()).arg("kinds");
    let both = command.env("GORT_TRACE", &path).output().unwrap();
    assert!(both.status.success());
    let text = String::from_utf8_lossy(&both.stderr);
    assert!(
        text.starts_with("gort: GORT_TRACE: code cannot be changed here: Permission denied"),
        "{text}"
    );
    assert!(text.trim_end().ends_with("nothing is traced") && !path.exists());
}

/// Untraced, code is as it was linked; traced, a stub differs in where it calls to, and an entry in its first two bytes.
#[test]
fn nothing_differs_when_it_is_off() {
    let show = |command: &mut Command| -> Vec<Vec<String>> {
        let output = command.arg("code").output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let bytes = |line: &str| line.split(' ').map(str::to_owned).collect();
        text.lines().map(bytes).collect()
    };
    let mut with = Command::new(known());
    with.env("GORT_TRACE", "summary");
    let (off, on) = (show(&mut Command::new(known())), show(&mut with));
    let linked = [linked("go_add"), linked("gort_ccall")];
    let differ = |index: usize| -> Vec<usize> {
        let pairs = off[index].iter().zip(&on[index]).enumerate();
        pairs
            .filter(|(_, (a, b))| a != b)
            .map(|(at, _)| at)
            .collect()
    };
    for index in 0..2 {
        let shown = off[index].len().min(linked[index].len());
        assert!(shown >= 16);
        assert_eq!(off[index][..shown], linked[index][..shown]);
    }
    let call = off[0].iter().position(|byte| byte == "e8").unwrap();
    let changed = differ(0);
    assert!(!changed.is_empty() && changed.iter().all(|at| (call + 1..call + 5).contains(at)));
    assert_eq!(differ(1), [0, 1]);
}

/// The stubs' instructions and relocations are those of a header that knows no table.
#[test]
fn the_table_changes_no_instruction() {
    let header = fs::read_to_string(here().join("include/gort.h")).unwrap();
    let begin = header.find("#define GORT_STUB_ENTRY").unwrap();
    let end = begin + header[begin..].find("\n\n").unwrap();
    let without = out("trace.without");
    fs::create_dir_all(&without).unwrap();
    let bare = format!(
        "{}#define GORT_STUB_ENTRY(stub, place, name, kind)\n{}",
        &header[..begin],
        &header[end..]
    );
    fs::write(without.join("gort.h"), bare).unwrap();
    let listing = |include: &Path, name: &str| {
        let object = out(name);
        let include = format!("-I{}", include.display());
        compile(clang_as_go(), &source(), &["-O2", "-g", &include], &object);
        let mut objdump = Command::new("objdump");
        objdump.args(["-dr", "-j", ".text.gort_stubs"]).arg(&object);
        let text = tool(&mut objdump);
        let (_, listing) = text.split_once("Disassembly").unwrap();
        listing.to_owned()
    };
    let (with, bare) = (
        listing(&here().join("include"), "trace.with.o"),
        listing(&without, "trace.bare.o"),
    );
    assert!(with.contains("<go_add>:"));
    assert_eq!(with, bare);
}

gort::export! {
    fn twice_in_rust(x: i32) -> i32 {
        x + x
    }
}

extern "C" fn c_in_rust(x: i64) -> i64 {
    // As C it is called, so it may call.
    i64::from(twice_in_rust(x as i32))
}

/// Run by [`rust_is_traced`], in a process of its own.
#[test]
#[ignore = "another test runs it"]
fn rust_program() {
    use abi::call::Signature;
    use abi::model::{Basic, Model};

    let long = Model::LINUX_AMD64.basic(Basic::Long).unwrap();
    let signature = Signature {
        params: vec![long.clone()],
        results: vec![long],
        ..Signature::default()
    };
    let prepared = bridge::dynamic::Prepared::new(&signature).unwrap();
    gort::enter(|| {
        assert_eq!(gort::ccall(|| c_in_rust(21)), 42);
        assert_eq!(gort::ccall_nonblocking(|| 7), 7);
        let (argument, mut result) = (4_i64, 0_i64);
        let (from, to) = ((&raw const argument).cast(), (&raw mut result).cast());
        // SAFETY: a function of one long that results in one.
        unsafe { prepared.call(c_in_rust as *const (), &[from], to) };
        assert_eq!(result, 8);
    });
}

#[test]
fn rust_is_traced() {
    let mut this = Command::new(std::env::current_exe().unwrap());
    this.args(["--exact", "rust_program", "--ignored", "--test-threads=1"]);
    let trace = trace(&mut this, "rust");
    assert!(trace.output.status.success(), "{}", trace.stderr());
    let program = trace.call("trace::rust_program::{{closure}}");
    assert_eq!(program["cat"], "Go");
    let inner = [
        "trace::rust_program::{{closure}}::{{closure}}",
        "twice_in_rust",
        "trace::c_in_rust",
    ];
    for name in inner {
        let calls = trace.calls(name);
        assert!(calls.iter().all(|call| holds(program, call)), "{name}");
        let expected = if name == "trace::c_in_rust" { 1 } else { 2 };
        assert_eq!(calls.len(), expected, "{name}: {}", trace.text);
    }
}
