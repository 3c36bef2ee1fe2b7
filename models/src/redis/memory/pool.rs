//! The best keys to evict that were met so far.

use bytes::Bytes;

use crate::redis::keyspace::Database;

/// A key of a database.
pub(super) type Candidate = (Database, Bytes);

/// Keys with a score each, the best last; there may be keys among them that are gone.
///
/// Source: `evict.c`, `evictionPoolPopulate`.
#[derive(Debug, Default)]
pub(super) struct Pool {
    entries: Vec<(u64, Candidate)>,
}

impl Pool {
    /// Source: `evict.c`, `EVPOOL_SIZE`.
    const SIZE: usize = 16;

    /// Takes a key in, if it is better than the worst or there is room.
    pub(super) fn offer(&mut self, score: u64, key: Candidate) {
        let place = self.entries.partition_point(|(other, _)| *other < score);
        if self.entries.len() < Self::SIZE {
            self.entries.insert(place, (score, key));
        } else if place > 0 {
            self.entries.remove(0);
            self.entries.insert(place - 1, (score, key));
        }
    }

    /// The best key; it is taken out.
    pub(super) fn pop(&mut self) -> Option<Candidate> {
        self.entries.pop().map(|(_, key)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_sixteen_best_and_gives_the_best_first() {
        let mut pool = Pool::default();
        for score in [5, 19, 3, 17, 11, 7, 2, 13, 0, 20, 1, 18, 4, 16, 6, 15, 8, 14, 9, 12, 10] {
            pool.offer(score, (Database::default(), Bytes::from(score.to_string())));
        }
        let kept: Vec<_> = std::iter::from_fn(|| pool.pop()).map(|(_, key)| key).collect();
        let best: Vec<_> = (5..=20_u64).rev().map(|score| Bytes::from(score.to_string())).collect();
        assert_eq!(kept, best);
    }
}
