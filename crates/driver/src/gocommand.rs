//! `crosscall build`, `test`, …: the go command with us as its `-toolexec`.
//!
//! The flag travels in `GOFLAGS`, because the go commands that a test starts inherit the environment but not our arguments.
//! `GOFLAGS` in the environment hides the one that `go env -w` has stored, so what the go command would have taken is asked
//! for and kept.
//!
//! A user's own `-toolexec` stays: we stand in front of it, take cgo, and leave it every other tool.

use std::env;
use std::path::Path;

use crate::failure::{Failure, Result};
use crate::text::quoted;
use crate::toolchain::{go, go_env};
use crate::trampoline;
use crate::way::WRAP;

pub fn version() -> String {
    format!(
        "crosscall {} ({})",
        env!("CARGO_PKG_VERSION"),
        crate::toolchain::identity()
    )
}

pub fn run(name: &str, args: &[String]) -> Result<()> {
    let mut command = go();
    // With GOFLAGS in the environment, `go env -w` and `-u` would only warn about it.
    let stores = name == "env" && args.iter().any(|arg| matches!(arg.as_str(), "-w" | "-u"));
    if stores {
        command.arg(name).args(args);
        return trampoline::exec(command);
    }
    let own = own_path()?;
    let flags = match env::var("GOFLAGS") {
        Ok(flags) if !flags.is_empty() => flags,
        _ => go_env("GOFLAGS")?,
    };
    let (flags, args) = merge(&own, name, &flags, args)?;
    command.arg(name).args(args).env("GOFLAGS", flags);
    trampoline::exec(command)
}

fn own_path() -> Result<String> {
    let path = env::current_exe().map_err(|err| Failure::own(format!("own path: {err}")))?;
    path.into_os_string().into_string().map_err(|path| {
        Failure::own(format!(
            "own path is not valid UTF-8: {}",
            Path::new(&path).display()
        ))
    })
}

/// The new `GOFLAGS` and arguments.
fn merge(own: &str, name: &str, flags: &str, args: &[String]) -> Result<(String, Vec<String>)> {
    let mut flags = quoted::split(flags)
        .map_err(|why| Failure::raw(format!("go: parsing $GOFLAGS: {why}"), 1))?;
    let mut wrapper = None;
    flags.retain(|flag| match toolexec_value(flag) {
        Some(value) => {
            wrapper = Some(value.to_owned());
            false
        }
        None => true,
    });
    let (args, from_args) = without_toolexec(name, args);
    let toolexec = toolexec(own, &from_args.or(wrapper).unwrap_or_default())?;
    flags.push(format!("-toolexec={toolexec}"));
    let flags = quoted::join(&flags).ok_or_else(|| {
        let why = "GOFLAGS can't carry both kinds of quotes";
        Failure::own(format!(
            "{why}: -toolexec={toolexec}\nmove crosscall to a path without quotes"
        ))
    })?;
    Ok((flags, args))
}

/// The value of `-toolexec` that puts us in front of `wrapper`, the user's own value.
fn toolexec(own: &str, wrapper: &str) -> Result<String> {
    let wrapper_words = quoted::split(wrapper)
        .map_err(|why| Failure::own(format!("invalid value for flag -toolexec: {why}")))?;
    let is_us = |word: &String| {
        word == own
            || Path::new(word)
                .canonicalize()
                .is_ok_and(|path| path == Path::new(own))
    };
    if wrapper_words.first().is_some_and(is_us) {
        return Ok(wrapper.to_owned());
    }
    let mut words = vec![own];
    if !wrapper_words.is_empty() {
        words.push(WRAP);
        words.extend(wrapper_words.iter().map(String::as_str));
        words.push("--");
    }
    quoted::join(&words).ok_or_else(|| {
        Failure::own(format!(
            "-toolexec can't carry both kinds of quotes in one word: {words:?}"
        ))
    })
}

fn toolexec_value(flag: &str) -> Option<&str> {
    let flag = flag.strip_prefix('-')?;
    flag.strip_prefix('-')
        .unwrap_or(flag)
        .strip_prefix("toolexec=")
}

/// Flags whose value may be an argument of its own: what follows them is no flag.
const WITH_VALUE: &[&str] = &[
    "C",
    "asmflags",
    "buildmode",
    "compiler",
    "covermode",
    "coverpkg",
    "coverprofile",
    "exec",
    "gccgoflags",
    "gcflags",
    "installsuffix",
    "ldflags",
    "mod",
    "modfile",
    "o",
    "overlay",
    "p",
    "pgo",
    "pkgdir",
    "tags",
    "vettool",
];

/// Takes `-toolexec` out of the arguments; the last one counts. `go run` hands what follows the package to the program.
fn without_toolexec(name: &str, args: &[String]) -> (Vec<String>, Option<String>) {
    let mut kept = Vec::new();
    let mut value = None;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if let Some(inline) = toolexec_value(arg) {
            value = Some(inline.to_owned());
            continue;
        }
        let flag = arg
            .strip_prefix('-')
            .map(|flag| flag.strip_prefix('-').unwrap_or(flag));
        match flag {
            Some("toolexec") => {
                value = args.next().cloned();
                continue;
            }
            Some("args" | "") => {
                kept.push(arg.clone());
                break;
            }
            Some(flag) if WITH_VALUE.contains(&flag) => {
                kept.push(arg.clone());
                kept.extend(args.next().cloned());
                continue;
            }
            Some(_) => {}
            None if name == "run" || name == "tool" => {
                kept.push(arg.clone());
                break;
            }
            None => {}
        }
        kept.push(arg.clone());
    }
    kept.extend(args.cloned());
    (kept, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(own: &str, name: &str, flags: &str, line: &str) -> (String, String) {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let (flags, args) = merge(own, name, flags, &args).expect("can be merged");
        (flags, args.join(" "))
    }

    #[test]
    fn goflags_are_kept() {
        let (flags, args) = merged(
            "/b/crosscall",
            "build",
            "-mod=mod '-ldflags=-s -w'",
            "-v ./x",
        );
        assert_eq!(flags, "-mod=mod '-ldflags=-s -w' -toolexec=/b/crosscall");
        assert_eq!(args, "-v ./x");
    }

    #[test]
    fn paths_with_spaces() {
        let (flags, _) = merged("/my bin/crosscall", "build", "", "");
        assert_eq!(flags, r#""-toolexec='/my bin/crosscall'""#);
        let outer = quoted::split(&flags).expect("quoted");
        let value = toolexec_value(&outer[0]).expect("a value");
        assert_eq!(quoted::split(value).expect("quoted"), ["/my bin/crosscall"]);
        assert!(merge("/it's my/crosscall", "build", "", &[]).is_err());
    }

    #[test]
    fn a_wrapper_sees_the_other_tools() {
        let want = "'-toolexec=/b/crosscall --toolexec garble -x -- '".replace("-- '", "--'");
        for (goflags, line) in [
            ("'-toolexec=garble -x'", "./x"),
            ("-toolexec=other", "--toolexec=garble\u{a0}-x ./x"),
        ] {
            let args: Vec<String> = line
                .split(' ')
                .map(|arg| arg.replace('\u{a0}', " "))
                .collect();
            let (flags, args) =
                merge("/b/crosscall", "build", goflags, &args).expect("can be merged");
            assert_eq!(flags, want);
            assert_eq!(args, ["./x"]);
        }
    }

    #[test]
    fn we_are_not_wrapped_twice() {
        for value in ["/b/crosscall", "/b/crosscall --toolexec w --"] {
            assert_eq!(toolexec("/b/crosscall", value).expect("fine"), value);
        }
    }

    #[test]
    fn only_go_flags_are_touched() {
        for (name, line, rest) in [
            ("run", ". -toolexec=x", ". -toolexec=x"),
            ("run", "-toolexec x . a", ". a"),
            (
                "test",
                "./... -toolexec=x -args -toolexec=y",
                "./... -args -toolexec=y",
            ),
            ("build", "-o -toolexec=x .", "-o -toolexec=x ."),
        ] {
            assert_eq!(
                merged("/b/crosscall", name, "", line).1,
                rest,
                "{name} {line}"
            );
        }
    }
}
