//! A sorted list that knows positions: the n-th entry, and how many lie between two, without counting them.
//!
//! A search page needs its rows and the total. In a tree the total costs a walk over everything that matches, which a
//! backfill of a million records would pay five thousand times.

use std::ops::Range;

/// Where a record stands: its stamp (or id), a draw that scrambles equals, and its id.
///
/// The service promises no order among equal stamps, so equals stand in an order that nobody may rely on.
pub(super) type Key = (i64, u64, u64);

const LONGEST_CHUNK: usize = 1_024;

/// Distinct keys, ascending.
#[derive(Debug, Default)]
pub(super) struct Ordered {
    /// No chunk is empty.
    chunks: Vec<Vec<Key>>,
    n: usize,
}

impl Ordered {
    /// From keys in any order, quickly.
    pub(super) fn of(mut keys: Vec<Key>) -> Self {
        keys.sort_unstable();
        Self { n: keys.len(), chunks: keys.chunks(LONGEST_CHUNK / 2).map(<[Key]>::to_vec).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.n
    }

    pub(super) fn insert(&mut self, key: Key) {
        let at = self.chunk_for(key).min(self.chunks.len().saturating_sub(1));
        let Some(chunk) = self.chunks.get_mut(at) else {
            self.chunks.push(vec![key]);
            self.n = 1;
            return;
        };
        if let Err(place) = chunk.binary_search(&key) {
            chunk.insert(place, key);
            self.n += 1;
            if chunk.len() > LONGEST_CHUNK {
                let second = chunk.split_off(LONGEST_CHUNK / 2);
                self.chunks.insert(at + 1, second);
            }
        }
    }

    pub(super) fn remove(&mut self, key: Key) {
        let at = self.chunk_for(key);
        let Some(chunk) = self.chunks.get_mut(at) else { return };
        if let Ok(place) = chunk.binary_search(&key) {
            chunk.remove(place);
            self.n -= 1;
            if chunk.is_empty() {
                self.chunks.remove(at);
            }
        }
    }

    /// The positions of all entries whose first part lies between the two, both included.
    pub(super) fn between(&self, low: i64, high: i64) -> Range<usize> {
        let start = self.position((low, 0, 0));
        let end = high.checked_add(1).map_or(self.n, |above| self.position((above, 0, 0)));
        start..end.max(start)
    }

    /// The entries of these positions, ascending.
    pub(super) fn ascending(&self, positions: Range<usize>) -> impl Iterator<Item = Key> {
        let (mut chunk, mut place) = self.find(positions.start);
        (0..positions.len()).map_while(move |_| {
            let key = *self.chunks.get(chunk)?.get(place)?;
            place += 1;
            if place == self.chunks[chunk].len() {
                (chunk, place) = (chunk + 1, 0);
            }
            Some(key)
        })
    }

    /// The entries of these positions, descending.
    pub(super) fn descending(&self, positions: Range<usize>) -> impl Iterator<Item = Key> {
        let (mut chunk, mut place) = self.find(positions.end);
        (0..positions.len()).map_while(move |_| {
            if place == 0 {
                chunk = chunk.checked_sub(1)?;
                place = self.chunks[chunk].len();
            }
            place -= 1;
            Some(self.chunks[chunk][place])
        })
    }

    /// The first chunk whose last entry is not below the key; the number of chunks where there is none.
    fn chunk_for(&self, key: Key) -> usize {
        self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| *last < key))
    }

    /// How many entries are below the key.
    fn position(&self, key: Key) -> usize {
        let at = self.chunk_for(key);
        let before: usize = self.chunks[..at].iter().map(Vec::len).sum();
        before + self.chunks.get(at).map_or(0, |chunk| chunk.partition_point(|entry| *entry < key))
    }

    fn find(&self, position: usize) -> (usize, usize) {
        let mut left = position;
        for (at, chunk) in self.chunks.iter().enumerate() {
            if left < chunk.len() {
                return (at, left);
            }
            left -= chunk.len();
        }
        (self.chunks.len(), 0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::dice::{Purpose, draw_below};
    use super::*;

    #[test]
    fn it_agrees_with_a_tree_after_many_changes() {
        let mut ordered = Ordered::default();
        let mut tree = BTreeSet::new();
        for step in 0..20_000 {
            let key = (draw_below(1, Purpose::Seed, step, 3_000) as i64, 0, step % 7);
            if draw_below(2, Purpose::Seed, step, 3) == 0 {
                ordered.remove(key);
                tree.remove(&key);
            } else {
                ordered.insert(key);
                tree.insert(key);
            }
        }
        assert_eq!(ordered.len(), tree.len());
        assert!(ordered.chunks.len() > 4 && ordered.chunks.iter().all(|chunk| !chunk.is_empty()));
        for (low, high) in [(0, 0), (5, 900), (2_999, 9_999), (i64::MIN, i64::MAX), (100, 99)] {
            let expected: Vec<Key> = tree.iter().copied().filter(|key| (low..=high).contains(&key.0)).collect();
            let range = ordered.between(low, high);
            assert_eq!(ordered.ascending(range.clone()).collect::<Vec<_>>(), expected);
            let backwards: Vec<Key> = expected.into_iter().rev().collect();
            assert_eq!(ordered.descending(range).collect::<Vec<_>>(), backwards);
        }
        let rebuilt = Ordered::of(tree.iter().copied().collect());
        assert!(rebuilt.ascending(0..rebuilt.len()).eq(tree.iter().copied()));
    }
}
