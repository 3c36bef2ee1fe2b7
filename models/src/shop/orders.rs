//! A second store that has nothing but the orders: where the stock lives in one database and the
//! orders in another, no transaction spans the two.
//!
//! It has no mark and checks no fencing token. A token protects the store that compares it, and no
//! other; a shop that fences its stock has not fenced its orders by that.

use std::cell::RefCell;
use std::rc::Rc;

use super::ids::OrderIds;
use super::peers::Peers;
use super::protocol::{ShopReply, ShopRequest};
use crate::machine::{Context, Input, Machine, NodeId};
use crate::message::Message;
use crate::note::Note;

/// The server of the orders. It is durable, as the store is: its ids outlive it.
pub struct OrderStore {
    ids: Rc<RefCell<OrderIds>>,
    peers: Peers,
}

impl OrderStore {
    /// A server that keeps these ids.
    pub fn new(ids: Rc<RefCell<OrderIds>>) -> Self {
        Self { ids, peers: Peers::default() }
    }

    /// Serves one request: the answer, and what to write down about it. `None` for a request that
    /// only the store of the stock can serve.
    pub fn serve(&mut self, from: NodeId, request: ShopRequest) -> Option<(ShopReply, Note)> {
        let ShopRequest::Record { order } = request else {
            return None;
        };
        let mut ids = self.ids.borrow_mut();
        if ids.knows(order) {
            return Some((ShopReply::TakenBefore, Note::OrderRepeated { from, order }));
        }
        ids.remember(order);
        Some((ShopReply::Taken, Note::OrderRecorded { from, order }))
    }
}

impl Machine for OrderStore {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        let Some(asked) = self.peers.follow(input) else {
            return;
        };
        match self.serve(asked.from, asked.request) {
            Some((reply, note)) => {
                context.note(note);
                context.send(asked.connection, Message::ShopReply(reply));
            }
            // Nobody who knows the protocol asks that here.
            None => context.close(asked.connection),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: NodeId = NodeId(1);
    const ORDER: ShopRequest = ShopRequest::Record { order: 7 };

    fn order_store(ids_checked: bool) -> OrderStore {
        OrderStore::new(Rc::new(RefCell::new(OrderIds::new(ids_checked))))
    }

    #[test]
    fn without_ids_an_order_that_comes_again_is_another_order() {
        let mut orders = order_store(false);
        for _ in 0..2 {
            let recorded = (ShopReply::Taken, Note::OrderRecorded { from: ALICE, order: 7 });
            assert_eq!(orders.serve(ALICE, ORDER), Some(recorded));
        }
    }

    #[test]
    fn an_order_id_makes_it_the_same_order_after_a_restart_too() {
        let mut orders = order_store(true);
        orders.serve(ALICE, ORDER);
        let mut restarted = OrderStore::new(orders.ids.clone());
        let repeated = (ShopReply::TakenBefore, Note::OrderRepeated { from: ALICE, order: 7 });
        assert_eq!(restarted.serve(ALICE, ORDER), Some(repeated));
    }

    #[test]
    fn it_has_no_stock() {
        assert_eq!(order_store(true).serve(ALICE, ShopRequest::Read { token: None }), None);
    }
}
