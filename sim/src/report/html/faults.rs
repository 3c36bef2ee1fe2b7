//! The faults, as bars above the lanes.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::words;
use crate::scenario::Outcome;
use crate::world::SimTime;
use crate::world::history::{Event, FaultId, RecordId};

/// A fault that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultBar {
    kind: &'static str,
    /// In words, its target with it.
    text: String,
    /// When it was in force, in nanoseconds.
    from: SimTime,
    to: SimTime,
    /// The record with which it began.
    record: RecordId,
    /// It hit something.
    fired: bool,
}

/// The faults that have begun, in the order in which they did.
pub fn bars(outcome: &Outcome, end: SimTime) -> Vec<FaultBar> {
    let mut began: BTreeMap<FaultId, (RecordId, SimTime)> = BTreeMap::new();
    let mut ended: BTreeMap<FaultId, SimTime> = BTreeMap::new();
    for (id, record) in outcome.run.history.incidents() {
        match record.event {
            Event::FaultBegan(fault) => {
                began.entry(fault).or_insert((id, record.at));
            }
            Event::FaultEnded(fault) => {
                ended.insert(fault, record.at);
            }
            _ => {}
        }
    }
    let bar = |(place, one): (usize, &crate::world::FaultOutcome)| {
        let id = FaultId(place as u32);
        let (record, from) = *began.get(&id)?;
        let action = &one.fault.action;
        let kind = one.fault.kind();
        let to = ended.get(&id).copied().unwrap_or(if kind.is_instant() { from } else { end });
        let text = format!("{kind} {}", words::target(action));
        Some(FaultBar { kind: kind.as_str(), text, from, to, record, fired: one.fired })
    };
    let mut bars: Vec<FaultBar> = outcome.run.faults.iter().enumerate().filter_map(bar).collect();
    bars.sort_by_key(|bar| bar.record);
    bars
}
