//! What a server hands to its part in the cluster, and what it is told to do.

use bytes::Bytes;

use super::SlotSet;
use crate::machine::NodeId;
use crate::redis::address::{host, redis_port};

/// What the server is, as far as the cluster asks.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// How far its data reach: as a replica `replicationGetSlaveOffset`, as a master
    /// `server.master_repl_offset`.
    pub(crate) offset: u64,
    /// It follows a master, or tries to: `server.masterhost`.
    pub(crate) follows: bool,
    /// A replica: for how many seconds its master has been silent (`server.master->lastinteraction`),
    /// or the link to it down (`server.repl_down_since`).
    pub(crate) master_silent_s: u64,
    /// `repl-ping-replica-period`.
    pub(crate) repl_ping_replica_period_s: u32,
    /// Its keys.
    pub(crate) keys: &'a dyn Keys,
}

/// The keys of the only database that a node of a cluster has.
pub(crate) trait Keys {
    /// True when there are none.
    fn is_empty(&self) -> bool;
    /// True when there is such a key, and it has not expired.
    fn contains(&self, key: &[u8]) -> bool;
    /// The slots that have keys.
    fn slots(&self) -> SlotSet;
    /// The keys of a slot, in any order that is always the same.
    fn of_slot(&self, slot: u16) -> Vec<Bytes>;
}

/// One turn of the event loop.
#[derive(Clone, Copy)]
pub(crate) struct Turn<'a> {
    /// What the server is.
    pub(crate) facts: Facts<'a>,
    /// `mstime`: Unix milliseconds on the wall clock, which may be set back and forth.
    pub(crate) now_ms: i64,
}

/// What the server has to do at once, in the order in which it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Follow a master: `replicationSetMaster`.
    Follow(NodeId),
    /// Follow nobody any longer: `replicationUnsetMaster`.
    Lead,
    /// Carry out no writes before a moment on the wall clock, in Unix milliseconds: `pauseClients`
    /// for the purpose `PAUSE_DURING_FAILOVER`.
    PauseWrites {
        /// That moment.
        until_ms: i64,
    },
    /// Carry them out again: `unpauseClients` for the same purpose.
    ResumeWrites,
    /// Delete the keys of slots that are lost: `delKeysInSlot`. What is deleted is not passed on.
    DeleteKeys(SlotSet),
    /// Delete all keys: `emptyData`.
    DeleteAllKeys,
    /// Take the subscribers off the shard channels in slots that this shard no longer serves:
    /// `removeChannelsInSlot`.
    DropShardChannels(SlotSet),
    /// Hand a message that was published at another node to the subscribers here:
    /// `pubsubPublishMessage`.
    Publish {
        /// Where.
        channel: Bytes,
        /// What.
        message: Bytes,
        /// On a channel of a shard.
        sharded: bool,
    },
}

/// A node, as notes name it.
pub(super) fn shown(node: Option<NodeId>) -> String {
    node.map_or_else(|| "?".to_owned(), |node| format!("{}:{}", host(node), redis_port(node)))
}
