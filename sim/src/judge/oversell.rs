//! `oversell`: the books do not balance: initial ≠ remaining + sold. With more than there was on
//! the one side, orders were recorded (or can still be) that no piece stands behind; with less,
//! pieces went that no order took.

use std::collections::BTreeMap;

use fencepost_models::machine::NodeId;
use fencepost_models::note::Note;

use super::{Books, Violation, ViolationKind};
use crate::world::history::History;

/// One violation for each write that takes the books further out of balance; and the books.
pub fn check(history: &History) -> (Vec<Violation>, Books) {
    let mut violations = Vec::new();
    let mut books = Books::default();
    let mut writers = Writers::default();
    for (id, record, note) in history.notes() {
        let before = books;
        books.enter(note);
        match note {
            Note::StockServed { to, stock, .. } => writers.has_read(*to, *stock),
            Note::WriteTaken { from, before: stock_before, after, .. } => {
                let overwritten = writers.write(*from, *after);
                // Further from zero, or past it to the other side.
                let (before, surplus) = (before.surplus(), books.surplus());
                if surplus.abs() > before.abs() || surplus.signum() * before.signum() < 0 {
                    let (name, books) = (history.name(*from), describe(&books));
                    violations.push(Violation {
                        kind: ViolationKind::Oversell,
                        at: record.at,
                        record: id,
                        nodes: overwritten.into_iter().chain([*from]).collect(),
                        detail: format!(
                            "a write of {name} set the stock from {stock_before} to {after}: {books}"
                        ),
                    });
                }
            }
            _ => {}
        }
    }
    (violations, books)
}

/// Who has written, and from where on in that list each client had not seen when it read so much.
#[derive(Default)]
struct Writers {
    writes: Vec<NodeId>,
    seen: BTreeMap<(NodeId, u64), usize>,
}

impl Writers {
    fn has_read(&mut self, client: NodeId, stock: u64) {
        self.seen.insert((client, stock), self.writes.len());
    }

    /// Enters a write; returns whose writes it overwrites: the others' since its client last read
    /// the stock that the write takes one piece from.
    fn write(&mut self, client: NodeId, after: u64) -> Vec<NodeId> {
        let basis = (client, after.saturating_add(1));
        let unseen = self.seen.get(&basis).copied().unwrap_or(self.writes.len());
        let mut overwritten = Vec::new();
        for writer in &self.writes[unseen..] {
            if *writer != client && !overwritten.contains(writer) {
                overwritten.push(*writer);
            }
        }
        self.writes.push(client);
        overwritten
    }
}

/// The books in words, when they do not balance.
fn describe(books: &Books) -> String {
    let Books { initial, remaining, sold, .. } = *books;
    let sum = i128::from(sold) + i128::from(remaining);
    let there_were = match initial {
        1 => "there was 1 piece".to_owned(),
        _ => format!("there were {initial} pieces"),
    };
    let consequence = match sold.checked_sub(initial) {
        Some(1) => "; 1 order has no piece behind it".to_owned(),
        Some(orders @ 2..) => format!("; {orders} orders have no piece behind them"),
        _ => String::new(),
    };
    format!("{sold} sold and {remaining} left make {sum}, but {there_were}{consequence}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{A, B, C, Story};

    fn details(story: &Story) -> Vec<String> {
        check(&story.history).0.into_iter().map(|violation| violation.detail).collect()
    }

    #[test]
    fn a_shop_that_sells_what_it_has_is_accepted() {
        let mut story = Story::new();
        story.stock(2).served(A, 2).taken(A, 1, 2, 1).served(B, 1).taken(B, 2, 1, 0);
        assert_eq!(details(&story), [""; 0]);
        assert_eq!(Books::of(&story.history).oversold(), 0);
    }

    #[test]
    fn the_lost_update_oversells_at_the_second_write() {
        let mut story = Story::new();
        story.stock(1).at_ms(1).served(A, 1).served(B, 1).at_ms(2).taken(B, 7, 1, 0);
        story.at_ms(3).taken(A, 8, 0, 0);
        let (violations, _) = check(&story.history);
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].nodes, [B, A]);
        assert_eq!(violations[0].at.as_millis(), 3);
        insta::assert_snapshot!(violations[0].detail, @"a write of buyer-1 set the stock from 0 to 0: 2 sold and 0 left make 2, but there was 1 piece; 1 order has no piece behind it");
    }

    #[test]
    fn a_stale_write_that_raises_the_stock_oversells_before_the_last_piece_is_gone() {
        let mut story = Story::new();
        story.stock(5).served(A, 5).served(B, 5).taken(B, 1, 5, 4).served(C, 4).taken(C, 2, 4, 3);
        story.taken(A, 3, 3, 4);
        let (violations, _) = check(&story.history);
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].nodes, [B, C, A]);
        insta::assert_snapshot!(violations[0].detail, @"a write of buyer-1 set the stock from 3 to 4: 3 sold and 4 left make 7, but there were 5 pieces");
        assert_eq!(Books::of(&story.history).oversold(), 2);
    }

    #[test]
    fn selling_on_from_a_wrong_stock_is_no_further_violation() {
        let mut story = Story::new();
        story.stock(2).served(A, 2).served(B, 2).taken(B, 1, 2, 1).taken(A, 2, 1, 1);
        story.served(B, 1).taken(B, 3, 1, 0);
        assert_eq!(details(&story).len(), 1);
        assert_eq!(Books::of(&story.history).oversold(), 1);
    }

    #[test]
    fn each_lost_update_is_one_violation() {
        let mut story = Story::new();
        story.stock(9).served(A, 9).served(B, 9).served(C, 9);
        story.taken(A, 1, 9, 8).taken(B, 2, 8, 8).taken(C, 3, 8, 8);
        assert_eq!(details(&story).len(), 2);
    }

    #[test]
    fn the_order_of_the_records_decides_at_one_instant() {
        let mut story = Story::new();
        story.stock(2).at(5).served(A, 2).taken(A, 1, 2, 1).served(B, 1).taken(B, 2, 1, 0);
        assert_eq!(details(&story), [""; 0]);
        let mut story = Story::new();
        story.stock(2).at(5).served(A, 2).served(B, 2).taken(A, 1, 2, 1).taken(B, 2, 1, 1);
        assert_eq!(details(&story).len(), 1);
    }

    #[test]
    fn a_piece_that_no_order_took_unbalances_the_books_too() {
        let mut story = Story::new();
        story.stock(5).taken(A, 1, 5, 3);
        insta::assert_snapshot!(details(&story).join("\n"), @"a write of buyer-1 set the stock from 5 to 3: 1 sold and 3 left make 4, but there were 5 pieces");
        assert_eq!(Books::of(&story.history).oversold(), 0);
    }

    #[test]
    fn from_too_little_to_too_much_is_a_violation_of_its_own() {
        let mut story = Story::new();
        story.stock(5).taken(A, 1, 5, 3).taken(B, 2, 3, 4);
        assert_eq!(details(&story).len(), 2);
    }

    #[test]
    fn a_write_that_mends_the_books_is_accepted() {
        let mut story = Story::new();
        story.stock(5).taken(A, 1, 5, 5).taken(B, 2, 5, 3);
        assert_eq!(details(&story).len(), 1);
        assert_eq!(Books::of(&story.history).surplus(), 0);
    }
}
