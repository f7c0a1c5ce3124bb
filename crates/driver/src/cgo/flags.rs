//! The flags of `go tool cgo`.

use crate::text::flags::{Flag, Kind, Parsed, Stop, Table, defaults, parse};

const fn text(name: &'static str, usage: &'static str) -> Flag {
    let kind = Kind::Text("");
    Flag { name, kind, usage }
}

const fn bool(name: &'static str, default: bool, usage: &'static str) -> Flag {
    let kind = Kind::Bool(default);
    Flag { name, kind, usage }
}

const TABLE: Table = &[
    Flag {
        name: "V",
        kind: Kind::Version,
        usage: "print version and exit",
    },
    bool("debug-define", false, "print relevant #defines"),
    bool("debug-gcc", false, "print gcc invocations"),
    text(
        "dynimport",
        "if non-empty, print dynamic import data for that file",
    ),
    bool(
        "dynlinker",
        false,
        "record dynamic linker information in -dynimport mode",
    ),
    text("dynout", "write -dynimport output to this file"),
    Flag {
        name: "dynpackage",
        kind: Kind::Text("main"),
        usage: "set Go package for -dynimport output",
    },
    text(
        "exportheader",
        "where to write export header if any exported functions",
    ),
    bool("gccgo", false, "generate files for use with gccgo"),
    bool(
        "gccgo_define_cgoincomplete",
        false,
        "define cgo.Incomplete for older gccgo/GoLLVM",
    ),
    text("gccgopkgpath", "-fgo-pkgpath option used with gccgo"),
    text("gccgoprefix", "-fgo-prefix option used with gccgo"),
    bool(
        "godefs",
        false,
        "for bootstrap: write Go definitions for C file to standard output",
    ),
    bool(
        "import_runtime_cgo",
        true,
        "import runtime/cgo in generated code",
    ),
    bool("import_syscall", true, "import syscall in generated code"),
    text(
        "importpath",
        "import path of package being built (for comments in generated files)",
    ),
    text("ldflags", "flags to pass to C linker"),
    text("objdir", "object directory"),
    text("srcdir", "source directory"),
    text(
        "trimpath",
        "applies supplied rewrites or trims prefixes to recorded source file paths",
    ),
];

/// The flags of one run, and the arguments behind them.
pub struct Flags {
    pub debug_define: bool,
    pub debug_gcc: bool,
    pub dynimport: String,
    pub dynlinker: bool,
    pub dynout: String,
    pub dynpackage: String,
    pub exportheader: String,
    pub gccgo: bool,
    pub gccgo_define_cgoincomplete: bool,
    pub gccgopkgpath: String,
    pub gccgoprefix: String,
    pub godefs: bool,
    pub import_runtime_cgo: bool,
    pub import_syscall: bool,
    pub importpath: String,
    pub ldflags: String,
    pub objdir: String,
    pub srcdir: String,
    pub trimpath: String,
    pub rest: Vec<String>,
}

impl Flags {
    pub fn parse(args: &[String]) -> Result<Flags, Stop> {
        let parsed = parse(TABLE, args)?;
        let text = |name| Parsed::text(&parsed, TABLE, name);
        let bool = |name| Parsed::bool(&parsed, TABLE, name);
        Ok(Flags {
            debug_define: bool("debug-define"),
            debug_gcc: bool("debug-gcc"),
            dynimport: text("dynimport"),
            dynlinker: bool("dynlinker"),
            dynout: text("dynout"),
            dynpackage: text("dynpackage"),
            exportheader: text("exportheader"),
            gccgo: bool("gccgo"),
            gccgo_define_cgoincomplete: bool("gccgo_define_cgoincomplete"),
            gccgopkgpath: text("gccgopkgpath"),
            gccgoprefix: text("gccgoprefix"),
            godefs: bool("godefs"),
            import_runtime_cgo: bool("import_runtime_cgo"),
            import_syscall: bool("import_syscall"),
            importpath: text("importpath"),
            ldflags: text("ldflags"),
            objdir: text("objdir"),
            srcdir: text("srcdir"),
            trimpath: text("trimpath"),
            rest: parsed.rest,
        })
    }
}

/// What `-h` and a bad command line print.
pub fn usage() -> String {
    format!(
        "usage: cgo -- [compiler options] file.go ...\n{}",
        defaults(TABLE)
    )
}
