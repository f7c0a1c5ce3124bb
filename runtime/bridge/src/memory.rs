//! The memory rules between Go and C: what of Go's memory C may see, and how values of Go's travel through C.

pub mod check;
pub mod handle;
pub mod pin;
pub mod pinner;
pub mod strings;

use std::ffi::c_void;
use std::ptr;

use heap::types::Type;

/// Two words that stand for a value of any type, as Go's `any` has them: its type, and the value's address, or the value itself if it is a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Any {
    /// A [`Type`]'s address, or 0: nil.
    pub kind: usize,
    pub data: usize,
}

impl Any {
    /// Go's nil.
    pub const NIL: Any = Any { kind: 0, data: 0 };

    /// The value's type; none of nil.
    ///
    /// # Safety
    /// The first word is 0 or a type's address.
    unsafe fn ty(&self) -> Option<&'static Type> {
        // SAFETY: the caller's word; types are constants.
        unsafe { (self.kind as *const Type).as_ref() }
    }
}

/// Zeros that take memory where they are touched; none if the system refuses.
fn map(bytes: usize) -> Option<*mut c_void> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping, where there was none.
    let new = unsafe { libc::mmap(ptr::null_mut(), bytes, access, flags, -1, 0) };
    (new != libc::MAP_FAILED).then_some(new)
}
