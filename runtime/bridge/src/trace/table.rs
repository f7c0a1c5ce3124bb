//! What crosses and under which name. Two sections say it, which lie beside the code and cost nothing but their bytes: `gort_stubs` has an entry of each
//! stub (`GORT_STUB_ENTRY` in gort.h), `gort_names` of what crosses in Rust (`gort::name`).

use std::collections::HashMap;
use std::ffi::{CStr, c_char};

use super::hash::Addresses;
use crate::sections::{gort_names_bounds, gort_stubs_bounds};

/// An entry of `gort_stubs`; addresses are distances from where they stand.
#[repr(C)]
struct Stub {
    place: i32,
    /// Text that ends with NUL.
    name: i32,
    kind: u32,
}

/// The place is where a stub's call of the function returns to.
const CALL: u32 = 0;
/// The place is an instruction that loads the function's address into r11.
const LOADS: u32 = 1;

/// An entry of `gort_names`.
#[repr(C)]
struct Name {
    function: usize,
    name: usize,
    kind: usize,
}

/// The name is a text that ends with NUL.
const TEXT: usize = 0;
/// The name is what a function, a `fn() -> &'static str`, results in.
const RESULT: usize = 1;
/// The function calls what its first argument is the address of, and has no name.
const WRAPPER: usize = 2;

/// The table, as the tracer looks things up.
#[derive(Default)]
pub struct Table {
    /// Return addresses in stubs; with what each stub's function is called.
    pub calls: Vec<(usize, String)>,
    /// Functions whose names are known.
    pub names: HashMap<usize, String, Addresses>,
    /// Functions that stand for what their first argument says.
    pub wrappers: Vec<usize>,
}

impl Table {
    pub fn read() -> Table {
        let mut table = Table::default();
        // SAFETY: gort.h alone writes this section.
        let stubs = unsafe { gort_stubs_bounds().entries::<Stub>() };
        stubs.iter().for_each(|stub| table.add_stub(stub));
        // SAFETY: the crate `gort` alone writes this section.
        let names = unsafe { gort_names_bounds().entries::<Name>() };
        names.iter().for_each(|name| table.add_name(name));
        table
    }

    fn add_stub(&mut self, stub: &Stub) {
        let place = follow(&stub.place);
        // SAFETY: the entry's name is a text.
        let name = unsafe { text(follow(&stub.name)) };
        match stub.kind {
            CALL => self.calls.push((place, name)),
            LOADS => {
                // SAFETY: the place is such an instruction.
                if let Some(function) = unsafe { loaded(place) } {
                    self.names.insert(function, name);
                }
            }
            _ => {}
        }
    }

    fn add_name(&mut self, entry: &Name) {
        let name = match entry.kind {
            // SAFETY: an entry of this kind has a text.
            TEXT => unsafe { text(entry.name) },
            RESULT => {
                // SAFETY: an entry of this kind has such a function.
                let name =
                    unsafe { std::mem::transmute::<usize, fn() -> &'static str>(entry.name) };
                name().to_owned()
            }
            WRAPPER => return self.wrappers.push(entry.function),
            _ => return,
        };
        self.names.insert(entry.function, name);
    }
}

/// # Safety
/// At `address` is a text that ends with NUL.
unsafe fn text(address: usize) -> String {
    // SAFETY: the caller's word.
    let text = unsafe { CStr::from_ptr(address as *const c_char) };
    text.to_string_lossy().into_owned()
}

/// The address that a distance says.
fn follow(distance: &i32) -> usize {
    (std::ptr::from_ref(distance) as usize).wrapping_add_signed(*distance as isize)
}

/// What the instruction at `place` loads into r11: through the GOT, or as the linker has written it anew.
///
/// # Safety
/// `place` is the instruction `mov name@GOTPCREL(%rip), %r11` of gort.h, or `lea`.
unsafe fn loaded(place: usize) -> Option<usize> {
    // SAFETY: seven bytes, by the caller's word.
    let (code, operand) = unsafe {
        (
            *(place as *const [u8; 3]),
            ((place + 3) as *const i32).read_unaligned(),
        )
    };
    let address = (place + 7).wrapping_add_signed(operand as isize);
    match code {
        [0x4c, 0x8d, 0x1d] => Some(address),
        // SAFETY: a slot of the GOT, which is filled: symbols are bound at the start.
        [0x4c, 0x8b, 0x1d] => Some(unsafe { (address as *const usize).read() }),
        [0x49, 0xc7, 0xc3] => Some(operand as usize),
        _ => None,
    }
}
