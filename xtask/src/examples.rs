//! Building and running the examples, for any target and with any toolchain: what the demo shows and the tests check.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::crosscall::Crosscall;
use crate::repo::Repo;
use crate::sh;
use crate::target::Target;
use crate::toolchain::Toolchain;

pub struct Examples<'a> {
    pub crosscall: &'a Crosscall,
    pub go: &'a Toolchain,
    pub target: &'a Target,
    /// Builds programs as the libraries are built, so that the standard library is compiled once for both.
    pub position_independent: bool,
    /// The examples' sources are copied here and everything is built here.
    work: PathBuf,
    cache: PathBuf,
}

#[derive(Clone)]
pub struct Done {
    pub what: String,
    pub time: Duration,
    /// Standard output of a program that was run.
    pub output: String,
}

/// In which form C code comes to Go: the directories of `examples/uses-c`.
pub const FORMS: &[&str] = &["source", "static", "shared"];

/// The text between Go and C that the generator leaves in its object directory, with each file's role.
pub const INTERMEDIATES: &[(&str, &str)] = &[
    (
        "_cgo_export.c",
        "for C: the exported functions, each packing its arguments and crossing into Go",
    ),
    (
        "_cgo_export.h",
        "for C: their declarations, installed as libsum.h",
    ),
    (
        "_cgo_gotypes.go",
        "for Go: the C types as Go types, and the stubs that cross in either direction",
    ),
    (
        "sum.cgo1.go",
        "for Go: sum.go with every C.name replaced by its stub",
    ),
    (
        "sum.cgo2.c",
        "for C: the preamble, and one wrapper for each C function that Go calls",
    ),
];

impl<'a> Examples<'a> {
    pub fn prepare(
        repo: &Repo,
        work: &Path,
        crosscall: &'a Crosscall,
        go: &'a Toolchain,
        target: &'a Target,
    ) -> Result<Self> {
        if work.exists() {
            fs::remove_dir_all(work)?;
        }
        copy_tree(&repo.root.join("examples"), work)?;
        let cache = repo.work("gocache");
        Ok(Examples {
            crosscall,
            go,
            target,
            position_independent: false,
            work: work.to_owned(),
            cache,
        })
    }

    /// C that uses Go, as a static library.
    pub fn sum_archive(&self) -> Result<Vec<Done>> {
        let dir = self.sum();
        let built = self.crosscall(
            &dir,
            &["build", "-buildmode=c-archive", "-o", "libsum.a", "."],
        )?;
        let program = self.target.program("main-static");
        let args = ["main.c", "libsum.a", "-lpthread", "-o", program.as_str()];
        let compiled = self.compile(&dir, &args)?;
        Ok([built, compiled]
            .into_iter()
            .chain(self.run(&dir, &program)?)
            .collect())
    }

    /// C that uses Go, as a shared library.
    pub fn sum_shared(&self) -> Result<Vec<Done>> {
        let dir = self.sum();
        let library = self.target.shared_library("sum");
        let built = self.crosscall(&dir, &["build", "-buildmode=c-shared", "-o", &library, "."])?;
        // The shared build writes the header as NAME.h beside its library.
        let header = Path::new(&library).with_extension("h");
        if header != Path::new("libsum.h") {
            fs::rename(dir.join(header), dir.join("libsum.h"))?;
        }
        let program = self.target.program("main-shared");
        let link: &[&str] = match self.target.goos {
            // Here -lsum would prefer the archive.
            "windows" => &[&library],
            _ => &["-L.", "-lsum", "-Wl,-rpath,$ORIGIN"],
        };
        let args = [&["main.c"], link, &["-o", &program]].concat();
        let compiled = self.compile(&dir, &args)?;
        Ok([built, compiled]
            .into_iter()
            .chain(self.run(&dir, &program)?)
            .collect())
    }

    /// The generator alone, as in `go tool cgo`; the files are left in the directory that it returns.
    pub fn sum_intermediates(&self) -> Result<(Done, PathBuf)> {
        let dir = self.sum();
        let done = self.crosscall(&dir, &["cgo", "-objdir", "generated", "sum.go"])?;
        Ok((done, dir.join("generated")))
    }

    /// The target's compiler over the C files that the generator left.
    pub fn compile_generated(&self, dir: &Path) -> Result<Vec<Done>> {
        let generated = INTERMEDIATES.iter().map(|(name, _)| name);
        generated
            .filter(|name| name.ends_with(".c"))
            .map(|name| self.compile(dir, &["-Wall", "-I", "..", "-c", name]))
            .collect()
    }

    /// Go that uses C, in one of its forms.
    pub fn uses_c(&self, form: &str) -> Result<Vec<Done>> {
        let module = self.work.join("uses-c");
        let mut done = self.c_library(&module.join(form).join("clib"), form)?;
        let program = self.target.program(&format!("uses-{form}"));
        let package = format!("./{form}");
        let mut build = vec!["build"];
        if self.position_independent && self.target.goos != "windows" {
            build.push("-buildmode=pie");
        }
        build.extend(["-o", &program, &package]);
        done.push(self.crosscall(&module, &build)?);
        done.extend(self.run(&module, &program)?);
        Ok(done)
    }

    fn c_library(&self, dir: &Path, form: &str) -> Result<Vec<Done>> {
        match form {
            "static" => {
                let compiled = self.compile(dir, &["-c", "words.c", "-o", "words.o"])?;
                let mut ar = Command::new(self.target.ar);
                ar.args(["rcs", "libwords.a", "words.o"]).current_dir(dir);
                Ok(vec![compiled, done(&mut ar)?])
            }
            "shared" => {
                let library = self.target.shared_library("bells");
                let args = ["-shared", "-fPIC", "bells.c", "-o", &library];
                Ok(vec![self.compile(dir, &args)?])
            }
            _ => Ok(Vec::new()),
        }
    }

    fn sum(&self) -> PathBuf {
        self.work.join("sum")
    }

    fn crosscall(&self, dir: &Path, args: &[&str]) -> Result<Done> {
        let mut command = self.crosscall.command(self.go, &self.cache);
        self.target.select(&mut command);
        command.current_dir(dir).args(args);
        let mut done = done(&mut command)?;
        done.what = format!("crosscall {}", args.join(" "));
        Ok(done)
    }

    fn compile(&self, dir: &Path, args: &[&str]) -> Result<Done> {
        done(self.target.compiler().current_dir(dir).args(args))
    }

    fn run(&self, dir: &Path, program: &str) -> Result<Option<Done>> {
        let Some(mut command) = self.target.run(&dir.join(program)) else {
            return Ok(None);
        };
        let mut done = done(command.current_dir(dir))?;
        done.what = format!("./{program}");
        Ok(Some(done))
    }
}

fn done(command: &mut Command) -> Result<Done> {
    let ran = sh::run(command)?;
    Ok(Done {
        what: sh::line(command),
        time: ran.time,
        output: ran.stdout,
    })
}

/// Copies a directory's files, and those below.
pub fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let entries =
        fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
