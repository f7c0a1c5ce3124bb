//! The runtime as a guest: libraries of compiled Go in programs of C's. See `guests/host.h`.
//!
//! Each `guests/*.c` that has cases is a program; what it is linked with stands in [`PROGRAMS`], and what that is made of in [`LIBRARIES`].

mod building;
mod cases;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use building::{archive, compile_both, here, link, objects, out, tool};
use cases::Case;
use libtest_mimic::{Arguments, Failed, Trial};

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

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for program in &PROGRAMS {
        trials.extend(read(program).into_iter().map(|case| trial(program, case)));
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

fn read(program: &Program) -> Vec<Case> {
    let text = fs::read_to_string(source(program.source)).expect("a program's source can be read");
    let cases = Case::read(&chosen(&text, program.flags));
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

fn source(name: &str) -> PathBuf {
    here().join("tests/guests").join(name).with_extension("c")
}

impl Library {
    fn path(&self) -> PathBuf {
        out(&format!("libguest_{}.so", self.name))
    }

    fn make(&self) {
        let flags = [&["-g", "-O1", "-fPIC"], self.defines].concat();
        let objects = compile_both(&source(self.source), &flags, self.name);
        let hidden = match self.hidden {
            VERSION => {
                let script = out("version.map");
                fs::write(&script, "{ global: a_*; b_*; local: *; };\n")
                    .expect("it can be written");
                format!("{VERSION}{}", script.display())
            }
            flag => flag.to_owned(),
        };
        let flags = ["-shared", "-Wl,-z,defs", &hidden];
        link(&objects, &archive(), &flags, &self.path());
    }

    /// Nothing of the runtime's is seen from outside, or looked for there.
    fn exports_its_own(&self) -> Result<(), Failed> {
        let mut readelf = Command::new("readelf");
        readelf.args(["--dyn-syms", "--wide"]).arg(self.path());
        let listed = readelf.output()?;
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

fn trial(program: &Program, case: Case) -> Trial {
    let name = format!("{} {}", program.name, case.name);
    let mut command = Command::new(program.path());
    command.env("GUEST_LIBRARIES", out(""));
    case.trial(name, command)
}
