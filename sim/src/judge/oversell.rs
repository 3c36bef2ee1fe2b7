//! `oversell`: more orders were recorded than there was stock.

use fencepost_models::machine::NodeId;
use fencepost_models::note::Note;

use super::{Books, Violation, ViolationKind};
use crate::world::history::{History, RecordId};

/// One violation for each write that takes the books further out of balance.
pub fn check(history: &History) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut books = Books::default();
    let mut last_writer: Option<NodeId> = None;
    for (place, record) in history.records().iter().enumerate() {
        let Some(note) = history.note_of(record) else { continue };
        let before = books.imbalance();
        books.enter(note);
        let Note::WriteTaken { from, .. } = note else { continue };
        if books.imbalance() > before {
            let mut nodes: Vec<NodeId> = last_writer.into_iter().collect();
            if last_writer != Some(*from) {
                nodes.push(*from);
            }
            violations.push(Violation {
                kind: ViolationKind::Oversell,
                at: record.at,
                record: RecordId(place as u32),
                nodes,
                detail: describe(&books),
            });
        }
        last_writer = Some(*from);
    }
    violations
}

fn describe(books: &Books) -> String {
    let Books { initial, remaining, sold, .. } = *books;
    format!(
        "{sold} sold and {remaining} left of {initial}: {} orders have no piece behind them",
        books.oversold()
    )
}
