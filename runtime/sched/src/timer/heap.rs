//! A min-heap with four children per node: half as deep as a binary one, and siblings share cache lines.

/// Items ordered by the `i64` that each was pushed with, smallest first; equals come in no particular order.
pub struct Heap<T> {
    entries: Vec<(i64, T)>,
}

const CHILDREN: usize = 4;

impl<T> Heap<T> {
    pub const fn new() -> Heap<T> {
        Heap {
            entries: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The smallest, without removing it.
    pub fn peek(&self) -> Option<(i64, &T)> {
        self.entries.first().map(|(key, item)| (*key, item))
    }

    pub fn push(&mut self, key: i64, item: T) {
        self.entries.push((key, item));
        self.sift_up(self.entries.len() - 1);
    }

    pub fn pop(&mut self) -> Option<(i64, T)> {
        if self.entries.is_empty() {
            return None;
        }
        let first = self.entries.swap_remove(0);
        self.sift_down(0);
        Some(first)
    }

    /// Removes what `keep` refuses and returns it, in time proportional to the number of items.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) -> Vec<T> {
        let removed = self.entries.extract_if(.., |(_, item)| !keep(item));
        let removed = removed.map(|(_, item)| item).collect();
        self.heapify();
        removed
    }

    /// Empties the heap.
    pub fn take(&mut self) -> Vec<(i64, T)> {
        std::mem::take(&mut self.entries)
    }

    fn heapify(&mut self) {
        // Nodes from this one on have no children.
        let parents = self.entries.len().div_ceil(CHILDREN);
        for node in (0..parents).rev() {
            self.sift_down(node);
        }
    }

    fn sift_up(&mut self, mut node: usize) {
        while node > 0 {
            let parent = (node - 1) / CHILDREN;
            if self.entries[parent].0 <= self.entries[node].0 {
                break;
            }
            self.entries.swap(parent, node);
            node = parent;
        }
    }

    fn sift_down(&mut self, mut node: usize) {
        loop {
            let first = node * CHILDREN + 1;
            let last = (first + CHILDREN).min(self.entries.len());
            let Some(least) = (first..last).min_by_key(|&child| self.entries[child].0) else {
                break;
            };
            if self.entries[node].0 <= self.entries[least].0 {
                break;
            }
            self.entries.swap(node, least);
            node = least;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::timer::tests::Random;

    fn check(heap: &Heap<u64>) {
        for node in 1..heap.entries.len() {
            assert!(heap.entries[(node - 1) / CHILDREN].0 <= heap.entries[node].0);
        }
    }

    /// Random pushes, pops and removals, against an ordered map.
    #[test]
    fn agrees_with_an_ordered_map() {
        let mut random = Random(7);
        let mut heap = Heap::new();
        let mut model = BTreeMap::<(i64, u64), ()>::new();
        for step in 0..20_000u64 {
            match random.below(8) {
                0..5 => {
                    let key = random.below(1000) as i64 - 500;
                    heap.push(key, step);
                    model.insert((key, step), ());
                }
                5..7 => {
                    assert_eq!(
                        heap.peek().map(|(key, _)| key),
                        model.keys().next().map(|(key, _)| *key)
                    );
                    if let Some(popped) = heap.pop() {
                        assert!(model.remove(&popped).is_some());
                    }
                }
                _ if random.below(50) == 0 => {
                    let kept = random.below(4);
                    let removed = heap.retain(|item| item % 4 == kept);
                    assert!(removed.iter().all(|item| item % 4 != kept));
                    model.retain(|(_, item), ()| item % 4 == kept);
                }
                _ => {}
            }
            assert_eq!(heap.len(), model.len());
            if step % 97 == 0 {
                check(&heap);
            }
        }
        while let Some(popped) = heap.pop() {
            assert_eq!(popped.0, model.keys().next().unwrap().0);
            assert!(model.remove(&popped).is_some());
        }
        assert!(model.is_empty());
    }

    #[test]
    fn take_empties() {
        let mut heap = Heap::new();
        heap.push(2, 'b');
        heap.push(1, 'a');
        assert_eq!(heap.take().len(), 2);
        assert_eq!(heap.len(), 0);
        assert_eq!(heap.pop(), None);
    }
}
