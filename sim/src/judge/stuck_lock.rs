//! `stuck-lock`: after all faults healed and the holders were gone, nobody could acquire within the
//! bound.
//!
//! A lock is stuck when for longer than the bound, without a break,
//!
//! * some client waited for it, nobody believed that it held it, and nobody got it;
//! * no fault was in force, and none began or ended.
//!
//! A fault that never ends has not healed, and there is no verdict while it lasts: a partition, a
//! process that stays paused, a server that stays down, a clock that stays wrong. Two kinds are
//! over as soon as they have struck: a connection that is dropped, and the crash or power loss of
//! a client, for then the holder is gone. A client is a node that has written down, at any time,
//! that it waits for a lock or got one. Nor is there a verdict on what had not enough time left
//! until the end of the run, or on a lock that nobody wants.
//!
//! Where a run has no such time without a fault at all, that is said ([`Unjudged`](super::Unjudged)):
//! it could not have shown a stuck lock, whatever became of it.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fencepost_faults::{FaultKind, show};
use fencepost_models::machine::NodeId;
use fencepost_models::note::{Name, Note};

use super::{Hold, HoldEnd, Violation, ViolationKind};
use crate::world::SimTime;
use crate::world::history::{Event, FaultId, History, RecordId};

/// One violation for each time that a lock was stuck, at the moment at which the bound was over.
///
/// # Errors
///
/// Why no lock could have been seen stuck, though there is one.
pub fn check<'h>(
    history: &'h History,
    holds: &'h [Hold],
    bound: Duration,
) -> Result<Vec<Violation>, String> {
    let mut calm = calm(history);
    let longest = calm.iter().map(Calm::length).max().unwrap_or_default();
    calm.retain(|calm| calm.length() > bound);
    if calm.is_empty() {
        return if clients(history).is_empty() {
            Ok(Vec::new())
        } else {
            let (bound, longest) = (show(bound), SimTime::after(longest));
            Err(format!(
                "that takes more than {bound} without a fault; the longest such time was {longest}"
            ))
        };
    }
    let mut ends: Vec<&Hold> = holds.iter().filter(|hold| hold.ended_by != HoldEnd::Open).collect();
    ends.sort_by_key(|hold| hold.end);
    let mut ends = ends.into_iter().peekable();
    let mut end_until = |watch: &mut Watch<'h>, id| {
        while let Some(hold) = ends.next_if(|hold| hold.end <= id) {
            watch.change(&hold.lock, hold.until, |lock| lock.lose(hold));
        }
    };
    let mut deaths = history.deaths().peekable();
    let measure = Measure { history, bound, calm };
    let mut watch = Watch { measure, locks: BTreeMap::new(), violations: Vec::new() };
    let last = RecordId(history.records().len() as u32);
    let notes = history.notes().map(|(id, record, note)| (id, Some((record, note))));
    for (id, noted) in notes.chain([(last, None)]) {
        while let Some((death, record)) = deaths.next_if(|(death, _)| *death < id) {
            end_until(&mut watch, death);
            watch.die(record.node, record.at);
        }
        end_until(&mut watch, id);
        let Some((record, note)) = noted else { continue };
        let (node, at) = (record.node, record.at);
        match note {
            Note::Acquiring { lock, .. } => watch.change(lock, at, |lock| lock.waiting.push(node)),
            Note::GaveUp { lock, .. } => watch.change(lock, at, |lock| lock.leave(node)),
            Note::Acquired { lock, .. } => watch.change(lock, at, |lock| lock.gain(node)),
            _ => {}
        }
    }
    Ok(watch.close())
}

/// A time without faults.
struct Calm {
    from: SimTime,
    until: SimTime,
}

impl Calm {
    fn length(&self) -> Duration {
        self.until.saturating_since(self.from)
    }
}

/// The times without faults, in order.
fn calm(history: &History) -> Vec<Calm> {
    let clients = LazyCell::new(|| clients(history));
    let lasts = |fault: FaultId, node: NodeId| match history.faults.get(fault.0 as usize) {
        Some(FaultKind::DropConnection) => false,
        Some(FaultKind::Crash | FaultKind::PowerLoss) => !clients.contains(&node),
        _ => true,
    };
    let mut calm = Vec::new();
    let mut in_force: BTreeSet<FaultId> = BTreeSet::new();
    let mut from = SimTime::ZERO;
    for (_, record) in history.incidents() {
        let (Event::FaultBegan(fault) | Event::FaultEnded(fault)) = record.event else { continue };
        if in_force.is_empty() {
            calm.push(Calm { from, until: record.at });
        }
        if record.event == Event::FaultBegan(fault) && lasts(fault, record.node) {
            in_force.insert(fault);
        } else {
            in_force.remove(&fault);
        }
        from = record.at;
    }
    if in_force.is_empty() {
        calm.push(Calm { from, until: history.end() });
    }
    calm
}

fn clients(history: &History) -> BTreeSet<NodeId> {
    let takes_part = |note: &Note| matches!(note, Note::Acquiring { .. } | Note::Acquired { .. });
    let notes = history.notes().filter(|(_, _, note)| takes_part(note));
    notes.map(|(_, record, _)| record.node).collect()
}

/// What becomes of a lock.
#[derive(Default)]
struct Lock<'h> {
    /// Who waits, as often as it does.
    waiting: Vec<NodeId>,
    /// How many believe that they hold it, each as often as it acquired it.
    holds: usize,
    /// Since when somebody waits for it though nobody holds it.
    wanted_since: Option<SimTime>,
    /// It has been stuck since then, and that has been said.
    is_told: bool,
    /// The hold that ended last.
    last: Option<&'h Hold>,
}

impl<'h> Lock<'h> {
    fn gain(&mut self, node: NodeId) {
        self.leave(node);
        self.holds += 1;
    }

    fn lose(&mut self, hold: &'h Hold) {
        self.holds -= 1;
        self.last = Some(hold);
    }

    fn leave(&mut self, node: NodeId) {
        if let Some(place) = self.waiting.iter().position(|one| *one == node) {
            self.waiting.swap_remove(place);
        }
    }
}

/// What a lock is measured by.
struct Measure<'h> {
    history: &'h History,
    bound: Duration,
    calm: Vec<Calm>,
}

impl Measure<'_> {
    /// That a lock has been stuck, if it has by now and that has not been said.
    fn look(&self, name: &Name, lock: &mut Lock<'_>, now: SimTime) -> Option<Violation> {
        let since = lock.wanted_since.filter(|_| !lock.is_told)?;
        // Nearly always, and cheaper than a look at what was calm.
        if now.saturating_since(since) <= self.bound {
            return None;
        }
        let first = self.calm.partition_point(|calm| calm.until <= since);
        let calm = self.calm[first..].iter().take_while(|calm| calm.from < now);
        let mut times = calm.map(|calm| (calm.from.max(since), calm.until.min(now)));
        let (from, _) = times.find(|(from, until)| until.saturating_since(*from) > self.bound)?;
        lock.is_told = true;
        Some(violation(self.history, name, lock, from, self.bound))
    }
}

struct Watch<'h> {
    measure: Measure<'h>,
    locks: BTreeMap<&'h Name, Lock<'h>>,
    violations: Vec<Violation>,
}

impl<'h> Watch<'h> {
    /// Something changes about a lock. Until now everything was as it had been.
    fn change(&mut self, name: &'h Name, at: SimTime, change: impl FnOnce(&mut Lock<'h>)) {
        let lock = self.locks.entry(name).or_default();
        self.violations.extend(self.measure.look(name, lock, at));
        change(lock);
        if lock.holds > 0 || lock.waiting.is_empty() {
            (lock.wanted_since, lock.is_told) = (None, false);
        } else {
            lock.wanted_since.get_or_insert(at);
        }
    }

    /// A client that is gone waits for nothing.
    fn die(&mut self, node: NodeId, at: SimTime) {
        let waits = |lock: &Lock<'_>| lock.waiting.contains(&node);
        let awaited: Vec<&Name> =
            self.locks.iter().filter(|(_, lock)| waits(lock)).map(|(name, _)| *name).collect();
        for name in awaited {
            self.change(name, at, |lock| lock.waiting.retain(|one| *one != node));
        }
    }

    /// The run is over.
    fn close(mut self) -> Vec<Violation> {
        let end = self.measure.history.end();
        for (name, lock) in &mut self.locks {
            self.violations.extend(self.measure.look(name, lock, end));
        }
        self.violations
    }
}

fn violation(
    history: &History,
    name: &Name,
    lock: &Lock<'_>,
    from: SimTime,
    bound: Duration,
) -> Violation {
    let at = from + bound;
    let records = history.records();
    let next = records.partition_point(|record| record.at < at);
    let mut nodes = lock.waiting.clone();
    nodes.sort_unstable();
    nodes.dedup();
    let waiting: Vec<&str> = nodes.iter().map(|node| history.name(*node)).collect();
    let last = match lock.last {
        Some(hold) => format!("{} held it last, until {}", history.name(hold.node), hold.until),
        None => "nobody had held it before".to_owned(),
    };
    Violation {
        kind: ViolationKind::StuckLock,
        at,
        record: RecordId(next.min(records.len().saturating_sub(1)) as u32),
        detail: format!(
            "{} waited for {name}, and nobody got it in the {} from {from} on, though nobody held \
             it and no fault was in force; {last}",
            waiting.join(", "),
            show(bound),
        ),
        nodes,
    }
}

#[cfg(test)]
mod tests;
