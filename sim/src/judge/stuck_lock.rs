//! `stuck-lock`: after all faults healed and the holders were gone, nobody could acquire within the
//! bound.
//!
//! A lock is stuck when for longer than the bound, without a break,
//!
//! * some client waited for it, nobody believed that it held it, and nobody got it;
//! * no fault was in force, and none began or ended.
//!
//! A fault that never ends has not healed, and there is no verdict while it lasts: a partition, a
//! process that stays paused, a server that stays down, a clock that stays wrong. Nor has one that is over while
//! what it has slowed is under way still: an fsync, a message. Two kinds are
//! over as soon as they have struck: a connection that is dropped, and the crash or power loss of
//! any node but the servers that the locks are on ([`LockHome`]): if that was a holder, it is gone. Nor is
//! there a verdict on what had not enough time left until the end of the run, or on a lock that
//! nobody wants.
//!
//! A lock in the memory of a process is one of its own, whatever others call theirs: that another
//! process goes on does not help who is stuck.
//!
//! Where a run has no such time without a fault at all, that is said ([`Unjudged`](super::Unjudged)):
//! it could not have shown a stuck lock, whatever became of it.

mod calm;

use std::collections::BTreeMap;
use std::time::Duration;

use fencepost_faults::show;
use fencepost_models::machine::NodeId;
use fencepost_models::note::Name;

use self::calm::Calms;
use super::locks::LockId;
use super::{Hold, JudgeSettings, LockHome, Violation, ViolationKind};
use crate::world::SimTime;
use crate::world::history::{History, Record, RecordId};

/// The check.
pub struct StuckLock<'h> {
    measure: Measure<'h>,
    are_in_memory: bool,
    /// Each lock, and each process's own where they are in memory.
    locks: BTreeMap<Key, Lock<'h>>,
}

type Key = (LockId, Option<NodeId>);

/// What a lock is measured by.
struct Measure<'h> {
    history: &'h History,
    calms: Calms,
}

/// What becomes of a lock.
struct Lock<'h> {
    name: &'h Name,
    /// It is in the memory of a process.
    is_own: bool,
    /// Who waits, as often as it does.
    waiting: Vec<NodeId>,
    /// How many believe that they hold it, each as often as it acquired it.
    holds: usize,
    /// Since when somebody waits for it though nobody holds it.
    wanted_since: Option<SimTime>,
    /// It has been stuck since then, and that has been said.
    is_told: bool,
    /// Whose hold ended last, and when.
    last: Option<(NodeId, SimTime)>,
}

impl<'h> Lock<'h> {
    const fn new(name: &'h Name, is_own: bool) -> Self {
        Self {
            name,
            is_own,
            waiting: Vec::new(),
            holds: 0,
            wanted_since: None,
            is_told: false,
            last: None,
        }
    }

    fn gain(&mut self, node: NodeId) {
        self.leave(node);
        self.holds += 1;
    }

    const fn lose(&mut self, hold: &Hold) {
        self.holds -= 1;
        self.last = Some((hold.node, hold.until));
    }

    fn leave(&mut self, node: NodeId) {
        if let Some(place) = self.waiting.iter().position(|one| *one == node) {
            self.waiting.swap_remove(place);
        }
    }
}

impl<'h> StuckLock<'h> {
    /// Before the first note.
    pub fn new(history: &'h History, settings: &JudgeSettings) -> Self {
        let (servers, are_in_memory) = match &settings.locks {
            LockHome::Servers(servers) | LockHome::Majority(servers) => (&servers[..], false),
            LockHome::Memory => (&[][..], true),
        };
        let measure = Measure { history, calms: Calms::of(history, servers, settings.stuck_after) };
        Self { measure, are_in_memory, locks: BTreeMap::new() }
    }

    /// A client begins to wait for a lock.
    pub fn wait(&mut self, id: LockId, name: &'h Name, record: &Record) -> Option<Violation> {
        let node = record.node;
        self.change_named(id, name, record, |lock| lock.waiting.push(node))
    }

    /// A client has got a lock.
    pub fn begin(&mut self, id: LockId, name: &'h Name, record: &Record) -> Option<Violation> {
        let node = record.node;
        self.change_named(id, name, record, |lock| lock.gain(node))
    }

    /// A client waits no longer.
    pub fn give_up(&mut self, id: LockId, record: &Record) -> Option<Violation> {
        let node = record.node;
        let lock = self.locks.get_mut(&self.key(id, node))?;
        self.measure.change(lock, record.at, |lock| lock.leave(node))
    }

    /// A hold has ended.
    pub fn end(&mut self, id: LockId, hold: &Hold) -> Option<Violation> {
        let lock = self.locks.get_mut(&self.key(id, hold.node))?;
        self.measure.change(lock, hold.until, |lock| lock.lose(hold))
    }

    /// A client that is gone waits for nothing. Its holds have ended before.
    pub fn die(&mut self, record: &Record) -> impl Iterator<Item = Violation> {
        let (node, at, measure) = (record.node, record.at, &self.measure);
        let awaited = self.locks.values_mut().filter(move |lock| lock.waiting.contains(&node));
        awaited.filter_map(move |lock| {
            measure.change(lock, at, |lock| lock.waiting.retain(|one| *one != node))
        })
    }

    /// The run is over.
    ///
    /// # Errors
    ///
    /// Why no lock could have been seen stuck, though there is one.
    pub fn close(mut self) -> Result<Vec<Violation>, String> {
        let Measure { history, calms, .. } = &self.measure;
        if let (Some(reason), false) = (calms.unjudged(), self.locks.is_empty()) {
            return Err(reason);
        }
        let locks = self.locks.values_mut();
        Ok(locks.filter_map(|lock| self.measure.look(lock, history.end())).collect())
    }

    /// Something changes about a lock that may be new.
    fn change_named(
        &mut self,
        id: LockId,
        name: &'h Name,
        record: &Record,
        change: impl FnOnce(&mut Lock<'h>),
    ) -> Option<Violation> {
        let new = Lock::new(name, self.are_in_memory);
        let lock = self.locks.entry(self.key(id, record.node)).or_insert(new);
        self.measure.change(lock, record.at, change)
    }

    /// Which lock a client means.
    const fn key(&self, id: LockId, client: NodeId) -> Key {
        (id, if self.are_in_memory { Some(client) } else { None })
    }
}

impl Measure<'_> {
    /// Something changes about a lock. Until now everything was as it had been.
    fn change<'h>(
        &self,
        lock: &mut Lock<'h>,
        at: SimTime,
        change: impl FnOnce(&mut Lock<'h>),
    ) -> Option<Violation> {
        let found = self.look(lock, at);
        change(lock);
        if lock.holds > 0 || lock.waiting.is_empty() {
            (lock.wanted_since, lock.is_told) = (None, false);
        } else {
            lock.wanted_since.get_or_insert(at);
        }
        found
    }

    /// That a lock has been stuck, if it has by now and that has not been said.
    fn look(&self, lock: &mut Lock<'_>, now: SimTime) -> Option<Violation> {
        let since = lock.wanted_since.filter(|_| !lock.is_told)?;
        // Nearly always, and cheaper than a look at what was calm.
        if now.saturating_since(since) <= self.calms.bound {
            return None;
        }
        let from = self.calms.long_enough(since, now)?;
        lock.is_told = true;
        Some(violation(self.history, lock, from, self.calms.bound))
    }
}

fn violation(history: &History, lock: &Lock<'_>, from: SimTime, bound: Duration) -> Violation {
    let at = from + bound;
    let records = history.records();
    let next = records.partition_point(|record| record.at < at);
    let mut nodes = lock.waiting.clone();
    nodes.sort_unstable();
    nodes.dedup();
    let waiting: Vec<&str> = nodes.iter().map(|node| history.name(*node)).collect();
    let last = match lock.last {
        Some((node, until)) => format!("{} held it last, until {until}", history.name(node)),
        None => "nobody had held it before".to_owned(),
    };
    Violation {
        kind: ViolationKind::StuckLock,
        at,
        record: RecordId(next.min(records.len().saturating_sub(1)) as u32),
        detail: format!(
            "{} waited for {}{}, and nobody got it in the {} from {from} on, though nobody held it \
             and no fault was in force; {last}",
            waiting.join(", "),
            if lock.is_own { "its own " } else { "" },
            lock.name,
            show(bound),
        ),
        nodes,
    }
}

#[cfg(test)]
mod tests;
