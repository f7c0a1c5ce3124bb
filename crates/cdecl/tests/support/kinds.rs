//! Official cgo's way to find out what a name is, with the real compiler: five declarations for each
//! name, and which of them it rejects. The specification of [`cdecl::Meaning`].

use std::fmt::Write;

use cdecl::{Meaning, Type, TypeId, TypeKind, Unit};
use libtest_mimic::Failed;

use crate::case::{Case, Target};

const PARTS: [&str; 5] = [
    "not-declared",
    "not-type",
    "not-int-const",
    "not-num-const",
    "not-str-lit",
];

pub fn check(case: &Case, target: &Target) -> Result<(), Failed> {
    let unit = case.resolve(target)?;
    let mut text = case.source.clone();
    for (i, name) in case.names.iter().enumerate() {
        let body = [
            format!("__typeof__({name}) *__cgo_undefined__1;"),
            format!("{name} *__cgo_undefined__2;"),
            format!("enum {{ __cgo_undefined__3 = ({name})*1 }};"),
            format!("static const double __cgo_undefined__4 = ({name});"),
            format!("static const char __cgo_undefined__5[] = ({name});"),
        ];
        for (part, (file, body)) in PARTS.iter().zip(body).enumerate() {
            let _ = write!(
                text,
                "\n#line {} \"{file}\"\nvoid __cgo_f_{i}_{part}(void) {{ {body} }}",
                i + 1
            );
        }
    }
    let dir = tempfile::tempdir()?;
    let source = dir.path().join("kinds.c");
    std::fs::write(&source, text + "\n")?;
    let output = target.compile(case, &source, &dir.path().join("kinds.o"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    let rejected = |i: usize, part: &str| {
        let place = format!("{part}:{}:", i + 1);
        stderr
            .lines()
            .any(|line| line.starts_with(&place) && line.contains("error:"))
    };
    let mut wrong = String::new();
    for (i, (name, answer)) in case.names.iter().zip(&unit.answers).enumerate() {
        if ["struct ", "union ", "enum "]
            .iter()
            .any(|tag| name.starts_with(tag))
        {
            continue; // types without being asked
        }
        let official = match PARTS.map(|part| rejected(i, part)) {
            [false, true, false, false, true] => "int",
            [false, true, true, false, true] => "number",
            [false, true, true, true, false] => "string",
            [false, false, true, true, true] => "type",
            [false, true, true, true, true] => "expression",
            _ => "undeclared",
        };
        let ours = kind(&answer.meaning);
        // Official cgo takes a number of an integer type for a variable, once it has seen the type.
        let official =
            if official == "number" && ours == "expression" && is_integer(&unit, &answer.meaning) {
                ours
            } else {
                official
            };
        if official != ours {
            let _ = writeln!(
                wrong,
                "{name}: official cgo says {official}, resolve says {ours}"
            );
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.into())
    }
}

fn kind(meaning: &Meaning) -> &'static str {
    match meaning {
        Meaning::Undeclared => "undeclared",
        Meaning::Type(_) => "type",
        Meaning::IntConst { .. } => "int",
        Meaning::FloatConst { .. } => "number",
        Meaning::StrConst { .. } => "string",
        Meaning::Expr { .. } => "expression",
    }
}

fn is_integer(unit: &Unit, meaning: &Meaning) -> bool {
    fn base(unit: &Unit, id: TypeId) -> &Type {
        match unit.get(id).kind {
            TypeKind::Typedef { target, .. } | TypeKind::Qualified { target, .. } => {
                base(unit, target)
            }
            _ => unit.get(id),
        }
    }
    let Meaning::Expr { ty } = meaning else {
        return false;
    };
    matches!(base(unit, *ty).kind, TypeKind::Int { .. })
}
