//! What is attached to objects.

use crate::span::Span;

/// What is attached to a span's objects.
pub struct Specials {
    _todo: (),
}

/// Before the span is swept: what happens to the things attached to objects that were not marked. It may mark some.
pub fn before_sweep(_span: &'static Span) {}
