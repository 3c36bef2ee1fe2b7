//! The store: one row with the stock, the orders, and the mark that fencing keeps.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use super::ids::OrderIds;
use super::peers::Peers;
use super::protocol::{Fencing, Orders, ShopReply, ShopRequest};
use crate::machine::{Context, Input, Machine, NodeId};
use crate::message::Message;
use crate::note::Note;

/// How the store keeps its books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreSettings {
    /// What it does with fencing tokens.
    pub fencing: Fencing,
    /// Whether it keeps the orders too, or only the stock.
    pub orders: Orders,
}

/// The store's server. It is durable: what it has taken survives any restart, as a database's
/// committed transactions do, because its [`Books`] outlive it.
pub struct Store {
    books: Rc<RefCell<Books>>,
    settings: StoreSettings,
    first_start: bool,
    peers: Peers,
}

/// What the store has committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Books {
    /// How much is left.
    pub stock: u64,
    /// The highest fencing token seen.
    pub mark: u64,
    /// The orders it knows again.
    pub ids: OrderIds,
}

impl Books {
    /// The books of a shop that has sold nothing yet.
    pub fn opened_with(stock: u64, ids: OrderIds) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self { stock, mark: 0, ids }))
    }
}

/// A write, with everything that decides whether it is taken.
struct Write {
    from: NodeId,
    order: u64,
    token: Option<u64>,
}

impl Store {
    /// A store that keeps these books; `incarnation` counts its restarts.
    pub fn new(books: Rc<RefCell<Books>>, settings: StoreSettings, incarnation: u32) -> Self {
        Self { books, settings, first_start: incarnation == 0, peers: Peers::default() }
    }

    /// Serves one request: the answer, and what to write down about it. `None` for a request that
    /// only the store of the orders can serve.
    pub fn serve(
        &mut self,
        from: NodeId,
        request: ShopRequest,
    ) -> Option<(ShopReply, Option<Note>)> {
        Some(match request {
            ShopRequest::Read { token } => self.read(from, token),
            ShopRequest::Write { order, stock, token } => {
                self.write(Write { from, order, token }, stock)
            }
            ShopRequest::Take { order } => self.take(Write { from, order, token: None }),
            ShopRequest::Record { .. } => return None,
        })
    }

    fn read(&self, to: NodeId, token: Option<u64>) -> (ShopReply, Option<Note>) {
        if self.settings.fencing == Fencing::ReadsAndWrites && !self.raise_mark(token) {
            return self.refuse(to, token, false);
        }
        let stock = self.books().stock;
        (ShopReply::Stock { stock }, Some(Note::StockServed { to, stock, token }))
    }

    fn write(&self, write: Write, stock: u64) -> (ShopReply, Option<Note>) {
        // Before the token: what has been taken has been taken, and the writer is to hear so even
        // when its token is behind by now.
        if self.books().ids.knows(write.order) {
            return taken_before(&write);
        }
        if self.settings.fencing != Fencing::Off && !self.raise_mark(write.token) {
            return self.refuse(write.from, write.token, true);
        }
        self.commit(write, stock)
    }

    fn take(&self, write: Write) -> (ShopReply, Option<Note>) {
        if self.books().ids.knows(write.order) {
            return taken_before(&write);
        }
        let left = self.books().stock;
        match left.checked_sub(1) {
            Some(stock) => self.commit(write, stock),
            None => (ShopReply::SoldOut, None),
        }
    }

    /// One transaction: the new stock and, if it is kept here, the order.
    fn commit(&self, write: Write, after: u64) -> (ShopReply, Option<Note>) {
        let Write { from, order, token } = write;
        let mut books = self.books();
        books.ids.remember(order);
        let before = std::mem::replace(&mut books.stock, after);
        let note = match self.settings.orders {
            Orders::WithStock => Note::WriteTaken { from, order, before, after, token },
            Orders::AfterStock | Orders::BeforeStock => {
                Note::StockWritten { from, order, before, after, token }
            }
        };
        (ShopReply::Taken, Some(note))
    }

    /// Raises the mark to the token; false when the token is below it. No token is below all.
    fn raise_mark(&self, token: Option<u64>) -> bool {
        let mut books = self.books();
        let Some(mark) = token.filter(|token| *token >= books.mark) else {
            return false;
        };
        books.mark = mark;
        true
    }

    fn refuse(&self, from: NodeId, token: Option<u64>, write: bool) -> (ShopReply, Option<Note>) {
        let mark = self.books().mark;
        (ShopReply::Fenced { mark }, Some(Note::Fenced { from, write, token, mark }))
    }

    fn books(&self) -> RefMut<'_, Books> {
        self.books.borrow_mut()
    }
}

const fn taken_before(write: &Write) -> (ShopReply, Option<Note>) {
    let Write { from, order, .. } = *write;
    (ShopReply::TakenBefore, Some(Note::OrderRepeated { from, order }))
}

impl Machine for Store {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        if matches!(input, Input::Started) && self.first_start {
            context.note(Note::StockInitial { stock: self.books().stock });
        }
        let Some(asked) = self.peers.follow(input) else {
            return;
        };
        match self.serve(asked.from, asked.request) {
            Some((reply, note)) => {
                if let Some(note) = note {
                    context.note(note);
                }
                context.send(asked.connection, Message::ShopReply(reply));
            }
            // Nobody who knows the protocol asks that here.
            None => context.close(asked.connection),
        }
    }
}

#[cfg(test)]
mod tests;
