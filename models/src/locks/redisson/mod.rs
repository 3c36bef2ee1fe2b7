//! Redisson's locks: a hash that knows its holder, a watchdog that renews it, and a channel that wakes who
//! waits.
//!
//! ```text
//! rlock     `RLock`, and `RFencedLock`: a token with every grant
//! multi     several locks as one: all of them, or a majority
//! renewal   the watchdog
//! wakeups   the channel
//! commands  connections, retries, replicas
//! scripts   what the server does in one step
//! ```
//!
//! What they do when
//!
//! * **it goes well**: one script enters the lock, with the holder's id and a count of one; the watchdog
//!   renews it every ten seconds, to thirty. The unlock leaves it and publishes a message.
//! * **it is somebody else's**: the script answers for how long yet. The waiter subscribes to the lock's
//!   channel, tries again, and sleeps until a message comes or that time is over.
//! * **a node answers late or not at all**: `lock()` throws on a single server, and whoever called it may
//!   call it again. What the lost try has done stands: the same thread enters the lock a second time then,
//!   leaves it once, and the lock stays its own, renewed by nobody, until its lease is over. With
//!   replicas the client tries again by itself, with the same end.
//! * **a connection is lost**: as above for what was under way. Who waits misses the messages of the time
//!   until it is subscribed again, and wakes when the lease that it knows of is over.
//! * **only some replicas have it**: one is enough. Where none has, the grant is taken back and tried
//!   again, four times (`checkLockSyncedSlaves`); then `lock()` throws.
//! * **the lock has expired, or a failover has lost it**: nobody tells the holder, not even its watchdog,
//!   which notices. Its unlock throws `IllegalMonitorStateException` and removes nothing: a lock is
//!   left by its holder's id alone.
//! * **it is to last longer**: only the watchdog renews, and only a lock that was taken without a
//!   lease of the caller's own.
//! * **the holder crashes**: nobody renews. The lock is free when its lease is over, and whoever waits
//!   wakes at that time, without a message.
//!
//! A buyer whose `lock()` has thrown calls it again after [`RedissonSettings::retry`]. One whose `unlock()`
//! has thrown goes on.
//!
//! Read at version 4.7.1-SNAPSHOT, commit 66863978b4a92093b97c1f8c96f182a77e81d50e of the repository redisson/redisson.
//! The cluster's slots are asked for as redis-py does, when they are needed, and not every five seconds
//! (`ClusterServersConfig.scanInterval`).

mod commands;
pub mod multi;
mod renewal;
pub mod rlock;
pub(super) mod scripts;
#[cfg(test)]
mod tests;
mod wakeups;

use std::time::Duration;

use bytes::Bytes;

use crate::note::Name;

/// The settings of a Redisson lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedissonSettings {
    /// The lock's name, and its key's.
    pub key: Name,
    /// How long a grant lasts, where the caller says so: nobody renews it then. `None` has the watchdog
    /// renew it for as long as its process runs.
    pub lease: Option<Duration>,
    /// How long a grant lasts that the watchdog renews, every third of that.
    pub watchdog_timeout: Duration,
    /// A grant that no replica has acknowledged does not count, where there are replicas.
    pub check_synced_slaves: bool,
    /// How long replicas are waited for. It has to be shorter than `timeout`.
    pub slaves_sync_timeout: Duration,
    /// How long to wait for a connection or an answer.
    pub timeout: Duration,
    /// How long a buyer waits before it calls `lock()` again when it has thrown.
    pub retry: Duration,
}

impl RedissonSettings {
    /// How long a grant lasts unless it is renewed.
    pub const fn lasts(&self) -> Duration {
        match self.lease {
            Some(lease) => lease,
            None => self.watchdog_timeout,
        }
    }
}

impl Default for RedissonSettings {
    fn default() -> Self {
        Self {
            key: Name::from_static("lock:stock"),
            // `lock()` is `lock(-1, null, false)`.
            lease: None,
            // `Config.lockWatchdogTimeout = 30 * 1000`.
            watchdog_timeout: Duration::from_secs(30),
            // `Config.checkLockSyncedSlaves = true`.
            check_synced_slaves: true,
            // `Config.slavesSyncTimeout = 1000`.
            slaves_sync_timeout: Duration::from_secs(1),
            // `BaseConfig.timeout = 3000`. A connection has ten seconds there (`connectTimeout`), but a
            // command gives up on it sooner.
            timeout: Duration::from_secs(3),
            // An application's own business; as long as the other recipes wait between two tries.
            retry: Duration::from_millis(100),
        }
    }
}

/// The name of something that belongs to a lock and lies in its slot. Source: `RedissonObject.prefixName`.
fn prefixed(prefix: &str, name: &Name) -> Bytes {
    let name = name.to_string();
    Bytes::from(if name.contains('{') {
        format!("{prefix}:{name}")
    } else {
        format!("{prefix}:{{{name}}}")
    })
}
