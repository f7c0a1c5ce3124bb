//! Programs in C against the C ABI: what stands in for compiled Go, and C beside it. See `c/case.h`.
//!
//! All files of `c/` make one program for each level of optimisation, and a library that a program loads; each of their cases is a test, in a
//! process of its own. A second word in a test's name says in which of them; in the library those that start in C. `traced` is the program O2 with
//! every crossing traced: all goes on as it does without.

mod building;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use building::{archive, clang_as_go, tool};
use libtest_mimic::{Arguments, Failed, Trial};

/// Longer than any case takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a case is to do.
struct Case {
    name: String,
    in_c: bool,
    end: End,
    stdout: Vec<String>,
    stderr: Vec<String>,
    /// Parts of standard error in this order.
    dump: Vec<String>,
    env: Vec<(String, String)>,
    release: bool,
}

/// How a case's process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Exit(i32),
    Signal(i32),
}

/// One way to build all cases.
struct Build {
    name: &'static str,
    flags: &'static [&'static str],
    library: bool,
}

/// Runs what a build has made.
struct Way {
    name: &'static str,
    build: &'static Build,
    env: &'static [(&'static str, &'static str)],
}

const WAYS: [Way; 4] = [
    Way::plain(&BUILDS[0]),
    Way::plain(&BUILDS[1]),
    Way::plain(&BUILDS[2]),
    Way {
        name: "traced",
        build: &BUILDS[1],
        env: &[("GORT_TRACE", "summary")],
    },
];

static BUILDS: [Build; 3] = [
    Build {
        name: "O0",
        flags: &["-O0"],
        library: false,
    },
    Build {
        name: "O2",
        flags: &["-O2"],
        library: false,
    },
    Build {
        name: "library",
        flags: &["-O1", "-fPIC"],
        library: true,
    },
];

fn main() {
    let arguments = Arguments::from_args();
    let sources = sources();
    let cases: Vec<Case> = sources.iter().flat_map(|path| cases(path)).collect();
    if !arguments.list {
        write_table(&cases);
        thread::scope(|scope| {
            for build in &BUILDS {
                let sources = &sources;
                scope.spawn(move || build.make(sources));
            }
        });
    }
    let mut trials = Vec::new();
    for way in &WAYS {
        let cases = cases.iter();
        let cases = cases.filter(|case| case.in_c || !way.build.library);
        trials.extend(cases.map(|case| trial(case, way)));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(case: &Case, way: &'static Way) -> Trial {
    let mut command = Command::new(way.build.program());
    command.arg(&case.name).env_remove("GOMAXPROCS");
    command.envs(way.env.iter().copied());
    command.envs(case.env.iter().map(|(name, value)| (name, value)));
    let end = case.end;
    let (stdout, stderr) = (case.stdout.clone(), case.stderr.clone());
    let dump = case.dump.clone();
    let log = format!("{}.{}", case.name, way.name);
    Trial::test(format!("{} {}", case.name, way.name), move || {
        run(command, &log, end, &stdout, &stderr, &dump)
    })
    .with_ignored_flag(case.release && cfg!(debug_assertions))
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn out(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn sources() -> Vec<PathBuf> {
    let entries = fs::read_dir(here().join("tests/c")).expect("tests/c is there");
    let mut sources: Vec<PathBuf> = entries
        .map(|entry| entry.expect("tests/c can be read").path())
        .filter(|path| path.extension().is_some_and(|e| e == "c"))
        .collect();
    sources.sort();
    sources
}

/// The cases of one file, each with what stands before it.
fn cases(path: &Path) -> Vec<Case> {
    let text = fs::read_to_string(path).expect("a test's source can be read");
    let mut cases = Vec::new();
    let mut notes: Vec<&str> = Vec::new();
    for line in text.lines() {
        if let Some(note) = line.strip_prefix("// ") {
            notes.push(note);
            continue;
        }
        let in_c = line.starts_with("C_CASE(");
        let named = line
            .strip_prefix("C_CASE(")
            .or_else(|| line.strip_prefix("CASE("));
        if let Some((name, _)) = named.and_then(|rest| rest.split_once(')')) {
            cases.push(case(name, in_c, &notes));
        }
        notes.clear();
    }
    cases
}

fn case(name: &str, in_c: bool, notes: &[&str]) -> Case {
    let mut case = Case {
        name: name.to_owned(),
        in_c,
        end: End::Exit(0),
        stdout: Vec::new(),
        stderr: Vec::new(),
        dump: Vec::new(),
        env: Vec::new(),
        release: false,
    };
    for note in notes {
        match note.split_once(' ').unwrap_or((note, "")) {
            ("exit", status) => case.end = End::Exit(status.parse().expect("a status")),
            ("signal", number) => case.end = End::Signal(number.parse().expect("a signal")),
            ("then", text) => case.dump.push(text.to_owned()),
            ("stdout", text) => case.stdout.push(text.to_owned()),
            ("stderr", text) => case.stderr.push(text.to_owned()),
            ("env", pair) => {
                let (name, value) = pair.split_once('=').expect("NAME=VALUE");
                case.env.push((name.to_owned(), value.to_owned()));
            }
            ("release", _) => case.release = true,
            _ => panic!("{name}: what is {note:?}?"),
        }
    }
    case
}

/// The names of all cases, for `support.c`.
fn write_table(cases: &[Case]) {
    let mut text = String::from("#include <stdbool.h>\n");
    for Case { name, .. } in cases {
        let _ = writeln!(text, "void case_{name}(void *);");
    }
    text.push_str(
        "const struct entry { const char *name; void (*run)(void *); bool in_c; } table[] = {\n",
    );
    for Case { name, in_c, .. } in cases {
        let _ = writeln!(text, "\t{{\"{name}\", case_{name}, {in_c}}},");
    }
    text.push_str("\t{0},\n};\n");
    fs::write(out("table.c"), text).expect("the table can be written");
}

impl Way {
    const fn plain(build: &'static Build) -> Way {
        Way {
            name: build.name,
            build,
            env: &[],
        }
    }
}

impl Build {
    fn program(&self) -> PathBuf {
        out(&format!("c_programs_{}", self.name))
    }

    /// Compiles every file for Go and for C, and links them with the runtime.
    fn make(&self, sources: &[PathBuf]) {
        let mut objects = Vec::new();
        for source in sources {
            objects.push(self.compile_go(source));
            objects.push(self.compile_c(source));
        }
        objects.push(self.compile_c(&out("table.c")));
        if !self.library {
            return self.link(&objects, &[], &self.program());
        }
        let library = self.program().with_extension("so");
        // Nobody else is to find the runtime's symbols, and the runtime's threads never end.
        let alone = ["-shared", "-Wl,--exclude-libs,ALL", "-Wl,-z,nodelete"];
        self.link(&objects, &alone, &library);
        self.make_host(&library);
    }

    fn compile_go(&self, source: &Path) -> PathBuf {
        self.compile(clang_as_go(), source, "go")
    }

    fn compile_c(&self, source: &Path) -> PathBuf {
        self.compile(Command::new("gcc"), source, "c")
    }

    fn compile(&self, mut compiler: Command, source: &Path, side: &str) -> PathBuf {
        let stem = source.file_stem().expect("a file").to_string_lossy();
        let object = out(&format!("{stem}.{side}.{}.o", self.name));
        compiler.args(["-g", "-Wall", "-Werror"]).args(self.flags);
        compiler.arg("-I").arg(here().join("include"));
        compiler.arg("-c").arg(source).arg("-o").arg(&object);
        tool(&mut compiler);
        object
    }

    fn link(&self, objects: &[PathBuf], flags: &[&str], to: &Path) {
        let mut gcc = Command::new("gcc");
        gcc.args(objects).arg(archive()).arg("-o").arg(to);
        gcc.args(flags);
        gcc.args(["-Wl,-z,now", "-pthread", "-lm", "-ldl"]);
        tool(&mut gcc);
    }

    /// A program that loads the library, and knows nothing of it but what runs a case.
    fn make_host(&self, library: &Path) {
        let source = out("host.c");
        let text = format!(
            r#"#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {{
	void *library = dlopen("{}", RTLD_NOW);
	int (*run_case)(int, char **) = library ? (int (*)(int, char **))dlsym(library, "run_case") : NULL;
	if (run_case == NULL)
		return puts(dlerror()), 5;
	return run_case(argc, argv);
}}
"#,
            library.display()
        );
        fs::write(&source, text).expect("the host can be written");
        let mut gcc = Command::new("gcc");
        gcc.arg(source).arg("-o").arg(self.program()).arg("-ldl");
        tool(&mut gcc);
    }
}

/// Runs a case; its output, if it didn't do what it is to do.
fn run(
    mut command: Command,
    log: &str,
    end: End,
    stdout: &[String],
    stderr: &[String],
    dump: &[String],
) -> Result<(), Failed> {
    let log = |stream: &str| out(&format!("c_programs.{log}.{stream}"));
    // To files: whoever reads pipes must not wait for what a case leaves behind.
    let (out_log, error_log) = (log("out"), log("err"));
    command.stdin(Stdio::null());
    command.stdout(File::create(&out_log)?);
    command.stderr(File::create(&error_log)?);
    let (status, took) = wait(command)?;
    let read =
        |path: &Path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let (said, errors) = (read(&out_log)?, read(&error_log)?);
    let mut missing: Vec<&String> = stdout.iter().filter(|t| !said.contains(*t)).collect();
    missing.extend(stderr.iter().filter(|t| !errors.contains(*t)));
    let mut rest = errors.as_str();
    for text in dump {
        match rest.split_once(text) {
            Some((_, behind)) => rest = behind,
            None => missing.push(text),
        }
    }
    if status.is_some_and(|status| ended(status) == Some(end)) && missing.is_empty() {
        return Ok(());
    }
    let how = status.map_or("did not end".to_owned(), |status| status.to_string());
    Err(format!(
        "{how} after {took:?}, should be {end:?}; missing: {missing:?}\n--- stdout\n{}--- stderr\n{}",
        shortened(&said),
        shortened(&errors)
    )
    .into())
}

fn ended(status: ExitStatus) -> Option<End> {
    let exit = status.code().map(End::Exit);
    exit.or_else(|| status.signal().map(End::Signal))
}

/// The first and the last of much.
fn shortened(text: &str) -> String {
    const LINES: usize = 60;
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= 2 * LINES {
        return text.to_owned();
    }
    let (first, last) = (&lines[..LINES], &lines[lines.len() - LINES..]);
    format!("{}\n…\n{}\n", first.join("\n"), last.join("\n"))
}

/// How the process ended; none if it had to be killed.
fn wait(mut command: Command) -> std::io::Result<(Option<ExitStatus>, Duration)> {
    let begin = Instant::now();
    let mut child = command.spawn()?;
    let mut pause = Duration::from_micros(500);
    while begin.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait()? {
            return Ok((Some(status), begin.elapsed()));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    Ok((None, begin.elapsed()))
}
