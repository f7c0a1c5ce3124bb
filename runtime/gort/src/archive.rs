//! The archive for C and compiled Go ends the program in Go's words when there is no memory for the runtime's own records: Rust's standard library
//! would abort it. Rust programs have allocators of their own choice, so this comes with a feature that only the archive is built with.

use std::alloc::{GlobalAlloc, Layout, System};

use sched::fatal;

/// The system's allocator, which never returns null.
struct Reporting;

#[global_allocator]
static ALLOCATOR: Reporting = Reporting;

fn checked(block: *mut u8, bytes: usize) -> *mut u8 {
    if block.is_null() {
        refused(bytes);
    }
    block
}

#[cold]
fn refused(bytes: usize) -> ! {
    fatal::out_of_memory(bytes, heap::layout::used())
}

// SAFETY: what the system's allocator promises, which does everything.
unsafe impl GlobalAlloc for Reporting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        checked(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        checked(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: passed on.
        checked(unsafe { System.realloc(block, layout, size) }, size)
    }
}
