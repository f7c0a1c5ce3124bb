//! The C ABI: what `include/gort.h` declares, symbol by symbol.
//!
//! Goroutines call these functions on their own stacks, which have a few hundred bytes left at worst, so the part that runs there is assembly:
//! a *stub*, which enters an *operation*, a Rust function that runs on the system stack. There are four kinds of stubs:
//!
//! ```text
//! operation!   [Go]   jumps to gort_enter; the operation's result is the function's
//! checked!     [Go]   calls gort_enter, and panics on the goroutine's stack where the result says so
//! anywhere!    [any]  enters where it runs on a goroutine's stack, else calls a function directly
//! by hand             what keeps something on the goroutine's stack, or needs no switch at all
//! ```
//!
//! Stubs that do something after `gort_enter` have frames, so that the frame of who called them is found in tracebacks. None of them lies in
//! compiled Go's text: a goroutine isn't preempted by signal in them, so they may look at their thread more than once.

/// One function in assembly.
macro_rules! function {
    ($name:literal, $($line:expr),+ $(,)?) => {
        concat!(
            ".text\n", stack::open_function!($name), ".cfi_startproc\n",
            $($line, "\n",)+
            ".cfi_endproc\n", stack::close_function!($name),
        )
    };
}

macro_rules! close_frame {
    () => {
        "pop rbp\n.cfi_def_cfa rsp, 8\n.cfi_restore rbp"
    };
}

/// A function for goroutines that is an operation and nothing else.
///
/// Operations of other crates are told to lie in the same object, be that a program or a library.
macro_rules! operation {
    ($($name:literal $op:path;)+) => {
        $(std::arch::global_asm!(
            ".hidden {op}",
            function!($name, "lea r11, [rip + {op}]", "jmp gort_enter"),
            op = sym $op,
        );)+
    };
}

/// A function for goroutines whose operation may result in a panic:
///
/// * `zero panics TEXT`: a result of 0 is a runtime error with this text;
/// * `text panics`: any other result than 0 is the address of a text, for `panic` of a string.
macro_rules! checked {
    ($name:literal $op:path, zero panics $text:path) => {
        std::arch::global_asm!(
            function!(
                $name,
                stack::open_frame!(),
                "lea r11, [rip + {op}]",
                "call gort_enter",
                close_frame!(),
                "test eax, eax",
                "jz 2f",
                "ret",
                "2:",
                "lea rdi, [rip + {text}]",
                "jmp gort_panic_runtime",
            ),
            op = sym $op,
            text = sym $text,
        );
    };
    ($name:literal $op:path, text panics $panic:literal) => {
        std::arch::global_asm!(
            function!(
                $name,
                stack::open_frame!(),
                "lea r11, [rip + {op}]",
                "call gort_enter",
                close_frame!(),
                "test rax, rax",
                "jnz 2f",
                "ret",
                "2:",
                "mov rdi, rax",
                concat!("jmp ", $panic),
            ),
            op = sym $op,
        );
    };
}

/// Goes on at `2` unless this thread runs on a goroutine's stack right now: then it falls through. Uses rax.
///
/// Not there: a thread that Go doesn't know; one in C (`go_sp`), or on its system stack on other business (a scheduler without a goroutine, C that
/// was called without leaving a mark): only the stack pointer can tell that.
macro_rules! unless_on_goroutine {
    () => {
        concat!(
            stack::load_thread!("rax"),
            "test rax, rax\n",
            "jz 2f\n",
            "cmp qword ptr [rax + {go_sp}], 0\n",
            "jne 2f\n",
            "mov rax, qword ptr [rax + {context}]\n",
            "test rax, rax\n",
            "jz 2f\n",
            "mov rax, qword ptr [rax + {segment}]\n",
            "cmp rsp, qword ptr [rax + {lo}]\n",
            "jb 2f\n",
            "cmp rsp, qword ptr [rax + {hi}]\n",
            "ja 2f",
        )
    };
}

/// The same as [`std::arch::global_asm`], with the operands that [`unless_on_goroutine`] needs.
macro_rules! global_asm_anywhere {
    ($template:expr, $($operands:tt)*) => {
        std::arch::global_asm!(
            $template,
            go_sp = const std::mem::offset_of!(stack::Thread, go_sp),
            context = const std::mem::offset_of!(stack::Thread, context),
            segment = const std::mem::offset_of!(stack::Context, segment),
            lo = const std::mem::offset_of!(stack::memory::Segment, lo),
            hi = const std::mem::offset_of!(stack::memory::Segment, hi),
            $($operands)*
        );
    };
}

/// A function that goroutines, C and strangers call. The operation takes what it needs from nowhere but its arguments; it doesn't switch. With
/// `or`, the second function is called directly, outside of a goroutine.
macro_rules! anywhere {
    ($name:literal $op:path) => {
        anywhere!($name $op, or $op);
    };
    ($name:literal $op:path, or $direct:path) => {
        global_asm_anywhere!(
            function!(
                $name,
                unless_on_goroutine!(),
                "lea r11, [rip + {op}]",
                "jmp gort_enter",
                "2:",
                "jmp {direct}",
                ".hidden {op}",
                ".hidden {direct}",
            ),
            op = sym $op,
            direct = sym $direct,
        );
    };
}

mod channel;
mod check;
mod cross;
mod gc;
mod goroutine;
mod handle;
mod heap;
mod io;
mod life;
mod memory;
mod pin;
mod roots;
mod select;
mod signal;
mod special;
mod strings;
mod time;
mod traceback;
mod wait;

use sched::ops;
use stack::Outcome;

pub use life::arguments;

/// The bytes of a text, with a NUL at the end, for C's functions; `N` is one more than there are.
const fn c_text<const N: usize>(text: &str) -> [u8; N] {
    assert!(text.len() + 1 == N);
    let mut bytes = [0; N];
    let mut at = 0;
    while at < text.len() {
        bytes[at] = text.as_bytes()[at];
        at += 1;
    }
    bytes
}

/// A static with a text for C's functions.
macro_rules! c_texts {
    ($($visible:vis $name:ident = $text:expr;)+) => {
        $($visible static $name: [u8; $text.len() + 1] = crate::capi::c_text($text);)+
    };
}
use c_texts;

/// The end of an operation that may be one of many in a loop: a goroutine that was asked to leave does so.
fn leave_if_asked(outcome: Outcome) -> Outcome {
    match outcome.switch {
        0 => ops::finish(outcome.value),
        _ => outcome,
    }
}
