//! A failover that somebody has asked for: no write that was acknowledged is lost.
//!
//! The replica asks its master to pause. The master carries out no writes from then on and says in
//! its messages that it has paused and how far its data reach. When the replica's reach as far, it
//! asks for votes at once, and the masters give them though the old one works. A replica that is
//! *forced* does without the pause; one that *takes over* does without the votes as well.
//!
//! Source: `cluster.c`, "CLUSTER manual failover".

use super::{Body, BusMessage, Cluster, NodeName, Order, Turn};
use crate::machine::ConnectionId;

/// How long it may take. Source: `cluster.h`, `CLUSTER_MF_TIMEOUT`.
pub(super) const TIMEOUT_MS: i64 = 5_000;

/// For how many times as long the master pauses. Source: `cluster.h`, `CLUSTER_MF_PAUSE_MULT`.
const PAUSE_TIMEOUTS: i64 = 2;

/// A manual failover, on the side of the replica and of the master.
#[derive(Debug, Default)]
pub(super) struct Manual {
    /// When it is given up; none when there is none.
    pub(super) until_ms: Option<i64>,
    /// The master: for which replica it pauses.
    pub(super) replica: Option<NodeName>,
    /// The replica: how far the data of the paused master reach, once it has told.
    pub(super) master_offset: Option<u64>,
    /// The replica: may ask for votes.
    pub(super) can_start: bool,
}

impl Manual {
    pub(super) const fn is_under_way(&self) -> bool {
        self.until_ms.is_some()
    }
}

impl Cluster {
    /// A master is being replaced by hand, or a replica takes its place.
    pub(crate) const fn is_in_manual_failover(&self) -> bool {
        self.manual.is_under_way()
    }

    /// Forgets a manual failover; a master that has paused goes on. Source: `cluster.c`,
    /// `resetManualFailover`.
    pub(super) fn reset_manual(&mut self) {
        if self.manual.replica.is_some() {
            self.orders.push(Order::ResumeWrites);
        }
        self.manual = Manual::default();
    }

    /// A replica asks this master to pause. Source: `cluster.c`, `clusterProcessPacket`, `MFSTART`.
    pub(super) fn pause_for(
        &mut self,
        replica: NodeName,
        connection: ConnectionId,
        turn: Turn<'_>,
    ) {
        let is_mine = self.node(replica).is_some_and(|node| node.master == Some(self.myself.name));
        if !is_mine {
            return;
        }
        self.reset_manual();
        let now_ms = turn.now_ms;
        self.manual.until_ms = Some(now_ms + TIMEOUT_MS);
        self.manual.replica = Some(replica);
        let until_ms = now_ms + TIMEOUT_MS * PAUSE_TIMEOUTS;
        self.orders.push(Order::PauseWrites { until_ms });
        self.note("manual-failover", format!("paused for {}", self.shown(replica)));
        // So that the replica learns of the pause at once.
        self.answer_ping(connection, Body::Ping, turn);
    }

    /// A message of the master that has paused tells a replica how far it has to come.
    pub(super) fn hear_of_pause(&mut self, sender: NodeName, message: &BusMessage) {
        if self.manual.is_under_way()
            && self.myself.is_replica()
            && self.myself.master == Some(sender)
            && message.is_paused
            && self.manual.master_offset.is_none()
        {
            self.manual.master_offset = Some(message.offset);
            self.todo.manual = true;
        }
    }

    /// A replica whose data reach as far as those of its paused master may ask for votes.
    ///
    /// Source: `cluster.c`, `clusterHandleManualFailover`.
    pub(super) fn go_on_with_manual(&mut self, turn: Turn<'_>) {
        if !self.manual.is_under_way() || self.manual.can_start {
            return;
        }
        let Some(offset) = self.manual.master_offset else { return };
        if offset == turn.facts.offset {
            self.manual.can_start = true;
            self.todo.failover = true;
        } else {
            self.todo.manual = true;
        }
    }

    /// Gives up when it takes too long. Source: `cluster.c`, `manualFailoverCheckTimeout`.
    pub(super) fn check_manual_timeout(&mut self, turn: Turn<'_>) {
        if self.manual.until_ms.is_some_and(|until_ms| until_ms < turn.now_ms) {
            self.note("manual-failover-timed-out", "");
            self.reset_manual();
        }
    }
}
