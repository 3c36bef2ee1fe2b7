//! Clients in the order in which something came from them: whoever spoke first is heard first, as a server hears that
//! reads its sockets in the order in which they became ready.

use std::collections::{BTreeSet, VecDeque};

use super::gateway::ClientId;

/// Clients that wait their turn, each once.
#[derive(Debug, Default)]
pub struct Queue {
    order: VecDeque<ClientId>,
    waiting: BTreeSet<ClientId>,
}

impl Queue {
    /// Puts a client at the end, unless it waits already.
    pub fn push(&mut self, id: ClientId) {
        if self.waiting.insert(id) {
            self.order.push_back(id);
        }
    }

    /// Whether anybody waits.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Those that wait, in their order.
    pub fn iter(&self) -> impl Iterator<Item = ClientId> {
        self.order.iter().copied()
    }

    /// Takes all of them, in their order.
    pub fn take(&mut self) -> VecDeque<ClientId> {
        self.waiting.clear();
        std::mem::take(&mut self.order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_keeps_his_place() {
        let mut queue = Queue::default();
        for id in [7, 3, 7, 5, 3] {
            queue.push(ClientId(id));
        }
        assert!(queue.iter().eq([7, 3, 5].map(ClientId)));
        assert_eq!(queue.take(), [7, 3, 5].map(ClientId));
        assert!(queue.is_empty());
        queue.push(ClientId(3));
        assert_eq!(queue.take(), [ClientId(3)]);
    }
}
