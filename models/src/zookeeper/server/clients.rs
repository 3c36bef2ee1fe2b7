//! The clients that are connected to a server.
//!
//! Source: `NIOServerCnxnFactory.java`, `ServerCnxnFactory.java`.

use std::collections::BTreeMap;

use crate::machine::{ConnectionId, Context};
use crate::time::Mono;
use crate::zookeeper::protocol::SessionId;
use crate::zookeeper::sessions::ExpiryQueue;
use crate::zookeeper::tree::Watches;

/// One of them.
#[derive(Debug)]
pub(in crate::zookeeper) struct Client {
    pub(in crate::zookeeper) session: SessionId,
    pub(in crate::zookeeper) timeout_ms: u32,
    /// Its session has begun, or goes on: requests are taken.
    pub(in crate::zookeeper) is_open: bool,
}

/// All of them, and what they watch.
#[derive(Debug)]
pub(in crate::zookeeper) struct Clients {
    connections: BTreeMap<ConnectionId, Client>,
    pub(in crate::zookeeper) watches: Watches,
    /// Connections that say nothing for longer than their session lasts are closed.
    idle: ExpiryQueue<ConnectionId>,
}

impl Clients {
    /// How exactly silence is measured, in milliseconds. Source: `zookeeper.nio.sessionlessCnxnTimeout`.
    const IDLE_INTERVAL_MS: u64 = 10_000;

    pub(in crate::zookeeper) fn new(now: Mono) -> Self {
        Self {
            connections: BTreeMap::new(),
            watches: Watches::default(),
            idle: ExpiryQueue::new(Self::IDLE_INTERVAL_MS, now.as_millis()),
        }
    }

    pub(in crate::zookeeper) fn has(&self, connection: ConnectionId) -> bool {
        self.connections.contains_key(&connection)
    }

    pub(in crate::zookeeper) fn get_mut(
        &mut self,
        connection: ConnectionId,
    ) -> Option<&mut Client> {
        self.connections.get_mut(&connection)
    }

    pub(in crate::zookeeper) fn add(
        &mut self,
        connection: ConnectionId,
        session: SessionId,
        timeout_ms: u32,
        now: Mono,
    ) {
        self.connections.insert(connection, Client { session, timeout_ms, is_open: false });
        self.heard(connection, now);
    }

    /// A client has said something.
    pub(in crate::zookeeper) fn heard(&mut self, connection: ConnectionId, now: Mono) {
        if let Some(client) = self.connections.get(&connection) {
            self.idle.update(connection, u64::from(client.timeout_ms), now.as_millis());
        }
    }

    /// When the next connections are looked at.
    pub(in crate::zookeeper) fn next_idle(&self) -> Mono {
        Mono::from_nanos(self.idle.next_ms().saturating_mul(1_000_000))
    }

    /// Closes the connections that have said nothing.
    pub(in crate::zookeeper) fn close_idle(&mut self, context: &mut Context<'_>) {
        for connection in self.idle.poll(context.clock.mono.as_millis()) {
            self.close(connection, context);
        }
    }

    pub(in crate::zookeeper) fn close(
        &mut self,
        connection: ConnectionId,
        context: &mut Context<'_>,
    ) {
        if self.connections.contains_key(&connection) {
            self.closed(connection);
            context.close(connection);
        }
    }

    /// The connection is gone: its watches are too.
    pub(in crate::zookeeper) fn closed(&mut self, connection: ConnectionId) {
        self.connections.remove(&connection);
        self.idle.remove(connection);
        self.watches.forget(connection);
    }

    /// Closes the connections of a session, of which there is one at most.
    pub(in crate::zookeeper) fn close_session(
        &mut self,
        session: SessionId,
        context: &mut Context<'_>,
    ) {
        let of_session: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(_, client)| client.session == session)
            .map(|(connection, _)| *connection)
            .collect();
        of_session.into_iter().for_each(|connection| self.close(connection, context));
    }

    pub(in crate::zookeeper) fn close_all(&mut self, context: &mut Context<'_>) {
        let all: Vec<ConnectionId> = self.connections.keys().copied().collect();
        all.into_iter().for_each(|connection| self.close(connection, context));
    }
}
