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
        for (_, _, note) in history.notes() {
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

    /// How many pieces more were sold or are left than there were; below zero, how many are
    /// missing. Zero when every piece is either left or sold.
    pub const fn surplus(&self) -> i128 {
        // Widened without loss: a stock may be any u64.
        self.sold as i128 + self.remaining as i128 - self.initial as i128
    }

    /// How many pieces were sold, or are still offered, that never were.
    pub const fn oversold(&self) -> u64 {
        self.sold.saturating_add(self.remaining).saturating_sub(self.initial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surplus_has_two_sides_and_oversold_only_one() {
        let books = |remaining| Books { initial: 5, remaining, sold: 2, fenced_off: 0 };
        assert_eq!((books(3).surplus(), books(3).oversold()), (0, 0));
        assert_eq!((books(4).surplus(), books(4).oversold()), (1, 1));
        assert_eq!((books(1).surplus(), books(1).oversold()), (-2, 0));
    }

    #[test]
    fn the_largest_stock_does_not_overflow() {
        let books = Books { initial: 0, remaining: u64::MAX, sold: 2, fenced_off: 0 };
        assert_eq!(books.surplus(), i128::from(u64::MAX) + 2);
        assert_eq!(books.oversold(), u64::MAX);
    }
}
