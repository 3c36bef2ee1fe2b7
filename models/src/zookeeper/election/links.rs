//! The connections over which servers hold elections: one for each two of them, which the one with the greater
//! number opens.
//!
//! Source: `QuorumCnxManager.java`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Notification;
use crate::machine::{ConnectionId, Context, NodeId};
use crate::message::Message;
use crate::time::Mono;
use crate::zookeeper::protocol::{Packet, ServerId};

/// Another server.
#[derive(Debug)]
struct Peer {
    node: NodeId,
    /// The connection that is in use.
    connection: Option<ConnectionId>,
    /// One that is being opened, and since when.
    opening: Option<(ConnectionId, Mono)>,
    /// What waits for a connection: the latest only (`SEND_CAPACITY`).
    waiting: Option<Notification>,
    /// What was last sent: who connects anew is sent it again.
    last_sent: Option<Notification>,
}

/// All of them.
#[derive(Debug)]
pub(in crate::zookeeper) struct Links {
    me: ServerId,
    peers: BTreeMap<ServerId, Peer>,
    /// Whose each connection is.
    owners: BTreeMap<ConnectionId, ServerId>,
}

impl Links {
    /// For how long a connection may take to open. Source: `cnxTO`.
    const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

    pub(in crate::zookeeper) fn new(me: ServerId, servers: &BTreeMap<ServerId, NodeId>) -> Self {
        let others = servers.iter().filter(|(id, _)| **id != me);
        let peer =
            |node| Peer { node, connection: None, opening: None, waiting: None, last_sent: None };
        let peers = others.map(|(id, node)| (*id, peer(*node))).collect();
        Self { me, peers, owners: BTreeMap::new() }
    }

    /// Whether a connection is one of these.
    pub(in crate::zookeeper) fn has(&self, connection: ConnectionId) -> bool {
        self.owners.contains_key(&connection)
    }

    /// Tells a server something, in place of what still waits for it. Source: `toSend`.
    pub(in crate::zookeeper) fn send(
        &mut self,
        to: ServerId,
        notification: Notification,
        context: &mut Context<'_>,
    ) {
        let Some(peer) = self.peers.get_mut(&to) else { return };
        peer.waiting = Some(notification);
        self.connect(to, context);
        self.flush(to, context);
    }

    /// Whether anybody has been sent all that was to be told. Source: `haveDelivered`.
    pub(in crate::zookeeper) fn have_delivered(&self) -> bool {
        self.peers.values().any(|peer| peer.waiting.is_none() && peer.last_sent.is_some())
    }

    /// Tries again to reach those who have not been reached. Source: `connectAll`.
    pub(in crate::zookeeper) fn connect_all(&mut self, context: &mut Context<'_>) {
        let unreached: Vec<ServerId> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.waiting.is_some() || peer.last_sent.is_some())
            .map(|(id, _)| *id)
            .collect();
        for id in unreached {
            self.connect(id, context);
        }
    }

    /// Source: `connectOne`.
    fn connect(&mut self, to: ServerId, context: &mut Context<'_>) {
        let now = context.clock.mono;
        let Some(peer) = self.peers.get_mut(&to) else { return };
        if peer.connection.is_some() {
            return;
        }
        if let Some((connection, since)) = peer.opening {
            if now.saturating_since(since) < Self::CONNECT_TIMEOUT {
                return;
            }
            self.owners.remove(&connection);
            context.close(connection);
        }
        let connection = context.connect(peer.node);
        peer.opening = Some((connection, now));
        self.owners.insert(connection, to);
    }

    /// A connection of this server's is open. It says who it is, and leaves it to the greater one to call
    /// back. Source: `startConnection`.
    pub(in crate::zookeeper) fn connected(
        &mut self,
        connection: ConnectionId,
        context: &mut Context<'_>,
    ) {
        let Some(id) = self.owners.get(&connection).copied() else { return };
        send(connection, Packet::ElectionHello(self.me), context);
        if let Some(peer) = self.peers.get_mut(&id)
            && peer.opening.is_some_and(|(opening, _)| opening == connection)
        {
            peer.opening = None;
        }
        if id > self.me {
            self.owners.remove(&connection);
            context.close(connection);
        } else {
            self.establish(id, connection, context);
        }
    }

    /// Somebody has opened a connection and said who it is. Source: `handleConnection`.
    pub(in crate::zookeeper) fn hello(
        &mut self,
        from: ServerId,
        connection: ConnectionId,
        context: &mut Context<'_>,
    ) {
        if from > self.me && self.peers.contains_key(&from) {
            self.owners.insert(connection, from);
            self.establish(from, connection, context);
            return;
        }
        context.close(connection);
        if let Some(peer) = self.peers.get_mut(&from) {
            if let Some(old) = peer.connection.take() {
                self.owners.remove(&old);
                context.close(old);
            }
            self.connect(from, context);
        }
    }

    fn establish(&mut self, id: ServerId, connection: ConnectionId, context: &mut Context<'_>) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if let Some(old) = peer.connection.replace(connection) {
            self.owners.remove(&old);
            context.close(old);
        }
        // Source: `SendWorker.run`.
        if peer.waiting.is_none()
            && let Some(last) = peer.last_sent
        {
            send(connection, Packet::Notification(last), context);
        }
        self.flush(id, context);
    }

    fn flush(&mut self, id: ServerId, context: &mut Context<'_>) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if let Some(connection) = peer.connection
            && let Some(notification) = peer.waiting.take()
        {
            peer.last_sent = Some(notification);
            send(connection, Packet::Notification(notification), context);
        }
    }

    /// A connection is gone.
    pub(in crate::zookeeper) fn closed(&mut self, connection: ConnectionId) {
        let Some(id) = self.owners.remove(&connection) else { return };
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.connection == Some(connection) {
            peer.connection = None;
        }
        if peer.opening.is_some_and(|(opening, _)| opening == connection) {
            peer.opening = None;
        }
    }
}

fn send(connection: ConnectionId, packet: Packet, context: &mut Context<'_>) {
    context.send(connection, Message::ZooKeeper(Arc::new(packet)));
}
