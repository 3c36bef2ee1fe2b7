//! The table of nodes: who is there, and who is whose replica.

use std::iter;

use super::node::Node;
use super::{Cluster, Flags, NodeName};

/// For how long a node that was to be forgotten is not taken in again: seconds. Source: `cluster.c`,
/// `CLUSTER_BLACKLIST_TTL`.
const FORGOTTEN_S: i64 = 60;

impl Cluster {
    /// All nodes, this one first.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        iter::once(&self.myself).chain(self.others.values())
    }

    pub(super) fn node(&self, name: NodeName) -> Option<&Node> {
        if name == self.myself.name { Some(&self.myself) } else { self.others.get(&name) }
    }

    pub(super) fn node_mut(&mut self, name: NodeName) -> Option<&mut Node> {
        if name == self.myself.name { Some(&mut self.myself) } else { self.others.get_mut(&name) }
    }

    /// The replicas of a node, as far as they are known.
    pub(super) fn replicas(&self, master: NodeName) -> impl Iterator<Item = &Node> {
        self.nodes().filter(move |node| node.master == Some(master))
    }

    pub(super) fn add_node(&mut self, node: Node) {
        self.others.insert(node.name, node);
    }

    /// Removes a node, and all that hangs on it. Source: `cluster.c`, `clusterDelNode`.
    pub(super) fn remove_node(&mut self, name: NodeName) {
        self.importing.retain(|_, node| *node != name);
        self.migrating.retain(|_, node| *node != name);
        if let Some(slots) = self.others.get(&name).map(|node| node.slots.clone()) {
            self.drop_shard_channels(name, &slots);
        }
        self.set_replica_of(name, None);
        self.drop_link(name);
        let Some(node) = self.others.remove(&name) else { return };
        if let Some(inbound) = node.inbound {
            self.lines.remove(&inbound);
            self.out.push(super::out::Out::Close { connection: inbound });
        }
        let others = self.others.values_mut().chain(iter::once(&mut self.myself));
        for other in others {
            other.failure_reports.remove(&name);
            if other.master == Some(name) {
                other.master = None;
            }
        }
    }

    /// A node that was to be met has told its name. Source: `cluster.c`, `clusterRenameNode`.
    pub(super) fn rename(&mut self, from: NodeName, to: NodeName) {
        let Some(mut node) = self.others.remove(&from) else { return };
        node.name = to;
        if let Some(link) = &node.link {
            self.lines.extend(link.connection.map(|at| (at, super::links::Line::To(to))));
        }
        self.others.insert(to, node);
    }

    /// A node is a master. Source: `cluster.c`, `clusterSetNodeAsMaster`.
    pub(super) fn set_master(&mut self, name: NodeName) {
        if self.node(name).is_none_or(|node| node.is_master()) {
            return;
        }
        let had_master = self.node(name).is_some_and(|node| node.master.is_some());
        self.set_replica_of(name, None);
        let is_other = name != self.myself.name;
        if let Some(node) = self.node_mut(name) {
            node.flags.clear(Flags::REPLICA);
            node.flags.set(Flags::MASTER);
            if had_master && is_other {
                node.flags.set(Flags::MIGRATE_TO);
            }
        }
        self.todo.save_and_update_state();
    }

    /// A node is another's replica, or nobody's. Whoever has replicas may be given others when they
    /// fail. Source: `cluster.c`, `clusterNodeAddSlave`, `clusterNodeRemoveSlave`.
    pub(super) fn set_replica_of(&mut self, name: NodeName, master: Option<NodeName>) {
        let Some(node) = self.node_mut(name) else { return };
        let old = std::mem::replace(&mut node.master, master);
        if let Some(old) = old.filter(|old| self.replicas(*old).next().is_none())
            && let Some(old) = self.node_mut(old)
        {
            old.flags.clear(Flags::MIGRATE_TO);
        }
        if let Some(master) = master.and_then(|master| self.node_mut(master)) {
            master.flags.set(Flags::MIGRATE_TO);
        }
    }

    /// This node becomes another's replica. Source: `cluster.c`, `clusterSetMaster`.
    pub(super) fn replicate(&mut self, master: NodeName) {
        if self.myself.is_master() {
            self.myself.flags.clear(Flags::MASTER.with(Flags::MIGRATE_TO));
            self.myself.flags.set(Flags::REPLICA);
            self.migrating.clear();
            self.importing.clear();
        }
        self.set_replica_of(self.myself.name, Some(master));
        let address = self.node(master).and_then(|node| node.address);
        self.orders.extend(address.map(super::Order::Follow));
        self.reset_manual();
        self.note("replicates", self.shown(master));
    }

    /// A node is not to be taken in for a while, whoever tells of it. Source: `cluster.c`,
    /// `clusterBlacklistAddNode`.
    pub(super) fn remember_to_forget(&mut self, name: NodeName, now_ms: i64) {
        self.forgotten.insert(name, now_ms / 1000 + FORGOTTEN_S);
    }

    /// Source: `cluster.c`, `clusterBlacklistExists`.
    pub(super) fn is_forgotten(&self, name: NodeName, now_ms: i64) -> bool {
        self.forgotten.get(&name).is_some_and(|until_s| *until_s >= now_ms / 1000)
    }
}
