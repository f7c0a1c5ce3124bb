//! Debian packages: which are needed for what, which are missing, and their installation.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::Needs;
use crate::repo::Repo;
use crate::sh;

const DEMO: &[&str] = &["gcc", "libc6-dev", "libclang-19-dev", "python3"];

/// C compiled as Go is (clang has what gcc lacks), and a look at what came of it.
const CROSSING: &[&str] = &["clang-19", "binutils"];

const BENCH: &[&str] = &["libgtk-3-dev", "pkg-config"];

const TEST: &[&str] = &[
    // Go's own suites: C++, Objective-C, Fortran, SWIG, the sanitizers.
    "g++",
    "gobjc",
    "gfortran",
    "swig",
    "libclang-rt-19-dev",
    // The other targets.
    "gcc-12-multilib",
    "libc6-dev-i386",
    "libc6-dev-arm64-cross",
    "gcc-mingw-w64-x86-64-posix",
    "qemu-user",
];

const ARM64_COMPILER: &str = "gcc-aarch64-linux-gnu";

/// Excludes every cross compiler of Debian's; where a user has it, it stays and clang compiles for arm64.
const EXCLUDES_CROSS: &str = "gcc-multilib";
const ARM64_FOR_CLANG: &[&str] = &["binutils-aarch64-linux-gnu", "libgcc-12-dev-arm64-cross"];

/// Lists the real packages that are tested, each with `apt = ["…"]` where it needs more.
const REAL_PACKAGES: &str = "tests/packages.toml";

pub fn ensure(repo: &Repo, needs: Needs) -> Result<()> {
    if !sh::exists("dpkg-query") {
        eprintln!("  this is no Debian: the C compilers and libclang 19 are taken as they are");
        return Ok(());
    }
    let list = fs::read_to_string(repo.root.join(REAL_PACKAGES)).unwrap_or_default();
    let wanted = wanted(needs, &list)?;
    let here = installed(&wanted)?;
    let missing: Vec<&str> = wanted
        .into_iter()
        .zip(here)
        .filter_map(|(package, here)| (!here).then_some(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing)
}

/// Installs packages that a step found to be missing.
pub fn install(packages: &[&str]) -> Result<()> {
    eprintln!("  installing {}", packages.join(" "));
    let plain = apt_get().args(install_args(packages)).output();
    if plain.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    // On a fresh machine the package lists are empty or old.
    eprintln!("  after apt-get update");
    sh::run(apt_get().arg("update"))?;
    sh::run(apt_get().args(install_args(packages))).with_context(|| {
        let list = packages.join(" ");
        format!("these packages are needed and could not be installed: {list}")
    })?;
    Ok(())
}

fn install_args<'a>(packages: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    let options = [
        "install",
        "--yes",
        "--quiet",
        "--no-install-recommends",
        "--no-remove",
    ];
    options.into_iter().chain(packages.iter().copied())
}

fn wanted(needs: Needs, list: &str) -> Result<Vec<&str>> {
    let mut packages = DEMO.to_vec();
    if needs >= Needs::Crossing {
        packages.extend(CROSSING);
    }
    if needs >= Needs::Bench {
        packages.extend(BENCH);
    }
    if needs >= Needs::Test {
        packages.extend(TEST);
        let arm64: &[&str] = if installed(&[EXCLUDES_CROSS])?[0] {
            ARM64_FOR_CLANG
        } else {
            &[ARM64_COMPILER]
        };
        packages.extend(arm64);
        packages.extend(of_real_packages(list));
    }
    packages.sort_unstable();
    packages.dedup();
    Ok(packages)
}

/// The strings in the lines that begin with `apt =`.
fn of_real_packages(list: &str) -> impl Iterator<Item = &str> {
    let lines = list.lines().map(str::trim_start);
    let lists = lines.filter_map(|line| line.strip_prefix("apt")?.trim_start().strip_prefix('='));
    lists.flat_map(|list| list.split('"').skip(1).step_by(2))
}

fn installed(packages: &[&str]) -> Result<Vec<bool>> {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat", "${Package} ${db:Status-Status}\n"]);
    let (output, _) = sh::output(query.args(packages))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let is = |package: &&str| {
        text.lines()
            .any(|line| line == format!("{package} installed"))
    };
    Ok(packages.iter().map(is).collect())
}

/// apt-get, through sudo when it must be.
fn apt_get() -> Command {
    let root = nix::unistd::geteuid().is_root();
    let mut command = if root {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["--preserve-env=DEBIAN_FRONTEND", "apt-get"]);
        sudo
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

#[cfg(test)]
mod tests {
    use super::of_real_packages;

    #[test]
    fn packages_are_read_from_the_list() {
        let list = "name = \"gtk\"\napt = [\"libgtk-3-dev\", \"xvfb\"]\ntest = [\"x\"]\n";
        assert_eq!(
            of_real_packages(list).collect::<Vec<_>>(),
            ["libgtk-3-dev", "xvfb"]
        );
    }
}
