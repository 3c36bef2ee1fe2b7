//! The rows: who locks on what, with the settings that matter.
//!
//! What can be alike is alike: three buyers, the same sale, a lease or a session of ten seconds.

use std::time::Duration;

use fencepost_models::locks::curator::CuratorSettings;
use fencepost_models::locks::jvm::JvmLockSettings;
use fencepost_models::locks::redis::RedisLockSettings;
use fencepost_models::locks::redisson::RedissonSettings;
use fencepost_models::locks::redisson::multi::Needs;
use fencepost_models::locks::redlock::RedlockSettings;
use fencepost_models::locks::zookeeper::{OnDisconnect, Watching, ZooKeeperLockSettings};
use fencepost_models::redis::server::{AppendFsync, Persistence, RedisSettings};
use fencepost_models::shop::buyer::LeaseCheck;

use crate::scenario::{
    Backend, Recipe, RedisCluster, RedisIndependent, RedisSentinel, RedissonMulti, Scenario,
    ZooKeeper,
};

/// How long every lease and every session lasts. Faults last up to twice that.
pub const LEASE: Duration = Duration::from_secs(10);

/// After how long of silence servers that watch each other find one down.
const DOWN_AFTER: Duration = Duration::from_secs(5);

/// How many buyers there are.
pub const BUYERS: u16 = 3;

/// One row: a lock on a backend, with a sale that keeps it busy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What the row's cells are called by: `set-nx-sentinel`.
    pub name: &'static str,
    /// What it is, in words.
    pub title: &'static str,
    /// The sale, without faults, without fencing.
    pub scenario: Scenario,
}

/// Every row.
pub fn rows() -> Vec<Row> {
    let jvm = || Recipe::Jvm(JvmLockSettings::default());
    let forgets = || Some(Backend::Redis(RedisSettings::default()));
    vec![
        row("none", "no lock: read, then write", Recipe::None, None),
        row("conditional-update", "no lock: a conditional update", Recipe::ConditionalUpdate, None),
        row("jvm", "jvm, one process", jvm(), Some(Backend::Memory { processes: 1 })),
        row("jvm-2", "jvm, two processes", jvm(), Some(Backend::Memory { processes: 2 })),
        row("set-nx", "set-nx on redis", Recipe::SetNx(key()), forgets()),
        row("set-nx-fsync", "set-nx on redis, fsync always", Recipe::SetNx(key()), synced()),
        row(
            "set-nx-deadline",
            "set-nx on redis, no work beyond the lease",
            Recipe::SetNx(key()),
            forgets(),
        )
        .but(|s| s.shop.buyer.lease_check = LeaseCheck::Throughout),
        row(
            "set-nx-plain-del",
            "set-nx on redis, bare DEL",
            Recipe::SetNxPlainDel(key()),
            forgets(),
        ),
        row("setnx-expire", "SETNX, then EXPIRE, on redis", Recipe::SetnxExpire(key()), forgets()),
        row("set-nx-sentinel", "set-nx on redis-sentinel", Recipe::SetNx(key()), sentinel()),
        row(
            "set-nx-sentinel-wait",
            "set-nx on redis-sentinel, WAIT 1",
            Recipe::SetNx(wait()),
            sentinel(),
        ),
        row("set-nx-cluster", "set-nx on redis-cluster", Recipe::SetNx(key()), cluster()),
        row(
            "redlock",
            "redlock, 5 servers",
            Recipe::Redlock(redlock()),
            masters(Persistence::None),
        ),
        row(
            "redlock-fsync",
            "redlock, 5 servers, fsync always",
            Recipe::Redlock(redlock()),
            masters(ALWAYS),
        ),
        row("redisson", "redisson on redis, watchdog", Recipe::Redisson(watchdog()), forgets()),
        row("redisson-lease", "redisson on redis, lease", Recipe::Redisson(lease()), forgets()),
        row(
            "redisson-sentinel",
            "redisson-fenced on redis-sentinel",
            Recipe::RedissonFenced(watchdog()),
            sentinel(),
        ),
        row(
            "redisson-multi",
            "redisson-multi, 3 of 5 servers",
            majority(),
            masters(Persistence::None),
        ),
        row("zookeeper", "zookeeper", Recipe::ZooKeeper(session()), ensemble()),
        row(
            "zookeeper-ignores",
            "zookeeper, ignores Disconnected",
            Recipe::ZooKeeper(ignores()),
            ensemble(),
        ),
        row(
            "zookeeper-herd",
            "zookeeper, watches the parent",
            Recipe::ZooKeeper(herd()),
            ensemble(),
        ),
        row("curator", "curator, stops at SUSPENDED", Recipe::Curator(curator()), ensemble()),
    ]
}

fn row(name: &'static str, title: &'static str, lock: Recipe, backend: Option<Backend>) -> Row {
    let scenario = Scenario::default().but(|s| {
        s.title = title.to_owned();
        s.lock = lock;
        s.backend = backend;
        // More than can be sold, and long critical sections: the lock is busy to the end.
        (s.shop.stock, s.shop.buyers) = (1_000, BUYERS);
        s.shop.buyer.work = (Duration::from_millis(100), Duration::from_secs(1));
        s.duration = Duration::from_secs(60);
    });
    Row { name, title, scenario }
}

impl Row {
    fn but(self, change: impl FnOnce(&mut Scenario)) -> Self {
        Self { scenario: self.scenario.but(change), ..self }
    }
}

const ALWAYS: Persistence = Persistence::Aof(AppendFsync::Always);

fn key() -> RedisLockSettings {
    RedisLockSettings { ttl: LEASE, ..RedisLockSettings::default() }
}

fn wait() -> RedisLockSettings {
    RedisLockSettings { wait_replicas: 1, ..key() }
}

fn redlock() -> RedlockSettings {
    RedlockSettings { ttl: LEASE, ..RedlockSettings::default() }
}

fn watchdog() -> RedissonSettings {
    RedissonSettings { watchdog_timeout: LEASE, ..RedissonSettings::default() }
}

fn lease() -> RedissonSettings {
    RedissonSettings { lease: Some(LEASE), ..RedissonSettings::default() }
}

fn majority() -> Recipe {
    Recipe::RedissonMulti(RedissonMulti { lock: watchdog(), needs: Needs::Majority })
}

fn session() -> ZooKeeperLockSettings {
    ZooKeeperLockSettings { session_timeout: LEASE, ..ZooKeeperLockSettings::default() }
}

fn ignores() -> ZooKeeperLockSettings {
    ZooKeeperLockSettings { on_disconnect: OnDisconnect::Ignores, ..session() }
}

fn herd() -> ZooKeeperLockSettings {
    ZooKeeperLockSettings { watching: Watching::Parent, ..session() }
}

fn curator() -> CuratorSettings {
    CuratorSettings { session_timeout: LEASE, ..CuratorSettings::default() }
}

fn synced() -> Option<Backend> {
    Some(Backend::Redis(RedisSettings { persistence: ALWAYS, ..RedisSettings::default() }))
}

/// One master, two replicas, three Sentinels.
fn sentinel() -> Option<Backend> {
    Some(Backend::RedisSentinel(RedisSentinel {
        down_after: DOWN_AFTER,
        ..RedisSentinel::default()
    }))
}

/// Three masters with a replica each.
fn cluster() -> Option<Backend> {
    let mut cluster = RedisCluster::default();
    cluster.cluster.node_timeout = DOWN_AFTER;
    Some(Backend::RedisCluster(cluster))
}

fn masters(persistence: Persistence) -> Option<Backend> {
    let redis = RedisSettings { persistence, ..RedisSettings::default() };
    Some(Backend::RedisIndependent(RedisIndependent { redis, ..RedisIndependent::default() }))
}

/// Three servers.
fn ensemble() -> Option<Backend> {
    Some(Backend::ZooKeeper(ZooKeeper::default()))
}
