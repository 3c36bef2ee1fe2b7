//! What `sentinel.conf` sets.

use std::time::Duration;

use bytes::Bytes;

use crate::machine::NodeId;

/// What `sentinel.conf` sets about the master that a Sentinel watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentinelSettings {
    /// What clients call it: the name in `sentinel monitor`.
    pub master_name: Bytes,
    /// Which node it is in the beginning.
    pub master: NodeId,
    /// How many Sentinels have to find it down before there is a failover.
    pub quorum: u32,
    /// After how long without an answer somebody is taken to be down:
    /// `sentinel down-after-milliseconds`.
    pub down_after: Duration,
    /// How long a failover may take, and other times that follow from it:
    /// `sentinel failover-timeout`.
    pub failover_timeout: Duration,
    /// How many replicas may be without their data at the same time because they take up a new master's:
    /// `sentinel parallel-syncs`.
    pub parallel_syncs: u32,
}

impl SentinelSettings {
    /// The defaults, for a master and a quorum, which have none.
    pub const fn new(master: NodeId, quorum: u32) -> Self {
        Self {
            // Source: `sentinel.conf`, as it is delivered.
            master_name: Bytes::from_static(b"mymaster"),
            master,
            quorum,
            // Source: `sentinel_default_down_after`.
            down_after: Duration::from_secs(30),
            // Source: `sentinel_default_failover_timeout`.
            failover_timeout: Duration::from_secs(180),
            // Source: `SENTINEL_DEFAULT_PARALLEL_SYNCS`.
            parallel_syncs: 1,
        }
    }

    pub(super) fn down_after_ms(&self) -> i64 {
        i64::try_from(self.down_after.as_millis()).unwrap_or(i64::MAX)
    }

    pub(super) fn failover_timeout_ms(&self) -> i64 {
        i64::try_from(self.failover_timeout.as_millis()).unwrap_or(i64::MAX)
    }

    /// The name as text.
    pub(super) fn name(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.master_name)
    }
}
