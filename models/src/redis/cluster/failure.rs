//! Who has failed: what one node thinks (`PFAIL`) becomes what all think (`FAIL`) when most masters
//! have said so lately.

use super::turn::shown;
use super::{Body, Cluster, Flags, NodeName, Turn};

/// For how many node timeouts a report counts. Source: `cluster.h`,
/// `CLUSTER_FAIL_REPORT_VALIDITY_MULT`.
const REPORT_VALIDITY_TIMEOUTS: i64 = 2;

/// After how many node timeouts a master that nobody has replaced is taken back. Source:
/// `cluster.h`, `CLUSTER_FAIL_UNDO_TIME_MULT`.
const UNDO_TIMEOUTS: i64 = 2;

impl Cluster {
    /// A master says that a node fails. Source: `cluster.c`, `clusterNodeAddFailureReport`.
    pub(super) fn add_failure_report(&mut self, about: NodeName, by: NodeName, now_ms: i64) {
        if let Some(node) = self.others.get_mut(&about) {
            node.failure_reports.insert(by, now_ms);
        }
    }

    /// A master says that a node works. Source: `cluster.c`, `clusterNodeDelFailureReport`.
    pub(super) fn remove_failure_report(&mut self, about: NodeName, by: NodeName) {
        if let Some(node) = self.others.get_mut(&about)
            && !node.failure_reports.is_empty()
        {
            node.failure_reports.remove(&by);
        }
    }

    /// How many have said lately that a node fails. Source: `cluster.c`,
    /// `clusterNodeFailureReportsCount`.
    pub(super) fn count_failure_reports(&mut self, about: NodeName, now_ms: i64) -> usize {
        let oldest_ms = now_ms - self.timeout_ms * REPORT_VALIDITY_TIMEOUTS;
        let Some(node) = self.node_mut(about) else { return 0 };
        if !node.failure_reports.is_empty() {
            node.failure_reports.retain(|_, at_ms| *at_ms >= oldest_ms);
        }
        node.failure_reports.len()
    }

    /// Marks a node as failed when this node has not reached it and most masters have said the same;
    /// then tells everybody. A replica does so too, though its own opinion does not count.
    ///
    /// Source: `cluster.c`, `markNodeAsFailingIfNeeded`.
    pub(super) fn mark_failed_if_agreed(&mut self, about: NodeName, turn: Turn<'_>) {
        let Some(node) = self.others.get(&about) else { return };
        if !node.flags.any_of(Flags::PFAIL) || node.has_failed() {
            return;
        }
        let own = usize::from(self.myself.is_master());
        if self.count_failure_reports(about, turn.now_ms) + own < self.majority() {
            return;
        }
        self.set_failed(about, turn);
        let message = self.compose(Body::Fail { about }, turn);
        self.broadcast(message);
    }

    /// A node is known to have failed from now on.
    pub(super) fn set_failed(&mut self, about: NodeName, turn: Turn<'_>) {
        let Some(node) = self.others.get_mut(&about) else { return };
        node.flags.clear(Flags::PFAIL);
        node.flags.set(Flags::FAIL);
        node.failed_ms = turn.now_ms;
        let address = shown(node.address);
        self.note("fail", address);
        self.todo.save_and_update_state();
    }

    /// A node that had failed answers again. A replica, or a master without slots, is taken back at
    /// once; a master with slots only when nobody has replaced it for long enough: its replicas get
    /// their chance first.
    ///
    /// Source: `cluster.c`, `clearNodeFailureIfNeeded`.
    pub(super) fn clear_failure_if_due(&mut self, about: NodeName, turn: Turn<'_>) {
        let undo_ms = self.timeout_ms * UNDO_TIMEOUTS;
        let Some(node) = self.others.get_mut(&about) else { return };
        let is_replaceable = node.is_master() && !node.slots.is_empty();
        if is_replaceable && turn.now_ms - node.failed_ms <= undo_ms {
            return;
        }
        node.flags.clear(Flags::FAIL);
        let address = shown(node.address);
        self.note("fail-cleared", address);
        self.todo.save_and_update_state();
    }
}
