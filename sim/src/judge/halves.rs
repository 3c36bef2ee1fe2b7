//! Orders that one store has and the other has not, because their buyer came to an end between the
//! two. While the buyer is still about it, an order is under way and nothing is wrong.

use std::collections::{BTreeMap, VecDeque};

use fencepost_models::machine::NodeId;
use fencepost_models::note::Note;

use super::books::Half;
use super::holds::sent_by;
use crate::world::history::{Event, History, Record, RecordId};

/// The halves that nobody will make whole, each with the record from which on that was so: where the
/// buyer was through with the order, or died, or where half of it came when the buyer was gone.
pub fn left_behind(history: &History, halves: impl Iterator<Item = Half>) -> Vec<(Half, RecordId)> {
    let mut open: BTreeMap<NodeId, VecDeque<(RecordId, Half)>> = BTreeMap::new();
    for half in halves {
        open.entry(half.from).or_default().push_back((sent(history, half.record), half));
    }
    for sent_first in open.values_mut() {
        sent_first.make_contiguous().sort_by_key(|(sent, _)| *sent);
    }
    let mut found = Vec::new();
    if open.is_empty() {
        return found;
    }
    for (number, record) in (0..).zip(history.records()) {
        let id = RecordId(number);
        let Some(of_buyer) = open.get_mut(&record.node).filter(|_| ends(history, record)) else {
            continue;
        };
        // A buyer has one order at a time: this is the end of all that it had sent before.
        while let Some((_, half)) = of_buyer.front().copied().filter(|(sent, _)| *sent < id) {
            found.push((half, half.record.max(id)));
            of_buyer.pop_front();
        }
    }
    found
}

/// Whether a buyer has nothing more to do for its order.
fn ends(history: &History, record: &Record) -> bool {
    let is_through = |note: &Note| {
        matches!(
            note,
            Note::OrderPlaced { .. }
                | Note::OrderRefused { .. }
                | Note::OrderUnknown { .. }
                | Note::SoldOut
        )
    };
    match record.event {
        Event::Crashed | Event::PowerLost => true,
        Event::Noted(note) => is_through(history.note(note)),
        _ => false,
    }
}

/// When the request was sent that a store wrote something down about.
fn sent(history: &History, record: RecordId) -> RecordId {
    let cause = history.record(record).and_then(|record| record.cause);
    cause.and_then(|cause| sent_by(history, cause)).unwrap_or(record)
}
