//! The conventions that can be shown, and for each the compiler that says what the types are there.

use std::env;

use abi::call::{Convention, GoArch};
use abi::model::Model;
use cdecl::Unit;

use super::declaration::{Declaration, Trouble};
use crate::cgo::{find_program, host_arch, host_os};
use crate::text::quoted;

#[derive(Clone, Debug)]
pub struct Column {
    pub name: &'static str,
    pub convention: Convention,
}

const NAMES: &[&str] = &[
    "sysv",
    "win64",
    "aapcs64",
    "cdecl",
    "stdcall",
    "fastcall",
    "abi0",
    "abiinternal",
];

/// Where types are laid out as a convention wants them.
struct Platform {
    goos: &'static str,
    goarch: &'static str,
    /// A compiler for it, other than the user's own.
    cross: &'static str,
    /// What libclang calls it.
    triple: &'static str,
    machine: &'static [&'static str],
}

const LINUX_AMD64: Platform = Platform {
    goos: "linux",
    goarch: "amd64",
    cross: "x86_64-linux-gnu-gcc",
    triple: "x86_64-linux-gnu",
    machine: &["-m64"],
};

const LINUX_386: Platform = Platform {
    goos: "linux",
    goarch: "386",
    cross: "i686-linux-gnu-gcc",
    triple: "i386-linux-gnu",
    machine: &["-m32"],
};

const WINDOWS_AMD64: Platform = Platform {
    goos: "windows",
    goarch: "amd64",
    cross: "x86_64-w64-mingw32-gcc",
    triple: "x86_64-w64-windows-gnu",
    machine: &["-m64"],
};

const LINUX_ARM64: Platform = Platform {
    goos: "linux",
    goarch: "arm64",
    cross: "aarch64-linux-gnu-gcc",
    triple: "aarch64-linux-gnu",
    machine: &[],
};

/// The columns of `-conv` and `-goarch`; all where they are empty.
///
/// # Errors
/// A name that is none.
pub fn choose(conventions: &str, goarch: &str) -> Result<Vec<Column>, String> {
    let arch = match goarch {
        "" => go_arch(host_arch()).unwrap_or(GoArch::Amd64),
        name => go_arch(name).ok_or_else(|| {
            format!(
                "-goarch: {name} is none of amd64, arm64 and 386, for which the rules are known"
            )
        })?,
    };
    let names: Vec<&str> = match conventions {
        "" => NAMES.to_vec(),
        list => list.split(',').map(str::trim).collect(),
    };
    names.into_iter().map(|name| column(name, arch)).collect()
}

fn column(wanted: &str, arch: GoArch) -> Result<Column, String> {
    let name = NAMES.iter().find(|name| **name == wanted);
    let convention = match wanted {
        "sysv" => Convention::SysV,
        "win64" => Convention::Win64,
        "aapcs64" => Convention::Aapcs64,
        "cdecl" => Convention::Cdecl,
        "stdcall" => Convention::Stdcall,
        "fastcall" => Convention::Fastcall,
        "abi0" => Convention::GoAbi0(arch),
        "abiinternal" => Convention::GoInternal(arch),
        _ => return Err(format!("-conv: {wanted} is none of {}", NAMES.join(", "))),
    };
    let name = name.expect("every convention is listed");
    Ok(Column { name, convention })
}

fn go_arch(goarch: &str) -> Option<GoArch> {
    Some(match goarch {
        "amd64" => GoArch::Amd64,
        "arm64" => GoArch::Arm64,
        "386" => GoArch::I386,
        _ => return None,
    })
}

impl Column {
    pub fn is_go(&self) -> bool {
        matches!(
            self.convention,
            Convention::GoAbi0(_) | Convention::GoInternal(_)
        )
    }

    /// Which columns belong side by side: C's with 64 bits, with 32, Go's.
    pub fn group(&self) -> u8 {
        match self.convention {
            Convention::SysV | Convention::Win64 | Convention::Aapcs64 => 0,
            Convention::Cdecl | Convention::Stdcall | Convention::Fastcall => 1,
            Convention::GoAbi0(_) | Convention::GoInternal(_) => 2,
        }
    }

    pub fn model(&self) -> Model {
        self.convention.model()
    }

    /// `linux/amd64`.
    pub fn place(&self) -> String {
        let Platform { goos, goarch, .. } = self.platform();
        match self.is_go() {
            true => format!("go/{goarch}"),
            false => format!("{goos}/{goarch}"),
        }
    }

    fn platform(&self) -> &'static Platform {
        match self.convention {
            Convention::SysV | Convention::GoAbi0(GoArch::Amd64) => &LINUX_AMD64,
            Convention::GoInternal(GoArch::Amd64) => &LINUX_AMD64,
            Convention::Win64 => &WINDOWS_AMD64,
            Convention::Aapcs64 => &LINUX_ARM64,
            Convention::GoAbi0(GoArch::Arm64) | Convention::GoInternal(GoArch::Arm64) => {
                &LINUX_ARM64
            }
            _ => &LINUX_386,
        }
    }

    /// What the declaration means on this platform.
    pub fn resolve(&self, declaration: &Declaration, flags: &[String]) -> Result<Unit, Trouble> {
        let compiler = self.platform().compiler(flags);
        let names = [declaration.name.clone()];
        cdecl::resolve(&compiler, &declaration.source, &names)
            .map_err(|error| Trouble::of_compiler(declaration, error))
    }
}

impl Platform {
    /// The user's own compiler, one for the platform, or libclang alone, which knows no headers but the compiler's.
    fn compiler(&self, flags: &[String]) -> cdecl::Compiler {
        let is_here = host_os() == self.goos && host_arch() == self.goarch
            || host_os() == "linux" && host_arch() == "amd64" && self.machine == ["-m32"];
        let own = is_here.then(own_compiler).flatten();
        let cross = || {
            find_program(self.cross)
                .ok()
                .map(|_| vec![self.cross.to_owned()])
        };
        let command = own.or_else(cross).unwrap_or_default();
        let machine = match command.is_empty() {
            true => vec![format!("--target={}", self.triple)],
            false => self.machine.iter().map(|&flag| flag.to_owned()).collect(),
        };
        cdecl::Compiler {
            command,
            goos: self.goos.to_owned(),
            goarch: self.goarch.to_owned(),
            flags: machine.into_iter().chain(flags.iter().cloned()).collect(),
            dir: env::current_dir().unwrap_or_default(),
        }
    }
}

fn own_compiler() -> Option<Vec<String>> {
    let chosen = env::var("CC").ok().filter(|cc| !cc.is_empty());
    let words = quoted::split(&chosen.unwrap_or_else(|| "gcc".to_owned())).ok()?;
    find_program(words.first()?).ok()?;
    Some(words)
}
