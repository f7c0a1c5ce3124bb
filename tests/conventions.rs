//! Where arguments and results live: `abi::call` against what gcc, mingw and Go's compiler emit for generated signatures.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use abi::call::{Assignment, Convention, GoArch, Signature, Unsupported, assign};
use abi::types::{Float, Kind, Type};
use crosscall_tests::conventions::{Assign, Outcome, go, run};
use crosscall_tests::mimic;
use crosscall_tests::toolchain::Toolchain;
use libtest_mimic::{Failed, Trial};

const SIGNATURES: usize = 400;

const C: &[(&str, Convention)] = &[
    ("sysv", Convention::SysV),
    ("win64", Convention::Win64),
    ("aapcs64", Convention::Aapcs64),
    ("cdecl", Convention::Cdecl),
    ("stdcall", Convention::Stdcall),
    ("fastcall", Convention::Fastcall),
];

/// Both conventions of each architecture.
const GO: &[(&str, GoArch)] = &[
    ("go_amd64", GoArch::Amd64),
    ("go_arm64", GoArch::Arm64),
    ("go_386", GoArch::I386),
];

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = C
        .iter()
        .zip(1..)
        .map(|(&(name, convention), seed)| {
            Trial::test(name, move || {
                let outcome = run::check(&scratch(name), convention, assign, signatures(), seed)?;
                Ok(report(name, &outcome)?)
            })
        })
        .collect();
    trials.extend(GO.iter().map(|&(name, arch)| {
        mimic::trial(name, move |toolchain| {
            let outcome = go::check(toolchain, &scratch(name), arch, assign, signatures())?;
            report(name, &outcome)
        })
    }));
    trials.push(mimic::trial("wrong_registers_are_reported", wrong_register));
    trials.push(Trial::test("wrong_classes_are_reported", wrong_class));
    mimic::run(trials)
}

/// Likewise for Go: told that there are no registers, it finds them.
fn wrong_register(toolchain: &Toolchain) -> Result<(), String> {
    let no_registers: Assign = |_, signature| assign(Convention::GoAbi0(GoArch::Amd64), signature);
    let dir = scratch("wrong").join("go");
    let outcome = go::check(toolchain, &dir, GoArch::Amd64, no_registers, 20)?;
    expect(&outcome, "of parameter")?;
    expect(&outcome, "of result")?;
    expect(&outcome, "the argument area has")
}

/// More for who asks: `CROSSCALL_SIGNATURES=5000 cargo test --test conventions`.
fn signatures() -> usize {
    let asked = env::var("CROSSCALL_SIGNATURES").ok();
    asked
        .and_then(|count| count.parse().ok())
        .unwrap_or(SIGNATURES)
}

fn scratch(name: &str) -> PathBuf {
    mimic::scratch(env!("CARGO_TARGET_TMPDIR"), "conventions").join(name)
}

fn report(name: &str, outcome: &Outcome) -> Result<(), String> {
    let Outcome {
        signatures,
        values,
        wrong,
    } = outcome;
    eprintln!("{name}: {signatures} signatures, {values} arguments and results compared");
    match wrong.as_slice() {
        [] => Ok(()),
        wrong => {
            let count = wrong.len();
            let some: Vec<&str> = wrong.iter().take(10).map(String::as_str).collect();
            Err(format!(
                "{count} are not where they should be:\n{}",
                some.join("\n")
            ))
        }
    }
}

/// The comparison itself: told that `float` members make no difference, it finds them in other registers, on both sides of the
/// call; told that a cdecl callee pops like a stdcall one, it finds that it doesn't.
fn wrong_class() -> Result<(), Failed> {
    let dir = |name| scratch("wrong").join(name);
    let outcome = run::check(&dir("sysv"), Convention::SysV, floats_as_integers, 150, 1)?;
    expect(&outcome, "the caller doesn't pass")?;
    expect(&outcome, "the callee doesn't see")?;
    expect(&outcome, "the callee doesn't return")?;
    let outcome = run::check(&dir("cdecl"), Convention::Cdecl, cdecl_as_stdcall, 40, 1)?;
    Ok(expect(&outcome, "the callee pops")?)
}

fn expect(outcome: &Outcome, what: &str) -> Result<(), String> {
    match outcome
        .wrong
        .iter()
        .any(|complaint| complaint.contains(what))
    {
        true => Ok(()),
        false => Err(format!("nothing says: {what}")),
    }
}

fn floats_as_integers(
    convention: Convention,
    signature: &Signature,
) -> Result<Assignment, Unsupported> {
    let mut wrong = signature.clone();
    let types = wrong.params.iter_mut().chain(&mut wrong.results);
    for field in types.flat_map(fields) {
        if matches!(field.kind, Kind::Float(Float::F32)) {
            field.kind = Kind::Integer { signed: true };
        }
    }
    assign(convention, &wrong)
}

fn fields(ty: &mut Type) -> impl Iterator<Item = &mut Type> {
    let fields = match &mut ty.kind {
        Kind::Record(record) => record.fields.as_mut_slice(),
        _ => &mut [],
    };
    fields.iter_mut().map(|field| &mut field.ty)
}

fn cdecl_as_stdcall(_: Convention, signature: &Signature) -> Result<Assignment, Unsupported> {
    assign(Convention::Stdcall, signature)
}
