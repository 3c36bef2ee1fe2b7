//! What a Sentinel knows of a master, of its replicas and of other Sentinels. All times are Unix
//! milliseconds on the Sentinel's wall clock; 0 is never.

use super::failover::Failover;
use super::link::Link;
use super::settings::SentinelSettings;
use crate::machine::NodeId;

/// What an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Master,
    Replica,
}

/// How far a replica has come in following a new master. Source: `SRI_RECONF_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reconfiguration {
    #[default]
    None,
    /// It was told.
    Sent,
    /// It says that it follows the new one.
    InProgress,
    /// It has the new one's data.
    Done,
}

/// Which instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Id {
    Master,
    /// By its place among the replicas.
    Replica(usize),
    /// By its place among the other Sentinels.
    Sentinel(usize),
}

/// One instance. Source: `struct sentinelRedisInstance`.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) node: NodeId,
    /// Of a server: as `INFO` says. Of a Sentinel: its identity.
    pub(super) run_id: Option<String>,
    pub(super) link: Link,
    /// When a hello was last published on it.
    pub(super) published_ms: i64,
    /// Since when it is subjectively down; kept when it is up again.
    pub(super) down_since_ms: i64,
    pub(super) is_down: bool,
    /// When `INFO` was last answered.
    pub(super) info_ms: i64,
    /// The role that it says it has, and since when.
    pub(super) role: Role,
    pub(super) role_since_ms: i64,
    pub(super) replica: ReplicaFacts,
    pub(super) peer: PeerFacts,
}

impl ReplicaFacts {
    /// The failover has nothing more to do with it.
    pub(super) fn is_done(&self) -> bool {
        self.reconfiguration == Reconfiguration::Done || self.is_given_up
    }
}

/// What is known of a replica.
#[derive(Debug)]
pub(super) struct ReplicaFacts {
    /// Whom it says that it follows, and since when.
    pub(super) follows: Option<NodeId>,
    pub(super) follows_since_ms: i64,
    pub(super) is_link_up: bool,
    /// For how long its link to the master has been down, as it says.
    pub(super) link_down_ms: i64,
    pub(super) priority: u32,
    pub(super) offset: i64,
    /// It was chosen to be the next master.
    pub(super) is_promoted: bool,
    pub(super) reconfiguration: Reconfiguration,
    pub(super) reconfigured_ms: i64,
    /// It was told to follow the new master and has not done so in time: it is told again, and the failover
    /// does not wait for it. Source: `SRI_RECONF_DONE` beside `SRI_RECONF_SENT`.
    pub(super) is_given_up: bool,
}

/// What is known of another Sentinel.
#[derive(Debug)]
pub(super) struct PeerFacts {
    /// It says that the master is down.
    pub(super) says_down: bool,
    /// When it last said whether.
    pub(super) said_ms: i64,
    /// For whom it has voted, and in which epoch.
    pub(super) voted_for: Option<String>,
    pub(super) voted_epoch: u64,
    /// When its hello last came.
    pub(super) hello_ms: i64,
}

impl Instance {
    /// One that has just become known. Source: `createSentinelRedisInstance`, `createInstanceLink`.
    pub(super) fn new(node: NodeId, role: Role, now_ms: i64) -> Self {
        Self {
            node,
            run_id: None,
            link: Link::new(now_ms),
            published_ms: now_ms,
            down_since_ms: 0,
            is_down: false,
            info_ms: 0,
            role,
            role_since_ms: now_ms,
            replica: ReplicaFacts {
                follows: None,
                follows_since_ms: now_ms,
                is_link_up: false,
                link_down_ms: 0,
                // Source: `SENTINEL_DEFAULT_SLAVE_PRIORITY`.
                priority: 100,
                offset: 0,
                is_promoted: false,
                reconfiguration: Reconfiguration::None,
                is_given_up: false,
                reconfigured_ms: 0,
            },
            peer: PeerFacts {
                says_down: false,
                said_ms: now_ms,
                voted_for: None,
                voted_epoch: 0,
                hello_ms: now_ms,
            },
        }
    }

    /// It has not been down for so long. Source: `sentinelRedisInstanceNoDownFor`. That a replica is
    /// objectively down does not happen.
    pub(super) const fn has_been_up_for(&self, now_ms: i64, ms: i64) -> bool {
        self.down_since_ms == 0 || now_ms - self.down_since_ms > ms
    }
}

/// A master with all who belong to it.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) master: Instance,
    pub(super) replicas: Vec<Instance>,
    pub(super) sentinels: Vec<Instance>,
    /// Enough Sentinels find the master down.
    pub(super) is_objectively_down: bool,
    pub(super) objectively_down_since_ms: i64,
    /// The epoch of the failover that made it the master.
    pub(super) config_epoch: u64,
    /// For whom this Sentinel has voted, and in which epoch.
    pub(super) leader: Option<String>,
    pub(super) leader_epoch: u64,
    pub(super) failover: Failover,
}

impl Group {
    pub(super) fn new(settings: &SentinelSettings, now_ms: i64) -> Self {
        Self {
            master: Instance::new(settings.master, Role::Master, now_ms),
            replicas: Vec::new(),
            sentinels: Vec::new(),
            is_objectively_down: false,
            objectively_down_since_ms: 0,
            config_epoch: 0,
            leader: None,
            leader_epoch: 0,
            failover: Failover::default(),
        }
    }

    pub(super) fn get(&self, id: Id) -> &Instance {
        match id {
            Id::Master => &self.master,
            Id::Replica(at) => &self.replicas[at],
            Id::Sentinel(at) => &self.sentinels[at],
        }
    }

    pub(super) fn get_mut(&mut self, id: Id) -> &mut Instance {
        match id {
            Id::Master => &mut self.master,
            Id::Replica(at) => &mut self.replicas[at],
            Id::Sentinel(at) => &mut self.sentinels[at],
        }
    }

    /// All instances, in the order in which they are looked at. Source:
    /// `sentinelHandleDictOfRedisInstances`.
    pub(super) fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        let replicas = (0..self.replicas.len()).map(Id::Replica);
        std::iter::once(Id::Master)
            .chain(replicas)
            .chain((0..self.sentinels.len()).map(Id::Sentinel))
    }

    /// The replica that was chosen to be the next master.
    pub(super) fn promoted(&self) -> Option<usize> {
        self.replicas.iter().position(|replica| replica.replica.is_promoted)
    }

    /// Who the master is, as others are told: the new one, as soon as it has said that it is one. Source:
    /// `sentinelGetCurrentMasterAddress`.
    pub(super) fn current_master(&self) -> NodeId {
        let promoted = self.promoted().filter(|_| self.failover.is_decided());
        promoted.map_or(self.master.node, |at| self.replicas[at].node)
    }
}
