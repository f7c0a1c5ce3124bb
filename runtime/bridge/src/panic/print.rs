//! The end of the program by a panic, in Go's words (`runtime.printpanics`, `runtime.printpanicval`).

use std::ffi::CStr;
use std::fmt::Write;
use std::slice;
use std::sync::atomic::Ordering;

use sched::{GRef, M, dump, fatal};

use super::{Frame, Kind, Value, Why, rust};

/// Nobody has recovered: says what the panics were, what the goroutine was doing, and ends the program.
pub(super) fn fatal_panic(g: GRef, last: &Frame) -> ! {
    let mut text = String::new();
    panics(&mut text, last);
    fatal::tell_fault(&mut text, g.fault.get());
    text.push('\n');
    // Rust's frames are gone, and have no chain of frame pointers either: where they were was noted.
    text.push_str(&match last.payload.get().is_null() {
        true => fatal::goroutines(),
        false => rust::traceback(g),
    });
    if M::current().thread.system_base.get() == 0 {
        crossing_note(&mut text, g, "panic");
    }
    fatal::end(&text)
}

/// A Goexit has come to C that no Go has called: there is no goroutine to end.
pub(super) fn fatal_goexit(g: GRef) -> ! {
    let mut text = String::from(
        "fatal error: runtime.Goexit called in a thread that was not created by the Go runtime\n\n",
    );
    text.push_str(&fatal::goroutines());
    crossing_note(&mut text, g, "Goexit");
    fatal::end(&text)
}

/// The panic, and before it those during whose deferred functions it began.
fn panics(out: &mut String, frame: &Frame) {
    // SAFETY: frames in the list lie in frames of the stack that are still there. Of those that aren't panics only two fields are.
    let outer = std::iter::successors(Some(frame), |frame| unsafe { frame.link.as_ref() });
    let chain: Vec<&Frame> = outer.filter(|frame| frame.why != Why::Return).collect();
    let mut before: Option<&Frame> = None;
    for (place, frame) in chain.iter().enumerate().rev() {
        let inner = place.checked_sub(1).map(|place| chain[place]);
        // The same value once more isn't printed twice.
        let repeats = before.is_some_and(|before| same(before, frame));
        if frame.why == Why::Panic && !repeats {
            let again = inner.is_some_and(|inner| same(frame, inner));
            if before.is_some_and(|before| before.why == Why::Panic) {
                out.push('\t');
            }
            out.push_str("panic: ");
            value(out, &frame.value);
            out.push_str(match (frame.recovered.get(), again) {
                (true, true) => " [recovered, repanicked]",
                (true, false) => " [recovered]",
                _ => "",
            });
            out.push('\n');
        }
        before = Some(frame);
    }
}

/// Whether both carry one value: not only an equal one.
fn same(a: &Frame, b: &Frame) -> bool {
    let words = |frame: &Frame| {
        // SAFETY: a panic's frame has a value, of which the data are two words; of a shorter kind the second was zeroed or copied with it.
        unsafe { frame.value.data.text }
    };
    let panics = a.why == Why::Panic && b.why == Why::Panic;
    if !panics || a.value.kind != b.value.kind || a.value.type_name != b.value.type_name {
        return false;
    }
    let (x, y) = (words(a), words(b));
    let long = matches!(
        a.value.kind,
        Kind::String | Kind::Error | Kind::RuntimeError
    );
    x.bytes == y.bytes && (!long || x.length == y.length)
}

/// What a panic carries, as `panic:` has it.
pub(super) fn value(out: &mut String, value: &Value) {
    let name = type_name(value);
    // SAFETY: the kind says which of the data there is.
    let plain = unsafe {
        match value.kind {
            Kind::Nil => "nil".to_owned(),
            Kind::Bool => (value.data.integer != 0).to_string(),
            Kind::Int => value.data.integer.to_string(),
            Kind::Uint => (value.data.integer as u64).to_string(),
            Kind::Float => float(value.data.number),
            Kind::String | Kind::Error | Kind::RuntimeError => text(value),
            Kind::Pointer => {
                let _ = write!(
                    out,
                    "({}) {:#x}",
                    name.unwrap_or("unsafe.Pointer"),
                    value.data.pointer as usize
                );
                return;
            }
        }
    };
    // A named type's value shows its type; of errors only what they say is shown.
    let _ = match (value.kind, name) {
        (Kind::Error | Kind::RuntimeError, _) | (_, None) => write!(out, "{plain}"),
        (Kind::String, Some(name)) => write!(out, "{name}(\"{plain}\")"),
        (_, Some(name)) => write!(out, "{name}({plain})"),
    };
}

fn type_name(value: &Value) -> Option<&str> {
    // SAFETY: null, or a name that ends with NUL and lasts as long as the value.
    let name = (!value.type_name.is_null()).then(|| unsafe { CStr::from_ptr(value.type_name) })?;
    name.to_str().ok()
}

/// The text of a kind that has one; its lines after the first are indented.
fn text(value: &Value) -> String {
    raw_text(value).replace('\n', "\n\t")
}

/// The text of a kind that has one.
pub(super) fn raw_text(value: &Value) -> String {
    // SAFETY: the caller has seen the kind.
    let text = unsafe { value.data.text };
    if text.length == 0 {
        return String::new();
    }
    // SAFETY: the text lasts as long as the panic.
    let bytes = unsafe { slice::from_raw_parts(text.bytes, text.length) };
    String::from_utf8_lossy(bytes).into_owned()
}

/// As Go's `strconv.FormatFloat(number, 'g', -1, 64)`.
fn float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').expect("that is its form");
    let exponent: i32 = exponent.parse().expect("digits");
    match exponent {
        -4..6 => number.to_string(),
        _ => format!(
            "{digits}e{}{:02}",
            if exponent < 0 { '-' } else { '+' },
            exponent.abs()
        ),
    }
}

/// Why nobody further out could recover: C called the goroutine's first frame. With that C's frames.
fn crossing_note(out: &mut String, g: GRef, what: &str) {
    let _ = writeln!(
        out,
        "The {what} would cross a C frame that no Go called: goroutine {} is that of a thread which C made.\n\n\
         C stack of the thread:",
        g.id.load(Ordering::Relaxed)
    );
    let mut pcs = Vec::new();
    backtrace::trace(|frame| {
        let on_goroutine = g.stack().contains(frame.sp() as usize);
        let pc = frame.ip() as usize;
        if !on_goroutine && pc != 0 {
            pcs.push(pc);
        }
        true
    });
    for pc in pcs {
        if !is_runtime(pc) {
            dump::frame(out, pc);
        }
    }
}

/// Whether the frame is one of those that print this.
fn is_runtime(pc: usize) -> bool {
    let mut own = false;
    backtrace::resolve(pc.saturating_sub(1) as *mut _, |symbol| {
        let name = symbol.name().map(|name| name.to_string());
        own |= name.is_some_and(|name| {
            ["bridge::", "backtrace::", "gort_enter"]
                .iter()
                .any(|start| name.trim_start_matches('<').starts_with(start))
        });
    });
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panic::Data;

    #[test]
    fn floats_are_printed_as_go_prints_them() {
        let cases = [
            (0.0, "0"),
            (1.5, "1.5"),
            (-2.0, "-2"),
            (100000.0, "100000"),
            (999999.0, "999999"),
            (1e6, "1e+06"),
            (123456789.0, "1.23456789e+08"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e300, "1e+300"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ];
        for (number, text) in cases {
            assert_eq!(float(number), text);
        }
    }

    #[test]
    fn values_are_printed_by_kind_and_type() {
        let named = |kind, data| Value {
            type_name: c"main.T".as_ptr(),
            data,
            ..Value::text(kind, "")
        };
        let shown = |v: Value| {
            let mut out = String::new();
            value(&mut out, &v);
            out
        };
        let text = Value::text(Kind::String, "a\nb").data;
        assert_eq!(shown(Value::text(Kind::String, "a\nb")), "a\n\tb");
        assert_eq!(shown(named(Kind::String, text)), "main.T(\"a\n\tb\")");
        assert_eq!(shown(named(Kind::Int, Data { integer: -5 })), "main.T(-5)");
        assert_eq!(
            shown(named(Kind::Uint, Data { integer: -1 })),
            "main.T(18446744073709551615)"
        );
        assert_eq!(
            shown(named(Kind::Bool, Data { integer: 1 })),
            "main.T(true)"
        );
        assert_eq!(shown(named(Kind::Error, text)), "a\n\tb");
        let pointer = Data {
            pointer: 0x1234 as *mut _,
        };
        assert_eq!(shown(named(Kind::Pointer, pointer)), "(main.T) 0x1234");
    }
}
