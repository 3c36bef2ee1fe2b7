//! Orders that one store has and the other has not, because their buyer came to an end between the
//! two. While the buyer is still about it, an order is under way and nothing is wrong.

use std::collections::BTreeMap;

use fencepost_models::machine::NodeId;
use fencepost_models::message::Message;
use fencepost_models::note::Note;
use fencepost_models::shop::ShopReply;

use super::books::{Half, Part};
use super::holds::sent_by;
use crate::world::history::{History, Record, RecordId};

/// The halves that nobody will make whole, each with the record from which on that was so: where the
/// buyer was through with the order, or died, or where half of it came when the buyer was gone.
pub fn left_behind(history: &History, halves: impl Iterator<Item = Half>) -> Vec<(Half, RecordId)> {
    let mut halves = halves.peekable();
    if halves.peek().is_none() {
        return Vec::new();
    }
    let ends = Ends::of(history);
    let left = halves.filter_map(|half| {
        let end = ends.of_half(&half, sent(history, half.record))?;
        Some((half, half.record.max(end)))
    });
    left.collect()
}

/// The records at which buyers had nothing more to do for an order.
#[derive(Default)]
struct Ends {
    /// Where a buyer wrote down what had become of an order.
    told: BTreeMap<(NodeId, u64), RecordId>,
    /// Where the store had told a buyer that nothing was left to take, in order.
    sold_out: BTreeMap<NodeId, Vec<RecordId>>,
    /// Where its process was gone, in order.
    deaths: BTreeMap<NodeId, Vec<RecordId>>,
}

impl Ends {
    fn of(history: &History) -> Self {
        let mut ends = Self::default();
        for (id, record, note) in history.notes() {
            match *note {
                Note::OrderPlaced { order, .. }
                | Note::OrderRefused { order, .. }
                | Note::OrderUnknown { order, .. } => {
                    ends.told.entry((record.node, order)).or_insert(id);
                }
                Note::SoldOut { .. } if is_answer(history, record) => {
                    ends.sold_out.entry(record.node).or_default().push(id);
                }
                _ => {}
            }
        }
        for (id, record) in history.deaths() {
            ends.deaths.entry(record.node).or_default().push(id);
        }
        ends
    }

    /// The end of the order that a half is of, which was sent at `sent`.
    fn of_half(&self, half: &Half, sent: RecordId) -> Option<RecordId> {
        let buyer = half.from;
        let told = self.told.get(&(buyer, half.order)).copied();
        // It does not say of which order, for a process may have several buyers. But where one finds
        // nothing left to take, so does every other that has an order and wants its piece.
        let sold_out = match half.part {
            Part::Order => first_after(self.sold_out.get(&buyer), sent),
            Part::Piece => None,
        };
        let death = first_after(self.deaths.get(&buyer), sent);
        [told, sold_out, death].into_iter().flatten().min()
    }
}

fn first_after(records: Option<&Vec<RecordId>>, sent: RecordId) -> Option<RecordId> {
    let records = records?;
    records.get(records.partition_point(|id| *id <= sent)).copied()
}

/// Whether a buyer leaves because of what the store has answered to its order, and not because of the
/// stock that it read before it made one.
fn is_answer(history: &History, record: &Record) -> bool {
    let answer = history.brought_by(record).map(|message| &history.message(message).message);
    matches!(answer, Some(Message::ShopReply(ShopReply::SoldOut)))
}

/// When the request was sent that a store wrote something down about.
fn sent(history: &History, record: RecordId) -> RecordId {
    let cause = history.record(record).and_then(|record| record.cause);
    cause.and_then(|cause| sent_by(history, cause)).unwrap_or(record)
}
