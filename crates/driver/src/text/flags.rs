//! Go's command-line flags (package `flag`): one dash or two, `-x=v` or `-x v`, booleans without a value, `--` ends them, the
//! first argument that is no flag ends them too. Table-driven: a tool is its table.

use super::quoting::quote;

pub enum Kind {
    /// `-x`, `-x=false`.
    Bool(bool),
    /// `-x v`, `-x=v`, with the default.
    Text(&'static str),
    /// `-V`, `-V=full`: ends parsing at once.
    Version,
}

pub struct Flag {
    pub name: &'static str,
    pub kind: Kind,
    pub usage: &'static str,
}

/// The flags of a tool, sorted by name as the usage text lists them.
pub type Table = &'static [Flag];

#[derive(Debug)]
pub struct Parsed {
    values: Vec<(&'static str, String)>,
    /// What follows the flags.
    pub rest: Vec<String>,
}

/// Why parsing ended early.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// `-V` with its value; `true` when there was none.
    Version(String),
    /// `-h`, `-help`: the usage text is wanted.
    Help,
    /// A message, to be followed by the usage text.
    Bad(String),
}

pub fn parse(table: Table, args: &[String]) -> Result<Parsed, Stop> {
    let mut parsed = Parsed {
        values: Vec::new(),
        rest: Vec::new(),
    };
    let mut args = args.iter();
    while let Some(arg) = args.as_slice().first() {
        if arg.len() < 2 || !arg.starts_with('-') {
            break;
        }
        args.next();
        if arg == "--" {
            break;
        }
        let (flag, value) = look_up(table, arg)?;
        let value = match (&flag.kind, value) {
            (Kind::Version, value) => {
                return Err(Stop::Version(value.unwrap_or("true").to_owned()));
            }
            (Kind::Bool(_), value) => bool_value(flag.name, value.unwrap_or("true"))?.to_string(),
            (Kind::Text(_), Some(value)) => value.to_owned(),
            (Kind::Text(_), None) => args
                .next()
                .ok_or_else(|| Stop::Bad(format!("flag needs an argument: -{}", flag.name)))?
                .clone(),
        };
        parsed.values.push((flag.name, value));
    }
    parsed.rest = args.cloned().collect();
    Ok(parsed)
}

fn look_up(table: Table, arg: &str) -> Result<(&'static Flag, Option<&str>), Stop> {
    let name = arg.strip_prefix("--").unwrap_or(&arg[1..]);
    if name.is_empty() || name.starts_with(['-', '=']) {
        return Err(Stop::Bad(format!("bad flag syntax: {arg}")));
    }
    let (name, value) = match name.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (name, None),
    };
    match table.iter().find(|flag| flag.name == name) {
        Some(flag) => Ok((flag, value)),
        None if name == "help" || name == "h" => Err(Stop::Help),
        None => Err(Stop::Bad(format!("flag provided but not defined: -{name}"))),
    }
}

fn bool_value(name: &str, value: &str) -> Result<bool, Stop> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(Stop::Bad(format!(
            "invalid boolean value {} for -{name}: parse error",
            quote(value)
        ))),
    }
}

/// The list of flags below a usage line.
pub fn defaults(table: Table) -> String {
    let mut out = String::new();
    for flag in table {
        out.push_str("  -");
        out.push_str(flag.name);
        let default = match flag.kind {
            Kind::Text(default) => {
                out.push_str(" string");
                (!default.is_empty()).then(|| quote(default))
            }
            Kind::Bool(default) => default.then(|| "true".to_owned()),
            Kind::Version => None,
        };
        let on_same_line = flag.name.len() == 1 && !matches!(flag.kind, Kind::Text(_));
        out.push_str(if on_same_line { "\t" } else { "\n    \t" });
        out.push_str(flag.usage);
        if let Some(default) = default {
            out.push_str(&format!(" (default {default})"));
        }
        out.push('\n');
    }
    out
}

impl Parsed {
    /// The value that a text flag ends up with.
    pub fn text(&self, table: Table, name: &str) -> String {
        self.last(name).map_or_else(
            || match find(table, name).kind {
                Kind::Text(default) => default.to_owned(),
                _ => String::new(),
            },
            str::to_owned,
        )
    }

    pub fn bool(&self, table: Table, name: &str) -> bool {
        self.last(name).map_or_else(
            || matches!(find(table, name).kind, Kind::Bool(true)),
            |value| value == "true",
        )
    }

    fn last(&self, name: &str) -> Option<&str> {
        let set = self.values.iter().rev().find(|(set, _)| *set == name);
        set.map(|(_, value)| value.as_str())
    }
}

fn find(table: Table, name: &str) -> &'static Flag {
    let flag = table.iter().find(|flag| flag.name == name);
    flag.unwrap_or_else(|| panic!("flag -{name} is not in the table"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = &[
        Flag {
            name: "V",
            kind: Kind::Version,
            usage: "version",
        },
        Flag {
            name: "b",
            kind: Kind::Bool(true),
            usage: "bool",
        },
        Flag {
            name: "s",
            kind: Kind::Text("d"),
            usage: "text",
        },
    ];

    fn run(args: &[&str]) -> Result<Parsed, Stop> {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        parse(TABLE, &args)
    }

    #[test]
    fn values_and_rest() {
        let parsed = run(&["--s", "-b", "-b=0", "-s=x=y", "--", "-s", "a"]).expect("good flags");
        assert_eq!(parsed.text(TABLE, "s"), "x=y");
        assert!(!parsed.bool(TABLE, "b"));
        assert_eq!(parsed.rest, ["-s", "a"]);
        let parsed = run(&["a", "-b=0"]).expect("no flags");
        assert!(parsed.bool(TABLE, "b"));
        assert_eq!(parsed.text(TABLE, "s"), "d");
        assert_eq!(parsed.rest.len(), 2);
        assert_eq!(run(&["-", "x"]).expect("a lone dash").rest, ["-", "x"]);
    }

    #[test]
    fn bad_flags() {
        for (args, message) in [
            (&["-x=1"][..], "flag provided but not defined: -x"),
            (&["---x"], "bad flag syntax: ---x"),
            (&["-=x"], "bad flag syntax: -=x"),
            (&["-b=2"], "invalid boolean value \"2\" for -b: parse error"),
            (&["-s"], "flag needs an argument: -s"),
        ] {
            assert_eq!(run(args).unwrap_err(), Stop::Bad(message.to_owned()));
        }
        assert_eq!(run(&["-help"]).unwrap_err(), Stop::Help);
        let full = run(&["-V=full", "-x"]).unwrap_err();
        assert_eq!(full, Stop::Version("full".to_owned()));
    }
}
