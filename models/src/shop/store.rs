//! The store: one row with the stock, the orders, and the mark that fencing keeps.

use std::cell::Cell;
use std::rc::Rc;

use super::protocol::{Fencing, ShopReply, ShopRequest};
use crate::machine::{ConnectionId, Context, Input, Machine, NodeId};
use crate::message::Message;
use crate::note::Note;

/// The store's server. It is durable: what it has taken survives any restart, as a database's
/// committed transactions do, because its [`Books`] outlive it.
pub struct Store {
    books: Rc<Cell<Books>>,
    fencing: Fencing,
    first_start: bool,
    peers: Vec<(ConnectionId, NodeId)>,
}

/// What the store has committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Books {
    /// How much is left.
    pub stock: u64,
    /// The highest fencing token seen.
    pub mark: u64,
}

impl Books {
    /// The books of a shop that has sold nothing yet.
    pub fn opened_with(stock: u64) -> Rc<Cell<Self>> {
        Rc::new(Cell::new(Self { stock, mark: 0 }))
    }
}

impl Store {
    /// A store that keeps these books; `incarnation` counts its restarts.
    pub fn new(books: Rc<Cell<Books>>, fencing: Fencing, incarnation: u32) -> Self {
        Self { books, fencing, first_start: incarnation == 0, peers: Vec::new() }
    }

    /// Serves one request: the answer, and what to write down about it.
    pub fn serve(&mut self, from: NodeId, request: ShopRequest) -> (ShopReply, Option<Note>) {
        match request {
            ShopRequest::Read { token } => self.read(from, token),
            ShopRequest::Write { order, stock, token } => self.write(from, order, stock, token),
            ShopRequest::Take { order } => self.take(from, order),
        }
    }

    fn read(&mut self, to: NodeId, token: Option<u64>) -> (ShopReply, Option<Note>) {
        if self.fencing == Fencing::ReadsAndWrites && !self.raise_mark(token) {
            return self.refuse(to, token, false);
        }
        let stock = self.books.get().stock;
        (ShopReply::Stock { stock }, Some(Note::StockServed { to, stock, token }))
    }

    fn write(
        &mut self,
        from: NodeId,
        order: u64,
        stock: u64,
        token: Option<u64>,
    ) -> (ShopReply, Option<Note>) {
        if self.fencing != Fencing::Off && !self.raise_mark(token) {
            return self.refuse(from, token, true);
        }
        let before = self.set_stock(stock);
        (ShopReply::Taken, Some(Note::WriteTaken { from, order, before, after: stock, token }))
    }

    fn take(&mut self, from: NodeId, order: u64) -> (ShopReply, Option<Note>) {
        let before = self.books.get().stock;
        let Some(after) = before.checked_sub(1) else {
            return (ShopReply::SoldOut, None);
        };
        self.set_stock(after);
        (ShopReply::Taken, Some(Note::WriteTaken { from, order, before, after, token: None }))
    }

    /// Commits a new stock; returns the old one.
    fn set_stock(&self, stock: u64) -> u64 {
        let books = self.books.get();
        self.books.set(Books { stock, ..books });
        books.stock
    }

    /// Raises the mark to the token; false when the token is below it. No token is below all.
    fn raise_mark(&self, token: Option<u64>) -> bool {
        let books = self.books.get();
        let Some(mark) = token.filter(|token| *token >= books.mark) else {
            return false;
        };
        self.books.set(Books { mark, ..books });
        true
    }

    fn refuse(&self, from: NodeId, token: Option<u64>, write: bool) -> (ShopReply, Option<Note>) {
        let mark = self.books.get().mark;
        (ShopReply::Fenced { mark }, Some(Note::Fenced { from, write, token, mark }))
    }
}

impl Machine for Store {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        match input {
            Input::Started if self.first_start => {
                context.note(Note::StockInitial { stock: self.books.get().stock });
            }
            Input::Accepted { connection, peer } => self.peers.push((connection, peer)),
            Input::Message { connection, message: Message::Shop(request) } => {
                let Some(&(_, from)) = self.peers.iter().find(|(id, _)| *id == connection) else {
                    return;
                };
                let (reply, note) = self.serve(from, *request);
                if let Some(note) = note {
                    context.note(note);
                }
                context.send(connection, Message::ShopReply(reply));
            }
            Input::Closed { connection, .. } => self.peers.retain(|(id, _)| *id != connection),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: NodeId = NodeId(1);
    const BOB: NodeId = NodeId(2);

    fn open_store(stock: u64, fencing: Fencing) -> Store {
        Store::new(Books::opened_with(stock), fencing, 0)
    }

    fn write(order: u64, stock: u64, token: Option<u64>) -> ShopRequest {
        ShopRequest::Write { order, stock, token }
    }

    fn taken(store: &mut Store, from: NodeId, request: ShopRequest) -> bool {
        matches!(store.serve(from, request).0, ShopReply::Taken)
    }

    #[test]
    fn without_fencing_every_write_is_taken() {
        let mut store = open_store(1, Fencing::Off);
        assert!(taken(&mut store, BOB, write(1, 0, Some(2))));
        assert!(taken(&mut store, ALICE, write(2, 0, Some(1))));
    }

    #[test]
    fn fencing_refuses_an_older_token_and_takes_the_same_again() {
        for fencing in [Fencing::Writes, Fencing::ReadsAndWrites] {
            let mut store = open_store(5, fencing);
            assert!(taken(&mut store, BOB, write(1, 4, Some(2))));
            assert!(taken(&mut store, BOB, write(2, 3, Some(2))));
            let (reply, note) = store.serve(ALICE, write(3, 4, Some(1)));
            assert_eq!(reply, ShopReply::Fenced { mark: 2 });
            assert_eq!(
                note,
                Some(Note::Fenced { from: ALICE, write: true, token: Some(1), mark: 2 })
            );
            assert_eq!(store.books.get().stock, 3);
        }
    }

    #[test]
    fn a_write_without_a_token_is_behind_every_token() {
        let mut store = open_store(1, Fencing::Writes);
        assert_eq!(store.serve(ALICE, write(1, 0, None)).0, ShopReply::Fenced { mark: 0 });
    }

    #[test]
    fn only_reads_and_writes_lets_a_read_raise_the_mark() {
        let read = ShopRequest::Read { token: Some(2) };
        let mut store = open_store(1, Fencing::Writes);
        store.serve(BOB, read);
        assert!(taken(&mut store, ALICE, write(1, 0, Some(1))));

        let mut store = open_store(1, Fencing::ReadsAndWrites);
        store.serve(BOB, read);
        assert!(!taken(&mut store, ALICE, write(1, 0, Some(1))));
        assert_eq!(
            store.serve(ALICE, ShopRequest::Read { token: Some(1) }).0,
            ShopReply::Fenced { mark: 2 }
        );
    }

    #[test]
    fn the_conditional_update_never_goes_below_zero() {
        let mut store = open_store(1, Fencing::Off);
        assert!(taken(&mut store, ALICE, ShopRequest::Take { order: 1 }));
        assert_eq!(store.serve(BOB, ShopRequest::Take { order: 2 }), (ShopReply::SoldOut, None));
        assert_eq!(store.books.get().stock, 0);
    }

    /// Two believed holders, each reads, then writes one less than it read: six interleavings.
    /// The figures are those of the Design: what fencing on writes alone lets through.
    #[test]
    fn of_six_interleavings_fencing_lets_through_as_many_as_theory_says() {
        let oversold = |fencing, tokens: [u64; 2]| {
            const ORDERS: [[usize; 4]; 6] = [
                [0, 0, 1, 1],
                [0, 1, 0, 1],
                [0, 1, 1, 0],
                [1, 0, 0, 1],
                [1, 0, 1, 0],
                [1, 1, 0, 0],
            ];
            ORDERS.into_iter().filter(|order| oversells(fencing, tokens, *order)).count()
        };
        assert_eq!(oversold(Fencing::Off, [1, 2]), 4);
        assert_eq!(oversold(Fencing::Writes, [1, 2]), 2);
        assert_eq!(oversold(Fencing::Writes, [1, 1]), 4);
        assert_eq!(oversold(Fencing::ReadsAndWrites, [1, 2]), 0);
    }

    fn oversells(fencing: Fencing, tokens: [u64; 2], order: [usize; 4]) -> bool {
        let mut store = open_store(1, fencing);
        let mut seen: [Option<u64>; 2] = [None, None];
        let mut has_read = [false, false];
        let mut sold = 0;
        for who in order {
            let (from, token) = (NodeId(who as u16), Some(tokens[who]));
            if !has_read[who] {
                has_read[who] = true;
                if let ShopReply::Stock { stock } = store.serve(from, ShopRequest::Read { token }).0
                {
                    seen[who] = Some(stock);
                }
            } else if let Some(stock) = seen[who].filter(|stock| *stock > 0) {
                sold += u64::from(taken(&mut store, from, write(who as u64, stock - 1, token)));
            }
        }
        sold > 1
    }
}
