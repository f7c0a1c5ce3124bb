//! `crosscall abi`: the table, and what it says where there is none. That the places are right is shown in `tests/conventions.rs`.

mod support;

use support::{Said, crosscall, run, write};

fn abi(args: &[&str]) -> Said {
    let mut command = crosscall();
    command.arg("abi").args(args).env_remove("COLUMNS");
    run(command)
}

const POINT: &str = "struct point {double x, y;}; struct point f(struct point, float)";

#[test]
fn conventions_side_by_side() {
    let said = abi(&[POINT, "-conv", "sysv,win64,stdcall"]);
    let want = "\
struct point f(struct point, float)

                     sysv         win64          stdcall
                     linux/amd64  windows/amd64  linux/386
1 struct point       xmm0 0…7     *rdx           sp+4…19
                     xmm1 8…15
2 float              xmm2         xmm2           sp+20
result struct point  xmm0 0…7     *rcx           *(sp+0)
                     xmm1 8…15
result address                    rcx            sp+0
                                  back in rax    back in eax
stack bytes          0            32             24
                                  32 shadow
popped by            caller       caller         callee
Windows symbol                    f              _f@20

sp: the stack pointer at the call, before x86 pushes the return address.
*: in memory of the caller's, at that address.
shadow: room for the callee to keep its register arguments.
linux/386: 32-bit Windows returns small structs in eax and edx.
";
    assert_eq!(said.stdout, want, "{}", said.stderr);
    assert_eq!(said.code, Some(0));
}

#[test]
fn all_conventions_in_a_terminals_width() {
    let said = abi(&[POINT]);
    let is_short = |line: &str| line.chars().count() <= 100;
    assert!(said.stdout.lines().all(is_short), "{}", said.stdout);
    let names = "sysv win64 aapcs64 cdecl stdcall fastcall abi0 abiinternal";
    for name in names.split(' ') {
        assert!(said.stdout.contains(name), "{name}: {}", said.stdout);
    }
}

/// Where cgo leaves a gap at the end of a struct, it is an array: the struct is passed on the stack.
#[test]
fn go_sees_the_types_of_cgo() {
    let types = "struct s {double d; int i;}; struct t {int i; double d;}; struct u {unsigned a:8; int c;};";
    let text = format!("{types} int f(struct s, struct t, struct u)");
    let said = abi(&["-conv=abiinternal", "-goarch=arm64", &text]);
    let cell = |row: &str| {
        let line = said.stdout.lines().find(|line| line.starts_with(row));
        line.and_then(|line| line.split_whitespace().nth(3))
    };
    assert_eq!(cell("1 struct s"), Some("sp+8…23"), "{}", said.stdout);
    assert_eq!(cell("2 struct t"), Some("R0"), "{}", said.stdout);
    assert_eq!(cell("3 struct u"), Some("sp+24"), "{}", said.stdout);
    let said = abi(&["-conv=abi0", "int f(long double)"]);
    let note = "abi0: argument 1: Go has no such type";
    assert!(said.stdout.contains(note), "{}", said.stdout);
}

#[test]
fn functions_of_headers() {
    let dir = tempfile::tempdir().expect("a directory");
    let header = "typedef struct { int x, y; } point;\nvoid move(point *, point);\n";
    write(dir.path(), &[("inc/point.h", header)]);
    for args in [
        &["-include", "point.h", "move", "--", "-I", "inc"][..],
        &[
            "-preamble",
            "#include \"inc/point.h\"",
            "void move(point *, point)",
        ],
    ] {
        let mut command = crosscall();
        command.current_dir(dir.path());
        command.args(["abi", "-conv", "sysv"]).args(args);
        let said = run(command);
        let (out, err) = (said.stdout, said.stderr);
        assert!(out.contains("2 point"), "{out}{err}");
    }
}

#[test]
fn mistakes_are_shown_where_they_are() {
    for (args, code, text) in [
        (
            &["int f(struct point, double)"][..],
            1,
            "struct point has no definition here\n --> declaration:1:7",
        ),
        (&["int f(int, point p)"], 1, "unknown type name 'point'"),
        (&["int f(int, point p)"], 1, "declaration:1:12"),
        (
            &["int f(point)"],
            1,
            "point is not a type\n --> declaration:1:7",
        ),
        (&["int f(int"], 1, "declaration:1:"),
        (&["struct point"], 1, "no function is declared here"),
        (&["-include", "stdio.h", "put"], 1, "put is not declared"),
        (&["-preamble", "int x = ;", "f"], 1, "preamble:1:9"),
        (
            &["-conv", "pascal", "int f(int)"],
            2,
            "-conv: pascal is none of sysv",
        ),
        (&["-goarch", "pdp11", "int f(int)"], 2, "-goarch: pdp11"),
        (&[], 2, "there is no declaration"),
        (&["-help"], 2, "usage: crosscall abi"),
        (
            &["int f(int)", "int g(int)"],
            2,
            "one declaration at a time",
        ),
    ] {
        let said = abi(args);
        let (out, err) = (said.stdout, said.stderr);
        assert_eq!(said.code, Some(code), "{args:?}: {out}{err}");
        assert!(err.contains(text), "{args:?}: {err}");
        assert_eq!(out, "", "{args:?}");
    }
}

/// A type that one target doesn't have costs its columns, with a word about it.
#[test]
fn what_a_target_lacks() {
    let said = abi(&["-conv", "sysv,cdecl", "void f(__int128)"]);
    assert_eq!(said.code, Some(0));
    assert!(said.stdout.contains("1 __int128"), "{}", said.stdout);
    assert!(said.stdout.contains("\ncdecl: "), "{}", said.stdout);
}

/// No compiler at all: libclang answers for every target.
#[test]
fn without_a_compiler() {
    let mut command = crosscall();
    command.args(["abi", POINT]).env("PATH", "/nonexistent");
    let said = run(command);
    assert_eq!(said.stdout, abi(&[POINT]).stdout, "{}", said.stderr);
}
