//! cgo's checks of pointers. What they look for is said in [`bridge::memory::check`].

use std::arch::global_asm;
use std::collections::HashSet;
use std::ffi::{CStr, CString, c_char};
use std::sync::PoisonError;

use bridge::memory::Any;
use bridge::memory::check::{self, LEVEL};
use stack::sync::Mutex;

/// Texts of panics, which last; there are few different ones.
static TEXTS: Mutex<Option<HashSet<&'static CStr>>> = Mutex::new(None);

/// The text's address, with NUL at its end, for good.
pub(super) fn lasting(text: String) -> usize {
    let text = CString::new(text).unwrap_or_default();
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    let texts = texts.get_or_insert_default();
    if let Some(known) = texts.get(text.as_c_str()) {
        return known.as_ptr() as usize;
    }
    let text: &'static CStr = Box::leak(text.into_boxed_c_str());
    texts.insert(text);
    text.as_ptr() as usize
}

/// 0, or the text of a panic.
extern "C" fn argument(value: Any, whole: Any) -> usize {
    // SAFETY: what the caller has is an `any`.
    match unsafe { check::argument(value, whole) } {
        Ok(()) => 0,
        Err(why) => lasting(why.argument()),
    }
}

/// 0, or the text of a panic.
extern "C" fn result(value: Any, function: *const c_char, file: *const c_char, line: u32) -> usize {
    // SAFETY: what the caller has is an `any`.
    let Err(why) = (unsafe { check::result(value) }) else {
        return 0;
    };
    // SAFETY: texts of the caller's.
    let [function, file] =
        [function, file].map(|text| unsafe { CStr::from_ptr(text) }.to_string_lossy());
    lasting(why.result(&function, &file, line))
}

/// Runs a check on the system stack, as C that is quick: it never parks. Without checks there is nothing to do, nor for what is all zeros.
macro_rules! check {
    ($($name:literal $check:path;)+) => {
        $(global_asm!(
            function!(
                $name,
                "cmp byte ptr [rip + {level}], 0",
                "je 2f",
                "test rsi, rsi",
                "je 2f",
                stack::open_frame!(),
                "lea r11, [rip + {check}]",
                "call gort_ccall_nonblocking",
                close_frame!(),
                "test rax, rax",
                "jnz 3f",
                "2:",
                "ret",
                "3:",
                "mov rdi, rax",
                "jmp gort_panic_runtime",
            ),
            ".hidden {level}",
            level = sym LEVEL,
            check = sym $check,
        );)+
    };
}

check! {
    "gort_check_pointer" argument;
    "gort_check_result" result;
}
