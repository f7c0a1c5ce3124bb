//! The system refuses memory or threads, at each request in turn: the program goes on or ends with a message in Go's words and status 2, and never
//! hangs. `refusals/shim.c` refuses, loaded before `refusals/program.c`.

mod building;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use building::{archive, compile_both, here, link, out, tool, wait};

/// Builds the program and what refuses; their files.
fn build() -> &'static (PathBuf, PathBuf) {
    static BUILT: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    BUILT.get_or_init(|| {
        let (program, shim) = (out("program"), out("shim.so"));
        let tests = here().join("tests/refusals");
        let objects = compile_both(&tests.join("program.c"), &["-O1"], "program");
        // Without symbols dumps are quick.
        link(&objects, &archive(), &["-s"], &program);
        let mut gcc = Command::new("gcc");
        gcc.args(["-Wall", "-Werror", "-O1", "-shared", "-fPIC"]);
        tool(gcc.arg(tests.join("shim.c")).arg("-o").arg(&shim));
        (program, shim)
    })
}

/// A run that ends by itself.
fn run(command: &mut Command) -> Output {
    // With a collection at every allocation there is no end to it.
    command.env_remove("GORT_DEBUG");
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program can be run");
    let ended = wait(&mut child).expect("it can be waited for");
    let output = child.wait_with_output().expect("it is over");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(ended.is_some(), "{command:?} hangs\n{said}");
    output
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(&build().0);
    command.args(arguments);
    command
}

/// It was told that there is no more, in one of these ways.
fn assert_told(output: &Output, ways: &[&[&str]], which: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    let told = |way: &&[&str]| way.iter().all(|part| said.contains(part));
    assert!(
        output.status.code() == Some(2) && ways.iter().any(told),
        "{which}: {}\n{said}",
        output.status
    );
}

/// There is no memory for the heap or for the runtime's own records.
const MEMORY: &[&str] = &[
    "runtime: out of memory: cannot allocate ",
    "-byte block (",
    " in use)\n",
    "fatal error: runtime: out of memory\n",
];
/// There is none for a stack.
const STACK: &[&str] = &["fatal error: out of memory (stack allocation)\n"];
const SIGNAL_STACK: &[&str] = &["fatal error: out of memory (signal stack)\n"];
const THREAD: &[&str] = &[
    "runtime: failed to create new OS thread ",
    "fatal error: runtime.newosproc\n",
];

/// Any of these.
const ANY: &[&[&str]] = &[MEMORY, STACK, SIGNAL_STACK, THREAD];

/// Runs the program with each request of that kind refused in turn, and then all later ones too; how many there were.
fn refuse_each(kind: &str, ways: &[&[&str]]) -> usize {
    let shim = &build().1;
    let mark = out(&format!("refused.{kind}"));
    let mut requests = 0;
    for later in ["", "+"] {
        for n in 0.. {
            let which = format!("{kind}:{n}{later}");
            let _ = fs::remove_file(&mark);
            let mut command = program(&[]);
            command.env("LD_PRELOAD", shim).env("GOMAXPROCS", "2");
            command.env("REFUSE", &which).env("REFUSED", &mark);
            let output = run(&mut command);
            if output.status.success() {
                let said = String::from_utf8_lossy(&output.stdout);
                assert_eq!(said, "done\n", "{which}");
            } else {
                assert_told(&output, ways, &which);
            }
            if !mark.exists() {
                requests = n;
                break;
            }
        }
    }
    requests
}

#[test]
fn every_malloc_can_be_refused() {
    // Threads' own records come from malloc, too.
    let requests = refuse_each("malloc", ANY);
    assert!(requests > 30, "{requests}");
}

#[test]
fn every_mapping_can_be_refused() {
    let requests = refuse_each("map", ANY);
    assert!(requests > 10, "{requests}");
}

#[test]
fn every_thread_can_be_refused() {
    let requests = refuse_each("thread", &[THREAD]);
    assert!(requests > 2, "{requests}");
}

/// The program, with a limit of the shell's `ulimit`.
fn limited(limit: &str, kib: u64, arguments: &str) -> Command {
    let mut shell = Command::new("sh");
    let script = format!("ulimit -{limit} {kib} && exec \"$0\" {arguments}");
    shell.arg("-c").arg(script).arg(&build().0);
    shell.env("GOMAXPROCS", "2");
    shell
}

#[test]
fn any_limit_of_addresses_is_lived_with_or_told() {
    let (mut ran, mut died) = (0, 0);
    let mut kib = 16 << 10;
    while kib < 1 << 30 {
        let output = run(&mut limited("v", kib, ""));
        match output.status.success() {
            true => ran += 1,
            false => {
                died += 1;
                assert_told(&output, ANY, &format!("{kib} KiB"));
            }
        }
        kib += kib / 4;
    }
    assert!(ran > 10 && died > 2, "{ran} {died}");
}

#[test]
fn who_takes_memory_until_there_is_none_is_told() {
    // Addresses, and memory that can be written to.
    for limit in ["v", "d"] {
        let output = run(&mut limited(limit, 200 << 10, "exhaust"));
        // Whoever asks first when there is nothing left is the one who is told.
        assert_told(&output, ANY, limit);
    }
}

#[test]
fn a_block_larger_than_what_there_is_is_told_by_its_size() {
    let output = run(&mut program(&["large", "0x7fffffffe000"]));
    let size = format!("cannot allocate {}-byte block (", 0x7fff_ffff_e000_u64);
    assert_told(&output, &[&[&size], MEMORY], "large");
    let output = run(&mut program(&["large", "0x1000000"]));
    assert!(output.status.success());
}
