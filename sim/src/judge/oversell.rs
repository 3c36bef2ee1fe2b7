//! `oversell`: the books do not balance: initial ≠ remaining + sold. With more than there was on
//! the one side, orders were recorded (or can still be) that no piece stands behind; with less,
//! pieces went that no order took. That is *undersold* in words, and of the same kind: what the shop
//! says it has and what it has are two things.
//!
//! Where the orders have a store of their own, an order whose piece is off the stock, or will be, is
//! under way and not out of balance, until its buyer is through with it or dead.
//!
//! One purchase with two orders is no violation of its own. It is counted ([`Books::doubled`]), and
//! unbalances the books where the stock was counted down once.

use fencepost_models::machine::NodeId;
use fencepost_models::note::Note;

use super::books::{Half, Ledger, Part};
use super::halves::left_behind;
use super::writers::Writers;
use super::{Books, Violation, ViolationKind};
use crate::world::history::{History, Record, RecordId};

/// The check.
#[derive(Default)]
pub struct Oversell {
    ledger: Ledger,
    writers: Writers,
}

impl Oversell {
    /// A note of a store that is no order: what it has, or what it refused.
    pub fn enter(&mut self, id: RecordId, note: &Note) {
        self.ledger.enter(id, note);
    }

    /// A client has been told the stock.
    pub fn read(&mut self, client: NodeId, stock: u64) {
        self.writers.has_read(client, stock);
    }

    /// A store has taken a write, or an order: a violation if that takes the books further out of
    /// balance.
    pub fn write(
        &mut self,
        history: &History,
        id: RecordId,
        record: &Record,
        note: &Note,
    ) -> Option<Violation> {
        let (from, after) = match note {
            Note::WriteTaken { from, after, .. } | Note::StockWritten { from, after, .. } => {
                (*from, Some(*after))
            }
            Note::OrderRecorded { from, .. } => (*from, None),
            _ => return None,
        };
        let (before, doubled) = (self.ledger.surplus(), self.ledger.books.doubled);
        self.ledger.enter(id, note);
        if after.is_some() {
            self.writers.has_written(from);
        }
        // Further from zero, or past it to the other side.
        let surplus = self.ledger.surplus();
        if surplus.abs() <= before.abs() && surplus.signum() * before.signum() >= 0 {
            return None;
        }
        let overwritten = after.map(|after| self.writers.overwritten(after));
        let is_doubled = self.ledger.books.doubled > doubled;
        let what = describe_write(history.name(from), note, is_doubled);
        Some(Violation {
            kind: ViolationKind::Oversell,
            at: record.at,
            record: id,
            nodes: overwritten.into_iter().flatten().chain([from]).collect(),
            detail: format!("{what}: {}", describe(&self.ledger)),
        })
    }

    /// The run is over: one violation for each order that stays half an order; and the books.
    pub fn close(self, history: &History) -> (Vec<Violation>, Books) {
        let left = left_behind(history, self.ledger.halves());
        let never_whole =
            left.into_iter().filter_map(|(half, end)| never_whole(history, half, end));
        (never_whole.collect(), self.ledger.books)
    }
}

/// The violation that an order has stayed half an order.
fn never_whole(history: &History, half: Half, end: RecordId) -> Option<Violation> {
    let (Record { at: begun, .. }, Record { at, .. }) =
        (history.record(half.record)?, history.record(end)?);
    let name = history.name(half.from);
    let detail = match half.part {
        Part::Piece => format!(
            "at {begun} a piece went off the stock for an order of {name} that was never recorded: the \
             piece is neither left nor sold"
        ),
        Part::Order => format!(
            "at {begun} an order of {name} was recorded, and no piece went off the stock for it: the \
             order has no piece behind it"
        ),
    };
    let (kind, nodes) = (ViolationKind::Oversell, vec![half.from]);
    Some(Violation { kind, at: *at, record: end, nodes, detail })
}

/// What a store did, in words.
fn describe_write(name: &str, note: &Note, is_doubled: bool) -> String {
    let again = if is_doubled { ", for an order that was recorded before," } else { "" };
    match note {
        Note::WriteTaken { before, after, .. } | Note::StockWritten { before, after, .. } => {
            format!("a write of {name}{again} set the stock from {before} to {after}")
        }
        _ if is_doubled => format!("an order of {name} was recorded once more"),
        _ => format!("an order of {name} was recorded"),
    }
}

/// The books in words, when they do not balance.
fn describe(ledger: &Ledger) -> String {
    let Books { initial, remaining, sold, .. } = ledger.books;
    let whole = ledger.sold_with_piece();
    let parts = match ledger.pieces_under_way() {
        0 => format!("{whole} sold and {remaining} left"),
        pieces => format!("{whole} sold, {remaining} left and {pieces} under way"),
    };
    let sum = ledger.surplus() + i128::from(initial);
    let there_were = match initial {
        1 => "there was 1 piece".to_owned(),
        _ => format!("there were {initial} pieces"),
    };
    let consequence = match sold.checked_sub(initial) {
        Some(1) => "; 1 order has no piece behind it".to_owned(),
        Some(orders @ 2..) => format!("; {orders} orders have no piece behind them"),
        _ => String::new(),
    };
    format!("{parts} make {sum}, but {there_were}{consequence}")
}

#[cfg(test)]
mod tests {
    use fencepost_models::message::Message;
    use fencepost_models::shop::ShopReply;

    use super::*;
    use crate::judge::testing::{A, B, C, STORE, Story, found_of_kind};
    use crate::world::history::Event;

    fn found(story: &Story) -> Vec<Violation> {
        found_of_kind(story, ViolationKind::Oversell)
    }

    fn details(story: &Story) -> Vec<String> {
        found(story).into_iter().map(|violation| violation.detail).collect()
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
        let violations = found(&story);
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
        let violations = found(&story);
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
    fn what_was_read_since_the_last_violation_counts_for_the_next() {
        let mut story = Story::new();
        story.stock(9).served(A, 9).served(B, 9).taken(A, 1, 9, 8).taken(B, 2, 8, 8);
        story.served(A, 8).served(C, 8).taken(C, 3, 8, 7).taken(A, 4, 7, 7);
        let nodes: Vec<_> = found(&story).into_iter().map(|one| one.nodes).collect();
        assert_eq!(nodes, [[A, B], [C, A]]);
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

    #[test]
    fn a_second_order_of_one_purchase_oversells_when_the_stock_was_counted_down_once() {
        let mut story = Story::new();
        story.stock(5).served(A, 5).taken(A, 1, 5, 4).taken(A, 1, 4, 4);
        insta::assert_snapshot!(details(&story).join("\n"), @"a write of buyer-1, for an order that was recorded before, set the stock from 4 to 4: 2 sold and 4 left make 6, but there were 5 pieces");
        assert_eq!(Books::of(&story.history).doubled, 1);
    }

    #[test]
    fn a_second_order_of_one_purchase_with_a_piece_of_its_own_is_counted_and_accepted() {
        let mut story = Story::new();
        story.stock(5).taken(A, 1, 5, 4).taken(A, 1, 4, 3);
        assert_eq!(details(&story), [""; 0]);
        assert_eq!(Books::of(&story.history).doubled, 1);
    }

    #[test]
    fn orders_in_a_store_of_their_own_are_accepted_in_either_sequence() {
        let mut story = Story::new();
        story
            .stock(2)
            .stock_written(A, 1, 1)
            .recorded(A, 1)
            .note(A, Note::OrderPlaced { thread: 0, order: 1 });
        story
            .recorded(B, 2)
            .stock_written(B, 2, 0)
            .note(B, Note::OrderPlaced { thread: 0, order: 2 });
        assert_eq!(details(&story), [""; 0]);
    }

    #[test]
    fn an_order_that_is_under_way_when_the_run_ends_is_accepted() {
        let mut story = Story::new();
        story.stock(2).stock_written(A, 1, 1).note(B, Note::OrderUnknown { thread: 0, order: 2 });
        story.event(B, Event::Crashed);
        assert_eq!(details(&story), [""; 0], "it is A's, and A is still about it");
    }

    #[test]
    fn what_another_thread_of_the_process_does_ends_no_order_but_its_own() {
        let mut story = Story::new();
        story.stock(2).stock_written(A, 1, 1);
        story
            .stock_written(A, 2, 0)
            .recorded(A, 2)
            .note(A, Note::OrderPlaced { thread: 0, order: 2 });
        story.note(A, Note::SoldOut { thread: 0 });
        assert_eq!(details(&story), [""; 0], "the first order is under way");
        story.at_ms(1).note(A, Note::OrderUnknown { thread: 0, order: 1 });
        assert_eq!(details(&story).len(), 1);
    }

    #[test]
    fn an_order_recorded_for_what_the_store_has_no_more_has_no_piece_behind_it() {
        let mut story = Story::new();
        story.stock(0).recorded(A, 1).at_ms(1).note(A, Note::SoldOut { thread: 0 });
        assert_eq!(details(&story), [""; 0], "it read that nothing was left, before another order");
        let answer = story.send(STORE, A, Message::ShopReply(ShopReply::SoldOut));
        story.at_ms(2).deliver(answer).note(A, Note::SoldOut { thread: 0 });
        let violations = found(&story);
        assert_eq!(violations.iter().map(|one| one.at.as_millis()).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_piece_whose_order_is_never_recorded_is_undersold() {
        for end in [Event::Crashed, Event::PowerLost] {
            let mut story = Story::new();
            story.stock(2).at_ms(1).stock_written(A, 1, 1).at_ms(2).event(A, end);
            let (violations, books) = (found(&story), Books::of(&story.history));
            assert_eq!(violations.len(), 1);
            assert_eq!((violations[0].at.as_millis(), violations[0].nodes.clone()), (2, vec![A]));
            insta::allow_duplicates! {
                insta::assert_snapshot!(violations[0].detail, @"at 0.001s a piece went off the stock for an order of buyer-1 that was never recorded: the piece is neither left nor sold");
            }
            assert_eq!((books.missing(), books.oversold()), (1, 0));
        }
    }

    #[test]
    fn an_order_whose_stock_write_is_refused_has_no_piece_behind_it() {
        let mut story = Story::new();
        story.stock(1).at_ms(1).recorded(A, 1);
        story
            .recorded(B, 2)
            .stock_written(B, 2, 0)
            .note(B, Note::OrderPlaced { thread: 0, order: 2 });
        story.at_ms(2).note(A, Note::OrderRefused { thread: 0, order: 1, mark: 2 });
        let (violations, books) = (found(&story), Books::of(&story.history));
        assert_eq!(violations.len(), 1);
        assert_eq!((violations[0].at.as_millis(), violations[0].nodes.clone()), (2, vec![A]));
        insta::assert_snapshot!(violations[0].detail, @"at 0.001s an order of buyer-1 was recorded, and no piece went off the stock for it: the order has no piece behind it");
        assert_eq!(books.oversold(), 1);
    }

    #[test]
    fn a_half_that_comes_when_its_buyer_is_through_is_left_behind_at_once() {
        let mut story = Story::new();
        let write = story.stock(2).at_ms(1).send_write(A, 1, 1);
        story.at_ms(2).note(A, Note::OrderUnknown { thread: 0, order: 1 });
        story.at_ms(3).deliver(write).stock_written(A, 1, 1);
        let violations = found(&story);
        assert_eq!(violations.iter().map(|one| one.at.as_millis()).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn the_second_half_may_come_when_its_buyer_is_gone() {
        let mut story = Story::new();
        story.stock(2).stock_written(A, 1, 1).event(A, Event::Crashed).at_ms(3).recorded(A, 1);
        assert_eq!(details(&story), [""; 0]);
    }

    #[test]
    fn an_order_recorded_twice_in_its_own_store_oversells_at_the_second_time() {
        let mut story = Story::new();
        story.stock(5).stock_written(A, 1, 4).recorded(A, 1).recorded(A, 1);
        story.note(A, Note::OrderPlaced { thread: 0, order: 1 });
        insta::assert_snapshot!(details(&story).join("\n"), @"an order of buyer-1 was recorded once more: 2 sold and 4 left make 6, but there were 5 pieces");
        assert_eq!(Books::of(&story.history).doubled, 1);
    }

    #[test]
    fn a_lost_update_of_the_stock_alone_oversells_while_orders_are_under_way() {
        let mut story = Story::new();
        story.stock(5).served(A, 5).served(B, 5).stock_written(A, 1, 4).stock_written(B, 2, 4);
        insta::assert_snapshot!(details(&story).join("\n"), @"a write of buyer-2 set the stock from 5 to 4: 0 sold, 4 left and 2 under way make 6, but there were 5 pieces");
    }
}
