//! One znode.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::zookeeper::protocol::{Path, SessionId, Stat, Zxid};

/// A znode. Source: `DataNode.java`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::zookeeper) struct Node {
    pub(in crate::zookeeper) data: Bytes,
    pub(in crate::zookeeper) stat: Persisted,
    /// The names of its children, in order: the real server keeps them in a hash set, whose order means nothing.
    pub(in crate::zookeeper) children: BTreeSet<Path>,
}

/// What is kept of a node's stat; the rest follows from the node. Source: `zookeeper.jute`,
/// `StatPersisted`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::zookeeper) struct Persisted {
    pub(in crate::zookeeper) czxid: Zxid,
    pub(in crate::zookeeper) mzxid: Zxid,
    pub(in crate::zookeeper) pzxid: Zxid,
    pub(in crate::zookeeper) ctime_ms: u64,
    pub(in crate::zookeeper) mtime_ms: u64,
    pub(in crate::zookeeper) version: i32,
    /// How many children it has ever had, and not what clients know by that name.
    pub(in crate::zookeeper) creations: i32,
    pub(in crate::zookeeper) ephemeral_owner: SessionId,
}

impl Persisted {
    /// Of a node that is new. Source: `DataTree.java`, `createStat`.
    pub(in crate::zookeeper) fn of_new(zxid: Zxid, time_ms: u64, owner: SessionId) -> Self {
        Self {
            czxid: zxid,
            mzxid: zxid,
            pzxid: zxid,
            ctime_ms: time_ms,
            mtime_ms: time_ms,
            version: 0,
            creations: 0,
            ephemeral_owner: owner,
        }
    }
}

impl Node {
    /// What clients are told. A child that is gone was created and deleted, one that is there only
    /// created: that is how often there was a change. Source: `DataNode.java`, `copyStat`.
    pub(in crate::zookeeper) fn stat(&self) -> Stat {
        let children = u32::try_from(self.children.len()).unwrap_or(u32::MAX);
        Stat {
            czxid: self.stat.czxid,
            mzxid: self.stat.mzxid,
            pzxid: self.stat.pzxid,
            ctime_ms: self.stat.ctime_ms,
            mtime_ms: self.stat.mtime_ms,
            version: self.stat.version,
            cversion: self.stat.creations.wrapping_mul(2).wrapping_sub_unsigned(children),
            ephemeral_owner: self.stat.ephemeral_owner,
            data_length: u32::try_from(self.data.len()).unwrap_or(u32::MAX),
            num_children: children,
        }
    }
}
