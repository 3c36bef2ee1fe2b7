//! A replica of a master that has several goes to a master that has lost its own.
//!
//! Source: `cluster.c`, `clusterHandleSlaveMigration`, and the counting in `clusterCron`.

use super::node::Node;
use super::{Cluster, Flags, NodeName, Turn};

/// For how long a master has to be without a working replica, in milliseconds: after a failover the
/// replicas of the old master need a moment to say that they are the new one's. Source: `cluster.h`,
/// `CLUSTER_SLAVE_MIGRATION_DELAY`.
const DELAY_MS: i64 = 5_000;

/// How replicas are spread over the masters that work.
#[derive(Default)]
pub(super) struct Orphans {
    /// There are masters that have lost all their replicas.
    pub(super) are_there: bool,
    /// How many working replicas the master with the most has.
    pub(super) most_replicas: usize,
    /// How many this node's master has.
    pub(super) replicas_here: usize,
}

impl Cluster {
    pub(super) fn count_orphans(&self) -> Orphans {
        let mut orphans = Orphans::default();
        let unknown = Flags::NOADDR.with(Flags::HANDSHAKE).with(Flags::FAIL);
        for node in self.others.values() {
            if !node.is_master() || node.flags.any_of(unknown) {
                continue;
            }
            let working = self.working_replicas(node.name);
            let had_some = node.flags.any_of(Flags::MIGRATE_TO);
            orphans.are_there |= working == 0 && !node.slots.is_empty() && had_some;
            orphans.most_replicas = orphans.most_replicas.max(working);
            if self.myself.master == Some(node.name) {
                orphans.replicas_here = working;
            }
        }
        orphans
    }

    /// Goes to the first master that has been orphaned for long enough, if this node is the one to
    /// go: of the replicas of the masters with the most, the one whose name is smallest.
    pub(super) fn migrate(&mut self, most_replicas: usize, turn: Turn<'_>) {
        let now_ms = turn.now_ms;
        let Some(master) = self.myself.master else { return };
        let is_well = |node: &Node| node.master == Some(master) && !node.is_failing();
        let left = self.nodes().filter(|node| is_well(node)).count();
        if !self.is_ok || left <= self.settings.migration_barrier as usize {
            return;
        }
        let (mut target, mut candidate) = (None, self.myself.name);
        let names: Vec<NodeName> = self.others.keys().copied().collect();
        for name in names {
            let Some(node) = self.node(name) else { continue };
            let working = if node.is_master() { self.working_replicas(name) } else { 0 };
            let is_orphaned = !node.is_replica()
                && !node.has_failed()
                && node.flags.any_of(Flags::MIGRATE_TO)
                && working == 0;
            if working == most_replicas {
                let smallest = self.replicas(name).map(|node| node.name).min();
                candidate = candidate.min(smallest.unwrap_or(candidate));
            }
            let Some(node) = self.others.get_mut(&name) else { continue };
            if !is_orphaned {
                node.orphaned_ms = 0;
                continue;
            }
            if node.orphaned_ms == 0 {
                node.orphaned_ms = now_ms;
            }
            if target.is_none() && !node.slots.is_empty() {
                target = Some((name, node.orphaned_ms));
            }
        }
        if let Some((name, since_ms)) = target
            && candidate == self.myself.name
            && now_ms - since_ms > DELAY_MS
        {
            self.note("replica-migrates", format!("to {}", self.shown(name)));
            self.replicate(name);
        }
    }

    /// Source: `cluster.c`, `clusterCountNonFailingSlaves`.
    fn working_replicas(&self, master: NodeName) -> usize {
        self.replicas(master).filter(|node| !node.has_failed()).count()
    }
}
