//! What a node does by the clock: keeps its connections, pings, and gives up on who does not answer.
//!
//! Source: `cluster.c`, `clusterCron`, which `serverCron` calls ten times a second.

use super::migration::Orphans;
use super::node::Node;
use super::turn::shown;
use super::{Body, Cluster, Flags, NodeName, Order, Turn};

/// Every so many turns one node is pinged for no other reason than chance: once a second.
const TURNS_PER_CHANCE: u64 = 10;

/// Among how many nodes that chance picks it is the one that was heard of least lately.
const NODES_PER_CHANCE: u32 = 5;

/// A handshake may take the node timeout, and this long at least, in milliseconds.
const HANDSHAKE_TIMEOUT_MIN_MS: i64 = 1_000;

impl Cluster {
    /// `clusterCron`: to be called every 100 ms (`run_with_period(100)` in `serverCron`).
    pub(crate) fn cron(&mut self, turn: Turn<'_>) {
        self.turns += 1;
        self.keep_links(turn);
        if self.turns.is_multiple_of(TURNS_PER_CHANCE) {
            self.ping_any(turn);
        }
        let is_news = self.check_nodes(turn);
        if self.myself.is_replica() && !turn.facts.follows {
            let master = self.myself.master.and_then(|name| self.node(name));
            self.orders.extend(master.and_then(|node| node.address).map(Order::Follow));
        }
        self.check_manual_timeout(turn);
        if self.myself.is_replica() {
            self.go_on_with_manual(turn);
            self.go_on_with_election(turn);
            self.migrate_if_orphaned(turn);
        }
        if is_news || !self.is_ok {
            self.update_state(turn);
        }
    }

    /// Opens the connections that are not there, and gives up on handshakes. Source: `cluster.c`,
    /// `clusterNodeCronHandleReconnect`. There a connection that is refused at once counts as a
    /// ping; here, as between two hosts, the refusal comes later.
    fn keep_links(&mut self, turn: Turn<'_>) {
        let now_ms = turn.now_ms;
        let handshake_timeout_ms = self.timeout_ms.max(HANDSHAKE_TIMEOUT_MIN_MS);
        self.pfail_nodes = 0;
        let (mut expired, mut without) = (Vec::new(), Vec::new());
        for node in self.others.values().filter(|node| node.address.is_some()) {
            self.pfail_nodes += usize::from(node.flags.any_of(Flags::PFAIL));
            if node.is_in_handshake() && now_ms - node.created_ms > handshake_timeout_ms {
                expired.push(node.name);
            } else if node.link.is_none() {
                without.push(node.name);
            }
        }
        for name in expired {
            self.remove_node(name);
        }
        for name in without {
            self.open_link(name, turn);
        }
    }

    /// Pings, of a few nodes, the one that was heard of least lately.
    fn ping_any(&mut self, turn: Turn<'_>) {
        let mut oldest: Option<(i64, NodeName)> = None;
        for _ in 0..NODES_PER_CHANCE {
            let can_be_pinged = |node: &&Node| {
                node.link.is_some() && node.ping_sent_ms == 0 && !node.is_in_handshake()
            };
            let Some(node) = self.any_node().filter(can_be_pinged) else { continue };
            if oldest.is_none_or(|(pong_ms, _)| node.pong_received_ms < pong_ms) {
                oldest = Some((node.pong_received_ms, node.name));
            }
        }
        if let Some((_, name)) = oldest {
            self.send_ping(name, Body::Ping, turn);
        }
    }

    /// Looks at each node: pings it when it was not heard of for half the node timeout, connects anew
    /// when it has not answered for as long, and gives up on it after the whole. True when it has
    /// given up on one.
    fn check_nodes(&mut self, turn: Turn<'_>) -> bool {
        let now_ms = turn.now_ms;
        let half_ms = self.timeout_ms / 2;
        let names: Vec<NodeName> = self.others.keys().copied().collect();
        let mut is_news = false;
        for name in names {
            let Some(node) = self.others.get_mut(&name) else { continue };
            if node.flags.any_of(Flags::NOADDR.with(Flags::HANDSHAKE)) {
                continue;
            }
            let (ping_ms, data_ms) = (now_ms - node.ping_sent_ms, now_ms - node.data_received_ms);
            let is_waiting = node.ping_sent_ms != 0;
            let is_old =
                node.link.as_ref().is_some_and(|link| now_ms - link.created_ms > self.timeout_ms);
            if is_old && is_waiting && ping_ms > half_ms && data_ms > half_ms {
                self.drop_link(name);
            }
            let Some(node) = self.others.get_mut(&name) else { continue };
            let is_quiet = !is_waiting && now_ms - node.pong_received_ms > half_ms;
            let is_pausing_for = self.myself.is_master() && self.manual.replica == Some(name);
            if node.link.is_some() && (is_quiet || is_pausing_for) {
                self.send_ping(name, Body::Ping, turn);
                continue;
            }
            // Whatever has come counts as an answer.
            if is_waiting && ping_ms.min(data_ms) > self.timeout_ms && !node.is_failing() {
                node.flags.set(Flags::PFAIL);
                let address = shown(node.address);
                self.note("pfail", address);
                is_news = true;
            }
        }
        is_news
    }

    /// A replica looks for a master that needs it more.
    fn migrate_if_orphaned(&mut self, turn: Turn<'_>) {
        let Orphans { are_there, most_replicas, replicas_here } = self.count_orphans();
        if are_there
            && most_replicas >= 2
            && replicas_here == most_replicas
            && self.settings.allow_replica_migration
        {
            self.migrate(most_replicas, turn);
        }
    }
}
