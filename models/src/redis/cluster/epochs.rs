//! Epochs: which claim to a slot counts.

use std::iter;

use super::node::Node;
use super::{Cluster, NodeName};

impl Cluster {
    /// The greatest epoch that this node knows of. Source: `cluster.c`, `clusterGetMaxEpoch`.
    pub(super) fn greatest_epoch(&self) -> u64 {
        let claims = self.nodes().map(|node| node.config_epoch);
        claims.chain(iter::once(self.current_epoch)).max().unwrap_or_default()
    }

    /// Takes a new epoch for this node's claim without asking anybody, unless it has the greatest
    /// already. True when it does.
    ///
    /// Two nodes may take the same one. Redis accepts that and mends it later, see
    /// [`Cluster::resolve_collision`]; but until then the last claim need not be the one that wins.
    ///
    /// Source: `cluster.c`, `clusterBumpConfigEpochWithoutConsensus`.
    pub(super) fn bump_epoch(&mut self) -> bool {
        let own = self.myself.config_epoch;
        if own != 0 && own == self.greatest_epoch() {
            return false;
        }
        self.take_next_epoch();
        self.todo.save_and_sync();
        true
    }

    /// Two masters claim slots under the same epoch: the one whose name is smaller takes another.
    /// So the node with the greatest name never moves, and it ends.
    ///
    /// Source: `cluster.c`, `clusterHandleConfigEpochCollision`.
    pub(super) fn resolve_collision(&mut self, other: NodeName) {
        let is_same = |node: &Node| node.config_epoch == self.myself.config_epoch;
        if other <= self.myself.name || !self.node(other).is_some_and(is_same) {
            return;
        }
        let address = self.shown(other);
        self.note(
            "epoch-collision",
            format!("with {address} in epoch {}", self.myself.config_epoch),
        );
        self.take_next_epoch();
        self.save(true);
    }

    fn take_next_epoch(&mut self) {
        self.current_epoch += 1;
        self.claim_under(self.current_epoch);
    }

    /// The claim of this node counts under another epoch from now on.
    pub(super) fn claim_under(&mut self, epoch: u64) {
        self.myself.config_epoch = epoch;
        self.note("new-config-epoch", epoch.to_string());
    }
}
