//! `crosscall doctor`: what is installed, what is missing, how to get it.

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::cgo::{Target, find_program};
use crate::failure::Result;
use crate::stdout;
use crate::text::quoted;
use crate::toolchain::{go_env, go_program, minor_version};

/// Minor versions of Go 1 that the stubs are made for.
const SUPPORTED: std::ops::RangeInclusive<u32> = 26..=27;

enum Health {
    Good,
    /// Something less common won't work.
    Lacking(&'static str),
    /// Nothing will work.
    Missing(&'static str),
}

struct Finding {
    what: &'static str,
    /// A path, a version.
    seen: String,
    health: Health,
}

pub fn run() -> Result<ExitCode> {
    let mut findings = vec![go(), c_compiler(), libclang(), pkg_config()];
    findings.extend(CROSS.iter().map(cross_compiler));
    stdout::write(table(&findings).as_bytes())?;
    let is_missing = |finding: &Finding| matches!(finding.health, Health::Missing(_));
    if findings.iter().any(is_missing) {
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn table(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.what.len()).max();
    let width = width.unwrap_or(0);
    let mut text = String::new();
    for Finding { what, seen, health } in findings {
        let (sign, advice) = match health {
            Health::Good => ("ok", None),
            Health::Lacking(advice) => ("--", Some(advice)),
            Health::Missing(advice) => ("NO", Some(advice)),
        };
        text.push_str(&format!("{sign}  {what:width$}  {seen}\n"));
        if let Some(advice) = advice {
            text.push_str(&format!("    {:width$}  {advice}\n", ""));
        }
    }
    text
}

fn go() -> Finding {
    let advice = "install Go 1.26 or 1.27 from https://go.dev/dl, or set CROSSCALL_GO=/path/to/go";
    let finding = |seen, health| Finding {
        what: "go",
        seen,
        health,
    };
    let Ok(version) = go_env("GOVERSION") else {
        return finding("not found".to_owned(), Health::Missing(advice));
    };
    let root = go_env("GOROOT").unwrap_or_default();
    let seen = format!(
        "{version}, GOROOT {root}, run as {}",
        go_program().display()
    );
    match minor_version(&version) {
        Some(minor) if SUPPORTED.contains(&minor) => finding(seen, Health::Good),
        Some(minor) if minor < *SUPPORTED.start() => finding(seen, Health::Missing(advice)),
        _ => finding(
            seen,
            Health::Lacking("crosscall is made for Go 1.26 and 1.27; this one is untried"),
        ),
    }
}

fn c_compiler() -> Finding {
    let chosen = go_env("CC").ok().filter(|cc| !cc.is_empty());
    let default = Target::from_env().map_or("gcc", |target| target.default_cc());
    let command = chosen.unwrap_or_else(|| default.to_owned());
    let words = quoted::split(&command).unwrap_or_default();
    let what = "C compiler";
    let program = words
        .first()
        .map_or(Err("no command".to_owned()), |program| {
            find_program(program)
        });
    match program {
        Ok(path) => Finding {
            what,
            seen: format!("{command}: {}", first_line(&path, &["--version"])),
            health: Health::Good,
        },
        Err(why) => Finding {
            what,
            seen: format!("{command}: {why}"),
            health: Health::Missing("Debian, Ubuntu: apt-get install gcc; else set CC"),
        },
    }
}

/// Asked of the one who will load it.
fn libclang() -> Finding {
    let compiler = cdecl::Compiler {
        command: vec!["cc".to_owned()],
        goos: crate::cgo::host_os().to_owned(),
        goarch: crate::cgo::host_arch().to_owned(),
        flags: Vec::new(),
        dir: env::temp_dir(),
    };
    let answer = cdecl::resolve(&compiler, "int probe;\n", &["probe".to_owned()]);
    let (seen, health) = match answer {
        Err(cdecl::Error::NoLibclang(why)) => {
            let advice = "Debian, Ubuntu: apt-get install libclang1-19; Fedora: dnf install clang-libs; \
                          else set LIBCLANG_PATH to its directory";
            (why, Health::Missing(advice))
        }
        Err(_) => (
            "loads, but can't answer a trial question".to_owned(),
            Health::Lacking("is the C compiler complete?"),
        ),
        Ok(_) => (loaded_libclang(), Health::Good),
    };
    Finding {
        what: "libclang",
        seen,
        health,
    }
}

/// The file, where the system says what is mapped.
fn loaded_libclang() -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let path = maps
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .find(|path| {
            Path::new(path)
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("libclang"))
        });
    path.unwrap_or("loads").to_owned()
}

fn pkg_config() -> Finding {
    let name = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_owned());
    let program = quoted::split(&name)
        .unwrap_or_default()
        .into_iter()
        .next()
        .unwrap_or_default();
    let (seen, health) = match find_program(&program) {
        Ok(path) => (
            format!("{name} {}", first_line(&path, &["--version"])),
            Health::Good,
        ),
        Err(why) => {
            let advice =
                "needed for '#cgo pkg-config:' lines only; Debian, Ubuntu: apt-get install pkgconf";
            (format!("{name}: {why}"), Health::Lacking(advice))
        }
    };
    Finding {
        what: "pkg-config",
        seen,
        health,
    }
}

struct Cross {
    what: &'static str,
    program: &'static str,
    advice: &'static str,
}

const CROSS: &[Cross] = &[
    Cross {
        what: "linux/arm64",
        program: "aarch64-linux-gnu-gcc",
        advice: "to build for it: apt-get install gcc-aarch64-linux-gnu; CC=aarch64-linux-gnu-gcc",
    },
    Cross {
        what: "linux/arm",
        program: "arm-linux-gnueabihf-gcc",
        advice: "to build for it: apt-get install gcc-arm-linux-gnueabihf; CC=arm-linux-gnueabihf-gcc",
    },
    Cross {
        what: "windows/amd64",
        program: "x86_64-w64-mingw32-gcc",
        advice: "to build for it: apt-get install gcc-mingw-w64-x86-64; CC=x86_64-w64-mingw32-gcc",
    },
];

fn cross_compiler(cross: &Cross) -> Finding {
    let (seen, health) = match find_program(cross.program) {
        Ok(path) => (first_line(&path, &["--version"]), Health::Good),
        Err(_) => (
            format!("no {}", cross.program),
            Health::Lacking(cross.advice),
        ),
    };
    Finding {
        what: cross.what,
        seen,
        health,
    }
}

fn first_line(program: &Path, args: &[&str]) -> String {
    let output = Command::new(program).args(args).env("LC_ALL", "C").output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}
