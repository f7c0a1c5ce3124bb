//! What is attached to objects: finalizers, cleanups, weak pointers.
//!
//! ```text
//!  table      what is attached to a span's objects      finalizer, cleanup, weak   how it gets there, and what it means
//!  queue      functions that are due, and the goroutine that runs them
//! ```
//!
//! A span has a table once something was attached to one of its objects, and keeps it. A table is changed by operations, which have the span swept
//! before, and by the span's sweep: an object that was not marked loses its weak pointers and gives its functions to the queue.

pub mod cleanup;
pub mod finalizer;
pub mod queue;
pub mod table;
pub mod weak;

use std::ffi::CStr;
use std::ptr;
use std::sync::atomic::Ordering;

use stack::sync::{Mutex, MutexGuard};

use crate::span::Span;
use crate::sweep::ensure_swept;
use crate::{alloc, layout, object, roots};

use table::{Table, What};

/// What is attached to a span's objects. Never freed: the place in the table of spans keeps it, whichever span begins there.
pub struct Specials(Mutex<Table>);

/// The program has asked for something that can't be; in Go's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misuse(pub &'static CStr);

/// Every span that has a table.
static WITH_TABLES: Mutex<Vec<&'static Span>> = Mutex::new(Vec::new());

fn lock(specials: &'static Specials) -> MutexGuard<'static, Table> {
    specials.0.lock().expect("nobody panics with it")
}

/// The span's table, as it is.
fn table_unswept(span: &'static Span) -> Option<MutexGuard<'static, Table>> {
    // SAFETY: null or a leaked box.
    let specials = unsafe { span.specials.load(Ordering::Acquire).as_ref() };
    specials.map(lock)
}

/// The table of a span that is swept, if it has one. No object of it is about to be found unreachable: the next cycle cannot begin before the
/// calling operation is over.
fn table_of(span: &'static Span) -> Option<MutexGuard<'static, Table>> {
    ensure_swept(span);
    table_unswept(span)
}

/// The same; a new one if there is none.
fn make_table(span: &'static Span) -> MutexGuard<'static, Table> {
    ensure_swept(span);
    if let Some(table) = table_unswept(span) {
        return table;
    }
    let mut all = WITH_TABLES.lock().expect("nobody panics with it");
    if span.specials.load(Ordering::Acquire).is_null() {
        let made = Box::leak(Box::new(Specials(Mutex::new(Table::new()))));
        span.specials.store(made, Ordering::Release);
        all.push(span);
    }
    drop(all);
    table_unswept(span).expect("it was made")
}

/// Frees all tables.
///
/// # Safety
/// There are no goroutines any more, and nobody uses the heap.
pub(crate) unsafe fn free_all() {
    queue::end();
    // SAFETY: the caller's word.
    unsafe { weak::free_all() };
    let spans = std::mem::take(&mut *WITH_TABLES.lock().expect("nobody panics with it"));
    for span in spans {
        let specials = span.specials.swap(ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: a leaked box; nobody uses it.
        drop(unsafe { Box::from_raw(specials) });
    }
}

/// Before the span's unmarked objects are freed, by who sweeps it: what is attached to them ends, and those that have finalizers are marked.
pub fn before_sweep(span: &'static Span) {
    let Some(mut table) = table_unswept(span).filter(|table| !table.is_empty()) else {
        return;
    };
    let (layout, base) = (layout::get(), span.base());
    let at = |offset| object::find_in(&layout, base + offset).expect("a place in an object");
    let mut due = Vec::new();
    table.sweep(
        base,
        |offset| {
            let object = at(offset);
            object.base - base..object.base - base + object.size
        },
        |start| at(start).is_marked(),
        |start| {
            at(start).mark();
        },
        &mut due,
    );
    drop(table);
    queue::push(due);
}

/// While marking: everything that attached things keep alive. That is what an object with a finalizer refers to, though not the object itself; what
/// functions close over and get as arguments; the words of weak pointers. Objects may be attached to meanwhile.
pub fn mark_roots(visit: &mut dyn FnMut(usize)) {
    let spans = WITH_TABLES.lock().expect("nobody panics with it").clone();
    for span in spans {
        let Some(table) = table_unswept(span) else {
            continue;
        };
        for record in table.iter() {
            match record.what {
                What::Finalizer(call) => {
                    visit(call.closure);
                    visit_fields(span.base() + record.offset, visit);
                }
                What::Cleanup { due, .. } => {
                    visit(due.argument);
                    visit(due.call.closure);
                }
                What::Weak(word) => visit(std::ptr::from_ref(word) as usize),
            }
        }
    }
    queue::roots(visit);
}

/// What the object at that address refers to.
fn visit_fields(address: usize, visit: &mut dyn FnMut(usize)) {
    let Some(object) = object::find(address) else {
        return;
    };
    object.for_each_pointer(|slot| visit(slot.load(Ordering::Relaxed)));
}

/// Whether that is a variable of the program's, or the address of nothing: always reachable.
fn is_static(address: usize) -> bool {
    alloc::is_nothing(address) || roots::contains(address)
}
