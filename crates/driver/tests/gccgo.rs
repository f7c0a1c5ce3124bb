//! Programs built by gccgo: by hand, as other build systems do it, and through `go build -compiler gccgo`.
//!
//! gccgo is `$GCCGO`, else the first in `PATH` of the names that distributions give it. Without one each test is reported as
//! ignored, by name; libclang is needed too.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use libtest_mimic::{Arguments, Failed, Trial};
use support::{clean, crosscall, ensure, go, goroot, official, run, write};

fn main() {
    let args = Arguments::from_args();
    let gccgo = find_gccgo();
    let root = goroot();
    let trials = vec![
        trial("by_hand", gccgo.clone().ok_or(NO_GCCGO), |gccgo| {
            by_hand(gccgo)
        }),
        trial("same_as_official", both(&gccgo, &root), |(gccgo, root)| {
            same_as_official(gccgo, root)
        }),
        trial("go_build", both(&gccgo, &root), |(gccgo, root)| {
            go_build(gccgo, root)
        }),
    ];
    libtest_mimic::run(&args, trials).exit();
}

const NO_GCCGO: &str = "there is no gccgo: set GCCGO or install one";
const NO_TOOLCHAIN: &str = "CROSSCALL_GOROOT names no Go toolchain";

type Needs<T> = Result<T, &'static str>;

fn both(gccgo: &Option<PathBuf>, root: &Option<PathBuf>) -> Needs<(PathBuf, PathBuf)> {
    let gccgo = gccgo.clone().ok_or(NO_GCCGO)?;
    Ok((gccgo, root.clone().ok_or(NO_TOOLCHAIN)?))
}

/// A test of what it needs, or one that says why it isn't run.
fn trial<T: Send + 'static>(
    name: &str,
    needs: Needs<T>,
    test: impl Fn(&T) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    match needs {
        Ok(found) => Trial::test(name, move || test(&found)),
        Err(why) => Trial::test(name, move || Err(why.into())).with_ignored_flag(true),
    }
}

fn find_gccgo() -> Option<PathBuf> {
    if let Some(chosen) = env::var_os("GCCGO").filter(|chosen| !chosen.is_empty()) {
        return Some(chosen.into());
    }
    let names = ["gccgo".to_owned()]
        .into_iter()
        .chain((10..=16).rev().map(|version| format!("gccgo-{version}")));
    let dirs: Vec<_> = env::split_paths(&env::var_os("PATH")?).collect();
    names
        .flat_map(|name| dirs.iter().map(move |dir| dir.join(&name)))
        .find(|candidate| candidate.is_file())
}

/// What the official tool's output for gccgo can do too.
const PROGRAM: &str = r#"package main

/*
#include <errno.h>
#include <stdlib.h>

typedef struct opaque opaque;
typedef struct { int a; double b; } pair;
typedef int (*function)(int);
union number { int i; double d; };

extern int triple(int);
extern int several(int);
extern int shared;
extern int doubled(int);
extern const char *const greeting;

static int fails(int code) { errno = code; return -1; }
static void nothing(int code) { errno = code; }
static pair both(int a) { pair p = {triple(a), a / 2.0}; return p; }
static int apply(function f, int n) { return f(n); }
static void set(int *p, int v) { *p = v; }
static opaque *get(void) { return (opaque *)&shared; }
static int unwrap(opaque *o) { return *(int *)o; }
static double as_double(union number *n) { return n->d; }
static int length(_GoString_ s) { return (int)_GoStringLen(s); }
static _Bool negate(_Bool b) { return !b; }
#define NEXT (shared + 1)
#define ANSWER 42
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

type count int

//export triple
func triple(n C.int) C.int { return 3 * n }

//export Several
func Several(a C.int, s string, b []byte) (C.int, string, error) {
	return a + C.int(len(b)), s + string(b), errors.New("failed")
}

//export Add
func (c *count) Add(k int) int { return int(*c) + k }

func main() {
	p := C.both(5)
	_, err := C.fails(C.ENOENT)
	_, none := C.nothing(0)
	_, some := C.nothing(C.EPERM)
	fmt.Println(p.a, p.b, err, none, some)

	C.shared++
	var v C.int
	C.set(&v, 3)
	fmt.Println(C.shared, C.NEXT, C.ANSWER, v, C.apply(C.function(C.doubled), 4), C.unwrap(C.get()))

	s := C.CString("text")
	defer C.free(unsafe.Pointer(s))
	bytes := C.CBytes([]byte("bytes"))
	defer C.free(bytes)
	fmt.Println(C.GoString(s), C.GoStringN(s, 2), string(C.GoBytes(bytes, 5)), C.GoString(C.greeting), C.GoString(nil) == "")

	var n C.union_number
	*(*C.double)(unsafe.Pointer(&n)) = 1.5
	empty := C.malloc(0)
	defer C.free(empty)
	fmt.Println(C.as_double(&n), C.length("four"), C.negate(true), empty != nil, C.several(5))
}
"#;

const PRINTED: &str = "15 2.5 no such file or directory <nil> operation not permitted
12 13 42 3 8 12
text te bytes greeting true
1.5 4 false true 8649
";

/// C's half: `several` calls two exported functions.
const C_HALF: &str = r#"#include "_cgo_export.h"
int shared = 11;
const char *const greeting = "greeting";
int doubled(int n) { return 2 * n; }
int several(int n) {
	GoString s = { "abc", 3 };
	GoSlice b = { "xyz", 3, 3 };
	struct Several_return r = Several(n, s, b);
	GoInt c = 42;
	return r.r0 * 1000 + r.r1.n * 100 + (r.r2.t != 0) * 2 + (int)Add(&c, 5);
}
"#;

/// What the official tool's output cannot do: C objects that are static or that <stdlib.h> declares.
const STATIC: &str = r#"package main

// #include <stdlib.h>
// static int hidden = 5;
// static int twice(int n) { return 2 * n; }
// static int apply(int (*f)(int), int n) { return f(n); }
// static const char *const words[2] = {"one", "two"};
// static float _Complex twofold(float _Complex c) { return 2 * c; }
import "C"

import "fmt"

func init() {
	C.hidden++
	fmt.Println(C.hidden, C.apply((*[0]byte)(C.twice), 4), C.free != nil, C.GoString(C.words[1]), C.twofold(1+2i))
}
"#;

const STATIC_PRINTED: &str = "6 8 true two (2+4i)\n";

fn succeed(command: Command) -> Result<String, Failed> {
    let shown = format!("{command:?}");
    let said = run(command);
    ensure(
        said.code == Some(0),
        &format!("{shown}\n{}{}", said.stdout, said.stderr),
    )?;
    Ok(said.stdout)
}

/// Generates with `tool`, compiles every output by gcc and gccgo, links, runs.
fn build(gccgo: &Path, tool: Command, go_files: &[&str], dir: &Path) -> Result<String, Failed> {
    fs::create_dir(dir.join("obj"))?;
    let mut tool = tool;
    tool.current_dir(dir).env("GCCGO", gccgo);
    tool.args(["-objdir", "obj", "-gccgo", "-gccgo_define_cgoincomplete"]);
    tool.arg("--").args(go_files);
    succeed(tool)?;

    let bases = go_files.iter().map(|file| file.trim_end_matches(".go"));
    let sources: Vec<_> = bases
        .clone()
        .map(|base| format!("obj/{base}.cgo2.c"))
        .chain(["_cgo_export", "_cgo_defun"].map(|base| format!("obj/{base}.c")))
        .chain(["half.c".to_owned()])
        .collect();
    let mut objects = vec!["go.o".to_owned()];
    for (index, source) in sources.iter().enumerate() {
        let object = format!("{index}.o");
        let mut gcc = clean(Command::new("gcc"));
        gcc.current_dir(dir)
            .args(["-Iobj", "-g", "-O2", "-c", source, "-o", &object]);
        succeed(gcc)?;
        objects.push(object);
    }
    let mut compile = clean(Command::new(gccgo));
    compile
        .current_dir(dir)
        .args(["-g", "-c", "-o", "go.o", "obj/_cgo_gotypes.go"])
        .args(bases.map(|base| format!("obj/{base}.cgo1.go")));
    succeed(compile)?;
    let mut link = clean(Command::new(gccgo));
    link.current_dir(dir).args(["-o", "program"]).args(&objects);
    succeed(link)?;
    succeed(clean(Command::new(dir.join("program"))))
}

fn ours() -> Command {
    let mut command = crosscall();
    command.arg("cgo");
    command
}

fn printed(text: &str, expected: &str) -> Result<(), Failed> {
    ensure(text == expected, &format!("printed:\n{text}"))
}

fn by_hand(gccgo: &Path) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    write(
        dir.path(),
        &[
            ("main.go", PROGRAM),
            ("static.go", STATIC),
            ("half.c", C_HALF),
        ],
    );
    let text = build(gccgo, ours(), &["main.go", "static.go"], dir.path())?;
    printed(&text, &format!("{STATIC_PRINTED}{PRINTED}"))
}

/// The same program with the official stubs and with ours, and the Go symbols that either has C refer to.
fn same_as_official(gccgo: &Path, root: &Path) -> Result<(), Failed> {
    let mut seen = Vec::new();
    for tool in [clean(Command::new(official(root))), ours()] {
        let dir = tempfile::tempdir()?;
        write(dir.path(), &[("main.go", PROGRAM), ("half.c", C_HALF)]);
        let text = build(gccgo, tool, &["main.go"], dir.path())?;
        printed(&text, PRINTED)?;
        seen.push(go_symbols(&dir.path().join("obj"))?);
    }
    ensure(seen[0] == seen[1], &format!("{seen:#?}"))
}

/// `main.xxx` in the C files, but for one that no generated code uses.
fn go_symbols(obj: &Path) -> Result<Vec<String>, Failed> {
    let mut symbols = Vec::new();
    for entry in fs::read_dir(obj)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "c") {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let found = text.split("__asm__(\"main.").skip(1);
        symbols.extend(found.filter_map(|rest| rest.split('"').next().map(str::to_owned)));
    }
    symbols.retain(|symbol| symbol != "__cgoCheckResult");
    symbols.sort();
    Ok(symbols)
}

fn go_build(gccgo: &Path, root: &Path) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let lib = "package lib\n\n// #cgo LDFLAGS: -lm\n// #include <math.h>\n// static double two = 2;\nimport \"C\"\n\n\
               func Root() float64 { return float64(C.sqrt(C.two * 8)) }\n";
    let root_printed = "package main\n\nimport \"fmt\"\nimport \"example.com/m/lib\"\n\n\
                        func init() { fmt.Println(lib.Root()) }\n";
    write(
        dir.path(),
        &[
            ("go.mod", "module example.com/m\n\ngo 1.18\n"),
            ("a.go", root_printed),
            ("main.go", PROGRAM),
            ("static.go", STATIC),
            ("half.c", C_HALF),
            ("lib/lib.go", lib),
        ],
    );
    let mut build = go(&root.join("bin/go"), dir.path());
    build
        .env("GCCGO", gccgo)
        .env("CGO_ENABLED", "1")
        .args(["build", "-compiler", "gccgo", "-buildvcs=false"])
        .arg(format!("-toolexec={}", env!("CARGO_BIN_EXE_crosscall")))
        .args(["-o", "program", "."]);
    succeed(build)?;
    let text = succeed(clean(Command::new(dir.path().join("program"))))?;
    printed(&text, &format!("4\n{STATIC_PRINTED}{PRINTED}"))
}
