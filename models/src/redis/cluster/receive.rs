//! What a node makes of a message: who says it is checked first, then what it says of itself, its
//! slots and others.
//!
//! Source: `cluster.c`, `clusterProcessPacket`.

use super::links::Line;
use super::node::Node;
use super::{Body, BusMessage, Cluster, Flags, NodeName, Order, SlotSet, Turn};
use crate::machine::{ConnectionId, NodeId};

impl Cluster {
    /// Takes a message that has come on a connection of the bus.
    pub(crate) fn receive(
        &mut self,
        connection: ConnectionId,
        message: &BusMessage,
        turn: Turn<'_>,
    ) {
        let Some(line) = self.lines.get(&connection).copied() else { return };
        self.statistics.received[message.body.kind()] += 1;
        let sender = self.sender(line, connection, message);
        if let Some(sender) = sender {
            self.hear_from(sender, message, turn);
        }
        match &message.body {
            Body::Ping(_) | Body::Pong(_) | Body::Meet(_) => {
                self.receive_ping(line, connection, sender, message, turn);
            }
            body => {
                if let Some(sender) = sender {
                    self.receive_from(sender, connection, message, body, turn);
                }
            }
        }
    }

    /// Whose message it is: the node that the connection belongs to, once that is known, whatever
    /// the message says. Source: `cluster.c`, `getNodeFromLinkAndMsg`.
    fn sender(
        &mut self,
        line: Line,
        connection: ConnectionId,
        message: &BusMessage,
    ) -> Option<NodeName> {
        match line {
            Line::To(name) | Line::From { node: Some(name), .. }
                if self.node(name).is_some_and(|node| !node.is_in_handshake()) =>
            {
                Some(name)
            }
            Line::From { node: None, .. } => {
                let sender = self.node(message.sender)?.name;
                self.bind_inbound(sender, connection);
                Some(sender)
            }
            _ => Some(self.node(message.sender)?.name),
        }
    }

    /// What every message of a node says: epochs, how far its data reach, and that it is there.
    fn hear_from(&mut self, sender: NodeName, message: &BusMessage, turn: Turn<'_>) {
        let now_ms = turn.now_ms;
        let Some(node) = self.node_mut(sender) else { return };
        node.data_received_ms = now_ms;
        if node.is_in_handshake() {
            return;
        }
        node.offset = message.offset;
        let is_newer = message.config_epoch > node.config_epoch;
        if is_newer {
            node.config_epoch = message.config_epoch;
            self.todo.save_and_sync();
        }
        self.current_epoch = self.current_epoch.max(message.current_epoch);
        self.hear_of_pause(sender, message);
    }

    /// All but ping, pong and meet; from unknown nodes nothing of it counts.
    fn receive_from(
        &mut self,
        sender: NodeName,
        connection: ConnectionId,
        message: &BusMessage,
        body: &Body,
        turn: Turn<'_>,
    ) {
        match body {
            Body::Fail { about } => {
                let is_news = self.others.get(about).is_some_and(|node| !node.has_failed());
                if is_news {
                    self.set_failed(*about, turn);
                }
            }
            Body::Publish { channel, message, sharded } => self.orders.push(Order::Publish {
                channel: channel.clone(),
                message: message.clone(),
                sharded: *sharded,
            }),
            Body::FailoverAuthRequest => self.vote(sender, message, turn),
            Body::FailoverAuthAck => self.count_vote(sender, message),
            Body::ManualFailoverStart => self.pause_for(sender, connection, turn),
            Body::Update { about, config_epoch, slots } => {
                self.update(*about, *config_epoch, slots, turn);
            }
            Body::Ping(_) | Body::Pong(_) | Body::Meet(_) => {}
        }
    }

    /// Somebody else than the owner tells who serves slots, since this node has claimed them.
    fn update(&mut self, about: NodeName, epoch: u64, slots: &SlotSet, turn: Turn<'_>) {
        let Some(node) = self.node_mut(about).filter(|node| node.config_epoch < epoch) else {
            return;
        };
        node.config_epoch = epoch;
        self.set_master(about);
        self.todo.save_and_sync();
        self.hear_claim(about, epoch, slots, turn);
    }

    fn receive_ping(
        &mut self,
        line: Line,
        connection: ConnectionId,
        sender: Option<NodeName>,
        message: &BusMessage,
        turn: Turn<'_>,
    ) {
        if !matches!(message.body, Body::Pong(_)) {
            self.meet(line, sender, message, turn);
            self.answer_ping(connection, Body::Pong, turn);
        }
        if let Line::To(name) = line
            && !self.check_name(name, sender, message)
        {
            return;
        }
        if let Some(node) = sender.and_then(|name| self.node_mut(name)) {
            node.flags.clear(Flags::NOFAILOVER);
            if message.flags.any_of(Flags::NOFAILOVER) {
                node.flags.set(Flags::NOFAILOVER);
            }
        }
        self.follow_address(line, sender, message);
        if let (Line::To(name), Body::Pong(_)) = (line, &message.body) {
            // A handshake is over with its first pong, and the node has its real name.
            self.receive_pong(self.line_end(connection).unwrap_or(name), turn);
        }
        let Some(sender) = sender else { return };
        self.hear_role(sender, message.master);
        self.hear_slots(sender, message, turn);
        self.hear_gossip(Some(sender), message, turn);
    }

    /// A node that is not known asks to be taken in: a handshake begins, and its gossip counts.
    fn meet(&mut self, line: Line, sender: Option<NodeName>, message: &BusMessage, turn: Turn<'_>) {
        if let (Body::Meet(_), None, Line::From { peer, .. }) = (&message.body, sender, line) {
            let name = NodeName::drawn(&mut self.random);
            self.add_node(Node::new(name, Some(peer), Flags::HANDSHAKE, turn.now_ms));
            self.todo.save = true;
            self.hear_gossip(None, message, turn);
        }
    }

    /// Whether the node that has been called is the one that answers. The first answer tells the name
    /// of a node that was to be met; if it is known already, the handshake was for nothing. A known
    /// node with another name has another address now.
    fn check_name(
        &mut self,
        name: NodeName,
        sender: Option<NodeName>,
        message: &BusMessage,
    ) -> bool {
        let Some(node) = self.others.get_mut(&name) else { return false };
        if node.is_in_handshake() {
            let address = node.address;
            if let Some(known) = sender {
                self.update_address(known, address);
                self.remove_node(name);
                return false;
            }
            self.rename(name, message.sender);
            if let Some(node) = self.others.get_mut(&message.sender) {
                node.flags.clear(Flags::HANDSHAKE);
                node.flags.set(message.flags.role());
            }
            self.todo.save = true;
        } else if name != message.sender {
            node.flags.set(Flags::NOADDR);
            node.address = None;
            self.drop_link(name);
            self.todo.save = true;
            return false;
        }
        true
    }

    /// A node's ping comes from another address than the known one.
    fn follow_address(&mut self, line: Line, sender: Option<NodeName>, message: &BusMessage) {
        if let (Some(sender), Line::From { peer, .. }, Body::Ping(_)) =
            (sender, line, &message.body)
            && self.node(sender).is_some_and(|node| !node.is_in_handshake())
        {
            self.update_address(sender, Some(peer));
        }
    }

    /// A node is somewhere else: connects there anew, and so does its replica. Source: `cluster.c`,
    /// `nodeUpdateAddressIfNeeded`.
    fn update_address(&mut self, name: NodeName, address: Option<NodeId>) {
        let Some(node) = self.others.get_mut(&name) else { return };
        if node.address == address {
            return;
        }
        node.address = address;
        node.flags.clear(Flags::NOADDR);
        self.drop_link(name);
        if self.myself.is_replica() && self.myself.master == Some(name) {
            self.orders.extend(address.map(Order::Follow));
        }
        self.todo.save_and_update_state();
    }

    /// A node has answered.
    fn receive_pong(&mut self, name: NodeName, turn: Turn<'_>) {
        let Some(node) = self.others.get_mut(&name) else { return };
        node.pong_received_ms = turn.now_ms;
        node.ping_sent_ms = 0;
        if node.flags.any_of(Flags::PFAIL) {
            node.flags.clear(Flags::PFAIL);
            self.todo.save_and_update_state();
        } else if node.has_failed() {
            self.clear_failure_if_due(name, turn);
        }
    }

    /// A node says whose replica it is, or that it is a master.
    fn hear_role(&mut self, sender: NodeName, master: Option<NodeName>) {
        let Some(master) = master else { return self.set_master(sender) };
        let Some(node) = self.node_mut(sender) else { return };
        if node.is_master() {
            node.flags.clear(Flags::MASTER.with(Flags::MIGRATE_TO));
            node.flags.set(Flags::REPLICA);
            let lost = std::mem::take(&mut node.slots);
            self.drop_shard_channels(sender, &lost);
            self.todo.save_and_update_state();
        }
        if self.node(master).is_some()
            && self.node(sender).is_some_and(|node| node.master != Some(master))
        {
            self.set_replica_of(sender, Some(master));
            self.todo.save = true;
        }
    }

    /// The end of a connection that this node has opened.
    fn line_end(&self, connection: ConnectionId) -> Option<NodeName> {
        match self.lines.get(&connection)? {
            Line::To(name) => Some(*name),
            Line::From { .. } => None,
        }
    }
}
