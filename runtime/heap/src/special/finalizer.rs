//! Finalizers (`runtime.SetFinalizer`): a function that is called once with an object that nobody else can reach.
//!
//! Until then the object and everything reachable from it live on, also what only the object itself refers to; that is why of two objects with
//! finalizers, of which one refers to the other, the referring one comes first, and why neither comes when each refers to the other.

use crate::barrier;
use crate::object;

use super::table::Call;
use super::{Misuse, is_static};

/// `runtime.SetFinalizer(object, call)`; `None` takes a finalizer off. An operation's part: the caller has a P.
pub fn set(address: usize, call: Option<Call>) -> Result<(), Misuse> {
    if address == 0 {
        return Err(Misuse(c"runtime.SetFinalizer: first argument is nil"));
    }
    let Some(object) = object::find(address) else {
        return match is_static(address) {
            // A variable of the program's is always reachable.
            true => Ok(()),
            false => Err(Misuse(
                c"runtime.SetFinalizer: pointer not in allocated block",
            )),
        };
    };
    if object.base != address {
        return Err(Misuse(
            c"runtime.SetFinalizer: pointer not at beginning of allocated block",
        ));
    }
    let span = object.span();
    let offset = address - span.base();
    let Some(call) = call else {
        if let Some(mut table) = super::table_of(span) {
            table.remove_finalizer(offset);
        }
        return Ok(());
    };
    if !super::make_table(span).add_finalizer(offset, call) {
        return Err(Misuse(c"runtime.SetFinalizer: finalizer already set"));
    }
    barrier::shade(call.closure);
    Ok(())
}
