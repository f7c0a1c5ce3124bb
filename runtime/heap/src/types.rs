//! Descriptors of types: where pointers lie. Compiled Go has them as constants; `struct gort_type` of `gort.h` is the same.

use std::ffi::c_char;
use std::slice;

/// Size of a pointer, in bytes; heap memory is looked at in such words.
pub const WORD: usize = size_of::<usize>();

/// What kind of type it is: reflect.Kind's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Invalid = 0,
    Bool = 1,
    Int = 2,
    Int8 = 3,
    Int16 = 4,
    Int32 = 5,
    Int64 = 6,
    Uint = 7,
    Uint8 = 8,
    Uint16 = 9,
    Uint32 = 10,
    Uint64 = 11,
    Uintptr = 12,
    Float32 = 13,
    Float64 = 14,
    Complex64 = 15,
    Complex128 = 16,
    Array = 17,
    Chan = 18,
    Func = 19,
    Interface = 20,
    Map = 21,
    Pointer = 22,
    Slice = 23,
    String = 24,
    Struct = 25,
    UnsafePointer = 26,
}

/// A type, as the collector and the pointer checks see it.
#[repr(C)]
#[derive(Debug)]
pub struct Type {
    /// Bytes of a value.
    pub size: usize,
    /// Bytes of the prefix of a value that may hold pointers; a multiple of [`WORD`], or 0.
    pub ptrdata: usize,
    /// Bit i: word i of the prefix is a pointer; bits behind the prefix are 0. Null: all of its words are.
    pub ptrmask: *const u8,
    pub kind: Kind,
    /// In bytes, a power of two.
    pub align: u8,
    pub reserved: [u8; 6],
    /// How many elements (Array), how many fields (Struct).
    pub len: usize,
    /// What it is made of or points to: Array, Chan, Pointer, Slice. Null if that is not known.
    pub elem: *const Type,
    /// The fields of a Struct.
    pub fields: *const Field,
    /// As Go writes it; may be null.
    pub name: *const c_char,
}

/// A field of a struct.
#[repr(C)]
#[derive(Debug)]
pub struct Field {
    pub ty: *const Type,
    /// In bytes from the struct's start.
    pub offset: usize,
}

// SAFETY: a descriptor is a constant.
unsafe impl Sync for Type {}
// SAFETY: as above.
unsafe impl Send for Type {}
// SAFETY: as above.
unsafe impl Sync for Field {}

impl Type {
    /// Whether a value may hold pointers.
    pub fn has_pointers(&self) -> bool {
        self.ptrdata != 0
    }

    /// Whether word `index` of a value is a pointer.
    pub fn is_pointer(&self, index: usize) -> bool {
        if index >= self.ptrdata / WORD {
            return false;
        }
        if self.ptrmask.is_null() {
            return true;
        }
        // SAFETY: the mask has a bit for each word of the prefix.
        let byte = unsafe { *self.ptrmask.add(index / 8) };
        byte >> (index % 8) & 1 != 0
    }

    /// The pointer bits of the first words, 64 at most: bit i for word i.
    pub fn first_bits(&self) -> u64 {
        let words = self.ptrdata / WORD;
        let all = match words {
            0 => return 0,
            1..64 => (1 << words) - 1,
            _ => u64::MAX,
        };
        if self.ptrmask.is_null() {
            return all;
        }
        let mut bits = 0;
        for byte in 0..words.min(64).div_ceil(8) {
            // SAFETY: the mask has a bit for each word of the prefix. By the byte: it may end anywhere.
            bits |= u64::from(unsafe { *self.ptrmask.add(byte) }) << (8 * byte);
        }
        bits & all
    }

    /// The fields of a Struct.
    pub fn fields(&self) -> &[Field] {
        if self.kind != Kind::Struct || self.len == 0 {
            return &[];
        }
        // SAFETY: a struct's descriptor has as many fields as it says.
        unsafe { slice::from_raw_parts(self.fields, self.len) }
    }

    /// What it is made of or points to.
    pub fn elem(&self) -> Option<&Type> {
        // SAFETY: null or another descriptor, a constant as well.
        unsafe { self.elem.as_ref() }
    }
}
