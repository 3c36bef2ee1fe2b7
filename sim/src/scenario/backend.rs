//! Backends: the servers that a lock lives on, with their settings.

use std::time::Duration;

use fencepost_models::machine::NodeId;
use fencepost_models::redis::cluster::ClusterSettings;
use fencepost_models::redis::sentinel::SentinelSettings;
use fencepost_models::redis::server::RedisSettings;
use fencepost_models::zookeeper::EnsembleSettings;

use crate::own::OwnServers;

/// The servers that a lock lives on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// One Redis: the node `redis`.
    Redis(RedisSettings),
    /// A master with replicas, and Sentinels that watch them.
    RedisSentinel(RedisSentinel),
    /// Masters that share the slots, with replicas that watch each other.
    RedisCluster(RedisCluster),
    /// Masters that know nothing of each other, as RedLock wants them.
    RedisIndependent(RedisIndependent),
    /// An ensemble of ZooKeeper's.
    ZooKeeper(ZooKeeper),
    /// No server: the memory of the buyers' own processes. The buyers are threads of the nodes `jvm-1`,
    /// `jvm-2`, …, dealt out to them in turn.
    Memory {
        /// How many processes there are; no more than buyers.
        processes: u16,
    },
    /// Somebody's own servers, for a lock of somebody's own: see [`crate::own`]. No scenario file has them.
    Own(OwnServers),
}

/// A Redis master, the node `redis-1`, its replicas, `redis-2`, `redis-3`, …, and the Sentinels
/// `sentinel-1`, `sentinel-2`, …. Servers remember whom they follow (`CONFIG REWRITE`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisSentinel {
    /// What every server has set. Whom it follows and whether it has a configuration file is not up to
    /// it.
    pub redis: RedisSettings,
    /// How many replicas there are.
    pub replicas: u16,
    /// How many Sentinels there are.
    pub sentinels: u16,
    /// How many Sentinels have to find the master down: `sentinel monitor`.
    pub quorum: u32,
    /// `sentinel down-after-milliseconds`.
    pub down_after: Duration,
    /// `sentinel failover-timeout`.
    pub failover_timeout: Duration,
    /// `sentinel parallel-syncs`.
    pub parallel_syncs: u32,
}

impl RedisSentinel {
    /// At most so many replicas, and so many Sentinels: more than anybody runs.
    pub const MAX_NODES: u16 = 100;

    /// What each Sentinel has set, where the master is that node.
    pub fn sentinel(&self, master: NodeId) -> SentinelSettings {
        SentinelSettings {
            down_after: self.down_after,
            failover_timeout: self.failover_timeout,
            parallel_syncs: self.parallel_syncs,
            ..SentinelSettings::new(master, self.quorum)
        }
    }

    /// What a server has set that follows that node, or nobody.
    pub fn server(&self, master: Option<NodeId>) -> RedisSettings {
        RedisSettings { replica_of: master, has_config_file: true, ..self.redis }
    }
}

impl Default for RedisSentinel {
    /// One master, two replicas, three Sentinels with a quorum of two: the second example of the
    /// documentation, with Sentinel's own defaults. Source: redis.io, "High availability with Redis
    /// Sentinel", "Example 2: basic setup with three boxes".
    fn default() -> Self {
        let sentinel = SentinelSettings::new(NodeId(0), 2);
        Self {
            redis: RedisSettings::default(),
            replicas: 2,
            sentinels: 3,
            quorum: sentinel.quorum,
            down_after: sentinel.down_after,
            failover_timeout: sentinel.failover_timeout,
            parallel_syncs: sentinel.parallel_syncs,
        }
    }
}

/// A Redis Cluster: the masters are the nodes `redis-1`, `redis-2`, …, then come their replicas, which
/// are dealt out to them in turn. Nodes remember who has which slot (`nodes.conf`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisCluster {
    /// What every server has set. Whom it follows is not up to it.
    pub redis: RedisSettings,
    /// How many masters there are.
    pub masters: u16,
    /// How many replicas each master has.
    pub replicas: u16,
    /// What every node has set of the cluster. Whom it knows is not up to it.
    pub cluster: ClusterSettings,
    /// An operator, the node `operator`, moves the lock's slot to another master so long after the start.
    pub moves_slot_after: Option<Duration>,
}

impl RedisCluster {
    /// At most so many masters, and so many replicas of each.
    pub const MAX_NODES: u16 = 100;

    /// How many servers there are.
    pub const fn servers(&self) -> u16 {
        self.masters.saturating_mul(self.replicas.saturating_add(1))
    }

    /// What each node has set, where the servers are these: the masters first.
    pub fn node(&self, servers: &[NodeId]) -> ClusterSettings {
        let (masters, replicas) = servers.split_at(usize::from(self.masters).min(servers.len()));
        let ClusterSettings { nodes, .. } = ClusterSettings::of(masters, replicas);
        ClusterSettings { nodes, ..self.cluster.clone() }
    }
}

impl Default for RedisCluster {
    /// Three masters with a replica each: the least that the documentation recommends. Source: redis.io,
    /// "Scaling with Redis Cluster", "Create a Redis Cluster".
    fn default() -> Self {
        Self {
            redis: RedisSettings::default(),
            masters: 3,
            replicas: 1,
            cluster: ClusterSettings::default(),
            moves_slot_after: None,
        }
    }
}

/// Masters without replicas that know nothing of each other: the nodes `redis-1`, `redis-2`, …
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisIndependent {
    /// What every server has set. Whom it follows is not up to it: nobody.
    pub redis: RedisSettings,
    /// How many servers there are.
    pub servers: u16,
    /// How long a server stays away after each of its restarts, beside the time that its host is down;
    /// zero for not at all.
    pub restart_delay: Duration,
}

impl RedisIndependent {
    /// At most so many servers: more than anybody runs.
    pub const MAX_NODES: u16 = 100;
}

impl Default for RedisIndependent {
    /// Five servers, which start again at once. Source: redis.io, "Distributed Locks with Redis", "The
    /// Redlock Algorithm": N = 5 there.
    fn default() -> Self {
        Self { redis: RedisSettings::default(), servers: 5, restart_delay: Duration::ZERO }
    }
}

/// An ensemble of ZooKeeper's: the nodes `zk-1`, `zk-2`, …
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZooKeeper {
    /// How many servers there are. All vote.
    pub servers: u16,
    /// `tickTime`.
    pub tick: Duration,
    /// `initLimit`, in ticks.
    pub init_limit: u32,
    /// `syncLimit`, in ticks.
    pub sync_limit: u32,
    /// See [`EnsembleSettings::logs_before_ack`].
    pub logs_before_ack: bool,
}

impl ZooKeeper {
    /// At most so many servers: more than anybody has vote.
    pub const MAX_NODES: u16 = 100;

    /// What every server has set, where the servers are these.
    pub fn settings(&self, servers: &[NodeId]) -> EnsembleSettings {
        EnsembleSettings {
            tick: self.tick,
            init_limit: self.init_limit,
            sync_limit: self.sync_limit,
            logs_before_ack: self.logs_before_ack,
            ..EnsembleSettings::new(servers.iter().copied())
        }
    }
}

impl Default for ZooKeeper {
    /// Three servers with the times of the sample.
    fn default() -> Self {
        let EnsembleSettings { tick, init_limit, sync_limit, logs_before_ack, .. } =
            EnsembleSettings::new([]);
        Self { servers: 3, tick, init_limit, sync_limit, logs_before_ack }
    }
}

impl Backend {
    /// Every backend that a scenario file can name, as it is by default.
    pub fn all() -> [Self; 6] {
        [
            Self::Redis(RedisSettings::default()),
            Self::RedisSentinel(RedisSentinel::default()),
            Self::RedisCluster(RedisCluster::default()),
            Self::RedisIndependent(RedisIndependent::default()),
            Self::ZooKeeper(ZooKeeper::default()),
            Self::Memory { processes: 1 },
        ]
    }

    /// The backend's name in scenario files.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Redis(_) => "redis",
            Self::RedisSentinel(_) => "redis-sentinel",
            Self::RedisCluster(_) => "redis-cluster",
            Self::RedisIndependent(_) => "redis-independent",
            Self::ZooKeeper(_) => "zookeeper",
            Self::Memory { .. } => "memory",
            Self::Own(_) => "own",
        }
    }

    /// The names of the servers that have the lock, in the order of their numbers.
    pub fn server_names(&self) -> Vec<String> {
        match self {
            Self::Redis(_) => vec!["redis".to_owned()],
            Self::RedisSentinel(group) => numbered("redis", group.replicas.saturating_add(1)),
            Self::RedisCluster(cluster) => numbered("redis", cluster.servers()),
            Self::RedisIndependent(masters) => numbered("redis", masters.servers),
            Self::ZooKeeper(ensemble) => numbered("zk", ensemble.servers),
            Self::Memory { .. } => Vec::new(),
            Self::Own(servers) => servers.names(),
        }
    }

    /// How many replicas each master has.
    pub const fn replicas(&self) -> u16 {
        match self {
            Self::RedisSentinel(group) => group.replicas,
            Self::RedisCluster(cluster) => cluster.replicas,
            _ => 0,
        }
    }

    /// The names of the servers that watch those, in the order of their numbers, which come after.
    pub fn watcher_names(&self) -> Vec<String> {
        match self {
            Self::RedisSentinel(group) => numbered("sentinel", group.sentinels),
            _ => Vec::new(),
        }
    }

    /// The names of the nodes that can be told to put a replica in its master's place: Sentinels, or the
    /// replicas of a cluster.
    pub fn failover_targets(&self) -> Vec<String> {
        match self {
            Self::RedisCluster(cluster) => {
                self.server_names().split_off(usize::from(cluster.masters))
            }
            _ => self.watcher_names(),
        }
    }

    /// What the servers have to be asked for that keep the lock, if there are any.
    pub const fn redis(&self) -> Option<&RedisSettings> {
        match self {
            Self::Redis(settings) => Some(settings),
            Self::RedisSentinel(group) => Some(&group.redis),
            Self::RedisCluster(cluster) => Some(&cluster.redis),
            Self::RedisIndependent(masters) => Some(&masters.redis),
            Self::ZooKeeper(_) | Self::Memory { .. } | Self::Own(_) => None,
        }
    }

    /// After how long the servers know each other and have the same data, where there is no fault: the
    /// buyers come then unless the scenario says otherwise.
    ///
    /// A replica gets its copy up to seven seconds after its start, since a master waits five for others
    /// that may come (`repl-diskless-sync-delay`). Sentinels have found each other after two, and look
    /// once in a second at replicas that are not in step. A node of a cluster takes no writes for two
    /// seconds after its start. An ensemble has elected its leader and brought its followers into step within
    /// a second or two (`models/zookeeper/FIDELITY.md`).
    pub const fn settles_after(&self) -> Duration {
        match self {
            Self::Redis(_) | Self::RedisIndependent(_) | Self::Memory { .. } | Self::Own(_) => {
                Duration::ZERO
            }
            Self::RedisSentinel(_) | Self::RedisCluster(_) => Duration::from_secs(10),
            Self::ZooKeeper(_) => Duration::from_secs(3),
        }
    }

    /// How long it may take, at most, until somebody grants locks again after all faults are over.
    ///
    /// With Sentinels: they find the master down, and may not try again before twice the failover's
    /// timeout has passed since the last attempt; who leads has that timeout to promote a replica; an old
    /// master that comes back is told after eight seconds, or when `INFO` is next asked for, and a
    /// replica then waits for its copy. Source: `sentinel.c`, `sentinelStartFailoverIfNeeded`,
    /// `sentinelFailoverStateMachine`, `sentinelRefreshInstanceInfo`.
    ///
    /// In a cluster: nodes find somebody down and agree on it within two node timeouts, and a replica that
    /// is not elected stands again after four. Source: `cluster.c`, `clusterHandleSlaveFailover`.
    ///
    /// Independent masters stay away for their delay after a restart.
    ///
    /// In an ensemble: a server that finds nobody to vote with asks ever more seldom, once in a minute at
    /// last; who leads waits for its followers for `initLimit`; a leader or a follower that has gone silent is
    /// noticed after `syncLimit`, and all sessions then begin their timeout anew. Source:
    /// `FastLeaderElection.java`, `maxNotificationInterval`; `Leader.java`, `lead`.
    pub const fn recovers_after(&self) -> Duration {
        const REST: Duration = Duration::from_secs(30);
        match self {
            Self::Redis(_) | Self::Memory { .. } | Self::Own(_) => Duration::ZERO,
            Self::RedisSentinel(group) => {
                let failovers = group.failover_timeout.saturating_mul(3);
                group.down_after.saturating_add(failovers).saturating_add(REST)
            }
            Self::RedisCluster(cluster) => {
                cluster.cluster.node_timeout.saturating_mul(8).saturating_add(REST)
            }
            Self::RedisIndependent(masters) => masters.restart_delay,
            Self::ZooKeeper(ensemble) => {
                const ASKS_AGAIN: Duration = Duration::from_secs(60);
                let ticks =
                    ensemble.init_limit.saturating_add(ensemble.sync_limit.saturating_mul(2));
                ensemble.tick.saturating_mul(ticks).saturating_add(ASKS_AGAIN)
            }
        }
    }

    /// Whether there is a Redis, which others than the lock's clients can use too.
    pub const fn takes_load(&self) -> bool {
        self.redis().is_some()
    }
}

fn numbered(kind: &str, count: u16) -> Vec<String> {
    (1..=count).map(|number| format!("{kind}-{number}")).collect()
}
