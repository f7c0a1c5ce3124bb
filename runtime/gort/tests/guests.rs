//! The runtime as a guest: libraries of compiled Go in programs of C's. See `guests/host.h`.
//!
//! Each `guests/*.c` that has cases is a program; what it is linked with stands in [`PROGRAMS`], and what that is made of in [`LIBRARIES`].

mod building;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use building::{archive, clang_as_go, tool};
use libtest_mimic::{Arguments, Failed, Trial};

/// Longer than any case takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A library of compiled Go with a runtime of its own.
struct Library {
    name: &'static str,
    source: &'static str,
    defines: &'static [&'static str],
    /// What keeps the runtime's symbols hidden.
    hidden: &'static str,
}

const EXCLUDE: &str = "-Wl,--exclude-libs,ALL";
/// A version script, and the library's own symbols bound within it.
const VERSION: &str = "-Wl,-Bsymbolic,--version-script,";

const LIBRARIES: [Library; 3] = [
    Library {
        name: "early",
        source: "early",
        defines: &["-DIN_LIBRARY"],
        hidden: EXCLUDE,
    },
    Library {
        name: "a",
        source: "copy",
        defines: &["-DCOPY=a"],
        hidden: EXCLUDE,
    },
    Library {
        name: "b",
        source: "copy",
        defines: &["-DCOPY=b"],
        hidden: VERSION,
    },
];

/// A program.
struct Program {
    name: &'static str,
    source: &'static str,
    libraries: &'static [&'static str],
    /// The library whose objects are linked into the program, with the runtime.
    inside: Option<&'static str>,
    flags: &'static [&'static str],
}

const NONE: Program = Program {
    name: "",
    source: "",
    libraries: &[],
    inside: None,
    flags: &[],
};

const PROGRAMS: [Program; 13] = [
    Program {
        name: "objects",
        source: "objects",
        libraries: &["a", "b"],
        flags: &["-xc++"],
        ..NONE
    },
    Program {
        name: "objects_inside",
        source: "objects",
        libraries: &["b"],
        inside: Some("a"),
        flags: &["-xc++"],
    },
    Program {
        name: "life",
        source: "life",
        libraries: &["a"],
        ..NONE
    },
    Program {
        name: "main_in_go",
        source: "main_in_go",
        libraries: &["b"],
        inside: Some("a"),
        ..NONE
    },
    Program {
        name: "threads",
        source: "threads",
        libraries: &["a"],
        ..NONE
    },
    Program {
        name: "unload",
        source: "unload",
        ..NONE
    },
    Program {
        name: "copies",
        source: "copies",
        libraries: &["a", "b"],
        ..NONE
    },
    Program {
        name: "copies_inside",
        source: "copies",
        libraries: &["b"],
        inside: Some("a"),
        ..NONE
    },
    Program {
        name: "late",
        source: "late",
        libraries: &["a"],
        ..NONE
    },
    Program {
        name: "split",
        source: "split",
        libraries: &["a"],
        flags: &["-fsplit-stack"],
        ..NONE
    },
    Program {
        name: "early",
        source: "early",
        libraries: &["early"],
        flags: &["-DLINKED"],
        ..NONE
    },
    Program {
        name: "early_inside",
        source: "early",
        inside: Some("early"),
        flags: &["-DLINKED"],
        ..NONE
    },
    Program {
        name: "early_late",
        source: "early",
        flags: &["-DLATE"],
        ..NONE
    },
];

/// What a case is to do.
struct Case {
    name: String,
    exit: i32,
    stdout: Vec<String>,
    stderr: Vec<String>,
    env: Vec<(String, String)>,
}

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for program in &PROGRAMS {
        trials.extend(cases(program).into_iter().map(|case| trial(program, case)));
    }
    for library in &LIBRARIES {
        let name = format!("exports {}", library.name);
        trials.push(Trial::test(name, || library.exports_its_own()));
    }
    if !arguments.list {
        thread::scope(|scope| {
            for library in &LIBRARIES {
                scope.spawn(|| library.make());
            }
        });
        thread::scope(|scope| {
            for program in &PROGRAMS {
                scope.spawn(|| program.make());
            }
        });
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn cases(program: &Program) -> Vec<Case> {
    let text = fs::read_to_string(source(program.source)).expect("a program's source can be read");
    let text = chosen(&text, program.flags);
    let mut cases = Vec::new();
    let mut notes: Vec<&str> = Vec::new();
    for line in text.lines() {
        if let Some(note) = line.strip_prefix("// ") {
            notes.push(note);
            continue;
        }
        let named = line.strip_prefix("CASE(");
        if let Some((name, _)) = named.and_then(|rest| rest.split_once(')')) {
            cases.push(Case::new(name, &notes));
        }
        notes.clear();
    }
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len(), "{}: a name twice", program.name);
    cases
}

/// What of a source is for a program: between `#ifdef NAME` and `#else` only what its flags define, behind that the rest. One level of that.
fn chosen(text: &str, flags: &[&str]) -> String {
    let mut wanted = true;
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        match line {
            "#ifdef LINKED" => {
                inside = true;
                wanted = flags.contains(&"-DLINKED");
            }
            "#else" if inside => wanted = !wanted,
            "#endif" if inside => (inside, wanted) = (false, true),
            _ if wanted => lines.push(line),
            _ => {}
        }
    }
    lines.join("\n")
}

impl Case {
    fn new(name: &str, notes: &[&str]) -> Case {
        let mut case = Case {
            name: name.to_owned(),
            exit: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
            env: Vec::new(),
        };
        for note in notes {
            let (kind, text) = note.split_once(' ').unwrap_or((note, ""));
            match kind {
                "exit" => case.exit = text.parse().expect("a status"),
                "stdout" => case.stdout.push(text.to_owned()),
                "stderr" => case.stderr.push(text.to_owned()),
                "env" => {
                    let (name, value) = text.split_once('=').expect("NAME=VALUE");
                    case.env.push((name.to_owned(), value.to_owned()));
                }
                _ => panic!("{name}: what is {note:?}?"),
            }
        }
        case
    }
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn source(name: &str) -> PathBuf {
    here().join("tests/guests").join(name).with_extension("c")
}

/// Where everything is built.
fn out(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    fs::create_dir_all(&directory).expect("a directory of cargo's can be written to");
    directory.join(name)
}

/// A library's objects: Go's and C's.
fn objects(library: &str) -> [PathBuf; 2] {
    ["go", "c"].map(|side| out(&format!("{library}.{side}.o")))
}

impl Library {
    fn make(&self) {
        self.compile(clang_as_go(), "go");
        self.compile(Command::new("gcc"), "c");
        let mut gcc = Command::new("gcc");
        gcc.args(objects(self.name)).arg(archive());
        gcc.arg("-o")
            .arg(out(&format!("libguest_{}.so", self.name)));
        gcc.args(["-shared", "-Wl,-z,now,-z,defs"]);
        match self.hidden {
            VERSION => {
                let script = out("version.map");
                fs::write(&script, "{ global: a_*; b_*; local: *; };\n")
                    .expect("it can be written");
                gcc.arg(format!("{VERSION}{}", script.display()));
            }
            flag => drop(gcc.arg(flag)),
        }
        gcc.args(["-pthread", "-lm", "-ldl"]);
        tool(&mut gcc);
    }

    /// Nothing of the runtime's is seen from outside, or looked for there.
    fn exports_its_own(&self) -> Result<(), Failed> {
        let path = out(&format!("libguest_{}.so", self.name));
        let mut readelf = Command::new("readelf");
        let listed = readelf.args(["--dyn-syms", "--wide"]).arg(path).output()?;
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        // The linker lists what is hidden, for sections with such names; nobody finds it there.
        let seen = text.lines().filter(|line| !line.contains(" HIDDEN "));
        let symbols = seen.filter_map(|line| line.split_whitespace().last());
        let wrong: Vec<&str> = symbols
            .filter(|symbol| {
                ["gort_", "morestack", "gotext"]
                    .iter()
                    .any(|n| symbol.contains(n))
            })
            .collect();
        match wrong.is_empty() && text.lines().count() > 5 {
            true => Ok(()),
            false => Err(format!("{wrong:?}").into()),
        }
    }

    fn compile(&self, mut compiler: Command, side: &str) {
        let object = out(&format!("{}.{side}.o", self.name));
        compiler.args(["-g", "-O1", "-fPIC", "-Wall", "-Werror"]);
        compiler.args(self.defines);
        compiler.arg("-I").arg(here().join("include"));
        compiler.arg("-c").arg(source(self.source));
        compiler.arg("-o").arg(&object);
        tool(&mut compiler);
    }
}

impl Program {
    fn path(&self) -> PathBuf {
        out(&format!("program_{}", self.name))
    }

    fn make(&self) {
        let mut gcc = Command::new("gcc");
        gcc.args(["-g", "-O1", "-Wall", "-Werror"]).args(self.flags);
        gcc.arg("-I").arg(here().join("include"));
        // What follows is in no language.
        gcc.arg(source(self.source)).arg("-xnone");
        gcc.arg("-o").arg(self.path());
        if let Some(library) = self.inside {
            gcc.args(objects(library)).arg(archive());
            gcc.args(["-Wl,-z,now", "-lm"]);
        }
        for library in self.libraries {
            gcc.arg(out(&format!("libguest_{library}.so")));
        }
        gcc.args(["-pthread", "-ldl", "-lstdc++"]);
        tool(&mut gcc);
    }
}

fn trial(program: &'static Program, case: Case) -> Trial {
    let name = format!("{} {}", program.name, case.name);
    Trial::test(name, move || run(program, &case))
}

/// Runs a case; its output, if it didn't do what it is to do.
fn run(program: &Program, case: &Case) -> Result<(), Failed> {
    let log = |stream: &str| out(&format!("{}.{}.{stream}", program.name, case.name));
    let mut command = Command::new(program.path());
    command.arg(&case.name).env_remove("GOMAXPROCS");
    command.env("GUEST_LIBRARIES", out(""));
    command.envs(case.env.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null());
    command.stdout(File::create(log("out"))?);
    command.stderr(File::create(log("err"))?);
    let begin = Instant::now();
    let mut child = command.spawn()?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if begin.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let read = |stream| fs::read(log(stream)).map(|b| String::from_utf8_lossy(&b).into_owned());
    let (said, errors) = (read("out")?, read("err")?);
    let mut missing: Vec<&String> = case.stdout.iter().filter(|t| !said.contains(*t)).collect();
    missing.extend(case.stderr.iter().filter(|t| !errors.contains(*t)));
    if status.is_some_and(|status| status.code() == Some(case.exit)) && missing.is_empty() {
        return Ok(());
    }
    let ended = status.map_or("did not end".to_owned(), |status| status.to_string());
    Err(format!(
        "{ended}, should be {}; missing: {missing:?}\n--- stdout\n{said}--- stderr\n{}",
        case.exit,
        errors.chars().take(8000).collect::<String>()
    )
    .into())
}
