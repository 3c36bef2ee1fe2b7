//! The shop's books, as the store's notes tell them.

use fencepost_models::note::Note;

use crate::world::history::History;

/// What the shop had, has and sold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// The stock when the run began.
    pub initial: u64,
    /// The stock when it ended.
    pub remaining: u64,
    /// How many orders were recorded.
    pub sold: u64,
    /// How many requests the store refused for their token.
    pub fenced_off: u64,
}

impl Books {
    /// The books at the end of a history.
    pub fn of(history: &History) -> Self {
        let mut books = Self::default();
        for (_, note) in history.notes() {
            books.enter(note);
        }
        books
    }

    /// Enters one note of the store; others change nothing.
    pub fn enter(&mut self, note: &Note) {
        match note {
            Note::StockInitial { stock } => (self.initial, self.remaining) = (*stock, *stock),
            Note::WriteTaken { after, .. } => {
                self.remaining = *after;
                self.sold += 1;
            }
            Note::Fenced { .. } => self.fenced_off += 1,
            _ => {}
        }
    }

    /// How many orders were recorded that no stock stands behind.
    pub const fn oversold(&self) -> u64 {
        (self.sold + self.remaining).saturating_sub(self.initial)
    }

    /// How far initial and remaining + sold lie apart; 0 when every piece is either left or sold.
    pub const fn imbalance(&self) -> u64 {
        (self.sold + self.remaining).abs_diff(self.initial)
    }
}
