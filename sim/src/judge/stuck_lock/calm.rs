//! When no fault was in force.

use std::collections::BTreeMap;
use std::time::Duration;

use fencepost_faults::{FaultKind, show};
use fencepost_models::machine::NodeId;

use crate::world::SimTime;
use crate::world::history::{Event, FaultId, History};

/// The times without faults that are longer than the bound, in order.
pub struct Calms {
    /// After how long a lock is stuck.
    pub bound: Duration,
    long: Vec<Calm>,
    /// How long the longest time without a fault was.
    longest: Duration,
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

impl Calms {
    /// The times of a history. `servers` are those that the locks are on.
    pub fn of(history: &History, servers: &[NodeId], bound: Duration) -> Self {
        let mut long = all(history, servers);
        let longest = long.iter().map(Calm::length).max().unwrap_or_default();
        long.retain(|calm| calm.length() > bound);
        Self { bound, long, longest }
    }

    /// Why no lock could have been seen stuck, if that is so.
    pub fn unjudged(&self) -> Option<String> {
        let (bound, longest) = (show(self.bound), SimTime::after(self.longest));
        self.long.is_empty().then(|| {
            format!(
                "that takes more than {bound} without a fault; the longest such time was {longest}"
            )
        })
    }

    /// From when on nothing was wrong for longer than the bound, between two moments, if so.
    pub fn long_enough(&self, since: SimTime, now: SimTime) -> Option<SimTime> {
        let first = self.long.partition_point(|calm| calm.until <= since);
        let within = self.long[first..].iter().take_while(|calm| calm.from < now);
        let mut within =
            within.map(|calm| Calm { from: calm.from.max(since), until: calm.until.min(now) });
        within.find(|calm| calm.length() > self.bound).map(|calm| calm.from)
    }
}

/// Every time without a fault.
fn all(history: &History, servers: &[NodeId]) -> Vec<Calm> {
    let mut calm = Vec::new();
    let mut from = SimTime::ZERO;
    for one in disturbances(history, servers) {
        if from < one.from {
            calm.push(Calm { from, until: one.from });
        }
        from = from.max(one.until);
    }
    if from < history.end() {
        calm.push(Calm { from, until: history.end() });
    }
    calm
}

/// A time during which a fault was in force; none but the moment, where one strikes and is over.
struct Disturbance {
    from: SimTime,
    until: SimTime,
}

/// What faults did, in the order in which it began.
fn disturbances(history: &History, servers: &[NodeId]) -> Vec<Disturbance> {
    const FOR_EVER: SimTime = SimTime::from_nanos(u64::MAX);
    let lasts = |fault: FaultId, node: NodeId| match history.faults.get(fault.0 as usize) {
        Some(kind) if kind.is_instant() => false,
        Some(FaultKind::Crash | FaultKind::PowerLoss) => servers.contains(&node),
        _ => true,
    };
    let mut all: Vec<Disturbance> = Vec::new();
    // Where among all the faults are that have not ended.
    let mut in_force: BTreeMap<FaultId, usize> = BTreeMap::new();
    for (_, record) in history.incidents() {
        let at = record.at;
        match record.event {
            Event::FaultBegan(fault) if lasts(fault, record.node) => {
                in_force.insert(fault, all.len());
                all.push(Disturbance { from: at, until: FOR_EVER });
            }
            Event::FaultEnded(fault) if let Some(place) = in_force.remove(&fault) => {
                all[place].until = at.max(history.slowed_until(fault));
            }
            Event::FaultBegan(_) | Event::FaultEnded(_) => {
                all.push(Disturbance { from: at, until: at });
            }
            _ => {}
        }
    }
    all
}
