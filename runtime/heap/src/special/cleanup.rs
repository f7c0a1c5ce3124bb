//! Cleanups (`runtime.AddCleanup`): functions that are run once an object is gone. They don't get the object, so nothing is kept for them but
//! their arguments.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::barrier;
use crate::layout::{self, PAGE};
use crate::object::{self, Object};
use crate::span::{self, PageInfo};

use super::table::{Call, Due, What};
use super::{Misuse, is_static};

/// Of a cleanup's number these are the span's first page; those above count.
const PAGE_BITS: u32 = 26;
/// Numbers keep the highest bit free.
const COUNT_BITS: u32 = 63 - PAGE_BITS;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// `runtime.AddCleanup`: the cleanup's number, for [`stop`]; 0 for one that will never run. `address` may be anywhere in the object. An operation's
/// part: the caller has a P.
pub fn add(address: usize, call: Call, argument: usize) -> Result<u64, Misuse> {
    if address == 0 {
        return Err(Misuse(c"runtime.AddCleanup: ptr is nil"));
    }
    if argument == address {
        return Err(Misuse(
            c"runtime.AddCleanup: ptr is equal to arg, cleanup will never run",
        ));
    }
    let Some(object) = object::find(address) else {
        return match is_static(address) {
            true => Ok(0),
            false => Err(Misuse(c"runtime.AddCleanup: ptr not in allocated block")),
        };
    };
    if contains(&object, argument) {
        return Err(Misuse(
            c"runtime.AddCleanup: ptr is within arg, cleanup will never run",
        ));
    }
    if closes_over(call.closure, &object) {
        return Err(Misuse(
            c"runtime.AddCleanup: cleanup function closes over ptr, cleanup will never run",
        ));
    }
    let count = NEXT.fetch_add(1, Ordering::Relaxed) & ((1 << COUNT_BITS) - 1);
    let id = count << PAGE_BITS | object.page as u64;
    let due = Due { call, argument };
    let span = object.span();
    super::make_table(span).add(address - span.base(), What::Cleanup { id, due });
    barrier::shade(argument);
    barrier::shade(call.closure);
    Ok(id)
}

fn contains(object: &Object, address: usize) -> bool {
    address.wrapping_sub(object.base) < object.size
}

/// Whether what a function closes over refers to the object, or lies in it.
fn closes_over(closure: usize, object: &Object) -> bool {
    if contains(object, closure) {
        return true;
    }
    let mut found = false;
    if let Some(closure) = object::find(closure) {
        closure.for_each_pointer(|slot| found |= contains(object, slot.load(Ordering::Relaxed)));
    }
    found
}

/// `Cleanup.Stop`: it will not run, unless it is due already.
pub fn stop(id: u64) {
    let page = (id & ((1 << PAGE_BITS) - 1)) as usize;
    if id == 0 || page >= layout::used() / PAGE {
        return;
    }
    let layout = layout::get();
    // The object may be gone, and its span with it.
    let begins = |info: &PageInfo| info.first == page;
    if span::page_info(&layout, page).filter(begins).is_some()
        && let Some(mut table) = super::table_of(layout.span(page))
    {
        table.remove_cleanup(id);
    }
}
