//! Go's conventions: the compiler's listing says where parameters came from and results went to.
//!
//! The compiler makes ABIInternal functions. Where it is told that assembly refers to one, it adds a wrapper that takes the
//! arguments as ABI0 has them and calls it: what the wrapper moves from where to where is a comparison of both conventions.

use std::fs;
use std::path::Path;

use abi::call::{Assignment, Convention, GoArch, Part, Place};

use super::go_types::Generator;
use super::listing::{self, Byte, Function, State};
use super::{Assign, Case, Outcome, Spelled};
use crate::toolchain::Toolchain;

/// Compares `count` signatures with what Go's compiler makes of them for `arch`, in `dir`.
///
/// # Errors
/// The compiler's failure, and a listing that isn't understood.
pub fn check(
    toolchain: &Toolchain,
    dir: &Path,
    arch: GoArch,
    assign: Assign,
    count: usize,
) -> Result<Outcome, String> {
    let mut generator = Generator::new(arch.model(), 3);
    let cases: Vec<Case> = (0..count).map(|_| generator.case()).collect();
    let listing = compile(toolchain, dir, arch, &generator.file(&cases), count)?;
    let functions = listing::functions(&listing);
    let mut outcome = Outcome {
        signatures: count,
        ..Outcome::default()
    };
    let mut seen = [0, 0];
    for function in &functions {
        let number: usize = function.name["x.F".len()..]
            .parse()
            .map_err(|_| format!("an odd name: {}", function.name))?;
        let case = &cases[number];
        let assignment = |convention| {
            let assigned = assign(convention, &case.signature());
            assigned.map_err(|why| format!("{}: {why:?}", case.shown()))
        };
        let comparison = Comparison {
            arch,
            generator: &generator,
            number,
            case,
            internal: assignment(Convention::GoInternal(arch))?,
            stack: assignment(Convention::GoAbi0(arch))?,
        };
        let complaints = match function.is_wrapper {
            true => comparison.wrapper(function),
            false => comparison.function(function),
        };
        seen[usize::from(function.is_wrapper)] += 1;
        outcome.values += case.params.len() + case.results.len();
        let shown = case.shown();
        let complaints = complaints.into_iter();
        outcome
            .wrong
            .extend(complaints.map(|why| format!("F{number}: {shown}: {why}")));
    }
    let wrappers = if arch == GoArch::I386 { 0 } else { count };
    match seen == [count, wrappers] {
        true => Ok(outcome),
        false => Err(format!(
            "{seen:?} functions and wrappers of {count} are listed"
        )),
    }
}

fn compile(
    toolchain: &Toolchain,
    dir: &Path,
    arch: GoArch,
    text: &str,
    count: usize,
) -> Result<String, String> {
    let write = |name: &str, text: &str| {
        fs::write(dir.join(name), text).map_err(|err| format!("{name}: {err}"))
    };
    fs::create_dir_all(dir).map_err(|err| err.to_string())?;
    write("x.go", text)?;
    // As if assembly referred to them.
    let references: String = (0..count)
        .map(|number| format!("ref x.F{number} ABI0\n"))
        .collect();
    write("symabis", &references)?;
    let goarch = match arch {
        GoArch::Amd64 => "amd64",
        GoArch::Arm64 => "arm64",
        GoArch::I386 => "386",
    };
    let mut go = toolchain.go();
    go.env("GOARCH", goarch)
        .env("GOOS", "linux")
        .current_dir(dir);
    // Without write barriers a store of a pointer is a store.
    go.args(["tool", "compile", "-S", "-wb=false", "-p", "x"]);
    go.args(["-symabis", "symabis", "-o", "x.o", "x.go"]);
    let output = go.output().map_err(|err| format!("{go:?}: {err}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    match output.status.success() {
        true => Ok(stdout.into_owned()),
        false => Err(format!(
            "{stdout}{}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

struct Comparison<'a> {
    arch: GoArch,
    generator: &'a Generator,
    number: usize,
    case: &'a Case,
    internal: Assignment,
    stack: Assignment,
}

impl Comparison<'_> {
    /// Of an ABIInternal function.
    fn function(&self, function: &Function<'_>) -> Vec<String> {
        let mut complaints = area(function, &self.internal);
        if self.arch == GoArch::I386 {
            complaints.extend(area(function, &self.stack));
        }
        let (_, end) = function.follow(self.arch, 0);
        for (index, one) in self.case.params.iter().enumerate() {
            let place = &self.internal.params[index];
            self.each_byte("p", index, one, |global, at, offset| {
                let seen = end.global(global, at as i64);
                if seen != entry(place, offset) {
                    complaints.push(format!(
                        "byte {offset} of parameter {index} is not in {place:?} but {seen:?}"
                    ));
                }
            });
        }
        for (index, one) in self.case.results.iter().enumerate() {
            let place = &self.internal.results[index];
            self.each_byte("r", index, one, |global, at, offset| {
                let seen = find(&end, place, offset, 0);
                if seen != Byte::Global(global.to_owned(), at as i64) {
                    complaints.push(format!(
                        "byte {offset} of result {index} is not in {place:?}: there is {seen:?}"
                    ));
                }
            });
        }
        complaints
    }

    /// Of a wrapper from ABI0 to ABIInternal.
    fn wrapper(&self, function: &Function<'_>) -> Vec<String> {
        let mut complaints = area(function, &self.stack);
        let (Some(call), end) = function.follow(self.arch, self.internal.area) else {
            return vec!["the wrapper calls nothing".to_owned()];
        };
        for (index, one) in self.case.params.iter().enumerate() {
            let (from, to) = (&self.stack.params[index], &self.internal.params[index]);
            self.each_byte("p", index, one, |_, _, offset| {
                let seen = find(&call, to, offset, call.outgoing());
                if seen != entry(from, offset) {
                    complaints.push(format!(
                        "byte {offset} of parameter {index} is not in {from:?} but {seen:?}"
                    ));
                }
            });
        }
        for (index, one) in self.case.results.iter().enumerate() {
            let (from, to) = (&self.internal.results[index], &self.stack.results[index]);
            self.each_byte("r", index, one, |_, _, offset| {
                let seen = find(&end, to, offset, 0);
                if seen != returned(from, offset) {
                    complaints.push(format!(
                        "byte {offset} of result {index} is not in {to:?}: there is {seen:?}"
                    ));
                }
            });
        }
        complaints
    }

    /// Calls `check` with each byte that counts: the global, the offset in it, the offset in the value.
    fn each_byte(
        &self,
        prefix: &str,
        index: usize,
        one: &Spelled,
        mut check: impl FnMut(&str, u64, u64),
    ) {
        for (part, leaf) in self.generator.leaves(one).iter().enumerate() {
            let global = format!("x.{prefix}{}_{index}_{part}", self.number);
            for at in 0..leaf.one.ty.size {
                check(&global, at, leaf.offset + at);
            }
        }
    }
}

fn area(function: &Function<'_>, assignment: &Assignment) -> Vec<String> {
    let (seen, said) = (function.area, assignment.area);
    match seen == said {
        true => Vec::new(),
        false => vec![format!("the argument area has {seen} bytes, not {said}")],
    }
}

/// The part that holds the byte at `offset`, and where in its register.
fn part_of(parts: &[Part], offset: u64) -> Option<(String, u64)> {
    let mut parts = parts.iter();
    let part = parts.find(|part| (part.offset..part.offset + part.size).contains(&offset))?;
    let name = part.register.0;
    // In assembly RAX is AX, but R8 is R8.
    let short = name
        .strip_prefix('R')
        .filter(|rest| rest.starts_with(char::is_alphabetic));
    Some((short.unwrap_or(name).to_owned(), offset - part.offset))
}

/// What a byte is that was at `place` when the function began.
fn entry(place: &Place, offset: u64) -> Byte {
    match place {
        Place::Registers(parts) => match part_of(parts, offset) {
            Some((name, at)) => Byte::Register(name, at),
            None => Byte::Unknown,
        },
        Place::Stack { offset: start, .. } => Byte::Stack((start + offset) as i64),
        Place::Nothing | Place::Indirect { .. } => Byte::Unknown,
    }
}

/// What a byte is that the call returned at `place`.
fn returned(place: &Place, offset: u64) -> Byte {
    match entry(place, offset) {
        Byte::Register(name, at) => Byte::ReturnedRegister(name, at),
        Byte::Stack(at) => Byte::ReturnedStack(at),
        other => other,
    }
}

/// What is at `place` now, in the argument area that begins at `area`.
fn find(state: &State, place: &Place, offset: u64, area: i64) -> Byte {
    match place {
        Place::Registers(parts) => match part_of(parts, offset) {
            Some((name, at)) => state.register(&name)[at as usize].clone(),
            None => Byte::Unknown,
        },
        Place::Stack { offset: start, .. } => state.stack(area + (start + offset) as i64),
        Place::Nothing | Place::Indirect { .. } => Byte::Unknown,
    }
}
