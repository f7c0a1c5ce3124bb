//! What all nodes of the tree share: identity, span, and the pointer between them.

use std::fmt;
use std::ops::{Deref, DerefMut};

use source::{Pos, Span};

/// Identity of a node within its file: dense from 0 to [`crate::File::node_count`], for side tables that are vectors. The
/// order of the numbers means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl NodeId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

pub trait Node {
    fn id(&self) -> NodeId;
    /// From the first byte of the node to the byte after its last; what `go/ast` calls `Pos()` and `End()`.
    fn span(&self) -> Span;

    fn start(&self) -> Pos {
        self.span().start
    }

    fn end(&self) -> Pos {
        self.span().end
    }
}

/// Runs `f` with enough stack for one more level of recursion over a tree. Recursive passes call it once per level.
#[inline]
pub fn deep<R>(f: impl FnOnce() -> R) -> R {
    const RED_ZONE: usize = 160 << 10;
    const SEGMENT: usize = 4 << 20;
    stacker::maybe_grow(RED_ZONE, SEGMENT, f)
}

/// The only owning pointer between nodes: a box whose drop, clone and comparison survive any depth of nesting.
pub struct P<T>(
    /// `None` only while the value is being taken out.
    Option<Box<T>>,
);

impl<T> P<T> {
    pub fn new(value: T) -> P<T> {
        P(Some(Box::new(value)))
    }

    pub fn into_inner(mut self) -> T {
        match self.0.take() {
            Some(value) => *value,
            None => unreachable!("a P is never empty"),
        }
    }
}

impl<T> Deref for P<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => unreachable!("a P is never empty"),
        }
    }
}

impl<T> DerefMut for P<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.0 {
            Some(value) => value,
            None => unreachable!("a P is never empty"),
        }
    }
}

impl<T> Drop for P<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(value) = self.0.take() {
            deep(|| drop(value));
        }
    }
}

impl<T: Clone> Clone for P<T> {
    fn clone(&self) -> P<T> {
        P(deep(|| self.0.clone()))
    }
}

impl<T: fmt::Debug> fmt::Debug for P<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        deep(|| (**self).fmt(f))
    }
}
