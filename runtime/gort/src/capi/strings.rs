//! C's memory, from Go: `C.malloc`, `C.free`, `C.CString`, `C.CBytes`.

use bridge::memory::strings::{self, MALLOC_FAILED};
use sched::fatal;
use stack::Outcome;

extern "C" fn failed() -> Outcome {
    fatal::throw("", MALLOC_FAILED)
}

/// Runs a function of C's kind that is quick on the system stack; null is the end of the program.
macro_rules! never_null {
    ($($name:literal $function:path;)+) => {
        $(std::arch::global_asm!(
            function!(
                $name,
                open_frame!(),
                "lea r11, [rip + {function}]",
                "call gort_ccall_nonblocking",
                "test rax, rax",
                "jz 2f",
                close_frame!(),
                "ret",
                "2:",
                "lea r11, [rip + {failed}]",
                "call gort_enter",
                "ud2",
            ),
            ".hidden {function}",
            function = sym $function,
            failed = sym failed,
        );)+
    };
}

never_null! {
    "gort_malloc" strings::malloc;
    "gort_cbytes" strings::bytes;
    "gort_cstring" strings::c_string;
}

// What is given back may be much, and take long.
std::arch::global_asm!(function!(
    "gort_free",
    "mov r11, qword ptr [rip + free@GOTPCREL]",
    "jmp gort_ccall",
));
