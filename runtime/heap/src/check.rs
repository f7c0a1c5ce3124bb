//! The heap examines itself, when it is asked to (`GORT_DEBUG=checkheap`): whole, while the world is stopped. A collector's mistake is found where it is
//! made, not where somebody stumbles over it.
//!
//! | when               | what holds                                                                                        |
//! |--------------------|---------------------------------------------------------------------------------------------------|
//! | marking has ended  | what a marked object, a global variable or a table of roots points to is marked                   |
//! | all is swept       | no mark bit is set, and every span has as many objects as it says                                  |
//! | always             | every page belongs to the span that begins where the page says, or to a free run; spans fill what is lent |
//!
//! Stacks can't be looked at again: words that were nobody's when marking began, below the stack pointer, may lie in somebody's frame by now.

use std::collections::HashSet;
use std::fmt::Write;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use sched::scan::peek;
use sched::world;

use crate::barrier;
use crate::cache;
use crate::classes::CLASSES;
use crate::keep;
use crate::layout::{self, Layout, PAGE};
use crate::object::{self, Object};
use crate::pages;
use crate::roots;
use crate::span::{self, Span};
use crate::special;
use crate::types::WORD;

static ON: AtomicBool = AtomicBool::new(false);

/// Examine the heap from now on, or don't.
pub fn set(yes: bool) {
    ON.store(yes, Ordering::Relaxed);
}

/// Marking has ended, and nothing is swept yet. The world is stopped, and no P has spans.
pub fn marked() {
    if ON.load(Ordering::Relaxed) {
        report("at the end of marking", &after_marking());
    }
}

/// Everything is swept. The world runs.
pub fn swept() {
    if !ON.load(Ordering::Relaxed) {
        return;
    }
    let stopped = world::stop_from_outside();
    let wrong = after_sweeping();
    drop(stopped);
    report("at the end of sweeping", &wrong);
}

/// What is wrong at the end of marking; nothing, it is to be hoped.
fn after_marking() -> Vec<String> {
    let layout = layout::get();
    let mut wrong = structure(&layout);
    let mut root = |what: &str, address: usize| {
        if let Some(object) = white(address) {
            wrong.push(format!("{what} points to {}", describe(&object)));
        }
    };
    for range in roots::ranges().chain(keep::ranges()) {
        let words = (range.start.next_multiple_of(WORD)..range.end).step_by(WORD);
        words.for_each(|at| root(&format!("the root at {at:#x}"), peek(at)));
    }
    special::mark_roots(&mut |address| root("what is attached to an object", address));
    for span in spans(&layout).filter(|span| !span.class().is_noscan()) {
        black_objects(&layout, span, &mut wrong);
    }
    wrong
}

/// The object at the address, if there is one that is not marked.
fn white(address: usize) -> Option<Object> {
    object::find(address).filter(|object| !object.is_marked())
}

fn describe(object: &Object) -> String {
    format!(
        "the object at {:#x} of {} bytes, which is not marked",
        object.base, object.size
    )
}

/// No marked object of the span points to one that isn't.
fn black_objects(layout: &Layout, span: &'static Span, wrong: &mut Vec<String>) {
    let (base, size) = (span.base(), span.size.get());
    for index in 0..span.objects.get() as usize {
        let Some(object) = object::find_in(layout, base + index * size) else {
            wrong.push(format!(
                "there is no object {index} in the span at {base:#x}"
            ));
            return;
        };
        if !object.is_allocated() || !object.is_marked() {
            continue;
        }
        object.for_each_pointer(|slot| {
            if let Some(white) = white(slot.load(Ordering::Relaxed)) {
                wrong.push(format!(
                    "the object at {:#x} of {} bytes, which is marked, points at {:#x} to {}",
                    object.base,
                    object.size,
                    ptr::from_ref(slot).addr(),
                    describe(&white)
                ));
            }
        });
    }
}

/// What is wrong when all is swept.
fn after_sweeping() -> Vec<String> {
    let layout = layout::get();
    let mut wrong = structure(&layout);
    if barrier::marking() {
        return wrong;
    }
    let held: HashSet<usize> = cache::held().map(Span::base).collect();
    for span in spans(&layout) {
        let (base, marks, objects) = (span.base(), span.marked(), span.allocated());
        if marks != 0 {
            wrong.push(format!(
                "{marks} objects are marked in the span at {base:#x}"
            ));
        }
        if objects != span.used.get() && !held.contains(&base) {
            wrong.push(format!(
                "the span at {base:#x} has {objects} objects, not {}",
                span.used.get()
            ));
        }
    }
    wrong
}

/// The spans that there are.
fn spans(layout: &Layout) -> impl Iterator<Item = &'static Span> {
    let (layout, pages) = (*layout, layout::used() / PAGE);
    let mut page = 0;
    std::iter::from_fn(move || {
        while page < pages {
            let here = page;
            page += 1;
            if span::page_info(&layout, here).is_some_and(|info| info.first == here) {
                let span = layout.span(here);
                page = here + (span.pages.get() as usize).max(1);
                return Some(span);
            }
        }
        None
    })
}

/// Whether pages, spans and classes agree.
fn structure(layout: &Layout) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut lent = 0;
    for span in spans(layout) {
        let (first, pages) = (layout.first_page(span), span.pages.get() as usize);
        let class = &CLASSES[usize::from(span.class().class())];
        lent += pages * PAGE;
        let agrees = (first..first + pages).all(|page| {
            let info = span::page_info(layout, page);
            info.is_some_and(|info| info.first == first && info.class == span.class())
        });
        if !agrees {
            wrong.push(format!(
                "a page of the span at {:#x} is another's",
                span.base()
            ));
        }
        let shape = match span.is_large() {
            true => span.objects.get() == 1 && span.size.get() <= span.bytes(),
            false => {
                span.objects.get() == class.objects
                    && span.size.get() == class.size as usize
                    && pages == class.pages as usize
            }
        };
        if !shape {
            wrong.push(format!(
                "the span at {:#x} is not as its class is",
                span.base()
            ));
        }
    }
    if lent != pages::in_use() {
        wrong.push(format!("spans have {lent} bytes, not {}", pages::in_use()));
    }
    wrong
}

/// Ends the program if there is anything.
fn report(when: &str, wrong: &[String]) {
    const MOST: usize = 20;
    if wrong.is_empty() {
        return;
    }
    let mut text = String::new();
    for what in wrong.iter().take(MOST) {
        let _ = writeln!(text, "runtime: {when}: {what}");
    }
    if wrong.len() > MOST {
        let _ = writeln!(text, "runtime: and {} more", wrong.len() - MOST);
    }
    sched::fatal::throw(&text, "the heap is not what it should be (checkheap)")
}
