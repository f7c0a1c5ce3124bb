//! The machines that generated C runs on: how it is compiled together with the harness, and started.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use abi::call::{Convention, Register};

/// A machine to run on: how its programs are made and started, and where its registers are in an image.
pub struct Machine {
    assembly: &'static str,
    /// Without `cases.c`, which mingw compiles for Win64.
    compilers: &'static [&'static [&'static str]],
    runner: &'static [&'static str],
    pub pointer: usize,
    /// Names, the offset of the first, the distance to the next.
    registers: &'static [(&'static [&'static str], usize, usize)],
}

const X86_64: Machine = Machine {
    assembly: "x86_64.s",
    compilers: &[&["gcc", "-m64", "-no-pie", "-fno-pie"]],
    runner: &[],
    pointer: 8,
    registers: &[
        (&["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9"], 0, 8),
        (
            &[
                "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
            ],
            80,
            16,
        ),
        (&["st0", "st1"], 208, 16),
    ],
};

const I386: Machine = Machine {
    assembly: "i386.s",
    compilers: &[&["gcc", "-m32", "-no-pie", "-fno-pie"]],
    runner: &[],
    pointer: 4,
    registers: &[(&["eax", "ecx", "edx"], 0, 4), (&["st0", "st1"], 16, 16)],
};

const AARCH64: Machine = Machine {
    assembly: "aarch64.s",
    compilers: &[
        &["aarch64-linux-gnu-gcc", "-static"],
        &["clang-19", "--target=aarch64-linux-gnu", "-static"],
    ],
    runner: &["qemu-aarch64"],
    pointer: 8,
    registers: &[
        (
            &["x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8"],
            0,
            8,
        ),
        (&["v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7"], 80, 16),
    ],
};

const MINGW: &str = "x86_64-w64-mingw32-gcc";

/// The compiled code shall pass arguments as they are, once each.
const OPTIONS: &[&str] = &[
    "-O1",
    "-w",
    "-fno-strict-aliasing",
    "-fno-optimize-sibling-calls",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
];

impl Machine {
    pub fn of(convention: Convention) -> &'static Machine {
        match convention {
            Convention::SysV | Convention::Win64 => &X86_64,
            Convention::Aapcs64 => &AARCH64,
            _ => &I386,
        }
    }

    pub fn register(&self, register: Register) -> usize {
        let find = |(names, start, step): &(&[&str], usize, usize)| {
            let index = names.iter().position(|name| *name == register.0)?;
            Some(start + index * step)
        };
        let mut found = self.registers.iter().filter_map(find);
        found.next().expect("an image has every register")
    }

    fn compiler(&self) -> Result<Command, String> {
        let is_there = |words: &&&[&str]| Command::new(words[0]).arg("--version").output().is_ok();
        let words = self.compilers.iter().find(is_there);
        let words = words.ok_or_else(|| format!("no {}", self.compilers[0][0]))?;
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(OPTIONS);
        Ok(command)
    }
}

pub fn build(dir: &Path, convention: Convention, source: &Path) -> Result<PathBuf, String> {
    let machine = Machine::of(convention);
    let parts = Path::new(env!("CARGO_MANIFEST_DIR")).join("conventions");
    let program = dir.join("program");
    let mut compile = machine.compiler()?;
    match convention {
        Convention::Win64 => compile.arg(as_elf(dir, source)?),
        _ => compile.arg(source),
    };
    compile
        .arg(parts.join("harness.c"))
        .arg(parts.join(machine.assembly))
        .arg("-o")
        .arg(&program);
    succeed(&mut compile)?;
    Ok(program)
}

/// Mingw's assembly without the directives of Windows' object files: its code runs here, too, as long as it calls nothing.
fn as_elf(dir: &Path, source: &Path) -> Result<PathBuf, String> {
    let theirs = dir.join("mingw.s");
    let mut compile = Command::new(MINGW);
    compile.args(OPTIONS).arg("-S").arg(source);
    succeed(compile.arg("-o").arg(&theirs))?;
    let text = fs::read_to_string(&theirs).map_err(|err| err.to_string())?;
    let lines = text.lines().filter_map(|line| {
        let is_windows = [".def", ".seh_", ".scl", ".linkonce", ".type"]
            .iter()
            .any(|directive| line.trim_start().starts_with(directive));
        match line.trim_start().starts_with(".section") {
            true if line.contains(".rdata") => Some("\t.section .rodata"),
            _ => (!is_windows).then_some(line),
        }
    });
    let ours = dir.join("elf.s");
    let note = "\t.section .note.GNU-stack, \"\", @progbits";
    let text: Vec<&str> = lines.chain([note, ""]).collect();
    fs::write(&ours, text.join("\n")).map_err(|err| err.to_string())?;
    Ok(ours)
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let output = command.output();
    let output = output.map_err(|err| format!("{command:?}: {err}"))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let start: Vec<&str> = stderr.lines().take(20).collect();
    Err(format!("{command:?}\n{}", start.join("\n")))
}

pub fn execute(machine: &Machine, program: &Path, jobs: Vec<u8>) -> Result<Vec<u8>, String> {
    let mut words = machine.runner.iter();
    let mut command = match words.next() {
        Some(runner) => {
            let mut command = Command::new(runner);
            command.args(words).arg(program);
            command
        }
        None => Command::new(program),
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|err| format!("{command:?}: {err}"))?;
    let mut stdin = child.stdin.take().expect("it is piped");
    let writer = std::thread::spawn(move || stdin.write_all(&jobs));
    let output = child.wait_with_output().map_err(|err| err.to_string())?;
    // A harness that ends early closes the pipe; what it printed says where.
    let _ = writer.join();
    Ok(output.stdout)
}
