//! Programs in C against the C ABI: what stands in for compiled Go, and C beside it. See `c/case.h`.
//!
//! All files of `c/` make one program for each level of optimisation, and a library that a program loads; each of their cases is a test, in a
//! process of its own. A second word in a test's name says in which of them; in the library those that start in C. `traced` is the program O2 with
//! every crossing traced: all goes on as it does without.

mod building;
mod cases;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use building::{archive, compile, compile_both, here, link, out, tool};
use cases::Case;
use libtest_mimic::{Arguments, Trial};

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
    let cases: Vec<Case> = sources.iter().flat_map(|path| read(path)).collect();
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

fn trial(case: &Case, way: &Way) -> Trial {
    let mut program = Command::new(way.build.program());
    program.envs(way.env.iter().copied());
    let name = format!("{} {}", case.name, way.name);
    case.clone().trial(name, program)
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

fn read(path: &Path) -> Vec<Case> {
    Case::read(&fs::read_to_string(path).expect("a test's source can be read"))
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
        let flags = [self.flags, &["-g"]].concat();
        let mut objects = Vec::new();
        for source in sources {
            let stem = source.file_stem().expect("a file").to_string_lossy();
            let name = format!("{stem}.{}", self.name);
            objects.extend(compile_both(source, &flags, &name));
        }
        let table = out(&format!("table.{}.o", self.name));
        compile(Command::new("gcc"), &out("table.c"), &flags, &table);
        objects.push(table);
        if !self.library {
            return link(&objects, &archive(), &[], &self.program());
        }
        let library = self.program().with_extension("so");
        // Nobody else is to find the runtime's symbols, and the runtime's threads never end.
        let alone = ["-shared", "-Wl,--exclude-libs,ALL", "-Wl,-z,nodelete"];
        link(&objects, &archive(), &alone, &library);
        self.make_host(&library);
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
