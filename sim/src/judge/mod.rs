//! The judge: checks that read the history alone, one a file. What a client *believed* comes from
//! its notes, what the store *did* from the store's.

mod books;
mod halves;
mod holds;
mod oversell;
mod stale_write;
#[cfg(test)]
pub(crate) mod testing;
mod two_holders;

use std::collections::BTreeSet;
use std::fmt;

use fencepost_models::machine::NodeId;
use serde::{Serialize, Serializer};

pub use self::books::Books;
pub use self::holds::{Hold, HoldEnd, holds};
use crate::world::SimTime;
use crate::world::history::{History, RecordId};

/// What can be wrong with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViolationKind {
    /// Two clients believed at the same instant that they held the same lock.
    TwoHolders,
    /// The books do not balance, initial ≠ remaining + sold: as a rule because more orders were
    /// recorded than there was stock.
    Oversell,
    /// The store took a write from a client whose hold had been superseded.
    StaleWrite,
}

impl ViolationKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::TwoHolders, Self::Oversell, Self::StaleWrite];

    /// The kind's name in scenario files and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TwoHolders => "two-holders",
            Self::Oversell => "oversell",
            Self::StaleWrite => "stale-write",
        }
    }
}

impl fmt::Display for ViolationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for ViolationKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One thing that was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What.
    pub kind: ViolationKind,
    /// From when on.
    pub at: SimTime,
    /// The record that made it so.
    pub record: RecordId,
    /// Whom it concerns, the one that was there first in front.
    pub nodes: Vec<NodeId>,
    /// In words.
    pub detail: String,
}

/// What the judge says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Everything that was wrong, in the order in which it happened.
    pub violations: Vec<Violation>,
    /// What the shop had and sold.
    pub books: Books,
    /// The most clients that believed at the same instant that they held the same lock.
    pub max_holders: usize,
}

impl Verdict {
    /// The kinds of the violations, each once.
    pub fn kinds(&self) -> BTreeSet<ViolationKind> {
        self.violations.iter().map(|violation| violation.kind).collect()
    }

    /// The first violation of a kind.
    pub fn first(&self, kind: ViolationKind) -> Option<&Violation> {
        self.violations.iter().find(|violation| violation.kind == kind)
    }
}

/// Judges a run by its history.
pub fn judge(history: &History) -> Verdict {
    let holds = holds(history);
    let mut violations = two_holders::check(history, &holds);
    let (oversells, books) = oversell::check(history);
    violations.extend(oversells);
    violations.extend(stale_write::check(history, &holds));
    violations.sort_by_key(|violation| (violation.record, violation.kind));
    Verdict { violations, books, max_holders: two_holders::most_at_once(&holds) }
}

#[cfg(test)]
mod tests {
    use super::testing::{A, B, Story};
    use super::*;

    #[test]
    fn the_verdict_lists_violations_as_they_happened_with_the_books_beside() {
        let mut story = Story::new();
        story.stock(1).at_ms(1).acquire(A, Some(1)).served(A, 1);
        story
            .at_ms(2)
            .acquire(B, Some(2))
            .served(B, 1)
            .taken(B, 1, 1, 0)
            .at_ms(3)
            .taken(A, 2, 0, 0);
        let verdict = judge(&story.history);
        let kinds: Vec<_> = verdict.violations.iter().map(|violation| violation.kind).collect();
        assert_eq!(
            kinds,
            [ViolationKind::TwoHolders, ViolationKind::Oversell, ViolationKind::StaleWrite]
        );
        assert_eq!(verdict.kinds(), BTreeSet::from(ViolationKind::ALL));
        assert_eq!(
            verdict.first(ViolationKind::Oversell).map(|first| first.at.as_millis()),
            Some(3)
        );
        assert_eq!((verdict.max_holders, verdict.books.sold), (2, 2));
    }

    #[test]
    fn judging_a_long_run_takes_time_in_proportion() {
        // A quadratic check would take minutes here.
        let mut story = Story::new();
        story.stock(400_000);
        for order in 0..200_000_u64 {
            let (first, second) = (400_000 - 2 * order, 399_999 - 2 * order);
            story.at(order * 10 + 1).acquire(A, None).taken(A, order, first, second).release(A);
            story.acquire(B, None).acquire(B, None).taken(B, order, second, second - 1);
            story.release(B).release(B);
        }
        assert_eq!(judge(&story.history).violations, []);
    }
}
