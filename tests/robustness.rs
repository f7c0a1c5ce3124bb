//! Odd surroundings: paths with spaces and letters beyond ASCII, builds killed half-way, C compilers that are missing or have
//! arguments, directories that cannot be written, errors in the user's C.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crosscall_tests::cases;
use crosscall_tests::messages;
use crosscall_tests::mimic;
use crosscall_tests::toolchain::{self, Toolchain};
use tempfile::TempDir;

const PROGRAM: &str = "package main

/*
#include <stdlib.h>
static int add(int a, int b) { return a + b; }
typedef struct { int a; double b; } pair;
*/
import \"C\"

func main() {
\tp := C.pair{a: 40}
\tprintln(int(C.add(p.a, 2)))
}
";

fn main() -> ExitCode {
    mimic::run(vec![
        mimic::trial("odd_paths_toolexec", odd_paths_toolexec),
        mimic::trial("odd_paths_crosscall_build", odd_paths_crosscall_build),
        mimic::trial("odd_object_directory", odd_object_directory),
        mimic::trial("killed_builds_leave_the_cache_sound", killed_builds),
        mimic::trial("object_directory_is_missing", missing_object_directory),
        mimic::trial("c_compiler_is_missing", missing_compiler),
        mimic::trial("c_compiler_has_arguments", compiler_with_arguments),
        mimic::trial(
            "broken_preamble_is_reported_at_the_users_line",
            broken_preamble,
        ),
        mimic::trial("unknown_names_are_reported_at_their_lines", unknown_names),
        mimic::trial("broken_go_leaves_nothing_behind", broken_go),
        mimic::trial("go_file_is_missing", missing_file),
    ])
}

/// A module with one cgo program, in a directory of the given name.
struct Module {
    root: TempDir,
    dir: PathBuf,
}

impl Module {
    fn new(dir: &str, file: &str) -> Module {
        let root = tempfile::tempdir().expect("a temporary directory");
        let dir = root.path().join(dir);
        fs::create_dir_all(&dir).expect("the directory is new");
        fs::write(dir.join("go.mod"), "module odd\n\ngo 1.25\n").expect("written");
        fs::write(dir.join(file), PROGRAM).expect("written");
        Module { root, dir }
    }

    /// A build cache that nothing else uses.
    fn cache(&self) -> PathBuf {
        self.root.path().join("gocache")
    }

    fn binary(&self) -> PathBuf {
        self.dir.join("program é")
    }

    /// `go build -toolexec=crosscall` with the module's own cache.
    fn build(&self, toolchain: &Toolchain) -> Result<Command, String> {
        let mut go = toolchain.go();
        go.args(["build", "-trimpath", "-o"])
            .arg(self.binary())
            .arg(format!("-toolexec={}", toolchain::crosscall()?.display()))
            .current_dir(&self.dir)
            .env("GOCACHE", self.cache());
        Ok(go)
    }

    fn prints_42(&self) -> Result<(), String> {
        let output = Command::new(self.binary())
            .output()
            .map_err(|err| err.to_string())?;
        expect(
            String::from_utf8_lossy(&output.stderr) == "42\n",
            "the program prints 42",
            &output,
        )
    }
}

/// For tests that are not about the cache.
fn shared_cache() -> PathBuf {
    mimic::scratch(env!("CARGO_TARGET_TMPDIR"), "robustness").join("gocache")
}

fn expect(holds: bool, what: &str, output: &Output) -> Result<(), String> {
    if holds {
        return Ok(());
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Err(format!(
        "not so: {what}\n{}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    ))
}

fn run(mut command: Command) -> Result<Output, String> {
    command
        .output()
        .map_err(|err| format!("{command:?}: {err}"))
}

fn odd_paths_toolexec(toolchain: &Toolchain) -> Result<(), String> {
    let module = Module::new("with space/ünïcode 日本", "größe.go");
    let mut build = module.build(toolchain)?;
    build.env("GOCACHE", shared_cache());
    let output = run(build)?;
    expect(
        output.status.success(),
        "go build -toolexec succeeds",
        &output,
    )?;
    module.prints_42()
}

fn odd_paths_crosscall_build(toolchain: &Toolchain) -> Result<(), String> {
    let module = Module::new("with space/ünïcode 日本", "größe.go");
    let mut command = Command::new(toolchain::crosscall()?);
    let go = toolchain.go();
    for (name, value) in go.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .args(["build", "-o"])
        .arg(module.binary())
        .current_dir(&module.dir)
        .env("GOCACHE", shared_cache());
    let output = run(command)?;
    expect(output.status.success(), "crosscall build succeeds", &output)?;
    module.prints_42()
}

/// A generator in a directory of its own, below which `objdir` is created on request.
struct Bench {
    dir: TempDir,
}

impl Bench {
    fn new(file: &str, text: &str) -> Bench {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::write(dir.path().join(file), text).expect("written");
        Bench { dir }
    }

    fn objdir(&self) -> PathBuf {
        self.dir.path().join("an objdir ö")
    }

    fn cgo(&self, toolchain: &Toolchain, file: &str) -> Result<Command, String> {
        let mut cgo = Command::new(toolchain::crosscall()?);
        cgo.args(["cgo", "-objdir"])
            .arg(self.objdir())
            .args(["-importpath", "p", "--", "-O2", file])
            .env("GOROOT", &toolchain.goroot)
            .env_remove("CC")
            .current_dir(self.dir.path());
        Ok(cgo)
    }

    /// The run fails, says `message` at `place`, and leaves no output.
    fn refuses(&self, command: Command, place: &str, message: &str) -> Result<(), String> {
        let output = run(command)?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        expect(!output.status.success(), "the run fails", &output)?;
        let said = match place {
            "" => stderr.contains(message),
            place => {
                let found = messages::parse(&stderr);
                found
                    .get(place)
                    .is_some_and(|texts| texts.iter().any(|text| text.contains(message)))
            }
        };
        expect(
            said,
            &format!("the message {message:?} at {place:?}"),
            &output,
        )?;
        expect(!stderr.contains("panicked"), "no panic", &output)?;
        let left = cases::outputs(&self.objdir());
        expect(
            left.is_empty(),
            &format!("nothing is left behind: {left:?}"),
            &output,
        )
    }
}

fn odd_object_directory(toolchain: &Toolchain) -> Result<(), String> {
    let bench = Bench::new("größe x.go", PROGRAM);
    let output = run(bench.cgo(toolchain, "größe x.go")?)?;
    expect(output.status.success(), "the run succeeds", &output)?;
    let written = cases::outputs(&bench.objdir());
    expect(
        written.len() >= 5,
        &format!("all outputs are there: {written:?}"),
        &output,
    )
}

/// Twenty builds are killed at moments spread over their time; the cache that they leave is good for the next one.
fn killed_builds(toolchain: &Toolchain) -> Result<(), String> {
    let module = Module::new("killed", "main.go");
    let output = run(module.build(toolchain)?)?;
    expect(output.status.success(), "the first build succeeds", &output)?;
    let wanted = read(&module.binary())?;
    let mut delay = 7;
    for attempt in 0..20u64 {
        // A new text each time, so that there is work to be interrupted.
        let text = PROGRAM.replace("a + b; }", &format!("a + b; }} /* {attempt} */"));
        fs::write(module.dir.join("main.go"), text).map_err(|err| err.to_string())?;
        let mut build = module.build(toolchain)?;
        let mut child = build
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|err| err.to_string())?;
        sleep(Duration::from_millis(delay));
        child.kill().map_err(|err| err.to_string())?;
        child.wait().map_err(|err| err.to_string())?;
        delay = 7 + (delay * 31 + 13) % 900;
    }
    fs::write(module.dir.join("main.go"), PROGRAM).map_err(|err| err.to_string())?;
    for _ in 0..2 {
        let output = run(module.build(toolchain)?)?;
        expect(
            output.status.success(),
            "the build after the killed ones succeeds",
            &output,
        )?;
        expect(
            read(&module.binary())? == wanted,
            "the binary is the same",
            &output,
        )?;
    }
    let mut verify = module.build(toolchain)?;
    verify.arg("-a");
    let output = run(verify)?;
    expect(
        output.status.success(),
        "a build from nothing succeeds",
        &output,
    )?;
    expect(
        read(&module.binary())? == wanted,
        "a build from nothing gives the same binary",
        &output,
    )?;
    module.prints_42()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|err| format!("{}: {err}", path.display()))
}

/// A file stands where the object directory should be: also root cannot write there.
fn missing_object_directory(toolchain: &Toolchain) -> Result<(), String> {
    let bench = Bench::new("a.go", PROGRAM);
    fs::write(bench.objdir(), "a file").map_err(|err| err.to_string())?;
    bench.refuses(bench.cgo(toolchain, "a.go")?, "", "an objdir")
}

fn missing_compiler(toolchain: &Toolchain) -> Result<(), String> {
    let bench = Bench::new("a.go", PROGRAM);
    let mut cgo = bench.cgo(toolchain, "a.go")?;
    cgo.env("CC", "no-such-compiler -O2");
    bench.refuses(cgo, "", "no-such-compiler")
}

fn compiler_with_arguments(toolchain: &Toolchain) -> Result<(), String> {
    let text = PROGRAM.replace("return a + b", "return a + FROM_CC");
    let bench = Bench::new("a.go", &text);
    let mut cgo = bench.cgo(toolchain, "a.go")?;
    cgo.env("CC", "gcc -DFROM_CC=1 -std=gnu11");
    let output = run(cgo)?;
    expect(
        output.status.success(),
        "arguments in CC reach the preamble",
        &output,
    )
}

fn broken_preamble(toolchain: &Toolchain) -> Result<(), String> {
    let text = PROGRAM.replace("typedef struct {", "typedef strukt {");
    let bench = Bench::new("a.go", &text);
    bench.refuses(bench.cgo(toolchain, "a.go")?, "a.go:6", "")
}

fn unknown_names(toolchain: &Toolchain) -> Result<(), String> {
    let text = PROGRAM.replace("C.add(p.a, 2)", "C.ad(p.a, 2)");
    let bench = Bench::new("a.go", &text);
    bench.refuses(
        bench.cgo(toolchain, "a.go")?,
        "a.go:12",
        "could not determine what C.ad refers to",
    )
}

fn broken_go(toolchain: &Toolchain) -> Result<(), String> {
    let bench = Bench::new("a.go", &PROGRAM.replace("p :=", "p ::="));
    bench.refuses(bench.cgo(toolchain, "a.go")?, "a.go:11", "expected")
}

fn missing_file(toolchain: &Toolchain) -> Result<(), String> {
    let bench = Bench::new("a.go", PROGRAM);
    bench.refuses(
        bench.cgo(toolchain, "b.go")?,
        "",
        "b.go: no such file or directory",
    )
}
