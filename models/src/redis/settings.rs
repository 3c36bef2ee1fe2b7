//! What `redis.conf` sets, as far as the model knows it.

pub use super::events::EventClasses;
pub use super::keyspace::ListLimits;
use crate::machine::NodeId;

/// What `redis.conf` sets. The defaults are those of Redis 7.0.15, but for `save`: a Redis that is
/// not told otherwise also writes snapshots (RDB), and none is written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedisSettings {
    /// How often `serverCron` runs in a second: `hz`, 1 to 500.
    pub hz: u32,
    /// What is kept on disk: `appendonly` and `appendfsync`.
    pub persistence: Persistence,
    /// From how many bytes on keys have to go or writes are refused: `maxmemory`, 0 for no limit.
    pub maxmemory_bytes: u64,
    /// Which keys go: `maxmemory-policy`.
    pub maxmemory_policy: MaxmemoryPolicy,
    /// Among how many keys one is chosen to go: `maxmemory-samples`, 1 to 2147483647.
    pub maxmemory_samples: u32,
    /// Which events of keys are published: `notify-keyspace-events`.
    pub notify_keyspace_events: EventClasses,
    /// How large a hash may be and still be a list: `hash-max-listpack-entries` and `-value`.
    pub hash_limits: ListLimits,
    /// After how many seconds without a word a client is hung up on: `timeout`, 0 for never.
    pub timeout_s: u32,
    /// Clients may send `DEBUG`: `enable-debug-command`.
    pub enable_debug_command: bool,
    /// Was started with a file that `CONFIG REWRITE` can write to; what is kept in it is whom the server
    /// follows.
    pub has_config_file: bool,
    /// Whom the server follows when it starts: `replicaof`.
    pub replica_of: Option<NodeId>,
    /// Replicas and what they ask for.
    pub replication: ReplicationSettings,
}

/// What `redis.conf` sets about replication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicationSettings {
    /// Which replica Sentinel prefers as the next master, the lowest first; 0 for never:
    /// `replica-priority`.
    pub priority: u32,
    /// A master takes writes only while it has so many replicas in step: `min-replicas-to-write`, 0 for
    /// always.
    pub min_replicas_to_write: u32,
    /// A replica is in step while it was heard of within so many seconds: `min-replicas-max-lag`.
    pub min_replicas_max_lag_s: u32,
    /// After how many seconds of silence either side gives up: `repl-timeout`.
    pub timeout_s: u32,
    /// How often a master says something to its replicas: seconds, `repl-ping-replica-period`.
    pub ping_period_s: u32,
    /// How much of the stream is kept for replicas that come back: `repl-backlog-size`.
    pub backlog_bytes: u64,
    /// For how many seconds it is kept while there is no replica: `repl-backlog-ttl`, 0 for ever.
    pub backlog_ttl_s: u32,
    /// How long a copy waits for further replicas: seconds, `repl-diskless-sync-delay`.
    pub sync_delay_s: u32,
    /// A replica refuses its clients' writes: `replica-read-only`.
    pub read_only: bool,
    /// A replica that has lost its master goes on answering: `replica-serve-stale-data`.
    pub serve_stale_data: bool,
}

impl Default for ReplicationSettings {
    fn default() -> Self {
        // Source: `config.c`, `static_configs`.
        Self {
            priority: 100,
            min_replicas_to_write: 0,
            min_replicas_max_lag_s: 10,
            timeout_s: 60,
            ping_period_s: 10,
            backlog_bytes: 1 << 20,
            backlog_ttl_s: 3600,
            sync_delay_s: 5,
            read_only: true,
            serve_stale_data: true,
        }
    }
}

impl Default for RedisSettings {
    fn default() -> Self {
        // Source: `server.h`, `CONFIG_DEFAULT_HZ`; `config.c` for the others.
        Self {
            hz: 10,
            persistence: Persistence::None,
            maxmemory_bytes: 0,
            maxmemory_policy: MaxmemoryPolicy::NoEviction,
            maxmemory_samples: 5,
            notify_keyspace_events: EventClasses::NONE,
            hash_limits: ListLimits::default(),
            timeout_s: 0,
            enable_debug_command: false,
            has_config_file: false,
            replica_of: None,
            replication: ReplicationSettings::default(),
        }
    }
}

/// What a Redis keeps on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Nothing: a restart begins with no keys. `appendonly no`, the default.
    None,
    /// Every change, in an append-only file: `appendonly yes`.
    Aof(AppendFsync),
}

impl Persistence {
    /// Every one, with its name in scenario files.
    pub const ALL: [(&'static str, Self); 4] = [
        ("none", Self::None),
        ("aof-no", Self::Aof(AppendFsync::No)),
        ("aof-everysec", Self::Aof(AppendFsync::EverySecond)),
        ("aof-always", Self::Aof(AppendFsync::Always)),
    ];

    /// When the file is synced; the default where there is none.
    pub const fn appendfsync(self) -> AppendFsync {
        match self {
            Self::None => AppendFsync::EverySecond,
            Self::Aof(policy) => policy,
        }
    }

    /// Its name in scenario files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Aof(AppendFsync::No) => "aof-no",
            Self::Aof(AppendFsync::EverySecond) => "aof-everysec",
            Self::Aof(AppendFsync::Always) => "aof-always",
        }
    }
}

/// When what was written to the append-only file is made to survive a power loss: `appendfsync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendFsync {
    /// When the kernel sees fit: in the model never.
    No,
    /// About once a second, on a thread of its own. Redis's default.
    EverySecond,
    /// Before a reply is sent.
    Always,
}

impl AppendFsync {
    /// Every policy, with its name in `redis.conf`.
    pub const ALL: [(&'static str, Self); 3] =
        [("everysec", Self::EverySecond), ("always", Self::Always), ("no", Self::No)];

    /// Its name in `redis.conf`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EverySecond => "everysec",
            Self::Always => "always",
            Self::No => "no",
        }
    }
}

/// Which keys go when memory is full: `maxmemory-policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxmemoryPolicy {
    /// None: commands that may need memory are refused. Redis's default.
    NoEviction,
    /// Of all keys, those that were used least lately.
    AllKeysLru,
    /// Of all keys, those that were used least often.
    AllKeysLfu,
    /// Of all keys, any.
    AllKeysRandom,
    /// Of those that have an expiry, those that were used least lately.
    VolatileLru,
    /// Of those that have an expiry, those that were used least often.
    VolatileLfu,
    /// Of those that have an expiry, any.
    VolatileRandom,
    /// Of those that have an expiry, those that expire first.
    VolatileTtl,
}

impl MaxmemoryPolicy {
    /// Every policy, with its name in `redis.conf` and in scenario files.
    pub const ALL: [(&'static str, Self); 8] = [
        ("noeviction", Self::NoEviction),
        ("allkeys-lru", Self::AllKeysLru),
        ("allkeys-lfu", Self::AllKeysLfu),
        ("allkeys-random", Self::AllKeysRandom),
        ("volatile-lru", Self::VolatileLru),
        ("volatile-lfu", Self::VolatileLfu),
        ("volatile-random", Self::VolatileRandom),
        ("volatile-ttl", Self::VolatileTtl),
    ];

    /// Its name in `redis.conf` and in scenario files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoEviction => "noeviction",
            Self::AllKeysLru => "allkeys-lru",
            Self::AllKeysLfu => "allkeys-lfu",
            Self::AllKeysRandom => "allkeys-random",
            Self::VolatileLru => "volatile-lru",
            Self::VolatileLfu => "volatile-lfu",
            Self::VolatileRandom => "volatile-random",
            Self::VolatileTtl => "volatile-ttl",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_as_they_are_written() {
        assert!(Persistence::ALL.iter().all(|(name, it)| *name == it.as_str()));
        assert!(AppendFsync::ALL.iter().all(|(name, it)| *name == it.as_str()));
        assert!(MaxmemoryPolicy::ALL.iter().all(|(name, it)| *name == it.as_str()));
    }
}
