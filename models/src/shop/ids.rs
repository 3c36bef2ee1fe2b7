//! The ids of the orders that a store has taken.

use std::collections::BTreeSet;

/// A unique key on the orders, if there is one: an order that comes again is known by its id, which
/// is what an idempotency key is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderIds {
    /// `None` where ids are not looked at: each request makes an order of its own then.
    taken: Option<BTreeSet<u64>>,
}

impl OrderIds {
    /// No order taken yet; `checked` says whether there is a key at all.
    pub fn new(checked: bool) -> Self {
        Self { taken: checked.then(BTreeSet::new) }
    }

    /// Whether the store knows that it has taken that order.
    pub fn knows(&self, order: u64) -> bool {
        self.taken.as_ref().is_some_and(|taken| taken.contains(&order))
    }

    /// Remembers that the order has been taken.
    pub fn remember(&mut self, order: u64) {
        if let Some(taken) = &mut self.taken {
            taken.insert(order);
        }
    }
}
