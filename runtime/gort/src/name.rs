//! What crosses in Rust has a name for the tracer, in the section `gort_names` (`bridge::trace`). No instruction is made for it.

/// A closure of this type is what the function at this path runs.
macro_rules! named_by_closure {
    ($function:path, $closure:ty) => {
        // SAFETY: assembles data in another section, nothing here.
        unsafe {
            std::arch::asm!(
                ".pushsection gort_names, \"awR\", @progbits",
                ".p2align 3",
                ".quad {function}, {name}, 1",
                ".popsection",
                function = sym $function,
                name = sym std::any::type_name::<$closure>,
                options(nomem, nostack, preserves_flags),
            );
        }
    };
}
pub(crate) use named_by_closure;
