//! C calls Rust.

/// Makes C functions of Rust functions: C calls them by name, or through their addresses, on any thread.
///
/// They run on the goroutine that has called C; on a thread that no goroutine has, on one that the thread keeps until it ends, and the runtime
/// is started if need be. So the function may wait for channels and do everything else that goroutines do. It finds 64 KiB of stack at least,
/// also where compiled Go has called C.
///
/// A panic goes on where C was called from: in [`ccall`](crate::ccall()), as Rust's, or as compiled Go's. C's frames between are given up, as
/// `longjmp` does. Where nobody has called C, it ends the program.
///
/// Arguments and results are what a register takes: integers, floats, pointers, references, `extern "C"` functions, and those as an `Option`.
/// Such a function is called by C only: on a goroutine, Rust calls the function that does the work.
///
/// ```
/// use std::ffi::c_void;
///
/// gort::export! {
///     /// Compares two words, for qsort.
///     unsafe fn compare_words(a: *const c_void, b: *const c_void) -> i32 {
///         let (a, b) = unsafe { (*a.cast::<u64>(), *b.cast::<u64>()) };
///         a.cmp(&b) as i32
///     }
/// }
///
/// unsafe extern "C" {
///     fn qsort(base: *mut c_void, count: usize, size: usize, compare: unsafe extern "C" fn(*const c_void, *const c_void) -> i32);
/// }
///
/// gort::enter(|| {
///     let mut words = [3_u64, 1, 2];
///     gort::ccall(|| unsafe { qsort(words.as_mut_ptr().cast(), 3, 8, compare_words) });
///     assert_eq!(words, [1, 2, 3]);
/// });
/// ```
#[macro_export]
macro_rules! export {
    () => {};
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
        $($rest:tt)*
    ) => {
        $crate::__export!([safe] [$(#[$meta])*] [$vis] $name [$($argument: $type),*] [$($result)?] $body);
        $crate::export! { $($rest)* }
    };
    (
        $(#[$meta:meta])*
        $vis:vis unsafe fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
        $($rest:tt)*
    ) => {
        $crate::__export!([unsafe] [$(#[$meta])*] [$vis] $name [$($argument: $type),*] [$($result)?] $body);
        $crate::export! { $($rest)* }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($safety:tt $meta:tt $vis:tt $name:ident $arguments:tt [] $body:block) => {
        $crate::__export!($safety $meta $vis $name $arguments [()] $body);
    };
    (
        [$safety:tt] [$(#[$meta:meta])*] [$vis:vis] $name:ident [$($argument:ident: $type:ty),*] [$result:ty] $body:block
    ) => {
        unsafe extern "C" {
            $(#[$meta])*
            $vis $safety fn $name($($argument: $type),*) -> $result;
        }

        const _: () = {
            const STACK: usize = $crate::export::stack_bytes(&[
                $(<$type as $crate::export::Argument>::FLOAT),*
            ]);
            const _: fn() = $crate::export::check_result::<$result>;

            // C may call before anything else of the runtime is called.
            #[used]
            #[unsafe(link_section = ".init_array.00001")]
            static PREPARE: extern "C" fn() = $crate::export::prepare;

            // What C calls: on to the goroutine's stack.
            #[unsafe(naked)]
            #[unsafe(no_mangle)]
            extern "C" fn $name($(_: $type),*) -> $result {
                ::core::arch::naked_asm!(
                    "lea r11, [rip + {entry}]",
                    ".if {stack}",
                    "mov r10d, {stack}",
                    "jmp gort_callback_stack",
                    ".else",
                    "jmp gort_callback",
                    ".endif",
                    // For the tracer: see bridge::trace.
                    ".pushsection .rodata.gort_names, \"aMS\", @progbits, 1",
                    ::core::concat!("771: .asciz \"", ::core::stringify!($name), "\""),
                    ".popsection",
                    ".pushsection gort_names, \"awR\", @progbits",
                    ".p2align 3",
                    ".quad {entry}, 771b, 0",
                    ".popsection",
                    entry = sym entry,
                    stack = const STACK,
                )
            }

            // What a function with stack checks does at its beginning.
            #[unsafe(naked)]
            extern "C" fn entry() {
                ::core::arch::naked_asm!(
                    ".cfi_startproc",
                    "lea r11, [rsp - {room}]",
                    "cmp r11, qword ptr fs:[0x70]",
                    "ja {body}",
                    "mov r10d, {room}",
                    "mov r11d, {stack}",
                    "call __morestack",
                    "ret",
                    "jmp {body}",
                    ".cfi_endproc",
                    room = const $crate::export::ROOM,
                    stack = const STACK,
                    body = sym body,
                )
            }

            extern "C" fn body($($argument: $type),*) -> $result {
                $crate::export::border(move || $body)
            }
        };
    };
}

pub use crate::enter::{ROOM, border};

/// What an exported function may take.
///
/// # Safety
/// By the C ABI it is passed in one integer register, or in one vector register if it is a float.
pub unsafe trait Argument {
    const FLOAT: bool;
}

/// What an exported function may result in: anything that is returned in registers.
///
/// # Safety
/// By the C ABI it takes two registers at most.
pub unsafe trait Return {}

// SAFETY: returned in one register.
unsafe impl<T: Argument> Return for T {}
// SAFETY: returned nowhere.
unsafe impl Return for () {}

/// A constructor: from now on C may call Rust.
#[doc(hidden)]
pub extern "C" fn prepare() {
    bridge::prepare();
}

#[doc(hidden)]
pub fn check_result<R: Return>() {}

/// Bytes of arguments that don't fit in registers: six integers and eight floats do.
#[doc(hidden)]
pub const fn stack_bytes(floats: &[bool]) -> usize {
    let (mut integers, mut vectors, mut stack, mut at) = (0, 0, 0, 0);
    while at < floats.len() {
        if floats[at] {
            vectors += 1;
        } else {
            integers += 1;
        }
        if (floats[at] && vectors > 8) || (!floats[at] && integers > 6) {
            stack += 8;
        }
        at += 1;
    }
    stack
}

macro_rules! arguments {
    ($($type:ty = $float:literal,)*) => {
        $(
            // SAFETY: a scalar of at most eight bytes.
            unsafe impl Argument for $type {
                const FLOAT: bool = $float;
            }
        )*
    };
}

arguments! {
    bool = false,
    u8 = false, u16 = false, u32 = false, u64 = false, usize = false,
    i8 = false, i16 = false, i32 = false, i64 = false, isize = false,
    f32 = true, f64 = true,
}

macro_rules! pointers {
    ($($type:ty),* $(,)?) => {
        $(
            // SAFETY: a pointer, of a sized type.
            unsafe impl<T> Argument for $type {
                const FLOAT: bool = false;
            }
        )*
    };
}

pointers! {
    *const T, *mut T, &T, &mut T, Option<&T>, Option<&mut T>, std::ptr::NonNull<T>, Option<std::ptr::NonNull<T>>,
    Box<T>, Option<Box<T>>,
}

macro_rules! functions {
    ($(($($argument:ident)*))*) => {
        $(
            functions!(@ extern "C" fn($($argument),*) -> R, $($argument)*);
            functions!(@ unsafe extern "C" fn($($argument),*) -> R, $($argument)*);
        )*
    };
    (@ $type:ty, $($argument:ident)*) => {
        // SAFETY: the address of a function.
        unsafe impl<R, $($argument),*> Argument for $type {
            const FLOAT: bool = false;
        }
        // SAFETY: the same, or null.
        unsafe impl<R, $($argument),*> Argument for Option<$type> {
            const FLOAT: bool = false;
        }
    };
}

functions! { () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }

#[cfg(test)]
mod tests {
    use super::stack_bytes;

    #[test]
    fn what_does_not_fit_in_registers_is_on_the_stack() {
        assert_eq!(stack_bytes(&[false; 6]), 0);
        assert_eq!(stack_bytes(&[true; 8]), 0);
        assert_eq!(stack_bytes(&[false; 8]), 16);
        assert_eq!(stack_bytes(&[true; 9]), 8);
        let mixed = [
            false, true, false, false, false, true, false, false, false, true,
        ];
        assert_eq!(stack_bytes(&mixed), 8);
    }
}
