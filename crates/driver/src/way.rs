//! The ways in: what the command line asks us to be.

use std::ffi::{OsStr, OsString};
use std::path::Path;

#[derive(Debug, PartialEq, Eq)]
pub enum Way<'a> {
    /// `crosscall cgo …`, `crosscall …/pkg/tool/…/cgo …` or `cgo …`: the stub generator, in place of the official tool at
    /// `tool` where that is known.
    Generator {
        tool: Option<&'a Path>,
        args: &'a [OsString],
    },
    /// `crosscall …/compile …`: another tool that the go command runs through us.
    OtherTool {
        wrapper: &'a [OsString],
        tool: &'a OsString,
        args: &'a [OsString],
    },
    /// `crosscall build …`: the go command with us behind it.
    GoCommand {
        name: &'a str,
        args: &'a [OsString],
    },
    Goroot {
        args: &'a [OsString],
    },
    /// `crosscall abi …`: where the arguments and results of a function live.
    Conventions {
        args: &'a [OsString],
    },
    Doctor,
    Version,
    Help,
    NotYet {
        name: &'a str,
    },
    Unknown {
        name: &'a OsStr,
    },
    Nothing,
}

/// Commands of the go command that are passed on under their own names. `help` and `version` are ours.
pub const GO_COMMANDS: &[&str] = &[
    "bug",
    "build",
    "clean",
    "doc",
    "env",
    "fix",
    "fmt",
    "generate",
    "get",
    "install",
    "list",
    "mod",
    "run",
    "telemetry",
    "test",
    "tool",
    "vet",
    "work",
];

/// `crosscall --toolexec WRAPPER… -- TOOL …`: the user has a `-toolexec` of his own, which sees every tool but cgo.
pub const WRAP: &str = "--toolexec";

pub const HELP: &str = "\
crosscall is Go's cgo, done again: the go command stays, the C side gets faster and says more.

usage:
  crosscall build|test|run|install|vet|list|… [arguments]
                          the go command with crosscall behind it
  go build -toolexec=crosscall
                          the same from scripts and editors
  crosscall cgo [flags] -- [compiler options] file.go ...
                          the stub generator alone, a stand-in for 'go tool cgo'
  crosscall goroot DIR    makes a GOROOT of links in DIR whose cgo is crosscall,
                          for what bypasses -toolexec
  crosscall abi 'int f(struct point, double)'
                          shows where each argument and result lives, in every calling
                          convention; 'crosscall abi -help' says more
  crosscall doctor        says what is installed and how to get what is missing
  crosscall version
  crosscall help

not there yet:
  crosscall check ./...   type checking and lints

environment:
  CROSSCALL_GO            the go command to run (default: go in PATH)
  CROSSCALL_LOG           what to print of a run: time, c, names (comma-separated)
  CROSSCALL_TRACE_FILE    a file that gets one line for each run of the generator
";

pub fn find(args: &[OsString]) -> Way<'_> {
    let Some((program, args)) = args.split_first() else {
        return Way::Nothing;
    };
    if tool_name(program) == "cgo" {
        return Way::Generator {
            tool: Some(Path::new(program)),
            args,
        };
    }
    let Some((first, rest)) = args.split_first() else {
        return Way::Nothing;
    };
    if first == WRAP {
        return wrapped(rest);
    }
    if is_tool(first, rest) {
        return tool(&[], first, rest);
    }
    match first.to_str() {
        Some("cgo") => Way::Generator {
            tool: None,
            args: rest,
        },
        Some("tool") if rest.first().is_some_and(|name| name == "cgo") => Way::Generator {
            tool: None,
            args: &rest[1..],
        },
        Some("goroot") => Way::Goroot { args: rest },
        Some("abi") => Way::Conventions { args: rest },
        Some("doctor") => Way::Doctor,
        Some("version" | "-V" | "--version") => Way::Version,
        Some("help" | "-h" | "-help" | "--help") => Way::Help,
        Some(name @ "check") => Way::NotYet { name },
        Some(name) if GO_COMMANDS.contains(&name) => Way::GoCommand { name, args: rest },
        _ => Way::Unknown { name: first },
    }
}

fn wrapped(args: &[OsString]) -> Way<'_> {
    let end = args.iter().position(|arg| arg == "--");
    match end.map(|end| (&args[..end], &args[end + 1..])) {
        Some((wrapper, [first, rest @ ..])) => tool(wrapper, first, rest),
        _ => Way::Nothing,
    }
}

fn tool<'a>(wrapper: &'a [OsString], first: &'a OsString, args: &'a [OsString]) -> Way<'a> {
    if tool_name(first) == "cgo" {
        return Way::Generator {
            tool: Some(Path::new(first)),
            args,
        };
    }
    Way::OtherTool {
        wrapper,
        tool: first,
        args,
    }
}

/// The go command names its tools by path. Of the C compiler, which may be a bare name, it only asks the version.
fn is_tool(first: &OsStr, rest: &[OsString]) -> bool {
    let names_path = Path::new(first).components().count() > 1;
    names_path || rest.first().is_some_and(|arg| arg == "-###")
}

/// `cgo` for `/usr/lib/go/pkg/tool/linux_amd64/cgo` and `C:\go\pkg\tool\windows_amd64\cgo.exe`.
fn tool_name(program: &OsStr) -> String {
    let path = program.to_string_lossy();
    let base = path.rsplit(['/', '\\']).next().unwrap_or_default();
    base.strip_suffix(".exe").unwrap_or(base).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn shown(line: &str) -> String {
        match find(&args(line)) {
            Way::Generator { tool, args } => format!("generator {tool:?} {args:?}"),
            Way::OtherTool {
                wrapper,
                tool,
                args,
            } => format!("tool {wrapper:?} {tool:?} {args:?}"),
            Way::GoCommand { name, args } => format!("go {name:?} {args:?}"),
            way => format!("{way:?}"),
        }
    }

    #[test]
    fn ways() {
        for (line, want) in [
            ("crosscall", "Nothing"),
            ("crosscall cgo -x", r#"generator None ["-x"]"#),
            ("crosscall tool cgo -x", r#"generator None ["-x"]"#),
            (
                "crosscall /go/pkg/tool/cgo -x",
                r#"generator Some("/go/pkg/tool/cgo") ["-x"]"#,
            ),
            (
                "crosscall C:\\go\\cgo.exe",
                r#"Unknown { name: "C:\\go\\cgo.exe" }"#,
            ),
            (
                "/shadow/pkg/tool/cgo -x",
                r#"generator Some("/shadow/pkg/tool/cgo") ["-x"]"#,
            ),
            (
                "crosscall /go/compile -V=full",
                r#"tool [] "/go/compile" ["-V=full"]"#,
            ),
            (
                "crosscall gcc -### -x c -c -",
                r#"tool [] "gcc" ["-###", "-x", "c", "-c", "-"]"#,
            ),
            ("crosscall build ./x", r#"go "build" ["./x"]"#),
            ("crosscall tool nm", r#"go "tool" ["nm"]"#),
            (
                "crosscall --toolexec w -a -- /go/asm x",
                r#"tool ["w", "-a"] "/go/asm" ["x"]"#,
            ),
            (
                "crosscall --toolexec w -- /go/cgo x",
                r#"generator Some("/go/cgo") ["x"]"#,
            ),
            ("crosscall --toolexec w", "Nothing"),
            ("crosscall abi f", r#"Conventions { args: ["f"] }"#),
            ("crosscall check ./...", r#"NotYet { name: "check" }"#),
            ("crosscall bild", r#"Unknown { name: "bild" }"#),
        ] {
            if cfg!(windows) && line.contains("C:") {
                continue;
            }
            assert_eq!(shown(line), want, "{line}");
        }
    }
}
