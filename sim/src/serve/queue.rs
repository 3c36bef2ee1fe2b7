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

    /// A client is gone. Its place in the order goes with the next turn.
    pub fn remove(&mut self, id: ClientId) {
        self.waiting.remove(&id);
    }

    /// Whether anybody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Those that wait, in no order.
    pub fn iter(&self) -> impl Iterator<Item = ClientId> {
        self.waiting.iter().copied()
    }

    /// Takes all of them, in their order.
    pub fn take(&mut self) -> VecDeque<ClientId> {
        let mut order = std::mem::take(&mut self.order);
        order.retain(|id| self.waiting.remove(id));
        order
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
        assert!(queue.iter().eq([3, 5, 7].map(ClientId)));
        assert_eq!(queue.take(), [7, 3, 5].map(ClientId));
        assert_eq!(queue.iter().count(), 0);
        queue.push(ClientId(3));
        assert_eq!(queue.take(), [ClientId(3)]);
    }

    #[test]
    fn whoever_is_gone_is_not_heard() {
        let mut queue = Queue::default();
        for id in [7, 3, 5] {
            queue.push(ClientId(id));
        }
        queue.remove(ClientId(3));
        assert!(queue.iter().eq([5, 7].map(ClientId)));
        assert_eq!(queue.take(), [7, 5].map(ClientId));
        queue.push(ClientId(9));
        queue.remove(ClientId(9));
        assert!(queue.take().is_empty() && queue.iter().next().is_none());
    }
}
