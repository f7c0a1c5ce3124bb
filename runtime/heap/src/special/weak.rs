//! Weak pointers (package weak): they don't keep what they point at, and tell when it is gone.
//!
//! A weak pointer is the address of a *word*, a small object of the heap that holds the address pointed at, and 0 when the object is unreachable.
//! All weak pointers to one place share its word, so they are equal, also when the object is long gone. The word lives as long as the object
//! (the collector visits it with what is attached to objects) or one of the pointers.
//!
//! To make a strong pointer of a weak one races with the sweep: the object may be unreachable already, and its span not swept yet. So the span is
//! swept first, and then the word read again. It also races with marking, since nobody but the word may know the object: it is shaded.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use stack::sync::Mutex;

use crate::alloc::{self, Again};
use crate::barrier;
use crate::layout;
use crate::object;
use crate::span;
use crate::sweep;
use crate::swept;
use crate::types::{Kind, Type, WORD};

use super::table::What;
use super::{Misuse, is_static};

/// Why there is no weak pointer.
#[derive(Debug)]
pub enum Error {
    /// The operation is to be entered again.
    Again,
    Misuse(Misuse),
}

impl From<Again> for Error {
    fn from(_: Again) -> Error {
        Error::Again
    }
}

/// What a word is to the allocator: memory without pointers.
static WORD_TYPE: Type = Type {
    size: WORD,
    ptrdata: 0,
    ptrmask: std::ptr::null(),
    kind: Kind::Uintptr,
    align: WORD as u8,
    reserved: [0; 6],
    len: 0,
    elem: std::ptr::null(),
    fields: std::ptr::null(),
    name: c"uintptr".as_ptr(),
};

/// Words for variables of the program's, which are never unreachable.
static IMMORTAL: Mutex<BTreeMap<usize, &'static AtomicUsize>> = Mutex::new(BTreeMap::new());

/// `weak.Make`: the word of weak pointers to that address, which isn't null. An operation's part: the caller has a P.
pub fn make(address: usize) -> Result<&'static AtomicUsize, Error> {
    let Some(object) = object::find(address) else {
        return match is_static(address) {
            true => Ok(immortal(address)),
            false => Err(Error::Misuse(Misuse(c"getWeakHandle on invalid pointer"))),
        };
    };
    let span = object.span();
    let offset = address - span.base();
    if let Some(word) = super::table_of(span).and_then(|table| table.weak(offset)) {
        return Ok(word);
    }
    let made = alloc::new(&WORD_TYPE, 1)?.cast::<AtomicUsize>();
    // SAFETY: a new object of that size, which the table keeps alive from here on for as long as there is a weak pointer.
    let made = unsafe { made.as_ref() };
    made.store(address, Ordering::Relaxed);
    let mut table = super::make_table(span);
    // Somebody else may have been faster.
    Ok(table.weak(offset).unwrap_or_else(|| {
        table.add(offset, What::Weak(made));
        made
    }))
}

/// Frees the words of variables.
///
/// # Safety
/// There is no weak pointer any more.
pub(super) unsafe fn free_all() {
    let words = std::mem::take(&mut *IMMORTAL.lock().expect("nobody panics with it"));
    for word in words.into_values() {
        // SAFETY: a leaked box, which nobody uses, says the caller.
        drop(unsafe { Box::from_raw(std::ptr::from_ref(word).cast_mut()) });
    }
}

fn immortal(address: usize) -> &'static AtomicUsize {
    let mut words = IMMORTAL.lock().expect("nobody panics with it");
    words
        .entry(address)
        .or_insert_with(|| Box::leak(Box::new(AtomicUsize::new(address))))
}

/// `Pointer.Value`: the address that the word stands for, or 0. The caller has a P until it has the address where the collector looks.
pub fn value(word: &AtomicUsize) -> usize {
    let layout = layout::get();
    let sweep = |address| {
        // What is no span of the heap's is a variable, or was the object's span.
        let page = layout::contains(address).then(|| layout.page_of(address));
        if let Some(info) = page.and_then(|page| span::page_info(&layout, page)) {
            sweep::ensure_swept(layout.span(info.first));
        }
    };
    let address = swept::strong(word, sweep);
    barrier::shade(address);
    address
}
