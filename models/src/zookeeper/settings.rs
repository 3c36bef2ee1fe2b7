//! What an ensemble has set.

use std::collections::BTreeMap;
use std::time::Duration;

use super::protocol::ServerId;
use crate::machine::NodeId;

/// What every server of an ensemble has set: `zoo.cfg`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnsembleSettings {
    /// Who there is, and where: `server.N`. All vote.
    pub servers: BTreeMap<ServerId, NodeId>,
    /// `tickTime`: what the other times are counted in.
    pub tick: Duration,
    /// `initLimit`: how many ticks a follower has to connect to a leader and be in step.
    pub init_limit: u32,
    /// `syncLimit`: how many ticks a follower may be silent, or behind with a proposal.
    pub sync_limit: u32,
    /// A follower has the new leader's log on disk before it says that it has it. ZooKeeper 3.8.0 does not wait
    /// for that, and can lose what clients were told is written when servers fail one after the other; later
    /// ones do. Source: issues ZOOKEEPER-4643 and ZOOKEEPER-4646; `Learner.java` of 3.8.0 and 3.8.6,
    /// `syncWithLeader`, `case Leader.NEWLEADER`.
    pub logs_before_ack: bool,
}

impl EnsembleSettings {
    /// An ensemble on these nodes, numbered from 1 on, with the times of the sample. Source:
    /// `conf/zoo_sample.cfg`.
    pub fn new(nodes: impl IntoIterator<Item = NodeId>) -> Self {
        Self {
            servers: (1..).map(ServerId).zip(nodes).collect(),
            tick: Duration::from_secs(2),
            init_limit: 10,
            sync_limit: 5,
            logs_before_ack: false,
        }
    }

    /// The shortest and the longest session that a client can have: 2 and 20 ticks. Source:
    /// `ZooKeeperServer.java`, `setMinSessionTimeout`, `setMaxSessionTimeout`.
    pub(super) fn session_timeouts_ms(&self) -> (u32, u32) {
        let tick_ms = self.tick_ms();
        (tick_ms.saturating_mul(2), tick_ms.saturating_mul(20))
    }

    pub(super) fn tick_ms(&self) -> u32 {
        u32::try_from(self.tick.as_millis()).unwrap_or(u32::MAX)
    }

    pub(super) fn init_timeout(&self) -> Duration {
        self.tick * self.init_limit
    }

    pub(super) fn sync_timeout(&self) -> Duration {
        self.tick * self.sync_limit
    }

    /// Whether so many servers are a majority.
    pub(super) fn is_quorum(&self, servers: usize) -> bool {
        servers > self.servers.len() / 2
    }
}
