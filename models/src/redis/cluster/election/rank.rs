//! The replica with the most data goes first.

use super::{Cluster, Turn};
use crate::redis::cluster::Flags;

impl Cluster {
    /// How many other replicas of the same master have more data, as far as this one knows, and may
    /// replace it. Source: `cluster.c`, `clusterGetSlaveRank`.
    pub(super) fn rank(&self, turn: Turn<'_>) -> usize {
        let Some(master) = self.myself.master else { return 0 };
        let others = self.replicas(master).filter(|node| node.name != self.myself.name);
        let standing = others.filter(|node| !node.flags.any_of(Flags::NOFAILOVER));
        standing.filter(|node| node.offset > turn.facts.offset).count()
    }
}
