//! Which server to try next: all in turn, in an order that every client shuffles for itself.
//!
//! Source: `StaticHostProvider.java`, `next`, `onConnected`.

use std::time::Duration;

use crate::machine::NodeId;
use crate::process::Host;

/// The servers, and where in the list the client is.
pub(super) struct Servers {
    nodes: Vec<NodeId>,
    /// The one that was tried last.
    current: Option<usize>,
    /// The one that was connected to last: when it is that one's turn again, all have been tried.
    last: Option<usize>,
}

impl Servers {
    /// How long to wait when all have been tried. Source: `ClientCnxn.java`, `hostProvider.next(1000)`.
    const SPIN_DELAY: Duration = Duration::from_secs(1);

    pub(super) fn new(host: &Host, mut nodes: Vec<NodeId>) -> Self {
        host.random(|random| random.shuffle(&mut nodes));
        Self { nodes, current: None, last: None }
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap_or(u32::MAX).max(1)
    }

    /// The next, and how long to wait before. `None` when there is no server at all.
    pub(super) fn next(&mut self) -> Option<(NodeId, Duration)> {
        let next = self.current.map_or(0, |current| (current + 1) % self.nodes.len().max(1));
        self.current = Some(next);
        let wait = if self.last == Some(next) { Self::SPIN_DELAY } else { Duration::ZERO };
        self.last.get_or_insert(0);
        Some((*self.nodes.get(next)?, wait))
    }

    /// It has taken the client.
    pub(super) const fn connected(&mut self) {
        self.last = self.current;
    }
}
