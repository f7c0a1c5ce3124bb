//! The comparison catches what it is there to catch: each test plants one difference in a copy of the official output and asks for
//! exactly that one back. The official output compared with itself is clean.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crosscall_tests::compare::{self, Pair};
use crosscall_tests::mimic;
use crosscall_tests::record::Call;
use crosscall_tests::replay::{Generator, Run};
use crosscall_tests::toolchain::{Toolchain, workspace};

/// What is changed where, and what the comparison has to say.
struct Plant {
    program: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    what: &'static str,
    name: &'static str,
}

const GOTYPES: &str = "_cgo_gotypes.go";
const HEADER: &str = "_cgo_export.h";

const PLANTS: &[Plant] = &[
    plant(
        "layouts.go",
        GOTYPES,
        "hidden\t*_Ctype_struct_other",
        "hidden\tuint32",
        "different",
        "_Ctype_struct_list",
    ),
    plant(
        "layouts.go",
        GOTYPES,
        "type _Ctype_union_numbers = [16]byte",
        "type _Ctype_union_numbers = [24]byte",
        "different",
        "_Ctype_union_numbers",
    ),
    plant(
        "layouts.go",
        GOTYPES,
        "type _Ctype_int int32",
        "type _Ctype_int uint32",
        "different",
        "_Ctype_int",
    ),
    plant(
        "constants.go",
        GOTYPES,
        "_Ciconst_DECIMAL = 0x2a",
        "_Ciconst_DECIMAL = 0x2b",
        "different",
        "_Ciconst_DECIMAL",
    ),
    plant(
        "constants.go",
        GOTYPES,
        "_Ciconst_GREEN = 0x5",
        "_Ciconst_GREEN int32 = 0x5",
        "different",
        "_Ciconst_GREEN",
    ),
    plant(
        "constants.go",
        GOTYPES,
        "_Ciconst_CHARACTER = 'q'",
        "_Ciconst_CHARACTER = 113",
        "different",
        "_Ciconst_CHARACTER",
    ),
    plant(
        "constants.go",
        GOTYPES,
        "const _Ciconst_RED = 0x0\n",
        "",
        "missing",
        "_Ciconst_RED",
    ),
    plant(
        "functions.go",
        GOTYPES,
        "func _Cfunc_fails(p0 _Ctype_int)",
        "func _Cfunc_fails(p0 _Ctype_uint)",
        "different",
        "_Cfunc_fails",
    ),
    plant(
        "functions.go",
        GOTYPES,
        "type _Ctype_void [0]byte",
        "type _Ctype_void [0]byte\nfunc _Cfunc_surplus()\n",
        "extra",
        "_Cfunc_surplus",
    ),
    plant(
        "functions.go",
        GOTYPES,
        "//go:cgo_export_dynamic Many\n",
        "",
        "missing",
        "//go:cgo_export_dynamic Many",
    ),
    plant(
        "functions.go",
        "functions.cgo1.go",
        "func fromC(a ",
        "\nfunc fromC(a ",
        "different",
        "line: functions.go fromC",
    ),
    plant(
        "functions.go",
        HEADER,
        "extern GoInt32 ReceiverMethod(GoInt32 recv, GoInt32 n);",
        "",
        "prototype",
        "ReceiverMethod",
    ),
    plant(
        "functions.go",
        HEADER,
        "extern void callbackVoid(void* p)",
        "extern void callbackVoid(GoInt p)",
        "prototype",
        "callbackVoid",
    ),
    plant(
        "functions.go",
        HEADER,
        "GoInt r0;",
        "GoInt8 r0;",
        "prototype",
        "Many_return",
    ),
    plant(
        "functions.go",
        "_cgo_export.c",
        "extern void crosscall2",
        "extern vold crosscall2",
        "syntax",
        "_cgo_export.c",
    ),
];

const fn plant(
    program: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    what: &'static str,
    name: &'static str,
) -> Plant {
    Plant {
        program,
        file,
        from,
        to,
        what,
        name,
    }
}

#[test]
fn official_with_itself_is_clean() {
    let bench = Bench::new();
    for program in ["layouts.go", "constants.go", "functions.go"] {
        let call = bench.call(program);
        let run = bench.again(&call);
        assert_eq!(
            bench.differences(&call, &run),
            [] as [(String, String); 0],
            "{program}"
        );
    }
}

#[test]
fn planted_differences_are_found() {
    let bench = Bench::new();
    for plant in PLANTS {
        let call = bench.call(plant.program);
        let run = bench.again(&call);
        let path = run.dir.join(plant.file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.contains(plant.from),
            "{}: no {:?} to change in\n{text}",
            plant.program,
            plant.from
        );
        fs::write(&path, text.replacen(plant.from, plant.to, 1)).unwrap();
        let found = bench.differences(&call, &run);
        let wanted = (plant.what.to_string(), plant.name.to_string());
        assert!(found.contains(&wanted), "{wanted:?} is not in {found:?}");
    }
}

#[test]
fn numbers_of_anonymous_structs_do_not_matter() {
    let bench = Bench::new();
    let call = bench.call("layouts.go");
    let run = bench.again(&call);
    for path in crosscall_tests::cases::outputs(&run.dir) {
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("___", "___10")).unwrap();
    }
    assert_eq!(bench.differences(&call, &run), [] as [(String, String); 0]);
}

#[test]
fn failure_instead_of_success_is_found() {
    let bench = Bench::new();
    let call = bench.call("layouts.go");
    let mut run = bench.again(&call);
    run.exit = 2;
    assert_eq!(
        bench.differences(&call, &run),
        [("exit".to_string(), "status".to_string())]
    );
}

/// The official generator's work on a program, and a second copy of it to tamper with.
struct Bench {
    toolchain: Toolchain,
    scratch: PathBuf,
    work: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let toolchain = Toolchain::find().unwrap();
        let scratch = mimic::scratch(env!("CARGO_TARGET_TMPDIR"), "comparator");
        Bench {
            toolchain,
            scratch,
            work: tempfile::tempdir().unwrap(),
        }
    }

    fn call(&self, program: &str) -> Call {
        let record = self.work.path().join(program);
        let objdir = record.join("official");
        for dir in [record.join("inputs"), objdir.clone()] {
            fs::create_dir_all(dir).unwrap();
        }
        let objdir = objdir.to_string_lossy().into_owned();
        let words = ["-objdir", &objdir, "-importpath", "p", "--", "-O2", program];
        let call = Call {
            record,
            cwd: workspace().join("tests/programs"),
            args: words.map(String::from).to_vec(),
            env: std::env::var("PATH")
                .map(|path| ("PATH".to_string(), path))
                .into_iter()
                .collect(),
            objdir,
            exit: 0,
        };
        let run = self.run(&call, &call.official());
        assert_eq!(run.exit, 0, "{}", run.stderr);
        call
    }

    fn again(&self, call: &Call) -> Run {
        self.run(call, &call.record.join("again"))
    }

    fn run(&self, call: &Call, dir: &Path) -> Run {
        let run = Generator::official(self.toolchain.cgo())
            .replay(call, dir)
            .unwrap();
        assert!(run.time < Duration::from_secs(60));
        run
    }

    /// Kind and name of each difference.
    fn differences(&self, call: &Call, run: &Run) -> Vec<(String, String)> {
        let pair = Pair {
            case: call.name(),
            call,
            run,
        };
        let found = compare::compare(&self.toolchain, &self.scratch, &[pair]).unwrap();
        found
            .into_iter()
            .map(|difference| (difference.what, difference.name))
            .collect()
    }
}
