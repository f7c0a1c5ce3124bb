//! The conventions at a glance; that they are right is shown in `tests/conventions.rs`.

use super::*;
use crate::model::Basic;

fn types<const N: usize>(convention: Convention, basics: [Basic; N]) -> [Type; N] {
    basics.map(|basic| convention.model().basic(basic).expect("the target has it"))
}

/// `struct point {double x, y;}; struct point f(int, struct point, float)`.
fn point(convention: Convention) -> Signature {
    let point = convention
        .model()
        .structure(types(convention, [Basic::Double; 2]));
    let [int, float] = types(convention, [Basic::Int, Basic::Float]);
    Signature {
        params: vec![int, point.clone(), float],
        results: vec![point],
        variadic: None,
    }
}

fn shown(place: &Place) -> String {
    match place {
        Place::Nothing => "nothing".to_owned(),
        Place::Registers(parts) => {
            let parts = parts.iter().map(|part| part.register.0);
            parts.collect::<Vec<_>>().join(" ")
        }
        Place::Stack { offset, size } => format!("{offset}:{size}"),
        Place::Indirect { pointer } => format!("*{}", shown(pointer)),
    }
}

#[test]
fn one_signature_in_each() {
    use Convention::*;
    for (convention, params, result, area, popped) in [
        (SysV, "rdi, xmm0 xmm1, xmm2", "xmm0 xmm1", 0, 0),
        (Win64, "rdx, *r8, xmm3", "*rcx", 32, 0),
        (Aapcs64, "x0, v0 v1, v2", "v0 v1", 0, 0),
        (Cdecl, "4:4, 8:16, 24:4", "*0:4", 28, 4),
        (Stdcall, "4:4, 8:16, 24:4", "*0:4", 28, 28),
        (Fastcall, "edx, 0:16, 16:4", "*ecx", 20, 20),
        (GoAbi0(GoArch::Amd64), "0:4, 8:16, 24:4", "32:16", 48, 0),
        (GoInternal(GoArch::Amd64), "RAX, X0 X1, X2", "X0 X1", 32, 0),
        (GoInternal(GoArch::Arm64), "R0, F0 F1, F2", "F0 F1", 32, 0),
        (GoInternal(GoArch::I386), "0:4, 4:16, 20:4", "24:16", 40, 0),
    ] {
        let assignment = assign(convention, &point(convention)).expect("plain types");
        let places: Vec<String> = assignment.params.iter().map(shown).collect();
        assert_eq!(places.join(", "), params, "{convention:?}");
        assert_eq!(shown(&assignment.results[0]), result, "{convention:?}");
        assert_eq!(assignment.stack_bytes(), area, "{convention:?}");
        assert_eq!(assignment.popped, popped, "{convention:?}");
    }
}

#[test]
fn what_has_no_place() {
    let two = Signature {
        results: types(Convention::SysV, [Basic::Int; 2]).to_vec(),
        ..Signature::default()
    };
    let refused = assign(Convention::SysV, &two).expect_err("C has one result");
    assert_eq!(refused.which, Which::Result(1));
    let x87 = Signature {
        params: types(Convention::SysV, [Basic::LongDouble]).to_vec(),
        ..Signature::default()
    };
    let go = Convention::GoInternal(GoArch::Amd64);
    let refused = assign(go, &x87).expect_err("Go has no long double");
    assert_eq!(refused.which, Which::Param(0));
}

/// As clang makes them for i686-w64-windows-gnu.
#[test]
fn symbols_on_windows() {
    let convention = Convention::Fastcall;
    let model = convention.model();
    let [char, int] = types(convention, [Basic::Char, Basic::Int]);
    let mut signature = Signature {
        params: vec![int.clone(), char.clone(), Model::array(char, 3)],
        results: vec![model.structure(vec![int; 5])],
        variadic: None,
    };
    assert_eq!(convention.windows_symbol("f", &signature), "@f@12");
    assert_eq!(Convention::Stdcall.windows_symbol("f", &signature), "_f@12");
    signature.variadic = Some(3);
    assert_eq!(convention.windows_symbol("f", &signature), "_f");
}
