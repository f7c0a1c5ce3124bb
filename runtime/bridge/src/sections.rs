//! Where the sections lie that the runtime looks at: the linker makes symbols of the bounds of those with such names. A module may have none of them.

use std::arch::global_asm;

use stack::{close_function, open_function};

/// A function that results in a section's bounds.
macro_rules! bounds {
    ($name:literal, $section:literal) => {
        concat!(
            ".weak __start_",
            $section,
            "\n.hidden __start_",
            $section,
            "\n",
            ".weak __stop_",
            $section,
            "\n.hidden __stop_",
            $section,
            "\n",
            ".hidden ",
            $name,
            "\n",
            open_function!($name),
            "mov rax, qword ptr [rip + __start_",
            $section,
            "@GOTPCREL]\n",
            "mov rdx, qword ptr [rip + __stop_",
            $section,
            "@GOTPCREL]\n",
            "ret\n",
            close_function!($name),
        )
    };
}

global_asm!(
    ".text",
    bounds!("gort_text_bounds", "gotext"),
    bounds!("gort_stubs_bounds", "gort_stubs"),
    bounds!("gort_names_bounds", "gort_names"),
);

/// Two addresses, as C returns a struct of two words.
#[repr(C)]
pub struct Bounds {
    pub start: usize,
    pub end: usize,
}

unsafe extern "C" {
    /// Compiled Go.
    pub safe fn gort_text_bounds() -> Bounds;
    pub(crate) safe fn gort_stubs_bounds() -> Bounds;
    pub(crate) safe fn gort_names_bounds() -> Bounds;
}

impl Bounds {
    /// # Safety
    /// The section between them consists of such entries.
    pub(crate) unsafe fn entries<T>(&self) -> &'static [T] {
        if self.start == self.end {
            return &[];
        }
        let count = (self.end - self.start) / size_of::<T>();
        // SAFETY: the linker puts the entries of all objects one after the other.
        unsafe { std::slice::from_raw_parts(self.start as *const T, count) }
    }
}
