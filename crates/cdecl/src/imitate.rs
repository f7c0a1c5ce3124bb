//! Imitation of the user's C compiler: the arguments with which libclang reads C as `CC` does.
//!
//! What only `CC` knows (its include directories, its target) it is asked for once, with
//! `CC … -E -v -xc /dev/null`; the answer is kept on disk until the compiler changes ([`crate::cache`]).
//! The flags of the user are passed on where they change what the C means, and dropped otherwise: none
//! of them may keep libclang from parsing.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Compiler, Error, cache};

/// What `CC -v` says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The target triple.
    pub target: String,
    pub is_clang: bool,
    /// The leading number of the version.
    pub major: u32,
    /// The directories searched for `#include <…>`, in order.
    pub include: Vec<PathBuf>,
    /// Flags that the compiler adds by itself and that libclang would not: `-march=i686`, `-D_REENTRANT`.
    pub implied: Vec<String>,
    /// The macros that it predefines, with their expansions; of object-like ones only.
    pub predefined: BTreeMap<String, String>,
}

/// Which flag it is that takes its value from the next argument.
const SEPARATE: [&str; 26] = [
    "-I",
    "-D",
    "-U",
    "-isystem",
    "-idirafter",
    "-iquote",
    "-include",
    "-imacros",
    "-isysroot",
    "-iprefix",
    "-iwithprefix",
    "-iwithprefixbefore",
    "--sysroot",
    "-target",
    "-arch",
    "-Xclang",
    "-Xpreprocessor",
    "-Xlinker",
    "-Xassembler",
    "-x",
    "-o",
    "-B",
    "-framework",
    "-iframework",
    "-MF",
    "-mllvm",
];

/// A flag and, for those of [`SEPARATE`], its value.
type Flag<'a> = (&'a str, Option<&'a str>);

/// Pairs flags with their values.
fn pair(arguments: &[String]) -> Vec<Flag<'_>> {
    let mut flags = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let value = if SEPARATE.contains(&argument.as_str()) {
            arguments.next()
        } else {
            None
        };
        flags.push((argument.as_str(), value.map(String::as_str)));
    }
    flags
}

impl Compiler {
    /// The words of the command that name programs (`ccache`, `gcc`), then the flags among them and the others.
    fn words(&self) -> (&[String], Vec<String>) {
        let programs = self
            .command
            .iter()
            .take_while(|word| !word.starts_with('-'))
            .count();
        let (programs, flags) = self.command.split_at(programs);
        (programs, flags.iter().chain(&self.flags).cloned().collect())
    }

    pub(crate) fn directory(&self) -> PathBuf {
        std::path::absolute(if self.dir.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &self.dir
        })
        .unwrap_or_else(|_| self.dir.clone())
    }

    /// The target of a compiler that is libclang alone.
    pub(crate) fn without_command(&self) -> Option<&str> {
        let mut flags = self.flags.iter().filter(|_| self.command.is_empty());
        flags.find_map(|flag| flag.strip_prefix("--target="))
    }

    /// Asks the compiler about itself, or remembers what it said.
    pub(crate) fn facts(&self) -> Result<Facts, Error> {
        if let Some(target) = self.without_command() {
            return Ok(Facts::of_libclang(target));
        }
        let (programs, flags) = self.words();
        let flags: Vec<String> = pair(&flags)
            .into_iter()
            .filter(|&(flag, _)| selects_headers(flag))
            .flat_map(|(flag, value)| [Some(flag), value].into_iter().flatten().map(str::to_owned))
            .collect();
        cache::facts(programs, &flags, || self.ask(programs, &flags))
    }

    fn ask(&self, programs: &[String], flags: &[String]) -> Result<Facts, Error> {
        let Some((program, rest)) = programs.split_first() else {
            return Err(Error::Compiler("no C compiler is set (CC is empty)".into()));
        };
        let output = Command::new(program)
            .args(rest)
            .args(flags)
            .args(["-E", "-dM", "-v", "-xc", "/dev/null"])
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| {
                Error::Compiler(format!("C compiler {program:?} cannot be run: {error}"))
            })?;
        let text = String::from_utf8_lossy(&output.stderr);
        let facts = Facts::parse(&text, &String::from_utf8_lossy(&output.stdout));
        if facts.target.is_empty() || !output.status.success() {
            return Err(Error::Compiler(format!("{program} -E -v failed:\n{text}")));
        }
        Ok(facts)
    }

    /// Runs the real compiler over `source` and says why it rejects it; nothing if it accepts.
    pub(crate) fn rejects(&self, source: &str) -> Result<Option<String>, Error> {
        let (programs, flags) = self.words();
        let Some((program, rest)) = programs.split_first() else {
            return Err(Error::Compiler("no C compiler is set (CC is empty)".into()));
        };
        let flags = flags
            .iter()
            .filter(|flag| !flag.starts_with("-O") && !flag.starts_with("-g"));
        let mut child = Command::new(program)
            .args(rest)
            .args(["-w", "-Wno-error", "-fsyntax-only", "-xc"])
            .args(flags)
            .args(["-I", ".", "-O0", "-"])
            .env("LC_ALL", "C")
            .current_dir(self.directory())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                Error::Compiler(format!("C compiler {program:?} cannot be run: {error}"))
            })?;
        let stdin = child.stdin.take();
        let output = std::thread::scope(|scope| {
            scope.spawn(move || {
                stdin.map(|mut stdin| std::io::Write::write_all(&mut stdin, source.as_bytes()))
            });
            child.wait_with_output()
        })
        .map_err(|error| Error::Compiler(format!("C compiler {program:?}: {error}")))?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok((!output.status.success()).then_some(stderr))
    }

    /// The arguments for libclang. `machine` is whether to pass the `-m` flags on that only choose
    /// instructions; libclang does not know all that gcc knows.
    pub(crate) fn arguments(
        &self,
        facts: &Facts,
        resource_dir: Option<&Path>,
        machine: bool,
    ) -> Vec<String> {
        let (_, flags) = self.words();
        let flags = pair(&flags);
        let mut arguments: Vec<String> = [
            "-xc",
            "-Wno-everything",
            "-ferror-limit=0",
            "-fno-spell-checking",
            "-fno-caret-diagnostics",
            "-fno-builtin",
        ]
        .map(String::from)
        .to_vec();
        arguments.push(format!("--target={}", facts.target));
        arguments.push(format!("-working-directory={}", self.directory().display()));
        if let Some(dir) = resource_dir {
            arguments.push(format!("-resource-dir={}", dir.display()));
        }
        if !flags
            .iter()
            .any(|&(flag, _)| flag == "-ansi" || flag.contains("-std="))
        {
            arguments.push(format!("-std={}", facts.standard()));
        }
        arguments.extend(facts.implied.iter().cloned());
        if !facts.is_clang {
            // What the headers make `size_t`, `wchar_t`, `int64_t`, … of.
            let types = facts
                .predefined
                .iter()
                .filter(|(name, _)| name.ends_with("_TYPE__"));
            arguments.extend(types.map(|(name, text)| format!("-D{name}={text}")));
        }
        for &(flag, value) in &flags {
            if passes(flag, facts.is_clang, machine) {
                arguments.push(translate(flag).to_owned());
                arguments.extend(value.map(str::to_owned));
            }
        }
        // The last one of official cgo's arguments.
        arguments.extend(["-I".into(), ".".into(), "-nostdinc".into()]);
        if !flags.iter().any(|&(flag, _)| flag == "-nostdinc") {
            arguments.extend(system_directories(facts, resource_dir));
        }
        arguments
    }
}

/// The include directories that come after the user's: clang's own headers in place of `CC`'s, whose
/// intrinsics only it understands. What only `CC` has (`quadmath.h`) is found at the very end: gcc's
/// `limits.h` would cut off the C library's if clang's came first and gcc's second.
fn system_directories(facts: &Facts, resource_dir: Option<&Path>) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut last = Vec::new();
    if let Some(dir) = resource_dir {
        arguments.extend(["-isystem".into(), dir.join("include").display().to_string()]);
    }
    for dir in &facts.include {
        let text = dir.display().to_string();
        match resource_dir {
            Some(_) if is_own(dir) && !facts.is_clang => last.extend(["-idirafter".into(), text]),
            Some(_) if is_own(dir) => {}
            _ => arguments.extend(["-isystem".into(), text]),
        }
    }
    arguments.extend(last);
    arguments
}

/// Whether `dir` holds a compiler's own headers: `…/gcc/TARGET/12/include`, `…/clang/19/include`.
fn is_own(dir: &Path) -> bool {
    let parts: Vec<&OsStr> = dir.iter().collect();
    let [.., third, second, version, last] = parts.as_slice() else {
        return false;
    };
    let is = |part: &OsStr, names: &[&str]| names.iter().any(|name| part == *name);
    is(last, &["include", "include-fixed"])
        && version
            .to_string_lossy()
            .starts_with(|c: char| c.is_ascii_digit())
        && (is(third, &["gcc", "gcc-cross", "gcc-lib"]) || is(second, &["clang"]))
}

/// Whether a flag is one of those that change the predefined macros for types.
fn changes_types(flag: &str) -> bool {
    (flag.starts_with("-f") || flag.starts_with("-std") || flag.starts_with("--std"))
        && passes(flag, false, false)
}

/// Whether a flag changes the target or where headers are looked for, so that `CC -v` must see it.
fn selects_headers(flag: &str) -> bool {
    let prefixes = [
        "-m",
        "--sysroot",
        "-isysroot",
        "--target",
        "-target",
        "-B",
        "-specs",
        "--gcc-toolchain",
        "-arch",
    ];
    let alone = ["-pthread", "-nostdinc", "-ansi", "-undef"];
    prefixes.iter().any(|prefix| flag.starts_with(prefix))
        || alone.contains(&flag)
        || changes_types(flag)
}

/// Flags (or their beginnings, before `=`) that libclang must see as they are.
const PASSED: [&str; 36] = [
    "-I",
    "-D",
    "-U",
    "-isystem",
    "-idirafter",
    "-iquote",
    "-include",
    "-imacros",
    "-isysroot",
    "--sysroot",
    "-iprefix",
    "-iwithprefix",
    "-iwithprefixbefore",
    "-Xpreprocessor",
    "-framework",
    "-iframework",
    "-F",
    "-ansi",
    "-std",
    "--std",
    "-pthread",
    "-trigraphs",
    "-undef",
    "-nostdinc",
    "-fpack-struct",
    "-fshort-enums",
    "-fno-short-enums",
    "-fshort-wchar",
    "-fno-short-wchar",
    "-fblocks",
    "-fgnu89-inline",
    "-fopenmp",
    "-fms-extensions",
    "-fno-ms-extensions",
    "-fdollars-in-identifiers",
    "-fno-dollars-in-identifiers",
];
/// Those that say how `char` and constants look.
const PASSED_SIGNS: [&str; 6] = [
    "-funsigned-char",
    "-fno-unsigned-char",
    "-fsigned-char",
    "-fno-signed-char",
    "-fno-asm",
    "-fasm",
];
/// Machine flags that change layouts; they are kept even where other machine flags are given up.
const ABI: [&str; 15] = [
    "-m32",
    "-m64",
    "-mx32",
    "-m31",
    "-malign-double",
    "-mlong-double-64",
    "-mlong-double-80",
    "-mlong-double-128",
    "-mms-bitfields",
    "-mno-ms-bitfields",
    "-mabi",
    "-mfloat-abi",
    "-marm",
    "-mhard-float",
    "-msoft-float",
];

fn passes(flag: &str, is_clang: bool, machine: bool) -> bool {
    let name = flag.split('=').next().unwrap_or(flag);
    // -Ifoo, -Dx: joined values.
    let joined = [
        "-I",
        "-D",
        "-U",
        "-F",
        "-Wp,",
        "-isystem",
        "-iquote",
        "-idirafter",
        "-include",
        "-isysroot",
    ];
    if PASSED.contains(&name)
        || PASSED_SIGNS.contains(&name)
        || ABI.contains(&name)
        || translate(flag) != flag
    {
        return true;
    }
    if joined.iter().any(|prefix| flag.starts_with(prefix)) {
        return true;
    }
    if is_clang && (name == "-Xclang" || name == "-arch" || name == "-mllvm") {
        return name == "-arch";
    }
    machine
        && flag.starts_with("-m")
        && !["-mtune", "-mllvm", "-mcmodel", "-march=native"]
            .iter()
            .any(|no| flag.starts_with(no))
}

/// Flags that gcc has and clang calls something else.
fn translate(flag: &str) -> &str {
    match flag {
        "-fplan9-extensions" => "-fms-extensions",
        "-std=gnu2x" | "-std=gnu23" => "-std=gnu23",
        "-std=c2x" | "-std=c23" => "-std=c23",
        _ => flag,
    }
}

impl Facts {
    /// `__STDC_VERSION__`; C89 has none.
    fn version(&self) -> u32 {
        let text = self
            .predefined
            .get("__STDC_VERSION__")
            .map_or("", String::as_str);
        text.trim_end_matches(['l', 'L']).parse().unwrap_or(0)
    }

    /// The language that is compiled without `-std`. Gcc's default has changed with its versions.
    fn standard(&self) -> &'static str {
        match self.version() {
            0..199_901 => "gnu89",
            199_901..201_112 => "gnu99",
            201_112..201_710 => "gnu11",
            201_710..202_000 => "gnu17",
            _ => "gnu23",
        }
    }

    pub fn is_c23(&self) -> bool {
        self.version() >= 202_000
    }

    /// Those of clang without a system: no headers but its own.
    fn of_libclang(target: &str) -> Facts {
        let version = ("__STDC_VERSION__".to_owned(), "201710L".to_owned());
        Facts {
            target: target.to_owned(),
            is_clang: true,
            predefined: BTreeMap::from([version]),
            ..Facts::default()
        }
    }

    /// Reads the output of `CC -E -dM -v`: what it says and the macros.
    fn parse(text: &str, macros: &str) -> Facts {
        let mut facts = Facts::default();
        let mut in_list = false;
        for line in text.lines() {
            if in_list && line.starts_with(' ') {
                let dir = line.trim().trim_end_matches(" (framework directory)");
                facts.include.push(dir.into());
                continue;
            }
            in_list = line.starts_with("#include <...>");
            if let Some(target) = line.strip_prefix("Target: ") {
                facts.target = target.trim().to_owned();
            } else if let Some(options) = line.strip_prefix("COLLECT_GCC_OPTIONS=") {
                facts.implied.extend(implied(options));
            } else if let Some(at) = line.find("version ")
                && facts.major == 0
                && (line.contains("gcc version ") || line.contains("clang version "))
            {
                facts.is_clang = line.contains("clang version ");
                let digits = line[at + 8..].split(|c: char| !c.is_ascii_digit()).next();
                facts.major = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
            }
        }
        if text.contains(" -D_REENTRANT") {
            facts.implied.push("-D_REENTRANT".into());
        }
        facts.implied.sort();
        facts.implied.dedup();
        let macros = macros
            .lines()
            .filter_map(|line| line.strip_prefix("#define ")?.split_once(' '));
        facts.predefined = macros
            .map(|(name, text)| (name.to_owned(), text.trim().to_owned()))
            .collect();
        facts.predefined.retain(|name, _| !name.contains('('));
        facts
    }
}

/// The processor that gcc assumes on 32-bit x86: without SSE, `float_t` is `long double`.
fn implied(options: &str) -> Option<String> {
    let march = options
        .split('\'')
        .find(|option| option.starts_with("-march=i") || *option == "-march=pentium")?;
    Some(march.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gcc_speaks_of_itself() {
        let text = "Target: x86_64-linux-gnu\ngcc version 12.2.0 (Debian 12.2.0-14)\n\
            COLLECT_GCC_OPTIONS='-m32' '-E' '-v' '-mtune=generic' '-march=i686'\n\
            #include \"...\" search starts here:\n#include <...> search starts here:\n \
            /usr/lib/gcc/x86_64-linux-gnu/12/include\n /usr/local/include\nEnd of search list.\n not this\n";
        let facts = Facts::parse(text, "#define __INT_MAX__ 0x7fffffff\n#define F(x) x\n");
        assert_eq!(facts.predefined.len(), 1);
        assert_eq!(facts.target, "x86_64-linux-gnu");
        assert_eq!((facts.is_clang, facts.major), (false, 12));
        assert_eq!(facts.include.len(), 2);
        assert!(is_own(&facts.include[0]) && !is_own(&facts.include[1]));
        assert_eq!(facts.implied, ["-march=i686"]);
    }

    #[test]
    fn flags_that_do_not_matter_are_dropped() {
        for flag in [
            "-O2",
            "-g",
            "-Wall",
            "-fsanitize=address",
            "-march=native",
            "-fno-such-flag",
            "-flto",
        ] {
            assert!(!passes(flag, false, true), "{flag}");
        }
        for flag in [
            "-DX=1",
            "-Ifoo",
            "-m32",
            "-mavx",
            "-std=c99",
            "-fshort-enums",
            "-fpack-struct=2",
        ] {
            assert!(passes(flag, false, true), "{flag}");
        }
        assert!(!passes("-mavx", false, false) && passes("-m32", false, false));
    }
}
