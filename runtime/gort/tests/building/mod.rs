//! What tests need that build programs against the C ABI and run them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any program takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The crate's directory.
pub fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file that this test makes.
pub fn out(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(env!("CARGO_CRATE_NAME"));
    fs::create_dir_all(&directory).expect("a directory of cargo's can be written to");
    directory.join(name)
}

/// The compiler that makes of C what stands in for compiled Go.
pub fn clang_as_go() -> Command {
    let mut clang = Command::new("clang-19");
    clang.args(["-fsplit-stack", "-fno-omit-frame-pointer"]);
    clang.args(["-fno-optimize-sibling-calls", "-DGORT_GO_TEXT"]);
    clang
}

/// Compiles a file that includes `gort.h`.
pub fn compile(mut compiler: Command, source: &Path, flags: &[&str], object: &Path) {
    compiler.args(["-Wall", "-Werror"]).args(flags);
    compiler.arg("-I").arg(here().join("include"));
    compiler.arg("-c").arg(source).arg("-o").arg(object);
    tool(&mut compiler);
}

/// A file's objects, of which the first is compiled like Go, the second like C.
pub fn objects(name: &str) -> [PathBuf; 2] {
    ["go", "c"].map(|side| out(&format!("{name}.{side}.o")))
}

/// Makes these objects of a file.
pub fn compile_both(source: &Path, flags: &[&str], name: &str) -> [PathBuf; 2] {
    let [go, c] = objects(name);
    compile(clang_as_go(), source, flags, &go);
    compile(Command::new("gcc"), source, flags, &c);
    [go, c]
}

/// Links objects with the archive that has the runtime.
pub fn link(objects: &[PathBuf], archive: &Path, flags: &[&str], to: &Path) {
    let mut gcc = Command::new("gcc");
    gcc.args(objects).arg(archive).arg("-o").arg(to);
    gcc.args(flags);
    gcc.args(["-Wl,-z,now", "-pthread", "-lm", "-ldl"]);
    tool(&mut gcc);
}

/// Runs a tool, which must succeed: what it printed.
pub fn tool(command: &mut Command) -> String {
    let done = command
        .output()
        .unwrap_or_else(|why| panic!("{command:?}: {why}"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}\n{said}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// `libgort.a`, which cargo has built beside this test.
#[allow(dead_code, reason = "one of the tests has an archive of its own")]
pub fn archive() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    let deps = test.parent().expect("a file has a directory");
    let built = |directory: &Path| {
        let entries = fs::read_dir(directory).expect("a directory of cargo's");
        let archives = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
                name.is_some_and(|n| n.starts_with("libgort") && n.ends_with(".a"))
            });
        archives.max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok())
    };
    built(deps)
        .or_else(|| built(deps.parent()?))
        .expect("cargo has built libgort.a")
}

/// How a process ended; none if it had to be killed.
#[allow(dead_code, reason = "traced programs end, or are looked at")]
pub fn wait(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let begin = Instant::now();
    let mut pause = Duration::from_micros(500);
    while begin.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}
