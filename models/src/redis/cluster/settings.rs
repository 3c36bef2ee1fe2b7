//! What `redis.conf` sets of a cluster, and who belongs to it.

use std::time::Duration;

use super::{SLOTS, SlotSet};
use crate::machine::NodeId;

/// What `redis.conf` sets of a cluster, and the nodes that a new node knows from the start. The
/// defaults are those of Redis 7.0.15.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSettings {
    /// The nodes, as `redis-cli --cluster create` would have introduced them to each other. A node
    /// that is not among them begins alone, without slots. Only for a node that has no `nodes.conf`.
    pub nodes: Vec<KnownNode>,
    /// For how long a node may be silent: `cluster-node-timeout`, whole milliseconds.
    pub node_timeout: Duration,
    /// Nothing is served unless every slot is: `cluster-require-full-coverage`.
    pub require_full_coverage: bool,
    /// For how many node timeouts a replica may have been without its master and still replace it:
    /// `cluster-replica-validity-factor`, 0 for any time.
    pub replica_validity_factor: u32,
    /// How many replicas a master keeps when one goes to a master without any:
    /// `cluster-migration-barrier`.
    pub migration_barrier: u32,
    /// Replicas go to masters that have lost theirs: `cluster-allow-replica-migration`.
    pub allow_replica_migration: bool,
    /// Reads are served while the cluster is down: `cluster-allow-reads-when-down`.
    pub allow_reads_when_down: bool,
    /// A replica replaces its master only when it is told to: `cluster-replica-no-failover`.
    pub replica_no_failover: bool,
}

/// A node that a new node knows from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownNode {
    /// Where it is; its name follows from that.
    pub node: NodeId,
    /// Whose replica it is; none for a master.
    pub master: Option<NodeId>,
    /// The slots that it serves.
    pub slots: SlotSet,
    /// The epoch of its claim.
    pub config_epoch: u64,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        // Source: `config.c`.
        Self {
            nodes: Vec::new(),
            node_timeout: Duration::from_millis(15_000),
            require_full_coverage: true,
            replica_validity_factor: 10,
            migration_barrier: 1,
            allow_replica_migration: true,
            allow_reads_when_down: false,
            replica_no_failover: false,
        }
    }
}

impl ClusterSettings {
    /// A cluster as `redis-cli --cluster create` makes it: the masters share the slots evenly, the
    /// replicas go to the masters in turn, and each node has an epoch of its own.
    ///
    /// Source: `redis-cli.c`, `clusterManagerCommandCreate`.
    pub fn of(masters: &[NodeId], replicas: &[NodeId]) -> Self {
        let count = masters.len() as u64;
        // Where the share of the master at a place begins: `lround(place * 16384 / masters)`, and
        // the last slot of one is `lround` of where the next begins, less 1.
        let start = |place: u64| (2 * place * u64::from(SLOTS) + count) / (2 * count).max(1);
        let share = |place: u64| {
            let (first, next) = (start(place) as u16, start(place + 1) as u16);
            if first < next { SlotSet::range(first..=next - 1) } else { SlotSet::EMPTY }
        };
        let masters_known = masters.iter().zip(0_u64..).map(|(node, place)| KnownNode {
            node: *node,
            master: None,
            slots: share(place),
            config_epoch: place + 1,
        });
        let replicas_known = replicas.iter().zip(masters.iter().cycle()).zip(count..).map(
            |((node, master), place)| KnownNode {
                node: *node,
                master: Some(*master),
                slots: SlotSet::EMPTY,
                config_epoch: place + 1,
            },
        );
        Self { nodes: masters_known.chain(replicas_known).collect(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_shared_as_redis_cli_shares_them() {
        let shares = |masters: u16| {
            let masters: Vec<NodeId> = (0..masters).map(NodeId).collect();
            let settings = ClusterSettings::of(&masters, &[]);
            settings.nodes.iter().map(|node| node.slots.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(shares(3), ["0-5460", "5461-10922", "10923-16383"]);
        assert_eq!(shares(1), ["0-16383"]);
        assert_eq!(shares(5), ["0-3276", "3277-6553", "6554-9829", "9830-13106", "13107-16383"]);
        for masters in 1..=40 {
            let all = (0..masters).map(NodeId).collect::<Vec<_>>();
            let slots = ClusterSettings::of(&all, &[]).nodes.into_iter().map(|node| node.slots);
            let union = slots.fold(SlotSet::EMPTY, |union, slots| {
                assert!(union.intersection(&slots).is_empty(), "{masters}");
                union.union(&slots)
            });
            assert_eq!(union.len(), usize::from(SLOTS), "{masters}");
        }
    }

    #[test]
    fn replicas_go_to_the_masters_in_turn() {
        let nodes: Vec<NodeId> = (0..7).map(NodeId).collect();
        let settings = ClusterSettings::of(&nodes[..3], &nodes[3..]);
        let masters: Vec<_> = settings.nodes[3..].iter().map(|node| node.master).collect();
        assert_eq!(masters, [0, 1, 2, 0].map(|node| Some(NodeId(node))));
        assert!(ClusterSettings::of(&[], &nodes).nodes.is_empty());
    }
}
