//! Spans that no P has, by class.

use stack::sync::{Mutex, MutexGuard};

use crate::classes::{CLASSES, SpanClass};
use crate::pages;
use crate::span::{List, Span};
use crate::sweep::{self, Swept};

/// A class's spans. One that is swept by somebody, or that a P has, is in none of the lists.
#[derive(Default)]
pub struct Central {
    /// With free slots.
    pub partial: List,
    /// Without any.
    pub full: List,
    /// Not swept since the last marking; these had free slots before it.
    pub unswept_partial: List,
    /// These had none.
    pub unswept_full: List,
}

static CENTRAL: [Mutex<Central>; SpanClass::COUNT + 1] = [const {
    Mutex::new(Central {
        partial: List::new(),
        full: List::new(),
        unswept_partial: List::new(),
        unswept_full: List::new(),
    })
}; SpanClass::COUNT + 1];

/// How many spans are swept in the search for one with a free slot, before a new one is made.
const TRIES: usize = 16;

/// The spans of a class.
pub fn lock(class: SpanClass) -> MutexGuard<'static, Central> {
    CENTRAL[usize::from(class.0)]
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Every class that there is, that of large objects included.
pub fn classes() -> impl Iterator<Item = SpanClass> {
    (1..=SpanClass::COUNT as u8).map(SpanClass)
}

/// A span with a free slot at least, for a P.
pub fn take(class: SpanClass) -> &'static Span {
    for _ in 0..TRIES {
        let mut central = lock(class);
        if let Some(span) = central.partial.pop() {
            return span;
        }
        let Some(span) = central.next_unswept() else {
            break;
        };
        drop(central);
        let swept = sweep::sweep(span);
        if swept == Swept::Full {
            lock(class).full.push(span);
        }
        // Otherwise it is the P's, which gives up what it has before the next cycle.
        sweep::settled();
        if swept != Swept::Full {
            return span;
        }
    }
    let span = pages::take(CLASSES[usize::from(class.class())].pages as usize);
    span.make(class, 0, sweep::cycle());
    span
}

/// A P no longer needs a span, or it has just been swept; `used` slots of it are.
pub fn give(span: &'static Span) {
    let mut central = lock(span.class());
    match span.used.get() < span.objects.get() {
        true => central.partial.push(span),
        false => central.full.push(span),
    }
}

impl Central {
    /// A span to be swept by the caller, who alone has it then.
    pub fn next_unswept(&mut self) -> Option<&'static Span> {
        self.unswept_partial
            .pop()
            .or_else(|| self.unswept_full.pop())
    }

    /// All spans are unswept from now on: how many.
    pub fn start_cycle(&mut self) -> usize {
        debug_assert!(self.unswept_partial.is_empty() && self.unswept_full.is_empty());
        self.unswept_partial.append(&mut self.partial);
        self.unswept_full.append(&mut self.full);
        self.unswept_partial.len() + self.unswept_full.len()
    }
}
