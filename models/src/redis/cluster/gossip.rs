//! What nodes tell each other about third ones, in each ping and pong.

use smallvec::SmallVec;

use super::node::Node;
use super::{Body, BusMessage, Cluster, Flags, Gossip, GossipEntry, NodeName, Turn};
use crate::machine::ConnectionId;

/// How many entries a ping has at least, where there are so many nodes; a tenth of the nodes when
/// that is more. Source: `cluster.c`, `clusterSendPing`.
const ENTRIES_MIN: usize = 3;

/// By how much the clock of whoever tells when a node was last heard of may be ahead of this one's,
/// in milliseconds. Source: `cluster.c`, `clusterProcessGossipSection`.
const AHEAD_MAX_MS: i64 = 500;

/// Which of the three messages with gossip: [`Body::Ping`], [`Body::Pong`] or [`Body::Meet`].
pub(super) type Kind = fn(Gossip) -> Body;

/// Whom a change is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    All,
    /// The replicas of this node, or of its master.
    Shard,
}

impl Cluster {
    /// Sends a ping, pong or meet to a node, and remembers when it was pinged.
    ///
    /// Source: `cluster.c`, `clusterSendPing`: only a message of the type `PING` is remembered.
    pub(super) fn send_ping(&mut self, name: NodeName, kind: Kind, turn: Turn<'_>) {
        let gossip = self.gossip();
        let message = self.compose(kind(gossip), turn);
        if let (Body::Ping(_), Some(node)) = (&message.body, self.others.get_mut(&name)) {
            node.ping_sent_ms = turn.now_ms;
        }
        self.send(name, message.into());
    }

    /// Answers on a connection that a peer has opened. A ping on it awaits no pong.
    pub(super) fn answer_ping(&mut self, connection: ConnectionId, kind: Kind, turn: Turn<'_>) {
        let gossip = self.gossip();
        let message = self.compose(kind(gossip), turn);
        self.answer(connection, message);
    }

    /// Tells a change at once. Source: `cluster.c`, `clusterBroadcastPong`.
    pub(super) fn broadcast_pong(&mut self, audience: Audience, turn: Turn<'_>) {
        let (me, master) = (self.myself.name, self.myself.master);
        let hears = |node: &&Node| {
            let is_near =
                node.is_replica() && node.master.is_some_and(|of| of == me || Some(of) == master);
            node.link.is_some() && !node.is_in_handshake() && (audience == Audience::All || is_near)
        };
        let names: Vec<NodeName> =
            self.others.values().filter(hears).map(|node| node.name).collect();
        for name in names {
            self.send_ping(name, Body::Pong, turn);
        }
    }

    /// What to tell: a few nodes that chance picks, and all that this node has not reached, so that
    /// opinions about them spread fast.
    ///
    /// Source: `cluster.c`, `clusterSendPing`.
    fn gossip(&mut self) -> Gossip {
        let mut gossip = SmallVec::new();
        let known = self.others.len() + 1;
        // All but this node and the one that is told.
        let mut fresh = known.saturating_sub(2);
        let wanted = (known / 10).max(ENTRIES_MIN).min(fresh);
        let mut tries = wanted * 3;
        while fresh > 0 && gossip.len() < wanted && tries > 0 {
            tries -= 1;
            let Some(node) = self.any_node().filter(|node| !node.flags.any_of(Flags::PFAIL)) else {
                continue;
            };
            let is_unknown = node.flags.any_of(Flags::HANDSHAKE.with(Flags::NOADDR));
            if is_unknown || node.link.is_none() && node.slots.is_empty() {
                fresh -= 1;
            } else if gossip.iter().all(|entry: &GossipEntry| entry.name != node.name) {
                gossip.push(entry(node));
                fresh -= 1;
            }
        }
        if self.pfail_nodes > 0 {
            let unknown = Flags::HANDSHAKE.with(Flags::NOADDR);
            let unreached = self
                .others
                .values()
                .filter(|node| node.flags.any_of(Flags::PFAIL) && !node.flags.any_of(unknown));
            gossip.extend(unreached.take(self.pfail_nodes).map(entry));
        }
        gossip
    }

    /// Any node, each equally likely; none when chance picks this one. Source: `dict.c`,
    /// `dictGetRandomKey`, over a table that has this node too.
    pub(super) fn any_node(&mut self) -> Option<&Node> {
        let place = self.random.below(self.others.len() as u64 + 1) as usize;
        self.others.values().nth(place)
    }

    /// Takes what a node tells about others. Source: `cluster.c`, `clusterProcessGossipSection`.
    pub(super) fn hear_gossip(
        &mut self,
        sender: Option<NodeName>,
        message: &BusMessage,
        turn: Turn<'_>,
    ) {
        let (Body::Ping(gossip) | Body::Pong(gossip) | Body::Meet(gossip)) = &message.body else {
            return;
        };
        let voice = sender.and_then(|name| self.node(name)).filter(|node| node.is_master());
        let voice = voice.map(|node| node.name);
        for entry in gossip {
            if entry.name == self.myself.name {
                continue;
            }
            if self.others.contains_key(&entry.name) {
                self.hear_of_known(entry, voice, turn);
            } else if sender.is_some() {
                self.hear_of_unknown(entry, turn);
            }
        }
    }

    /// A node tells of one that this node knows. What a master says about failures counts.
    fn hear_of_known(&mut self, entry: &GossipEntry, voice: Option<NodeName>, turn: Turn<'_>) {
        let now_ms = turn.now_ms;
        let is_failing = entry.flags.any_of(Flags::FAIL.with(Flags::PFAIL));
        if let Some(voice) = voice {
            if is_failing {
                self.add_failure_report(entry.name, voice, now_ms);
                self.mark_failed_if_agreed(entry.name, turn);
            } else {
                self.remove_failure_report(entry.name, voice);
            }
        }
        if is_failing {
            return;
        }
        let is_undisputed = self.count_failure_reports(entry.name, now_ms) == 0;
        let Some(node) = self.others.get_mut(&entry.name) else { return };
        // Somebody else has heard of it later than this node: then it need not be pinged yet.
        let pong_ms = i64::from(entry.pong_received_s) * 1000;
        if node.ping_sent_ms == 0
            && is_undisputed
            && pong_ms <= now_ms + AHEAD_MAX_MS
            && pong_ms > node.pong_received_ms
        {
            node.pong_received_ms = pong_ms;
        }
        // It fails here and not there: perhaps it is somewhere else.
        if node.is_failing() && entry.address.is_some() && node.address != entry.address {
            node.address = entry.address;
            node.flags.clear(Flags::NOADDR);
            self.drop_link(entry.name);
        }
    }

    /// A node that this node knows tells of one that it does not know: it is taken in, unless it was
    /// to be forgotten.
    fn hear_of_unknown(&mut self, entry: &GossipEntry, turn: Turn<'_>) {
        let now_ms = turn.now_ms;
        if entry.address.is_some() && !self.is_forgotten(entry.name, now_ms) {
            self.add_node(Node::new(entry.name, entry.address, entry.flags, now_ms));
        }
    }
}

fn entry(node: &Node) -> GossipEntry {
    GossipEntry {
        name: node.name,
        address: node.address,
        flags: node.flags,
        pong_received_s: u32::try_from(node.pong_received_ms / 1000).unwrap_or_default(),
    }
}
