//! The judge: checks that read the history alone, one a file. What a client *believed* comes from
//! its notes, what the store *did* from the store's.

mod books;
mod holds;
mod oversell;
mod stale_write;
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
    /// More orders were recorded than there was stock: initial ≠ remaining + sold.
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
    violations.extend(oversell::check(history));
    violations.extend(stale_write::check(history, &holds));
    violations.sort_by_key(|violation| (violation.record, violation.kind));
    Verdict {
        violations,
        books: Books::of(history),
        max_holders: two_holders::most_at_once(&holds),
    }
}
