//! What the two generators are compared on: groups of packages, each for one architecture, and how the go command is made to run
//! cgo over all of a group.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::record::{self, Call};
use crate::table;
use crate::toolchain::Toolchain;

/// A target and what the C compiler for it needs on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Arch {
    pub goarch: &'static str,
    pub env: &'static [(&'static str, &'static str)],
}

pub const AMD64: Arch = Arch {
    goarch: "amd64",
    env: &[],
};
pub const I386: Arch = Arch {
    goarch: "386",
    env: &[
        ("CC", "gcc -m32"),
        (
            "CGO_CFLAGS",
            "-O2 -g -idirafter /usr/include/x86_64-linux-gnu",
        ),
    ],
};
pub const ARM64: Arch = Arch {
    goarch: "arm64",
    env: &[("CC", "aarch64-linux-gnu-gcc")],
};

/// Packages that are compared together.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    pub arch: Arch,
    /// The official tool takes minutes for it.
    pub slow: bool,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// A directory of `cmd/cgo/internal`.
    Suite(&'static str),
    /// The standard library's own packages.
    Std(Vec<String>),
    /// Packages of a module in `tests/packages`.
    Module { dir: PathBuf, patterns: Vec<String> },
    /// The programs in `tests/programs`: what the suites leave out.
    Own,
}

/// Go's suites that give cgo something to do. `testgodefs` is compared by its output (see the test `equivalence`).
const SUITES: &[&str] = &[
    "swig",
    "test",
    "testcarchive",
    "testcshared",
    "testerrors",
    "testfortran",
    "testlife",
    "testout",
    "testplugin",
    "testsanitizers",
    "testshared",
    "testso",
    "teststdio",
    "testtls",
];

/// `testdata` directories in which every file is a program of its own.
const ONE_PROGRAM_A_FILE: &[&str] = &[
    "testerrors/testdata",
    "testplugin/testdata/unnamed1",
    "testplugin/testdata/unnamed2",
    "testsanitizers/testdata",
];

/// Suites' files that are for other systems than Linux on amd64.
const ELSEWHERE: &[&str] = &[
    "test/callback_windows.go",
    "test/callstub_linux_ppc64x.go",
    "test/issue21897.go",
    "test/issue24161",
    "test/issue42018_windows.go",
    "test/issue76023.go",
    "test/issue8517_windows.go",
    "test/unsigned_reloc_darwin.go",
];

/// Packages that every build needs; they are recorded in their own group only.
const EVERYWHERE: &str = "runtime/cgo:net:os/user:plugin";

/// All groups.
pub fn groups() -> Vec<Group> {
    let mut groups = Vec::new();
    for arch in [AMD64, I386, ARM64] {
        let group = |name: &str, source| Group {
            name: name.to_string(),
            arch,
            slow: false,
            source,
        };
        groups.extend(SUITES.iter().map(|suite| Group {
            // Many programs, and little that depends on the architecture: elsewhere on request.
            slow: *suite == "testsanitizers" && arch.goarch != AMD64.goarch,
            ..group(suite, Source::Suite(suite))
        }));
        groups.push(group("own", Source::Own));
        for package in table::packages() {
            let everywhere = ["sqlite3", "zstd"].contains(&package.name.as_str());
            let source = match package.dir() {
                None => Source::Std(package.stubs),
                Some(dir) if arch.goarch == AMD64.goarch || everywhere => {
                    let patterns = package.stubs;
                    Source::Module { dir, patterns }
                }
                Some(_) => continue,
            };
            let slow = package.slow;
            groups.push(Group {
                slow,
                ..group(&package.name, source)
            });
        }
    }
    groups
}

impl Group {
    /// One of Go's own suites.
    pub fn is_suite(&self) -> bool {
        matches!(self.source, Source::Suite(_))
    }

    /// `name/goarch`.
    pub fn label(&self) -> String {
        format!("{}/{}", self.name, self.arch.goarch)
    }

    /// The runs of cgo in this group. They are recorded at the first time, under `scratch`, and kept for this toolchain.
    pub fn calls(
        &self,
        toolchain: &Toolchain,
        recorder: &Path,
        scratch: &Path,
    ) -> Result<Vec<Call>, String> {
        let dir = scratch
            .join("records")
            .join(self.name.replace('/', "-"))
            .join(self.arch.goarch);
        let stamp = dir.join("complete");
        // Another trial may want the same records at the same time.
        let _guard = self.lock();
        let key = self.key(toolchain);
        if fs::read_to_string(&stamp).ok().as_deref() != Some(&key) {
            let _ = fs::remove_dir_all(&dir);
            fs::create_dir_all(&dir).map_err(|err| format!("{}: {err}", dir.display()))?;
            self.record(toolchain, recorder, &dir, scratch)?;
            fs::write(&stamp, key).map_err(|err| err.to_string())?;
        }
        let calls = Call::read_all(&dir)?;
        if calls.is_empty() {
            return Err(format!("{}: the go command did not run cgo", self.label()));
        }
        Ok(calls)
    }

    fn lock(&self) -> MutexGuard<'static, ()> {
        static LOCKS: [Mutex<()>; 16] = [const { Mutex::new(()) }; 16];
        let sum: usize = self.label().bytes().map(usize::from).sum();
        LOCKS[sum % LOCKS.len()]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What a record depends on.
    fn key(&self, toolchain: &Toolchain) -> String {
        let listings = self.listings(toolchain, Path::new("."));
        let modules = match &self.source {
            Source::Module { dir, .. } => {
                fs::read_to_string(dir.join("go.sum")).unwrap_or_default()
            }
            _ => String::new(),
        };
        format!(
            "{:?} {listings:?} {:?} {modules}\n",
            toolchain.goroot, self.arch
        )
    }

    fn record(
        &self,
        toolchain: &Toolchain,
        recorder: &Path,
        dir: &Path,
        scratch: &Path,
    ) -> Result<(), String> {
        let copies = scratch.join("sources").join(self.arch.goarch);
        self.copy_testdata(toolchain, &copies)?;
        for (at, arguments) in self.listings(toolchain, &copies) {
            let mut list = self.list(toolchain, recorder, dir, scratch);
            list.current_dir(&at).args(&arguments);
            let output = list.output().map_err(|err| format!("go list: {err}"))?;
            if !output.status.success() {
                let stderr = String::from_utf8_lossy(&output.stderr);
                return Err(format!(
                    "go list {} in {}: {stderr}",
                    arguments.join(" "),
                    at.display()
                ));
            }
        }
        Ok(())
    }

    /// `go list -compiled` goes as far as the C compiler and no further.
    fn list(&self, toolchain: &Toolchain, recorder: &Path, dir: &Path, scratch: &Path) -> Command {
        let mut list = toolchain.go();
        list.args(["list", "-e", "-compiled", "-f", "{{.ImportPath}}"])
            .arg(format!("-toolexec={}", recorder.display()))
            .env("GOCACHE", scratch.join("gocache"))
            .env("GOARCH", self.arch.goarch)
            .env("GOOS", "linux")
            .envs(self.arch.env.iter().copied())
            .env(record::OUT, dir)
            .env(record::SESSION, session());
        if !matches!(self.source, Source::Std(_)) {
            list.env(record::SKIP, EVERYWHERE);
        }
        if matches!(self.source, Source::Module { .. }) {
            let compiler = self
                .arch
                .env
                .iter()
                .find(|(name, _)| *name == "CC")
                .map_or("gcc", |(_, cc)| cc);
            list.env(
                "CC",
                format!("{} {} {compiler}", recorder.display(), record::QUICK_CC),
            );
        }
        list
    }

    /// Directories and arguments for `go list` that together reach everything in the group.
    fn listings(&self, toolchain: &Toolchain, copies: &Path) -> Vec<(PathBuf, Vec<String>)> {
        match &self.source {
            Source::Std(packages) => vec![(toolchain.src(), packages.clone())],
            Source::Module { dir, patterns } => vec![(dir.clone(), patterns.clone())],
            Source::Own => one_by_one(&crate::toolchain::workspace().join("tests/programs")),
            Source::Suite(suite) => suite_listings(toolchain, suite, copies),
        }
    }

    /// The suites' `testdata` are modules only once they have been copied and given a `go.mod`.
    fn copy_testdata(&self, toolchain: &Toolchain, copies: &Path) -> Result<(), String> {
        let Source::Suite(suite) = self.source else {
            return Ok(());
        };
        let from = suite_dir(toolchain, suite);
        for testdata in directories(&from)
            .into_iter()
            .filter(|dir| dir.ends_with("testdata"))
        {
            let to = copies
                .join(suite)
                .join(testdata.strip_prefix(&from).unwrap_or(&testdata));
            copy_tree(&testdata, &to).map_err(|err| format!("{}: {err}", to.display()))?;
            let module = match suite {
                "testlife" => "cgolife",
                "teststdio" => "cgostdio",
                "testso" => "cgosotest",
                other => other,
            };
            let text = format!("module {module}\n");
            fs::write(to.join("go.mod"), text).map_err(|err| err.to_string())?;
        }
        Ok(())
    }
}

fn session() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!(
        "{}-{}",
        std::process::id(),
        now.map_or(0, |now| now.as_nanos())
    )
}

fn suite_dir(toolchain: &Toolchain, suite: &str) -> PathBuf {
    toolchain.src().join("cmd/cgo/internal").join(suite)
}

fn suite_listings(
    toolchain: &Toolchain,
    suite: &str,
    copies: &Path,
) -> Vec<(PathBuf, Vec<String>)> {
    let root = suite_dir(toolchain, suite);
    let mut listings = Vec::new();
    if uses_cgo_outside_tests(&root) || suite == "test" {
        listings.push((root.clone(), vec!["./...".to_string()]));
    }
    for dir in directories(&root)
        .into_iter()
        .filter(|dir| dir.components().any(|part| part.as_os_str() == "testdata"))
    {
        let below = dir.strip_prefix(&root).unwrap_or(&dir);
        let copy = copies.join(suite).join(below);
        if ONE_PROGRAM_A_FILE
            .iter()
            .any(|flat| Path::new(suite).join(below) == Path::new(flat))
        {
            listings.extend(
                one_by_one(&dir)
                    .into_iter()
                    .map(|(_, arguments)| (copy.clone(), arguments)),
            );
        } else if uses_cgo_outside_tests(&dir) || has_swig(&dir) {
            listings.push((copy, vec![".".to_string()]));
        }
    }
    listings
}

fn one_by_one(dir: &Path) -> Vec<(PathBuf, Vec<String>)> {
    let wanted = go_files(dir).into_iter().filter(|file| uses_cgo(file));
    let name = |file: PathBuf| {
        file.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    wanted
        .map(|file| (dir.to_path_buf(), vec![name(file)]))
        .collect()
}

/// Whether the file is input for cgo.
pub fn uses_cgo(file: &Path) -> bool {
    let text = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().any(|line| {
        line.trim_start_matches("import").trim() == "\"C\"" || line.starts_with("import \"C\"")
    })
}

fn uses_cgo_outside_tests(dir: &Path) -> bool {
    let is_test = |file: &Path| file.to_string_lossy().ends_with("_test.go");
    go_files(dir)
        .iter()
        .any(|file| !is_test(file) && uses_cgo(file))
}

fn has_swig(dir: &Path) -> bool {
    entries(dir).iter().any(|path| {
        path.extension()
            .is_some_and(|ext| ext == "swig" || ext == "swigcxx")
    })
}

/// The Go files of a directory, sorted.
pub fn go_files(dir: &Path) -> Vec<PathBuf> {
    entries(dir)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ext| ext == "go"))
        .collect()
}

/// A directory and all below it, sorted.
pub fn directories(root: &Path) -> Vec<PathBuf> {
    let mut found = vec![root.to_path_buf()];
    let mut next = 0;
    while next < found.len() {
        let below = entries(&found[next])
            .into_iter()
            .filter(|path| path.is_dir());
        found.extend(below);
        next += 1;
    }
    found.sort();
    found
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    paths
}

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for path in entries(from) {
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_tree(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

/// The files in an object directory that the go command goes on with.
pub fn outputs(dir: &Path) -> Vec<PathBuf> {
    let is_output = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.is_file()
            && (name == "_cgo_flags" || [".go", ".c", ".h"].iter().any(|ext| name.ends_with(ext)))
    };
    entries(dir).into_iter().filter(is_output).collect()
}

/// The files of Go's suites that import C and that no recorded run has read.
pub fn unread(toolchain: &Toolchain, scratch: &Path, calls: &[Call]) -> Vec<String> {
    let root = toolchain.src().join("cmd/cgo/internal");
    let copies = scratch.join("sources").join(AMD64.goarch);
    let name = |path: &Path| {
        let below = path
            .strip_prefix(&root)
            .or_else(|_| path.strip_prefix(&copies));
        below.unwrap_or(path).to_string_lossy().into_owned()
    };
    let read: HashSet<String> = calls
        .iter()
        .flat_map(|call| call.files().iter().map(|file| name(&call.cwd.join(file))))
        .collect();
    SUITES
        .iter()
        .flat_map(|suite| directories(&root.join(suite)))
        .flat_map(|dir| go_files(&dir))
        .filter(|file| !file.to_string_lossy().ends_with("_test.go") && uses_cgo(file))
        .map(|file| name(&file))
        .filter(|file| !ELSEWHERE.iter().any(|prefix| file.starts_with(prefix)))
        .filter(|file| !read.contains(file))
        .collect()
}
