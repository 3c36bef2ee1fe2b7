//! Stock and orders, as they change.

use serde::Serialize;

use super::spans::{Span, Track};
use crate::report::telling::State;
use crate::world::history::RecordId;

/// From a record on, so much is left and so much is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BooksEntry(RecordId, u64, u64);

/// The books of a run.
#[derive(Debug)]
pub struct Books {
    initial: u64,
    entries: Vec<BooksEntry>,
}

impl Books {
    /// Nothing is known but how much there is when the run begins.
    pub const fn new(initial: u64) -> Self {
        Self { initial, entries: Vec::new() }
    }

    /// Takes in the state after a record.
    pub fn follow(&mut self, state: &State<'_>, id: RecordId) {
        let Some(stock) = state.stock else { return };
        let now = (stock, state.sold);
        if self.entries.last().is_none_or(|last| (last.1, last.2) != now) {
            self.entries.push(BooksEntry(id, stock, state.sold));
        }
    }

    /// All entries, and the same as spans of the store's lane.
    pub fn end(self, store: Option<usize>) -> (Vec<BooksEntry>, Vec<Span>) {
        let ends = self.entries.iter().skip(1).map(|next| Some(next.0)).chain([None]);
        let span = |(entry, to): (&BooksEntry, Option<RecordId>)| {
            let BooksEntry(from, stock, sold) = *entry;
            let sign = if sold > self.initial { "oversold" } else { "books" };
            Some(Span {
                lane: store?,
                track: Track::Books,
                sign,
                from,
                to,
                owner: 0,
                label: format!("{stock} left, {sold} sold"),
            })
        };
        let spans = self.entries.iter().zip(ends).filter_map(span).collect();
        (self.entries, spans)
    }
}
