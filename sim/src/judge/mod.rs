//! The judge: checks that read the history alone, one a file. What a client *believed* comes from
//! its notes, what the store *did* from the store's.

mod books;
mod foreign_release;
mod halves;
mod holds;
mod oversell;
mod owners;
mod stale_write;
mod stuck_lock;
#[cfg(test)]
pub(crate) mod testing;
mod token_regression;
mod two_holders;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

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
    /// A later grant carried a token not greater than an earlier one.
    TokenRegression,
    /// A release removed a lock that somebody else had been granted.
    ForeignRelease,
    /// After all faults healed and the holders were gone, nobody could acquire within the bound.
    StuckLock,
}

impl ViolationKind {
    /// Every kind.
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

/// A kind of violation that a run could not have shown, whatever went wrong in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unjudged {
    /// Which.
    pub kind: ViolationKind,
    /// Why, in words.
    pub reason: String,
}

/// What the judge says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// What the judge has to be told beside the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgeSettings {
    /// A lock is stuck when it is wanted and free for longer than that: longer than a key that
    /// nobody needs any more may take to expire, and a waiting client to notice.
    pub stuck_after: Duration,
}

/// Nodes in their order, each once.
fn each_once(nodes: impl IntoIterator<Item = NodeId>) -> Vec<NodeId> {
    let mut distinct = Vec::new();
    for node in nodes {
        if !distinct.contains(&node) {
            distinct.push(node);
        }
    }
    distinct
}

/// Judges a run by its history.
pub fn judge(history: &History, settings: &JudgeSettings) -> Verdict {
    let holds = holds(history);
    let mut violations = two_holders::check(history, &holds);
    let (oversells, books) = oversell::check(history);
    violations.extend(oversells);
    violations.extend(stale_write::check(history, &holds));
    violations.extend(token_regression::check(history, &holds));
    violations.extend(foreign_release::check(history));
    let mut unjudged = Vec::new();
    match stuck_lock::check(history, &holds, settings.stuck_after) {
        Ok(stuck) => violations.extend(stuck),
        Err(reason) => unjudged.push(Unjudged { kind: ViolationKind::StuckLock, reason }),
    }
    violations.sort_by_key(|violation| (violation.record, violation.kind));
    Verdict { violations, unjudged, books, max_holders: two_holders::most_at_once(&holds) }
}

#[cfg(test)]
mod tests {
    use fencepost_faults::FaultKind;

    use super::testing::{A, B, LOCK, REDIS, Story};
    use super::*;
    use crate::world::history::Event;

    const SETTINGS: JudgeSettings = JudgeSettings { stuck_after: Duration::from_secs(30) };

    #[test]
    fn the_verdict_lists_violations_as_they_happened_with_the_books_beside() {
        let mut story = Story::new();
        story.stock(1).wait(A).wait(B);
        let ask = story.send_command(A, REDIS, "SET");
        story.deliver(ask).key_set(REDIS, LOCK, "a");
        story.at_ms(1).acquire(A, Some(1)).served(A, 1).at_ms(2).key_expired(REDIS, LOCK);
        let ask = story.send_command(B, REDIS, "SET");
        story.deliver(ask).key_set(REDIS, LOCK, "b");
        story.at_ms(3).acquire(B, Some(1)).served(B, 1).at_ms(4).taken(B, 1, 1, 0);
        story.at_ms(5).taken(A, 2, 0, 0).at_ms(6).release(A);
        let release = story.send_command(A, REDIS, "DEL");
        story.at_ms(7).deliver(release).key_deleted(REDIS, LOCK);
        story.at_ms(8).release(B).wait(A).end_ms(60_000);
        let verdict = judge(&story.history, &SETTINGS);
        let kinds: Vec<_> = verdict.violations.iter().map(|violation| violation.kind).collect();
        assert_eq!(
            kinds,
            [
                ViolationKind::TwoHolders,
                ViolationKind::TokenRegression,
                ViolationKind::Oversell,
                ViolationKind::StaleWrite,
                ViolationKind::ForeignRelease,
                ViolationKind::StuckLock,
            ]
        );
        assert_eq!(verdict.kinds(), BTreeSet::from(ViolationKind::ALL));
        assert_eq!(
            verdict.first(ViolationKind::Oversell).map(|first| first.at.as_millis()),
            Some(5)
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
            story.at(order * 10 + 1).wait(A).wait(B).acquire(A, Some(3 * order));
            story.taken(A, order, first, second).release(A).wait(A).give_up(A);
            story.acquire(B, Some(3 * order + 1)).acquire(B, Some(3 * order + 2));
            story.taken(B, order, second, second - 1).release(B).release(B);
        }
        assert_eq!(judge(&story.history, &SETTINGS).violations, []);
    }

    #[test]
    fn so_it_does_where_servers_restart_faults_come_and_go_and_locks_are_stuck() {
        let mut story = Story::new();
        let faults = story.faults(&[FaultKind::Crash; 1_000]);
        let mut now_ms = 0;
        for round in 0..100_000_u64 {
            let mark = format!("{round}");
            story.at_ms(now_ms).wait(A).wait(B);
            let ask = story.send_command(A, REDIS, "SET");
            story.deliver(ask).key_set(REDIS, LOCK, &mark).acquire(A, Some(round));
            if round % 100 == 0 {
                let fault = faults[(round / 100) as usize];
                story.event(REDIS, Event::FaultBegan(fault)).event(REDIS, Event::Crashed);
                story.event(REDIS, Event::FaultEnded(fault)).key_set(REDIS, LOCK, &mark);
            }
            let ask = story.send_command(A, REDIS, "DEL");
            story.deliver(ask).key_deleted(REDIS, LOCK).release(A);
            now_ms += if round % 1_000 == 0 { 30_001 } else { 1 };
            story.at_ms(now_ms).give_up(B);
        }
        let found = judge(&story.history, &SETTINGS);
        assert_eq!(found.violations.len(), 100);
        assert_eq!(found.kinds(), BTreeSet::from([ViolationKind::StuckLock]));
    }
}
