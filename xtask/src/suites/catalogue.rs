//! Go's own cgo suites: which there are, how they are run, and what is known about them.

pub struct Suite {
    pub name: &'static str,
    /// Below `cmd/cgo/internal/` in the GOROOT.
    pub package: &'static str,
    pub cc: Option<&'static str>,
    /// Minutes, not seconds: left out of `cargo xtask test`.
    pub long: bool,
    /// Starts `go tool cgo` itself, which `-toolexec` doesn't see.
    pub bypasses_toolexec: bool,
    /// Whether the generator must have run, in either way.
    pub generates: Generates,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Generates {
    Always,
    /// Only as `go tool cgo`: in a shadow GOROOT.
    ByTool,
    /// The suite's own packages use no cgo.
    Perhaps,
}

const fn suite(name: &'static str) -> Suite {
    Suite {
        name,
        package: name,
        cc: None,
        long: false,
        bypasses_toolexec: false,
        generates: Generates::Always,
    }
}

const fn bypassing(name: &'static str) -> Suite {
    Suite {
        bypasses_toolexec: true,
        ..suite(name)
    }
}

const fn long(name: &'static str) -> Suite {
    Suite {
        long: true,
        ..suite(name)
    }
}

pub const SUITES: &[Suite] = &[
    suite("test"),
    bypassing("testcarchive"),
    bypassing("testcshared"),
    bypassing("testerrors"),
    Suite {
        generates: Generates::ByTool,
        ..bypassing("testgodefs")
    },
    suite("testlife"),
    Suite {
        generates: Generates::Perhaps,
        ..suite("testnocgo")
    },
    Suite {
        generates: Generates::ByTool,
        ..bypassing("testout")
    },
    suite("testso"),
    suite("teststdio"),
    suite("testtls"),
    suite("testplugin"),
    suite("testfortran"),
    suite("swig"),
    long("testshared"),
    long("testsanitizers"),
    Suite {
        package: "testsanitizers",
        cc: Some("clang-19"),
        ..long("testsanitizers-clang")
    },
];
