//! What is compiled for: operating system, architecture, and what follows from them.

use std::env;

use crate::failure::{Failure, Result};
use crate::text::quoting::quote;

#[derive(Clone, Debug)]
pub struct Target {
    pub goos: String,
    pub goarch: String,
    /// In bytes; Go's `int` has the same size everywhere.
    pub ptr_size: u64,
    /// The float ABI of mips, `hardfloat` or `softfloat`.
    mips_float: String,
}

impl Target {
    /// From `GOOS`, `GOARCH` and their like, the host's where unset.
    pub fn from_env() -> Result<Target> {
        let goos = non_empty("GOOS").unwrap_or_else(|| host_os().to_owned());
        let goarch = non_empty("GOARCH").unwrap_or_else(|| host_arch().to_owned());
        let mips_float = mips_float(&goarch)?;
        Target::new(goos, goarch, mips_float)
    }

    fn new(goos: String, goarch: String, mips_float: String) -> Result<Target> {
        let Some(ptr_size) = abi::arch::pointer_size(&goarch) else {
            let arch = quote(&goarch);
            return Err(Failure::cgo(format!("unknown ptrSize for $GOARCH {arch}")));
        };
        Ok(Target {
            goos,
            goarch,
            ptr_size,
            mips_float,
        })
    }

    /// The compiler where no `CC` is set.
    pub fn default_cc(&self) -> &'static str {
        match self.goos.as_str() {
            "darwin" | "ios" | "freebsd" | "openbsd" => "clang",
            _ => "gcc",
        }
    }

    /// Options that make the C compiler generate for this architecture.
    pub fn machine_flags(&self) -> &'static [&'static str] {
        let hard = self.mips_float != "softfloat";
        match (self.goarch.as_str(), self.goos.as_str()) {
            ("amd64", "darwin") => &["-arch", "x86_64", "-m64"],
            ("arm64", "darwin") => &["-arch", "arm64"],
            ("amd64" | "s390x", _) => &["-m64"],
            ("386", _) => &["-m32"],
            ("arm", _) => &["-marm"],
            ("s390", _) => &["-m31"],
            ("mips64" | "mips64le", _) if hard => &["-mabi=64", "-mhard-float"],
            ("mips64" | "mips64le", _) => &["-mabi=64", "-msoft-float"],
            ("mips" | "mipsle", _) if hard => {
                &["-mabi=32", "-mfp32", "-mhard-float", "-mno-odd-spreg"]
            }
            ("mips" | "mipsle", _) => &["-mabi=32", "-msoft-float"],
            ("loong64", _) => &["-mabi=lp64d"],
            (_, "aix") => &["-maix64", "-mcmodel=large"],
            _ => &[],
        }
    }
}

fn mips_float(goarch: &str) -> Result<String> {
    let name = match goarch {
        "mips" | "mipsle" => "GOMIPS",
        "mips64" | "mips64le" => "GOMIPS64",
        _ => return Ok(String::new()),
    };
    let value = non_empty(name).unwrap_or_else(|| "hardfloat".to_owned());
    if value != "hardfloat" && value != "softfloat" {
        return Err(Failure::cgo(format!(
            "invalid {name}: must be hardfloat, softfloat"
        )));
    }
    Ok(value)
}

fn non_empty(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// `GOOS` of the machine that we run on.
pub fn host_os() -> &'static str {
    match env::consts::OS {
        "macos" => "darwin",
        os => os,
    }
}

/// `GOARCH` of the machine that we run on.
pub fn host_arch() -> &'static str {
    match env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "powerpc64" => "ppc64",
        "loongarch64" => "loong64",
        arch => arch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(goos: &str, goarch: &str, float: &str) -> Result<Target> {
        Target::new(goos.to_owned(), goarch.to_owned(), float.to_owned())
    }

    #[test]
    fn machine_flags() {
        for (goos, goarch, float, size, flags) in [
            ("linux", "amd64", "", 8, &["-m64"][..]),
            ("darwin", "amd64", "", 8, &["-arch", "x86_64", "-m64"]),
            ("linux", "arm64", "", 8, &[]),
            ("linux", "386", "", 4, &["-m32"]),
            (
                "linux",
                "mips",
                "softfloat",
                4,
                &["-mabi=32", "-msoft-float"],
            ),
            (
                "linux",
                "mips64le",
                "hardfloat",
                8,
                &["-mabi=64", "-mhard-float"],
            ),
            ("aix", "ppc64", "", 8, &["-maix64", "-mcmodel=large"]),
        ] {
            let target = target(goos, goarch, float).expect("known");
            assert_eq!(target.machine_flags(), flags, "{goos}/{goarch}");
            assert_eq!(target.ptr_size, size, "{goos}/{goarch}");
        }
    }

    #[test]
    fn unknown_architecture() {
        let failure = target("linux", "pdp11", "").unwrap_err();
        assert_eq!(failure.text, "cgo: unknown ptrSize for $GOARCH \"pdp11\"");
    }
}
