//! C functions called by their signatures: every kind of place that an argument or a result can have.

mod common;

use std::ffi::{CStr, c_char, c_int};

use abi::call::Signature;
use abi::model::{Basic, Model};
use abi::types::Type;
use bridge::dynamic::Prepared;
use common::as_goroutine;

const MODEL: Model = Model::LINUX_AMD64;

fn basic(basic: Basic) -> Type {
    MODEL.basic(basic).expect("the target has it")
}

/// Calls on a goroutine; gives the result.
fn call<R: Default + Send + 'static>(
    signature: Signature,
    function: usize,
    arguments: Vec<Vec<u8>>,
) -> R {
    let (sender, receiver) = std::sync::mpsc::channel();
    as_goroutine(move || {
        let prepared = Prepared::new(&signature).expect("C has places for these");
        let pointers: Vec<*const u8> = arguments.iter().map(|argument| argument.as_ptr()).collect();
        let mut result = R::default();
        // SAFETY: the tests' functions have these signatures.
        unsafe { prepared.call(function as *const (), &pointers, (&raw mut result).cast()) };
        sender.send(result).expect("somebody waits");
    });
    receiver.recv().expect("the goroutine has sent")
}

/// The bytes of a value.
fn bytes<T: Copy>(value: T) -> Vec<u8> {
    // SAFETY: the tests' values have no padding that matters.
    unsafe { std::slice::from_raw_parts((&raw const value).cast::<u8>(), size_of::<T>()) }.to_vec()
}

#[test]
fn integers_and_floats_in_registers_and_on_the_stack() {
    extern "C" fn sum(
        a: i32,
        b: f64,
        c: i64,
        d: f32,
        e: u8,
        f: i16,
        g: i64,
        h: i64,
        i: i64,
        j: f64,
    ) -> f64 {
        f64::from(a)
            + b
            + c as f64
            + f64::from(d)
            + f64::from(e)
            + f64::from(f)
            + (g + h * 10 + i * 100) as f64
            + j
    }
    let params = [
        Basic::Int,
        Basic::Double,
        Basic::Long,
        Basic::Float,
        Basic::Char,
        Basic::Short,
        Basic::Long,
        Basic::Long,
        Basic::Long,
        Basic::Double,
    ];
    let signature = Signature {
        params: params.map(basic).to_vec(),
        results: vec![basic(Basic::Double)],
        variadic: None,
    };
    let arguments = vec![
        bytes(-1i32),
        bytes(0.5f64),
        bytes(1000i64),
        bytes(0.25f32),
        bytes(7u8),
        bytes(-3i16),
        bytes(1i64),
        bytes(2i64),
        bytes(3i64),
        bytes(0.125f64),
    ];
    let result: f64 = call(signature, sum as *const () as usize, arguments);
    assert_eq!(
        result,
        -1.0 + 0.5 + 1000.0 + 0.25 + 7.0 - 3.0 + 321.0 + 0.125
    );
}

#[repr(C)]
#[derive(Clone, Copy, Default, Debug, PartialEq)]
struct Mixed {
    x: f64,
    n: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default, Debug, PartialEq)]
struct Big([i64; 4]);

fn mixed() -> Type {
    MODEL.structure([basic(Basic::Double), basic(Basic::Int)])
}

fn big() -> Type {
    MODEL.structure([Model::array(basic(Basic::Long), 4)])
}

#[test]
fn structs_in_registers_of_two_kinds() {
    extern "C" fn twice(m: Mixed) -> Mixed {
        Mixed {
            x: m.x * 2.0,
            n: m.n * 2,
        }
    }
    let signature = Signature {
        params: vec![mixed()],
        results: vec![mixed()],
        variadic: None,
    };
    let result: Mixed = call(
        signature,
        twice as *const () as usize,
        vec![bytes(Mixed { x: 1.5, n: 21 })],
    );
    assert_eq!(result, Mixed { x: 3.0, n: 42 });
}

#[test]
fn structs_in_memory_both_ways() {
    extern "C" fn reversed(a: i64, b: Big) -> Big {
        let [w, x, y, z] = b.0;
        Big([z, y, x, w + a])
    }
    let signature = Signature {
        params: vec![basic(Basic::Long), big()],
        results: vec![big()],
        variadic: None,
    };
    let arguments = vec![bytes(100i64), bytes(Big([1, 2, 3, 4]))];
    let result: Big = call(signature, reversed as *const () as usize, arguments);
    assert_eq!(result, Big([4, 3, 2, 101]));
}

#[test]
fn a_function_with_variable_arguments() {
    unsafe extern "C" {
        fn snprintf(to: *mut c_char, size: usize, format: *const c_char, ...) -> c_int;
    }
    static mut TEXT: [c_char; 64] = [0; 64];
    let pointer = || basic(Basic::Pointer);
    let signature = Signature {
        params: vec![
            pointer(),
            basic(Basic::Long),
            pointer(),
            basic(Basic::Int),
            basic(Basic::Double),
        ],
        results: vec![basic(Basic::Int)],
        variadic: Some(3),
    };
    let to = (&raw mut TEXT) as usize;
    let format = c"%d and %.2f".as_ptr() as usize;
    let arguments = vec![
        bytes(to),
        bytes(64usize),
        bytes(format),
        bytes(42i32),
        bytes(2.5f64),
    ];
    let length: c_int = call(signature, snprintf as *const () as usize, arguments);
    // SAFETY: C has written a string there, and is done.
    let text = unsafe { CStr::from_ptr(to as *const c_char) };
    assert_eq!(text, c"42 and 2.50");
    assert_eq!(length, 11);
}

#[test]
fn a_long_double_comes_by_the_x87() {
    #[link(name = "m")]
    unsafe extern "C" {
        fn ldexpl();
        fn logbl();
    }
    let long_double = || basic(Basic::LongDouble);
    let signature = Signature {
        params: vec![long_double(), basic(Basic::Int)],
        results: vec![long_double()],
        variadic: None,
    };
    // 1.0 as the x87 has it: the exponent's bias, and the mantissa's leading one.
    let one = 0x3FFF_8000_0000_0000_0000u128;
    let eight: u128 = call(
        signature,
        ldexpl as *const () as usize,
        vec![bytes(one), bytes(3i32)],
    );
    assert_eq!(eight & ((1 << 80) - 1), 0x4002_8000_0000_0000_0000);
    let signature = Signature {
        params: vec![long_double()],
        results: vec![long_double()],
        variadic: None,
    };
    let three: u128 = call(signature, logbl as *const () as usize, vec![bytes(eight)]);
    assert_eq!(three & ((1 << 80) - 1), 0x4000_C000_0000_0000_0000);
}
