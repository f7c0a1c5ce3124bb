//! The targets that the examples are built for, and what is needed to build and run for each.

use std::process::Command;

use crate::sh;

pub struct Target {
    pub goos: &'static str,
    pub goarch: &'static str,
    pub cc: &'static str,
    pub ar: &'static str,
    pub cflags: &'static str,
    /// What runs a program of this target here; `None` where it is only built.
    pub runner: Option<&'static [&'static str]>,
}

pub const HERE: Target = Target {
    goos: "linux",
    goarch: "amd64",
    cc: "gcc",
    ar: "ar",
    cflags: "",
    runner: Some(&[]),
};

const I386: Target = Target {
    goos: "linux",
    goarch: "386",
    cc: "gcc -m32",
    ar: "ar",
    // Debian keeps <asm/…> where the 32-bit compiler doesn't look unless gcc-multilib, which excludes the cross compilers, is there.
    cflags: "-O2 -g -idirafter /usr/include/x86_64-linux-gnu",
    runner: Some(&[]),
};

const ARM64_RUNNER: &[&str] = &["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"];

const ARM64: Target = Target {
    goos: "linux",
    goarch: "arm64",
    cc: "aarch64-linux-gnu-gcc",
    ar: "aarch64-linux-gnu-ar",
    cflags: "",
    runner: Some(ARM64_RUNNER),
};

/// Where gcc-multilib keeps the cross compiler out, clang stands in with the same libraries.
const ARM64_CLANG: Target = Target {
    cc: "clang-19 --target=aarch64-linux-gnu",
    ..ARM64
};

const WINDOWS: Target = Target {
    goos: "windows",
    goarch: "amd64",
    cc: "x86_64-w64-mingw32-gcc",
    ar: "x86_64-w64-mingw32-ar",
    cflags: "",
    runner: None,
};

impl Target {
    pub fn all() -> Vec<Target> {
        let arm64 = if sh::exists(ARM64.cc) {
            ARM64
        } else {
            ARM64_CLANG
        };
        vec![HERE, I386, arm64, WINDOWS]
    }

    pub fn name(&self) -> String {
        format!("{}/{}", self.goos, self.goarch)
    }

    /// Makes the go command build for this target.
    pub fn select(&self, command: &mut Command) {
        command
            .env("GOOS", self.goos)
            .env("GOARCH", self.goarch)
            .env("CGO_ENABLED", "1")
            .env("CC", self.cc)
            .env("AR", self.ar);
        if !self.cflags.is_empty() {
            command.env("CGO_CFLAGS", self.cflags);
        }
    }

    pub fn compiler(&self) -> Command {
        let mut words = self.cc.split(' ').chain(self.cflags.split_whitespace());
        let mut command = Command::new(words.next().expect("a compiler has a name"));
        command.args(words);
        command
    }

    /// Runs a program built for this target.
    pub fn run(&self, program: &std::path::Path) -> Option<Command> {
        let mut words = self.runner?.iter();
        Some(match words.next() {
            None => Command::new(program),
            Some(runner) => {
                let mut command = Command::new(runner);
                command.args(words).arg(program);
                command
            }
        })
    }

    pub fn shared_library(&self, name: &str) -> String {
        match self.goos {
            "windows" => format!("{name}.dll"),
            _ => format!("lib{name}.so"),
        }
    }

    pub fn program(&self, name: &str) -> String {
        match self.goos {
            "windows" => format!("{name}.exe"),
            _ => name.to_owned(),
        }
    }
}
