//! A replica's way to its master.

use crate::machine::{ConnectionId, NodeId};
use crate::redis::keyspace::Database;

/// How far the connection is. Source: `server.h`, `REPL_STATE_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// There is none; the next cron opens one. `REPL_STATE_CONNECT`.
    None,
    /// It is asked for and has no number yet.
    Asked,
    /// It is being opened. `REPL_STATE_CONNECTING`.
    Connecting(ConnectionId),
    /// Something was said, and the answer is awaited: `REPL_STATE_RECEIVE_*_REPLY`.
    Handshake(ConnectionId, Awaited),
    /// A copy is awaited: `REPL_STATE_TRANSFER`.
    Transfer(ConnectionId),
    /// The stream comes in: `REPL_STATE_CONNECTED`.
    Connected(ConnectionId),
}

/// Which answer is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// To `PING`.
    Ping,
    /// To `REPLCONF listening-port`.
    Port,
    /// To `REPLCONF capa`.
    Capabilities,
    /// To `PSYNC`.
    Psync,
}

/// Whom a server follows.
#[derive(Debug)]
pub(crate) struct Master {
    pub(crate) node: NodeId,
    pub(crate) link: Link,
    /// What this server has is a part of a history that a master may go on with: `server.cached_master`,
    /// or the master that it is connected with.
    pub(crate) can_continue: bool,
    /// When something last came from it, or the connection was begun: Unix seconds,
    /// `repl_transfer_lastio` and `master->lastinteraction`.
    pub(crate) heard_s: i64,
    /// Since when the link has been down: Unix seconds, `repl_down_since`; 0 for never up.
    pub(crate) down_since_s: i64,
    /// The database that the stream is in.
    pub(crate) database: Database,
    /// The history and the offset that a full resynchronisation was announced with:
    /// `server.master_replid`, `server.master_initial_offset`.
    pub(crate) announced: Option<(String, i64)>,
}

impl Master {
    /// A master that is not connected with.
    pub(crate) fn new(node: NodeId, can_continue: bool) -> Self {
        Self {
            node,
            link: Link::None,
            can_continue,
            heard_s: 0,
            down_since_s: 0,
            database: Database::default(),
            announced: None,
        }
    }

    /// The connection, if it has a number.
    pub(crate) const fn connection(&self) -> Option<ConnectionId> {
        match self.link {
            Link::None | Link::Asked => None,
            Link::Connecting(connection)
            | Link::Handshake(connection, _)
            | Link::Transfer(connection)
            | Link::Connected(connection) => Some(connection),
        }
    }

    /// True while the stream comes in.
    pub(crate) const fn is_connected(&self) -> bool {
        matches!(self.link, Link::Connected(_))
    }

    /// The connection is to be opened.
    pub(super) const fn begin(&mut self, now_s: i64) {
        self.link = Link::Asked;
        self.heard_s = now_s;
    }

    /// The connection has a number now.
    pub(crate) const fn is_connecting(&mut self, connection: ConnectionId) {
        self.link = Link::Connecting(connection);
    }

    /// How `ROLE` calls the state. Source: `roleCommand`.
    pub(crate) const fn state(&self) -> &'static str {
        match self.link {
            Link::None => "connect",
            Link::Asked | Link::Connecting(_) => "connecting",
            Link::Handshake(..) => "handshake",
            Link::Transfer(_) => "sync",
            Link::Connected(_) => "connected",
        }
    }
}
