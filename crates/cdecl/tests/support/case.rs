//! Cases and the targets they are tried for.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cdecl::{Compiler, Unit};

/// A compiler, and how to run it.
pub struct Target {
    pub name: &'static str,
    command: &'static str,
    /// Where `command` is missing: a driver that can only preprocess, whose compiler proper and assembler are
    /// run by hand.
    preprocessor: Option<&'static str>,
    flags: &'static [&'static str],
    goos: &'static str,
    goarch: &'static str,
    pub golden: bool,
}

const fn target(
    name: &'static str,
    command: &'static str,
    goos: &'static str,
    goarch: &'static str,
) -> Target {
    Target {
        name,
        command,
        preprocessor: None,
        flags: &[],
        goos,
        goarch,
        golden: true,
    }
}

pub const TARGETS: [Target; 6] = [
    Target {
        flags: &["-m64"],
        ..target("amd64", "gcc", "linux", "amd64")
    },
    // The 64-bit headers serve where those for 32 bits are not installed.
    Target {
        flags: &["-m32", "-idirafter", "/usr/include/x86_64-linux-gnu"],
        ..target("386", "gcc", "linux", "386")
    },
    Target {
        preprocessor: Some("aarch64-linux-gnu-cpp"),
        ..target("arm64", "aarch64-linux-gnu-gcc", "linux", "arm64")
    },
    Target {
        flags: &["-m64"],
        golden: false,
        ..target("windows", "x86_64-w64-mingw32-gcc", "windows", "amd64")
    },
    Target {
        flags: &["-m64"],
        golden: false,
        ..target("amd64-clang", "clang-19", "linux", "amd64")
    },
    Target {
        flags: &["--target=aarch64-linux-gnu"],
        golden: false,
        ..target("arm64-clang", "clang-19", "linux", "arm64")
    },
];

fn installed(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

impl Target {
    /// The compiler's name if it is not installed.
    pub fn missing(&self) -> Option<&'static str> {
        let present = installed(self.command) || self.preprocessor.is_some_and(installed);
        (!present).then_some(self.command)
    }

    fn driver(&self) -> &'static str {
        match self.preprocessor {
            Some(preprocessor) if !installed(self.command) => preprocessor,
            _ => self.command,
        }
    }

    pub fn is_clang(&self) -> bool {
        self.command.starts_with("clang")
    }

    pub fn compiler(&self, case: &Case) -> Compiler {
        Compiler {
            command: vec![self.driver().into()],
            goos: self.goos.into(),
            goarch: self.goarch.into(),
            flags: self
                .flags
                .iter()
                .map(|&flag| flag.to_owned())
                .chain(case.flags.iter().cloned())
                .collect(),
            dir: Case::directory(),
        }
    }

    /// Compiles `source` to `object` with the real compiler.
    pub fn compile(&self, case: &Case, source: &Path, object: &Path) -> Output {
        let compiler = self.compiler(case);
        let by_hand = self.driver() != self.command;
        let (program, output) = match by_hand {
            true => (proper(self.driver()), object.with_extension("s")),
            false => (self.command.into(), object.to_owned()),
        };
        let mut command = Command::new(program);
        command
            .args(["-w", "-I", "."])
            .args(&compiler.flags)
            .current_dir(Case::directory())
            .env("LC_ALL", "C");
        match by_hand {
            true => command.args(["-quiet", "-fno-diagnostics-show-caret"]),
            false if self.is_clang() => command.args([
                "-c",
                "-ferror-limit=0",
                "-fno-builtin",
                "-fno-caret-diagnostics",
            ]),
            false => command.args(["-c", "-fno-diagnostics-show-caret"]),
        };
        let result = command
            .arg(source)
            .arg("-o")
            .arg(&output)
            .output()
            .expect("the compiler runs");
        if by_hand && result.status.success() {
            let assembler = self.command.replace("-gcc", "-as");
            return Command::new(assembler)
                .arg(&output)
                .arg("-o")
                .arg(object)
                .output()
                .expect("the assembler runs");
        }
        result
    }
}

fn proper(driver: &str) -> PathBuf {
    let output = Command::new(driver)
        .arg("-print-prog-name=cc1")
        .output()
        .expect("the driver runs");
    String::from_utf8(output.stdout)
        .expect("a path in UTF-8")
        .trim()
        .into()
}

#[derive(Clone)]
pub struct Case {
    pub name: String,
    pub names: Vec<String>,
    pub flags: Vec<String>,
    targets: Vec<String>,
    pub golden: bool,
    pub source: String,
}

/// What official cgo puts before every preamble.
const PROLOG: &str = r#"#line 1 "cgo-builtin-prolog"
#include <stddef.h>
typedef ptrdiff_t intgo;
typedef struct { const char *p; intgo n; } _GoString_;
typedef struct { char *p; intgo n; intgo c; } _GoBytes_;
_GoString_ GoString(char *p);
_GoString_ GoStringN(char *p, int l);
_GoBytes_ GoBytes(void *p, int n);
char *CString(_GoString_);
void *CBytes(_GoBytes_);
void *_CMalloc(size_t);
__attribute__ ((unused))
static size_t _GoStringLen(_GoString_ s) { return (size_t)s.n; }
__attribute__ ((unused))
static const char *_GoStringPtr(_GoString_ s) { return s.p; }
"#;

impl Case {
    pub fn directory() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
    }

    pub fn all() -> Vec<Case> {
        let files = std::fs::read_dir(Case::directory()).expect("tests/cases");
        let mut paths: Vec<PathBuf> = files.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
        paths.sort();
        paths.iter().map(|path| Case::read(path)).collect()
    }

    fn read(path: &Path) -> Case {
        let text = std::fs::read_to_string(path).expect("a readable case");
        let values = |key: &str| -> Vec<&str> {
            let prefix = format!("// {key}: ");
            text.lines()
                .filter_map(|line| line.strip_prefix(prefix.as_str()))
                .collect()
        };
        let words = |key: &str| -> Vec<String> {
            values(key)
                .iter()
                .flat_map(|line| line.split_whitespace())
                .map(str::to_owned)
                .collect()
        };
        let names = values("names")
            .iter()
            .flat_map(|line| line.split(';'))
            .map(|name| name.trim().to_owned())
            .collect();
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let body: Vec<&str> = text
            .lines()
            .map(|line| if line.starts_with("// ") { "" } else { line })
            .collect();
        Case {
            names,
            flags: words("flags"),
            targets: words("targets"),
            golden: values("golden").is_empty(),
            source: format!(
                "{PROLOG}#line 1 \"{name}.c\"
{}
",
                body.join(
                    "
"
                )
            ),
            name,
        }
    }

    pub fn is_for(&self, target: &Target) -> bool {
        let base = target.name.split('-').next().unwrap_or_default();
        self.targets.is_empty() || self.targets.iter().any(|name| name == base)
    }

    pub fn resolve(&self, target: &Target) -> Result<Unit, String> {
        cdecl::resolve(&target.compiler(self), &self.source, &self.names)
            .map_err(|error| format!("{error:?}"))
    }
}
