//! The judge: checks that read the history alone, one a file. What a client *believed* comes from
//! its notes, what the store *did* from the store's.
//!
//! A history is gone through once. Each check is told what it is about, and answers with a violation
//! where that is one. What must hold besides, an [`Invariant`] says: see there for laws of your own.

mod books;
mod foreign_release;
mod halves;
mod holds;
mod invariant;
mod listen;
mod locks;
mod oversell;
mod owners;
mod stale_write;
mod stuck_lock;
#[cfg(test)]
pub(crate) mod testing;
mod token_regression;
mod two_holders;
mod verdict;
mod writers;
mod znodes;

use fencepost_models::machine::NodeId;
use fencepost_models::note::{Name, Note};

pub use self::books::Books;
use self::foreign_release::ForeignRelease;
use self::holds::Beliefs;
pub use self::holds::{Hold, HoldEnd, holds};
pub use self::invariant::{Breach, Invariant, Moment, Watch};
use self::listen::{Listener, tell};
use self::locks::Locks;
use self::oversell::Oversell;
use self::stale_write::StaleWrite;
use self::stuck_lock::StuckLock;
use self::two_holders::TwoHolders;
pub use self::verdict::{JudgeSettings, LockHome, Unjudged, Verdict, Violation, ViolationKind};
use self::znodes::Znodes;
use crate::world::history::{History, Record, RecordId};

/// Judges a run by its history. [`Scenario::run`](crate::scenario::Scenario::run) does so by itself; a history may be
/// judged by other settings all the same.
///
/// ```
/// use std::time::Duration;
/// use fencepost::judge::{judge, Invariant, Moment};
/// use fencepost::scenario::Scenario;
///
/// let sale = Scenario::default();
/// let outcome = sale.run(1)?;
/// assert_eq!(judge(&outcome.run.history, &sale.judge_settings()), outcome.verdict);
///
/// let mut strict = sale.judge_settings();
/// strict.invariants.push(Invariant::new("all-is-quick", || {
///     |moment: &Moment<'_>| match moment.at().elapsed() {
///         late if late > Duration::from_millis(1) => Err("it is late".into()),
///         _ => Ok(()),
///     }
/// }));
/// assert_eq!(judge(&outcome.run.history, &strict).violations.len(), 1);
/// # Ok::<(), fencepost::scenario::Failure>(())
/// ```
pub fn judge(history: &History, settings: &JudgeSettings) -> Verdict {
    let mut trial = Trial::new(history, settings);
    tell(history, &mut trial);
    trial.verdict(&settings.invariants)
}

/// The checks, on their way through a history.
struct Trial<'h> {
    history: &'h History,
    locks: Locks<'h>,
    beliefs: Beliefs<'h>,
    two_holders: TwoHolders,
    oversell: Oversell,
    stale_write: StaleWrite,
    foreign_release: ForeignRelease<'h>,
    znodes: Znodes<'h>,
    stuck_lock: StuckLock<'h>,
    violations: Vec<Violation>,
}

impl<'h> Listener<'h> for Trial<'h> {
    // Once for each note: the call alone would cost as much as most of them do.
    #[inline(always)]
    fn noted(&mut self, id: RecordId, record: &'h Record, note: &'h Note) {
        match note {
            Note::Acquiring { lock, .. } => self.wait(record, lock),
            Note::GaveUp { lock, .. } => self.give_up(record, lock),
            Note::Acquired { lock, .. } => {
                self.beliefs.noted(id, record, note);
                self.begin(record, lock);
            }
            Note::Releasing { .. } | Note::Abandoned { .. } | Note::LockLost { .. } => {
                self.beliefs.noted(id, record, note);
                self.end();
            }
            Note::StockServed { to, stock, .. } => self.oversell.read(*to, *stock),
            Note::WriteTaken { .. } | Note::StockWritten { .. } | Note::OrderRecorded { .. } => {
                self.write(id, record, note);
            }
            Note::StockInitial { .. } | Note::Fenced { .. } => self.oversell.enter(id, note),
            Note::KeySet { .. }
            | Note::KeyDeleted { .. }
            | Note::KeyExpired { .. }
            | Note::KeyEvicted { .. } => {
                self.server(id, record, note);
            }
            Note::ZnodeCreated { .. } | Note::ZnodeDeleted { .. } | Note::ZooKeeper { .. } => {
                let found = self.znodes.enter(&mut self.locks, id, record, note);
                add(&mut self.violations, found);
            }
            _ => {}
        }
    }

    fn died(&mut self, id: RecordId, record: &'h Record) {
        self.beliefs.died(id, record);
        self.end();
        self.violations.extend(self.stuck_lock.die(record));
        self.foreign_release.die(record.node);
    }
}

impl<'h> Trial<'h> {
    fn new(history: &'h History, settings: &JudgeSettings) -> Self {
        Self {
            history,
            locks: Locks::default(),
            beliefs: Beliefs::new(history),
            two_holders: TwoHolders::default(),
            oversell: Oversell::default(),
            stale_write: StaleWrite::default(),
            foreign_release: ForeignRelease::new(history, &settings.locks),
            znodes: Znodes::new(history),
            stuck_lock: StuckLock::new(history, settings),
            violations: Vec::new(),
        }
    }

    /// A client waits for a lock.
    fn wait(&mut self, record: &Record, name: &'h Name) {
        let lock = self.locks.number(name);
        self.foreign_release.take_part(record.node);
        add(&mut self.violations, self.stuck_lock.wait(lock, name, record));
    }

    /// A client waits no longer.
    fn give_up(&mut self, record: &Record, name: &Name) {
        let Some(lock) = self.locks.find(name) else { return };
        add(&mut self.violations, self.stuck_lock.give_up(lock, record));
    }

    /// A hold has begun.
    fn begin(&mut self, record: &Record, name: &'h Name) {
        let lock = self.locks.number(name);
        self.foreign_release.take_part(record.node);
        let completed = self.foreign_release.take_completed(lock, record.node);
        let of_queue = || self.znodes.granted(lock, self.beliefs.holds.last()?);
        if let Some(completed) = completed.or_else(of_queue) {
            self.beliefs.go_back_to(completed);
        }
        self.stale_write.begin(&self.beliefs.holds, lock);
        add(&mut self.violations, self.two_holders.begin(self.history, &self.beliefs));
        add(&mut self.violations, self.stuck_lock.begin(lock, name, record));
    }

    /// Holds have ended, if any.
    fn end(&mut self) {
        for hold in self.beliefs.just_ended() {
            let Some(lock) = self.locks.find(&hold.lock) else { continue };
            add(&mut self.violations, self.stuck_lock.end(lock, hold));
        }
    }

    /// A store has taken a write, or an order.
    fn write(&mut self, id: RecordId, record: &Record, note: &Note) {
        let (history, holds) = (self.history, &self.beliefs.holds);
        add(&mut self.violations, self.oversell.write(history, id, record, note));
        add(&mut self.violations, self.stale_write.write(history, holds, id, record, note));
    }

    /// A server has done something to a key.
    fn server(&mut self, id: RecordId, record: &Record, note: &'h Note) {
        let found = self.foreign_release.server(&mut self.locks, id, record, note);
        add(&mut self.violations, found);
    }

    /// The run is over.
    fn verdict(self, invariants: &[Invariant]) -> Verdict {
        let mut violations = self.violations;
        violations.extend(token_regression::check(self.history, &self.beliefs.holds));
        let (never_whole, books) = self.oversell.close(self.history);
        violations.extend(never_whole);
        let mut unjudged = Vec::new();
        match self.stuck_lock.close() {
            Ok(stuck) => violations.extend(stuck),
            Err(reason) => unjudged.push(Unjudged { kind: ViolationKind::StuckLock, reason }),
        }
        violations.extend(invariant::check(self.history, invariants));
        violations.sort_by_key(|violation| (violation.record, violation.kind));
        Verdict { violations, unjudged, books, max_holders: self.two_holders.most }
    }
}

/// Cheaper than [`Vec::extend`] where there is nothing to add, as nearly always.
fn add(violations: &mut Vec<Violation>, found: Option<Violation>) {
    if let Some(found) = found {
        violations.push(found);
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fencepost_faults::FaultKind;

    use super::testing::{A, B, LOCK, REDIS, Story, verdict};
    use super::*;
    use crate::world::history::Event;

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
        let verdict = verdict(&story);
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
        assert_eq!(verdict(&story).violations, []);
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
        let found = verdict(&story);
        assert_eq!(found.violations.len(), 100);
        assert_eq!(found.kinds(), BTreeSet::from([ViolationKind::StuckLock]));
    }
}
