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
    /// While `EXEC` runs: whose, and what that client was told.
    gathered: Option<(ConnectionId, Vec<Reply>)>,
}

impl Output {
    /// Tells a client something.
    pub(super) fn tell(&mut self, connection: ConnectionId, reply: Reply) {
        match &mut self.gathered {
            Some((gathering, told)) if *gathering == connection => told.push(reply),
            _ => self.items.push(Outgoing::Reply { connection, reply }),
        }
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

    /// From now on what this client is told is put aside.
    pub(super) fn gather(&mut self, connection: ConnectionId) {
        self.gathered = Some((connection, Vec::new()));
    }

    /// Gives what was put aside.
    pub(super) fn gathered(&mut self) -> Vec<Reply> {
        self.gathered.take().map(|(_, told)| told).unwrap_or_default()
    }

    /// Gives everything.
    pub(super) fn drain(&mut self) -> std::vec::Drain<'_, Outgoing> {
        self.items.drain(..)
    }
}
