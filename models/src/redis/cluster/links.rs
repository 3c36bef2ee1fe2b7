//! Connections of the bus. Each node opens one to each node that it knows, so that between two
//! nodes there are two: pings go out on a node's own, pongs come back on the same.

use std::sync::Arc;

use super::node::{Link, LinkState};
use super::out::Out;
use super::{Body, BusMessage, Cluster, Flags, NodeName, Turn};
use crate::machine::{ConnectionId, Context, NodeId};
use crate::message::Message;

/// A connection of the bus.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    /// This node has opened it, to that one.
    To(NodeName),
    /// A peer has opened it; who that is its first message says.
    From { peer: NodeId, node: Option<NodeName> },
}

impl Cluster {
    /// True for a connection of the bus.
    pub(crate) fn has_line(&self, connection: ConnectionId) -> bool {
        self.lines.contains_key(&connection)
    }

    /// A connection that a peer has opened turns out to be one of the bus: a [`BusMessage`] has come.
    pub(crate) fn accept(&mut self, connection: ConnectionId, peer: NodeId) {
        self.lines.insert(connection, Line::From { peer, node: None });
    }

    /// A connection that this node has asked for is open: what has waited goes out, and a ping.
    ///
    /// Source: `cluster.c`, `clusterLinkConnectHandler`.
    pub(crate) fn connected(&mut self, connection: ConnectionId, turn: Turn<'_>) {
        let Some(Line::To(name)) = self.lines.get(&connection).copied() else { return };
        let Some(node) = self.others.get_mut(&name) else { return };
        let Some(link) = &mut node.link else { return };
        if let LinkState::Opening(waiting) = std::mem::replace(&mut link.state, LinkState::Open) {
            for message in waiting {
                self.out.push(Out::Send { connection, message: Message::ClusterBus(message) });
            }
        }
        let (is_new, ping_sent_ms) = (node.flags.any_of(Flags::MEET), node.ping_sent_ms);
        self.send_ping(name, if is_new { Body::Meet } else { Body::Ping }, turn);
        if let Some(node) = self.others.get_mut(&name) {
            // A ping that went out on the last connection still waits for its pong.
            if ping_sent_ms != 0 {
                node.ping_sent_ms = ping_sent_ms;
            }
            node.flags.clear(Flags::MEET);
        }
    }

    /// A connection of the bus is gone. Source: `cluster.c`, `freeClusterLink`.
    pub(crate) fn closed(&mut self, connection: ConnectionId) {
        match self.lines.remove(&connection) {
            Some(Line::To(name)) => {
                if let Some(node) = self.others.get_mut(&name) {
                    node.link = None;
                }
            }
            Some(Line::From { node: Some(name), .. }) => {
                if let Some(node) = self.node_mut(name)
                    && node.inbound == Some(connection)
                {
                    node.inbound = None;
                }
            }
            Some(Line::From { node: None, .. }) | None => {}
        }
    }

    /// Opens the connection to a node. Source: `cluster.c`, `clusterNodeCronHandleReconnect`.
    pub(super) fn open_link(&mut self, name: NodeName, turn: Turn<'_>) {
        let Some(node) = self.others.get_mut(&name) else { return };
        let state = LinkState::Opening(Vec::new());
        node.link = Some(Link { connection: None, created_ms: turn.now_ms, state });
        self.out.push(Out::Connect { to: name });
    }

    /// Asks for the connection, and learns its number.
    pub(super) fn connect(&mut self, name: NodeName, context: &mut Context<'_>) {
        let Some(node) = self.others.get_mut(&name) else { return };
        if let (Some(peer), Some(link)) = (node.address, &mut node.link)
            && link.connection.is_none()
        {
            let connection = context.connect(peer);
            link.connection = Some(connection);
            self.lines.insert(connection, Line::To(name));
        }
    }

    /// Closes the connection to a node, if there is one.
    pub(super) fn drop_link(&mut self, name: NodeName) {
        let link = self.others.get_mut(&name).and_then(|node| node.link.take());
        if let Some(connection) = link.and_then(|link| link.connection) {
            self.lines.remove(&connection);
            self.out.push(Out::Close { connection });
        }
    }

    /// An inbound connection is a node's. An older one of the same node has outlived its purpose.
    ///
    /// Source: `cluster.c`, `setClusterNodeToInboundClusterLink`.
    pub(super) fn bind_inbound(&mut self, name: NodeName, connection: ConnectionId) {
        let Some(Line::From { node: bound, .. }) = self.lines.get_mut(&connection) else { return };
        *bound = Some(name);
        let Some(node) = self.node_mut(name) else { return };
        if let Some(older) = node.inbound.replace(connection) {
            self.lines.remove(&older);
            self.out.push(Out::Close { connection: older });
        }
    }

    /// Says something to a node, on the connection that this node has opened to it. Without one it
    /// is not said; while that is being opened, it waits.
    ///
    /// Source: `cluster.c`, `clusterSendMessage`.
    pub(super) fn send(&mut self, name: NodeName, message: Arc<BusMessage>) {
        let Some(link) = self.others.get_mut(&name).and_then(|node| node.link.as_mut()) else {
            return;
        };
        self.statistics.sent[message.body.kind()] += 1;
        match &mut link.state {
            LinkState::Opening(waiting) => waiting.push(message),
            LinkState::Open => {
                self.out.extend(link.connection.map(|connection| Out::Send {
                    connection,
                    message: Message::ClusterBus(message),
                }))
            }
        }
    }

    /// Says something on the connection that it answers.
    pub(super) fn answer(&mut self, connection: ConnectionId, message: BusMessage) {
        self.statistics.sent[message.body.kind()] += 1;
        let message = Message::ClusterBus(Arc::new(message));
        self.out.push(Out::Send { connection, message });
    }

    /// Says something to all nodes that are known by name. Source: `cluster.c`,
    /// `clusterBroadcastMessage`.
    pub(super) fn broadcast(&mut self, message: BusMessage) {
        let message = Arc::new(message);
        let all = self.others.values().filter(|node| !node.is_in_handshake());
        for name in all.map(|node| node.name).collect::<Vec<_>>() {
            self.send(name, Arc::clone(&message));
        }
    }

    /// A message of this node. Source: `cluster.c`, `clusterBuildMessageHdr`.
    pub(super) fn compose(&self, body: Body, turn: Turn<'_>) -> BusMessage {
        let claim = self.myself.master.and_then(|master| self.node(master));
        let claim = claim.filter(|_| self.myself.is_replica()).unwrap_or(&self.myself);
        BusMessage {
            sender: self.myself.name,
            current_epoch: self.current_epoch,
            config_epoch: claim.config_epoch,
            offset: turn.facts.offset,
            slots: claim.slots.clone(),
            master: self.myself.master,
            flags: self.myself.flags,
            is_ok: self.is_ok,
            is_paused: self.myself.is_master() && self.manual.is_under_way(),
            force_ack: false,
            body,
        }
    }
}
