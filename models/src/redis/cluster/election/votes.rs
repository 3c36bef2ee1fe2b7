//! Votes: masters with slots give them, one in each epoch.
//!
//! A replica that stands does not count as having voted. Once it is elected it is a master and may
//! vote, in the same epoch in which the master that it has replaced has perhaps voted already. So
//! two replicas may be elected in one epoch, though not for the same slots: the one that was elected
//! first would see its own claim and refuse.

use super::{Cluster, Turn};
use crate::redis::cluster::{Body, BusMessage, NodeName};

/// For how many node timeouts a master votes for no other replica of the same master. Not needed for
/// safety. Source: `cluster.c`, `clusterSendFailoverAuthIfNeeded`.
const VOTE_AGAIN_TIMEOUTS: i64 = 2;

impl Cluster {
    /// A replica asks for a vote.
    ///
    /// The vote is written to `nodes.conf` and synced before it is sent: a master that has lost its
    /// memory does not vote twice.
    ///
    /// Source: `cluster.c`, `clusterSendFailoverAuthIfNeeded`.
    pub(in crate::redis::cluster) fn vote(
        &mut self,
        candidate: NodeName,
        request: &BusMessage,
        turn: Turn<'_>,
    ) {
        if !self.myself.is_voter() {
            return;
        }
        let master = match self.check_request(candidate, request, turn.now_ms) {
            Ok(master) => master,
            Err(reason) => {
                self.note("vote-refused", format!("to {}: {reason}", self.shown(candidate)));
                return;
            }
        };
        self.last_vote_epoch = self.current_epoch;
        if let Some(master) = self.node_mut(master) {
            master.voted_ms = turn.now_ms;
        }
        self.todo.save_and_sync();
        let vote = self.compose(Body::FailoverAuthAck, turn);
        self.send(candidate, vote.into());
        let (to, epoch) = (self.shown(candidate), self.current_epoch);
        self.note("vote-given", format!("to {to} for epoch {epoch}"));
    }

    /// Whether a candidate may have this master's vote, and whom it would replace.
    ///
    /// # Errors
    ///
    /// Why it may not.
    fn check_request(
        &self,
        candidate: NodeName,
        request: &BusMessage,
        now_ms: i64,
    ) -> Result<NodeName, &'static str> {
        if request.current_epoch < self.current_epoch {
            return Err("an epoch that is over");
        }
        if self.last_vote_epoch == self.current_epoch {
            return Err("has voted in this epoch");
        }
        let candidate = self.node(candidate).filter(|node| !node.is_master());
        let candidate = candidate.ok_or("a master already")?;
        let master = candidate.master.and_then(|name| self.node(name)).ok_or("whose replica?")?;
        if !master.has_failed() && !request.force_ack {
            return Err("its master works");
        }
        if now_ms - master.voted_ms < self.timeout_ms * VOTE_AGAIN_TIMEOUTS {
            return Err("has voted about its master lately");
        }
        let claimed = request.slots.minus(&self.not_claimed);
        let mut newer = self.nodes().filter(|node| node.config_epoch > request.config_epoch);
        if newer.any(|node| !claimed.intersection(&node.slots).is_empty()) {
            return Err("claims slots that somebody has under a newer epoch");
        }
        Ok(master.name)
    }

    /// A vote has come. It counts when it is from a master with slots, in the epoch of the election
    /// or a later one. Source: `cluster.c`, `clusterProcessPacket`, `FAILOVER_AUTH_ACK`.
    pub(in crate::redis::cluster) fn count_vote(&mut self, voter: NodeName, vote: &BusMessage) {
        let is_voter = self.node(voter).is_some_and(|node| node.is_voter());
        if is_voter && vote.current_epoch >= self.election.epoch {
            self.election.votes += 1;
            self.todo.failover = true;
        }
    }
}
