//! `stale-write`: the store took a write from a client whose hold had been superseded: after the
//! hold under which the write was sent had begun, and before the store took it, another client
//! came to hold the same lock.

use fencepost_models::machine::NodeId;
use fencepost_models::note::Note;

use super::{Hold, Violation, ViolationKind};
use crate::world::history::{Event, History, Record, RecordId};

/// One violation for each such write.
pub fn check(history: &History, holds: &[Hold]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (place, record) in history.records().iter().enumerate() {
        let Some(Note::WriteTaken { from, order, .. }) = history.note_of(record) else { continue };
        let taken = RecordId(place as u32);
        let sent = sent_record(history, record).unwrap_or(taken);
        let begun = |record| holds.partition_point(|hold| hold.begin < record);
        let own = holds[..begun(sent)].iter().rposition(|hold| hold.node == *from);
        let Some(own) = own else { continue };
        let supersedes = |hold: &&Hold| hold.node != *from && hold.lock == holds[own].lock;
        let Some(newer) = holds[own..begun(taken)].iter().rfind(supersedes) else { continue };
        violations.push(Violation {
            kind: ViolationKind::StaleWrite,
            at: record.at,
            record: taken,
            nodes: vec![*from, newer.node],
            detail: describe(history, *order, *from, &holds[own], newer),
        });
    }
    violations
}

/// When the write was sent: the delivery that the store was handling names its message.
fn sent_record(history: &History, taken: &Record) -> Option<RecordId> {
    match history.record(taken.cause?)?.event {
        Event::Delivered(message) => history.send_of(message),
        _ => None,
    }
}

fn describe(history: &History, order: u64, from: NodeId, own: &Hold, newer: &Hold) -> String {
    let (writer, successor) = (history.name(from), history.name(newer.node));
    format!(
        "the store took order {order} of {writer}, who got {} at {}; {successor} had got it at {}",
        own.lock, own.from, newer.from,
    )
}
