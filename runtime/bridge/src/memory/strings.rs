//! C's memory for Go's strings and bytes: `C.CString`, `C.CBytes`, `C.malloc`.
//!
//! These functions run on the system stack with the goroutine's P held, so that no collection looks for what they point at meanwhile.

use std::ffi::c_void;
use std::ptr;

/// Go's words when C has no memory.
pub const MALLOC_FAILED: &str = "runtime: C malloc failed";

/// C's malloc; also for 0 bytes an address of one's own. Null: there is no memory.
pub extern "C" fn malloc(size: usize) -> *mut c_void {
    // SAFETY: asks for memory.
    unsafe { libc::malloc(size.max(1)) }
}

/// A copy of `length` bytes. Null: there is no memory.
///
/// # Safety
/// So many bytes can be read there.
pub unsafe extern "C" fn bytes(from: *const u8, length: usize) -> *mut u8 {
    let copy = malloc(length).cast::<u8>();
    if !copy.is_null() && length != 0 {
        // SAFETY: the caller's bytes, and as many new ones.
        unsafe { ptr::copy_nonoverlapping(from, copy, length) };
    }
    copy
}

/// A copy of `length` bytes with a NUL behind. Null: there is no memory.
///
/// # Safety
/// So many bytes can be read there.
pub unsafe extern "C" fn c_string(from: *const u8, length: usize) -> *mut u8 {
    let copy = malloc(length.saturating_add(1)).cast::<u8>();
    if copy.is_null() {
        return copy;
    }
    // SAFETY: the caller's bytes, and one more than as many new ones. Nothing is read where there are none.
    unsafe {
        if length != 0 {
            ptr::copy_nonoverlapping(from, copy, length);
        }
        copy.add(length).write(0);
    }
    copy
}
