//! What the judge is told, and what it says.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use fencepost_models::machine::NodeId;
use serde::{Serialize, Serializer};

use super::{Books, Invariant};
use crate::world::SimTime;
use crate::world::history::RecordId;

/// What can be wrong with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ViolationKind {
    /// Two clients believed at the same instant that they held the same lock.
    TwoHolders,
    /// The books do not balance, initial ≠ remaining + sold: as a rule because more orders were
    /// recorded than there was stock.
    Oversell,
    /// The store took a write from a client whose hold had been superseded.
    StaleWrite,
    /// A later grant carried a token not greater than an earlier one.
    TokenRegression,
    /// A release removed a lock that somebody else had been granted.
    ForeignRelease,
    /// After all faults healed and the holders were gone, nobody could acquire within the bound.
    StuckLock,
    /// An [`Invariant`] of somebody's own was broken: the one of that name.
    Own(&'static str),
}

impl ViolationKind {
    /// Every kind that is the judge's own.
    pub const ALL: [Self; 6] = [
        Self::TwoHolders,
        Self::Oversell,
        Self::StaleWrite,
        Self::TokenRegression,
        Self::ForeignRelease,
        Self::StuckLock,
    ];

    /// The kind's name in scenario files and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TwoHolders => "two-holders",
            Self::Oversell => "oversell",
            Self::StaleWrite => "stale-write",
            Self::TokenRegression => "token-regression",
            Self::ForeignRelease => "foreign-release",
            Self::StuckLock => "stuck-lock",
            Self::Own(name) => name,
        }
    }
}

/// A breach of that invariant.
impl From<&Invariant> for ViolationKind {
    fn from(invariant: &Invariant) -> Self {
        invariant.kind()
    }
}

/// The kind of that name: one of the judge's, or a breach of an invariant.
///
/// ```
/// use fencepost::judge::ViolationKind;
///
/// assert_eq!(ViolationKind::from("two-holders"), ViolationKind::TwoHolders);
/// assert_eq!(ViolationKind::from("nothing-is-lost"), ViolationKind::Own("nothing-is-lost"));
/// ```
impl From<&'static str> for ViolationKind {
    fn from(name: &'static str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).unwrap_or(Self::Own(name))
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
#[non_exhaustive]
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

/// A kind of violation that a run could not have shown, whatever went wrong in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unjudged {
    /// Which.
    pub kind: ViolationKind,
    /// Why, in words.
    pub reason: String,
}

/// What the judge says of a run.
///
/// ```
/// use std::time::Duration;
/// use fencepost::judge::ViolationKind::{Oversell, StuckLock};
/// use fencepost::scenario::{Recipe, Scenario};
///
/// let race = Scenario::default().but(|s| (s.lock, s.backend) = (Recipe::None, None));
/// let verdict = race.run(1)?.verdict;
/// let oversold = verdict.first(Oversell).expect("both buy the last piece");
/// assert!(verdict.kinds().contains(&Oversell) && oversold.detail.contains("buyer-"));
/// assert_eq!((verdict.books.sold, verdict.max_holders), (2, 0));
/// // A lease is for half a minute: in less than that nobody can be seen to wait for ever.
/// let short = Scenario::default().but(|s| s.duration = Duration::from_secs(5));
/// assert!(short.run(1)?.verdict.why_unjudged(StuckLock).is_some());
/// # Ok::<(), fencepost::scenario::Failure>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// Everything that was wrong, in the order in which it happened.
    pub violations: Vec<Violation>,
    /// What could not be judged.
    pub unjudged: Vec<Unjudged>,
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

    /// Why a kind could not be judged, if it could not.
    pub fn why_unjudged(&self, kind: ViolationKind) -> Option<&str> {
        self.unjudged.iter().find(|one| one.kind == kind).map(|one| one.reason.as_str())
    }

    /// The first violation of a kind.
    pub fn first(&self, kind: ViolationKind) -> Option<&Violation> {
        self.violations.iter().find(|violation| violation.kind == kind)
    }
}

/// What the judge has to be told beside the history: of a scenario's, by
/// [`Scenario::judge_settings`](crate::scenario::Scenario::judge_settings).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JudgeSettings {
    /// A lock is stuck when it is wanted and free for longer than that: longer than a key that
    /// nobody needs any more may take to expire, and a waiting client to notice.
    pub stuck_after: Duration,
    /// Where the locks are.
    pub locks: LockHome,
    /// What must hold besides.
    pub invariants: Vec<Invariant>,
}

impl JudgeSettings {
    /// Locks are there, and stuck when they are wanted and free for longer than that. Nothing must hold besides.
    pub const fn new(stuck_after: Duration, locks: LockHome) -> Self {
        Self { stuck_after, locks, invariants: Vec::new() }
    }
}

/// Where locks are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockHome {
    /// On these servers, for all clients alike.
    Servers(Vec<NodeId>),
    /// On a majority of these servers, each of which knows nothing of the others: a lock that fewer of
    /// them have as somebody's is nobody's.
    Majority(Vec<NodeId>),
    /// In the memory of each process: two processes have two locks, even where both call theirs the
    /// same. To the shop they mean one.
    Memory,
}

impl LockHome {
    /// On how many servers a lock has to be somebody's, so that it is his.
    pub const fn quorum(&self) -> usize {
        match self {
            Self::Majority(servers) => servers.len() / 2 + 1,
            Self::Servers(_) | Self::Memory => 1,
        }
    }
}
