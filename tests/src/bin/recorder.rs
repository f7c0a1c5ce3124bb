//! Stands behind the go command's `-toolexec`: runs every tool as it is, and for cgo writes down what it was given and what it made
//! (see `record`). With `--quick-cc` it stands in for the C compiler.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crosscall_tests::record::{self, Call};

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let Some(tool) = args.next().map(PathBuf::from) else {
        eprintln!("usage: crosscall-recorder TOOL ARGUMENTS");
        return ExitCode::from(2);
    };
    if tool.as_os_str() == record::QUICK_CC {
        return quick_cc(args.collect());
    }
    let args: Vec<String> = args.collect();
    let is_cgo = tool.file_stem().is_some_and(|name| name == "cgo");
    let result = match args.first().map(String::as_str) {
        Some("-V=full") if is_cgo => version(&tool),
        _ if is_cgo && is_wanted() => run_recorded(&tool, args),
        _ => Err(Command::new(&tool).args(&args).exec()),
    };
    result.unwrap_or_else(|err| {
        eprintln!("crosscall-recorder: {}: {err}", tool.display());
        ExitCode::FAILURE
    })
}

/// The official version, and the session: the go command takes the line for a part of its cache keys.
fn version(tool: &Path) -> io::Result<ExitCode> {
    let output = Command::new(tool).arg("-V=full").output()?;
    let session = env::var(record::SESSION).unwrap_or_default();
    println!(
        "{} recorder+{session}",
        String::from_utf8_lossy(&output.stdout).trim()
    );
    Ok(ExitCode::SUCCESS)
}

fn is_wanted() -> bool {
    let skip = env::var(record::SKIP).unwrap_or_default();
    let package = env::var("TOOLEXEC_IMPORTPATH").unwrap_or_default();
    skip.split(':').all(|skipped| skipped != package)
}

fn run_recorded(tool: &Path, args: Vec<String>) -> io::Result<ExitCode> {
    let out = PathBuf::from(
        env::var_os(record::OUT).ok_or_else(|| io::Error::other("nowhere to record"))?,
    );
    let mut call = Call::current(out.join(format!("{:08}", std::process::id())), args)?;
    fs::create_dir_all(call.official())?;
    let objdir = PathBuf::from(&call.objdir);
    copy_files(&objdir, &call.inputs())?;

    let output = Command::new(tool).args(&call.args).output()?;
    call.exit = output.status.code().unwrap_or(-1);
    copy_files(&objdir, &call.official())?;
    fs::write(call.record.join("stdout"), &output.stdout)?;
    fs::write(call.record.join("stderr"), &output.stderr)?;
    call.write()?;

    io::stdout().write_all(&output.stdout)?;
    io::stderr().write_all(&output.stderr)?;
    Ok(ExitCode::from(call.exit as u8))
}

/// Copies the files of `from` that a comparison may need: no archives, and of objects only the one that dynimport reads.
fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_needed = name == "_cgo_.o" || !(name.ends_with(".o") || name.ends_with(".a"));
        if path.is_file() && is_needed {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

/// The C compiler, but for what the go command compiles and links itself: that becomes an empty object, an empty program.
/// cgo itself gives the compiler its standard input to read.
fn quick_cc(words: Vec<String>) -> ExitCode {
    let Some((compiler, args)) = words.split_first() else {
        return ExitCode::from(2);
    };
    let mut command = Command::new(compiler);
    let output = args
        .iter()
        .position(|arg| arg == "-o")
        .and_then(|at| args.get(at + 1));
    let source = |arg: &&String| {
        [".c", ".cc", ".cpp", ".cxx", ".S"]
            .iter()
            .any(|ext| arg.ends_with(ext))
    };
    match output {
        Some(output) if output.ends_with("_cgo_.o") => {
            let machine = args.iter().filter(|arg| *arg == "-m32" || *arg == "-m64");
            command.args(machine).args(["-x", "c", "-o", output, "-"]);
            return with_input(command, b"int main(void) { return 0; }\n");
        }
        Some(_) if args.iter().any(|arg| source(&arg)) => {
            command.args(["-x", "c"]).args(
                args.iter()
                    .map(|arg| if source(&arg) { "/dev/null" } else { arg }),
            );
        }
        _ => {
            command.args(args);
        }
    }
    eprintln!("crosscall-recorder: {compiler}: {}", command.exec());
    ExitCode::FAILURE
}

fn with_input(mut command: Command, input: &[u8]) -> ExitCode {
    let mut run = || -> io::Result<bool> {
        let mut child = command.stdin(Stdio::piped()).spawn()?;
        child.stdin.take().expect("piped").write_all(input)?;
        Ok(child.wait()?.success())
    };
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(err) => {
            eprintln!("crosscall-recorder: {err}");
            ExitCode::FAILURE
        }
    }
}
