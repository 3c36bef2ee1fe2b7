//! The shop's books, as the stores' notes tell them.

use std::collections::BTreeMap;

use fencepost_models::machine::NodeId;
use fencepost_models::note::Note;

use crate::world::history::{History, RecordId};

/// What the shop had, has and sold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Books {
    /// The stock when the run began.
    pub initial: u64,
    /// The stock when it ended.
    pub remaining: u64,
    /// How many orders were recorded.
    pub sold: u64,
    /// How many of them were recorded for a purchase that had an order already: somebody pays twice.
    pub doubled: u64,
    /// How many requests the store refused for their token.
    pub fenced_off: u64,
}

impl Books {
    /// The books at the end of a history.
    pub fn of(history: &History) -> Self {
        let mut ledger = Ledger::default();
        for (id, _, note) in history.notes() {
            ledger.enter(id, note);
        }
        ledger.books
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

    /// How many pieces are neither left nor sold: undersold.
    pub const fn missing(&self) -> u64 {
        self.initial.saturating_sub(self.sold.saturating_add(self.remaining))
    }
}

/// The books in the making, and which orders are in one of two stores only.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// The books as they stand.
    pub books: Books,
    /// Every purchase that has an order.
    recorded: Numbers,
    half: BTreeMap<u64, Half>,
    /// How many of the halves are pieces without an order.
    pieces_without_order: u64,
}

/// An order of which one store knows and the other does not, or not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Half {
    /// Whose order.
    pub from: NodeId,
    /// Which order.
    pub order: u64,
    /// What made it half an order.
    pub record: RecordId,
    /// Which half is there.
    pub part: Part,
}

/// One of the two things that a purchase leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A piece is off the stock.
    Piece,
    /// An order is recorded.
    Order,
}

/// A set of numbers, most of which were counted up: 64 neighbours share a word.
#[derive(Clone, Debug, Default)]
struct Numbers(BTreeMap<u64, u64>);

impl Numbers {
    /// Puts a number in; false when it was there.
    fn insert(&mut self, number: u64) -> bool {
        let (word, bit) = (self.0.entry(number / 64).or_default(), 1 << (number % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn contains(&self, number: u64) -> bool {
        self.0.get(&(number / 64)).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }
}

impl Ledger {
    /// Enters one note of a store; others change nothing.
    pub fn enter(&mut self, record: RecordId, note: &Note) {
        let books = &mut self.books;
        match *note {
            Note::StockInitial { stock } => (books.initial, books.remaining) = (stock, stock),
            Note::WriteTaken { order, after, .. } => {
                books.remaining = after;
                self.record(order);
            }
            Note::StockWritten { from, order, after, .. } => {
                books.remaining = after;
                self.complete(Half { from, order, record, part: Part::Piece });
            }
            Note::OrderRecorded { from, order } => {
                let is_first = self.record(order);
                if is_first {
                    self.complete(Half { from, order, record, part: Part::Order });
                }
            }
            Note::Fenced { .. } => books.fenced_off += 1,
            _ => {}
        }
    }

    /// One order more; false when its purchase had one.
    fn record(&mut self, order: u64) -> bool {
        let is_first = self.recorded.insert(order);
        self.books.sold += 1;
        self.books.doubled += u64::from(!is_first);
        is_first
    }

    /// The other half of an order makes it whole; the same half again changes nothing, nor does any
    /// to an order that is whole.
    fn complete(&mut self, half: Half) {
        let order = half.order;
        match self.half.get(&order).map(|known| known.part) {
            Some(part) if part == half.part => {}
            Some(part) => {
                self.half.remove(&order);
                self.pieces_without_order -= u64::from(part == Part::Piece);
            }
            None if half.part == Part::Piece && self.recorded.contains(order) => {}
            None => {
                self.half.insert(order, half);
                self.pieces_without_order += u64::from(half.part == Part::Piece);
            }
        }
    }

    /// The orders that are in one store only.
    pub fn halves(&self) -> impl Iterator<Item = Half> + '_ {
        self.half.values().copied()
    }

    /// How many pieces are off the stock with no order yet.
    pub const fn pieces_under_way(&self) -> u64 {
        self.pieces_without_order
    }

    /// How many orders have a piece behind them, or had one when they were recorded.
    pub fn sold_with_piece(&self) -> u64 {
        let orders_without_piece = self.half.len() as u64 - self.pieces_without_order;
        self.books.sold - orders_without_piece
    }

    /// The surplus, as it will be once every half has become whole.
    pub fn surplus(&self) -> i128 {
        i128::from(self.sold_with_piece())
            + i128::from(self.pieces_under_way())
            + i128::from(self.books.remaining)
            - i128::from(self.books.initial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: NodeId = NodeId(2);

    fn books(initial: u64, remaining: u64, sold: u64) -> Books {
        Books { initial, remaining, sold, ..Books::default() }
    }

    fn ledger(notes: &[Note]) -> Ledger {
        let mut ledger = Ledger::default();
        for (number, note) in (0..).zip(notes) {
            ledger.enter(RecordId(number), note);
        }
        ledger
    }

    fn stock(order: u64, before: u64, after: u64) -> Note {
        Note::StockWritten { from: A, order, before, after, token: None }
    }

    fn order(order: u64) -> Note {
        Note::OrderRecorded { from: A, order }
    }

    #[test]
    fn a_surplus_has_two_sides() {
        let of = |books: Books| (books.surplus(), books.oversold(), books.missing());
        assert_eq!(of(books(5, 3, 2)), (0, 0, 0));
        assert_eq!(of(books(5, 4, 2)), (1, 1, 0));
        assert_eq!(of(books(5, 1, 2)), (-2, 0, 2));
    }

    #[test]
    fn the_largest_stock_does_not_overflow() {
        let books = books(0, u64::MAX, 2);
        assert_eq!(books.surplus(), i128::from(u64::MAX) + 2);
        assert_eq!((books.oversold(), books.missing()), (u64::MAX, 0));
    }

    #[test]
    fn two_orders_of_one_purchase_count_as_one_doubled() {
        let taken =
            |order, before, after| Note::WriteTaken { from: A, order, before, after, token: None };
        let notes = [taken(1, 5, 4), taken(1, 4, 4), taken(1, 4, 4), taken(2, 4, 3)];
        let books = ledger(&notes).books;
        assert_eq!((books.sold, books.doubled, books.remaining), (4, 2, 3));
    }

    #[test]
    fn numbers_are_told_from_their_neighbours() {
        let mut numbers = Numbers::default();
        for number in [63, 64, 65, 0, u64::MAX] {
            assert!(!numbers.contains(number));
            assert!(numbers.insert(number));
            assert!(numbers.contains(number));
            assert!(!numbers.insert(number));
        }
        assert!(!numbers.contains(1) && !numbers.contains(u64::MAX - 1));
    }

    #[test]
    fn an_order_in_two_stores_is_whole_in_either_sequence() {
        let open = Note::StockInitial { stock: 5 };
        for (first, then) in [(stock(1, 5, 4), order(1)), (order(1), stock(1, 5, 4))] {
            let half = ledger(&[open.clone(), first.clone()]);
            assert_eq!((half.halves().count(), half.surplus()), (1, 0), "it is under way");
            assert_ne!(half.books.surplus(), 0);
            let whole = ledger(&[open.clone(), first, then]);
            assert_eq!((whole.halves().count(), whole.surplus()), (0, 0));
            assert_eq!(whole.books.surplus(), 0);
        }
    }

    #[test]
    fn the_same_half_again_is_no_other_half() {
        let open = Note::StockInitial { stock: 5 };
        let twice = ledger(&[open.clone(), stock(1, 5, 4), stock(1, 4, 4), order(1)]);
        assert_eq!((twice.halves().count(), twice.surplus()), (0, 0));
        let again = ledger(&[open.clone(), stock(1, 5, 4), order(1), stock(1, 4, 4)]);
        assert_eq!((again.halves().count(), again.surplus()), (0, 0));
        let doubled = ledger(&[open, order(1), order(1), stock(1, 5, 4)]);
        assert_eq!((doubled.halves().count(), doubled.surplus(), doubled.books.doubled), (0, 1, 1));
    }
}
