//! What surrounds the answers: errors, flags, threads, and the way around libclang.

use cdecl::{Compiler, Error, Meaning, Unit, resolve};

const PROLOG: &str = "\n#line 1 \"cgo-builtin-prolog\"\n#include <stddef.h>\n\n/* Define intgo.  */\n\
typedef ptrdiff_t intgo;\n\n#define GO_CGO_GOSTRING_TYPEDEF\n\
typedef struct { const char *p; intgo n; } _GoString_;\n\
typedef struct { char *p; intgo n; intgo c; } _GoBytes_;\n\
_GoString_ GoString(char *p);\n_GoString_ GoStringN(char *p, int l);\n_GoBytes_ GoBytes(void *p, int n);\n\
char *CString(_GoString_);\nvoid *CBytes(_GoBytes_);\nvoid *_CMalloc(size_t);\n#line 3 \"/x/main.go\"\n";

fn compiler(command: &str, flags: &[&str]) -> Compiler {
    Compiler {
        command: command.split(' ').map(str::to_owned).collect(),
        goos: "linux".into(),
        goarch: "amd64".into(),
        flags: flags.iter().map(|&flag| flag.to_owned()).collect(),
        dir: std::env::temp_dir(),
    }
}

fn names(names: &str) -> Vec<String> {
    names
        .split(';')
        .map(|name| name.trim().to_owned())
        .collect()
}

fn ask(compiler: &Compiler, source: &str, list: &str) -> Unit {
    resolve(compiler, source, &names(list)).expect("an answer")
}

fn ints(unit: &Unit) -> Vec<i128> {
    let int = |meaning: &Meaning| match meaning {
        Meaning::IntConst { value, .. } => *value,
        other => panic!("not an integer constant: {other:?}"),
    };
    unit.answers
        .iter()
        .map(|answer| int(&answer.meaning))
        .collect()
}

/// For a target without a compiler libclang answers alone.
#[test]
fn libclang_alone() {
    let alone = |triple: &str| Compiler {
        command: Vec::new(),
        ..compiler("", &[&format!("--target={triple}")])
    };
    let source = "#include <stddef.h>\nstruct s { long a; size_t b; };\n";
    for (triple, sizes) in [
        ("x86_64-w64-windows-gnu", [16, 4]),
        ("aarch64-linux-gnu", [16, 8]),
        ("i386-linux-gnu", [8, 4]),
    ] {
        let unit = ask(&alone(triple), source, "sizeof(struct s); sizeof(long)");
        assert_eq!(ints(&unit), sizes, "{triple}");
    }
    let wrong = resolve(&alone("i386-linux-gnu"), "unknown x;\n", &names("x"));
    let Err(Error::Rejected { stderr }) = wrong else {
        panic!("an unknown type is accepted: {wrong:?}");
    };
    assert!(stderr.contains("unknown type name 'unknown'"), "{stderr}");
}

#[test]
fn basic_names_mean_the_same_without_libclang() {
    let basic = "char; signed char; unsigned char; short; unsigned short; int; unsigned int; long; unsigned long; \
        long long; unsigned long long; float; double; float _Complex; double _Complex; size_t; _GoString_; \
        _GoBytes_; GoString; GoStringN; GoBytes; CString; CBytes; _CMalloc";
    let mut targets = vec![
        ("gcc", "amd64", "linux", "-m64"),
        ("gcc", "386", "linux", "-m32"),
    ];
    targets.push(("x86_64-w64-mingw32-gcc", "amd64", "windows", "-m64"));
    targets.push((
        "clang-19 --target=aarch64-linux-gnu",
        "arm64",
        "linux",
        "-O2",
    ));
    targets.push((
        "clang-19 --target=arm-linux-gnueabihf",
        "arm",
        "linux",
        "-O2",
    ));
    for (command, goarch, goos, flag) in targets {
        let program = command.split(' ').next().unwrap_or_default();
        if std::process::Command::new(program)
            .arg("--version")
            .output()
            .is_err()
        {
            eprintln!("{program} is not installed: {goos}/{goarch} is not compared");
            continue;
        }
        let with = |command: &str, goos: &str| Compiler {
            goos: goos.into(),
            goarch: goarch.into(),
            ..compiler(command, &[flag])
        };
        // A GOOS that the table does not know forces the question to libclang.
        let slow = ask(&with(command, "unknown"), PROLOG, basic).dump(&names(basic));
        let fast = ask(&with("no-such-compiler", goos), PROLOG, basic).dump(&names(basic));
        let without_places = |dump: &str| -> Vec<String> {
            dump.lines()
                .map(|line| line.replace(" at stddef.h", ""))
                .collect()
        };
        assert_eq!(
            without_places(&fast),
            without_places(&slow),
            "{goos}/{goarch}"
        );
    }
}

#[test]
fn a_macro_in_the_way_is_noticed() {
    let source = format!("{PROLOG}#define long short\n");
    let unit = ask(&compiler("gcc", &["-m64"]), &source, "long; int");
    assert!(
        unit.dump(&names("long; int"))
            .contains("long: type short int")
    );
    let unit = ask(
        &compiler("gcc", &["-m64", "-Dfloat=char"]),
        PROLOG,
        "float; int",
    );
    assert!(unit.dump(&names("float; int")).contains("float: type char"));
}

#[test]
fn what_the_compiler_rejects_is_rejected_in_its_words() {
    let source = format!("{PROLOG}#include \"no/such/header.h\"\nint x;\n");
    match resolve(&compiler("gcc", &["-m64"]), &source, &names("x")) {
        Err(Error::Rejected { stderr }) => assert!(stderr.contains("/x/main.go:3"), "{stderr}"),
        other => panic!("{other:?}"),
    }
    let source = format!("{PROLOG}int x");
    assert!(matches!(
        resolve(&compiler("gcc", &["-m64"]), &source, &names("x")),
        Err(Error::Rejected { .. })
    ));
    assert!(matches!(
        resolve(&compiler("no-such-cc", &[]), "int x;", &names("x")),
        Err(Error::Compiler(_))
    ));
}

#[test]
fn what_only_the_compiler_accepts_is_accepted() {
    // A nested function: gcc's alone, and in a body that is not even read.
    let source = "static int outer(int a) { int inner(int b) { return a + b; } return inner(1); }\n\
        __typeof__(__builtin_has_attribute(outer, cold)) gcc_only;\nint x = 5;\n";
    let unit = ask(&compiler("gcc", &["-m64"]), source, "x; outer");
    assert!(
        unit.dump(&names("x; outer"))
            .starts_with("x: expression int\nouter: expression func(int) int\n")
    );
}

#[test]
fn no_flag_keeps_libclang_from_parsing() {
    let flags = "-m64 -Wno-such-warning --param=ggc-min-expand=1 -march=native -mtune=native -mindirect-branch=thunk \
        -mfunction-return=keep -fsanitize=address -O3 -g3 -flto=auto -pipe -fstack-clash-protection -fno-plt \
        -Wl,-z,now -ffat-lto-objects -fipa-pta -ftree-vectorize -fplan9-extensions -DX=3 -maccumulate-outgoing-args";
    let flags: Vec<&str> = flags.split_whitespace().collect();
    assert_eq!(
        ints(&ask(&compiler("gcc", &flags), "enum { Y = X };", "Y")),
        [3]
    );
}

#[test]
fn a_name_may_be_asked_twice() {
    let unit = ask(
        &compiler("gcc", &["-m64"]),
        "#define A 1\n#define OPEN (\nenum { B = 2 };",
        "A; B; A",
    );
    assert_eq!(ints(&unit), [1, 2, 1]);
}

#[test]
fn threads_resolve_at_once() {
    std::thread::scope(|scope| {
        for i in 0..8 {
            scope.spawn(move || {
                let source = format!("#include <stdio.h>\nenum {{ N = {i} }};\n");
                assert_eq!(
                    ints(&ask(&compiler("gcc", &["-m64"]), &source, "N; EOF")),
                    [i, -1]
                );
            });
        }
    });
}
