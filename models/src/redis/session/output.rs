//! What goes out to the connections.

use crate::machine::ConnectionId;
use crate::redis::resp::Reply;

/// One thing that goes out.
#[derive(Debug)]
pub(in crate::redis) enum Outgoing {
    /// A reply, or a message to a subscriber.
    Reply {
        /// To whom.
        connection: ConnectionId,
        /// What.
        reply: Reply,
    },
    /// The server closes a connection.
    Close {
        /// Which one.
        connection: ConnectionId,
    },
}

/// What has come up since it was last sent, in its order.
#[derive(Debug, Default)]
pub(super) struct Output {
    items: Vec<Outgoing>,
}

impl Output {
    /// Tells a client something.
    pub(super) fn tell(&mut self, connection: ConnectionId, reply: Reply) {
        self.items.push(Outgoing::Reply { connection, reply });
    }

    /// True when a client has been told something that has not gone out.
    pub(super) fn has_any_for(&self, connection: ConnectionId) -> bool {
        let is_for = |item: &Outgoing| match item {
            Outgoing::Reply { connection: to, .. } => *to == connection,
            Outgoing::Close { .. } => false,
        };
        self.items.iter().any(is_for)
    }

    /// Closes a connection.
    pub(super) fn close(&mut self, connection: ConnectionId) {
        self.items.push(Outgoing::Close { connection });
    }

    /// Takes back what a client was told and has not been sent: its connection is freed at once.
    pub(super) fn forget(&mut self, connection: ConnectionId) {
        self.items.retain(|item| match item {
            Outgoing::Reply { connection: to, .. } => *to != connection,
            Outgoing::Close { .. } => true,
        });
    }

    /// Gives everything.
    pub(super) fn drain(&mut self) -> std::vec::Drain<'_, Outgoing> {
        self.items.drain(..)
    }
}
