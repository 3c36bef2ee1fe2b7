//! Requests of clients, and the answers to them.

use bytes::Bytes;
use serde::Serialize;

use super::{ErrorCode, Path, SessionId, Zxid};

/// How a node is created. Source: `CreateMode.java`; container and TTL nodes are not modelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CreateMode {
    /// It goes when the session that creates it ends.
    pub ephemeral: bool,
    /// The server appends a number of ten digits to its name, greater than any that the parent gave before.
    pub sequential: bool,
}

impl CreateMode {
    /// `PERSISTENT`.
    pub const PERSISTENT: Self = Self { ephemeral: false, sequential: false };
    /// `EPHEMERAL`.
    pub const EPHEMERAL: Self = Self { ephemeral: true, sequential: false };
    /// `PERSISTENT_SEQUENTIAL`.
    pub const PERSISTENT_SEQUENTIAL: Self = Self { ephemeral: false, sequential: true };
    /// `EPHEMERAL_SEQUENTIAL`.
    pub const EPHEMERAL_SEQUENTIAL: Self = Self { ephemeral: true, sequential: true };
}

/// What a client asks for. A version of -1 is any. Source: `ZooDefs.java`, `OpCode`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// Make a node.
    Create {
        /// Where; the server appends a number when the node is sequential.
        path: Path,
        /// What it holds.
        data: Bytes,
        /// How.
        mode: CreateMode,
        /// The answer names the node's stat too: `create2`.
        with_stat: bool,
    },
    /// Delete a node that has no children.
    Delete {
        /// Which.
        path: Path,
        /// Only if it has this version.
        version: i32,
    },
    /// Whether there is a node; a watch is left for one that is not there, too.
    Exists {
        /// Which.
        path: Path,
        /// Leave a watch.
        watch: bool,
    },
    /// What a node holds.
    GetData {
        /// Which.
        path: Path,
        /// Leave a watch.
        watch: bool,
    },
    /// Put something else into a node.
    SetData {
        /// Which.
        path: Path,
        /// What.
        data: Bytes,
        /// Only if it has this version.
        version: i32,
    },
    /// The names of a node's children.
    GetChildren {
        /// Whose.
        path: Path,
        /// Leave a watch.
        watch: bool,
        /// The answer names the node's stat too: `getChildren2`.
        with_stat: bool,
    },
    /// Part of a `multi`: fail unless the node has this version.
    Check {
        /// Which.
        path: Path,
        /// The version.
        version: i32,
    },
    /// Several writes, of which all are carried out or none.
    Multi(Vec<Op>),
    /// Let this server catch up with what the leader had committed when it was asked.
    Sync {
        /// Says nothing; it comes back in the answer.
        path: Path,
    },
    /// Nothing: the session is alive.
    Ping,
    /// Leave the watches that a client had left at another server.
    SetWatches(SetWatches),
    /// End the session.
    CloseSession,
}

/// The watches of a client that comes back, and what it had seen when it left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SetWatches {
    /// The last transaction that the client has heard of: what is younger fires at once.
    pub relative_zxid: Zxid,
    /// Nodes whose data it watches.
    pub data: Vec<Path>,
    /// Nodes that it waits for.
    pub exist: Vec<Path>,
    /// Nodes whose children it watches.
    pub child: Vec<Path>,
}

impl Op {
    /// The request's name, as ZooKeeper's documentation has it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Create { with_stat: false, .. } => "create",
            Self::Create { with_stat: true, .. } => "create2",
            Self::Delete { .. } => "delete",
            Self::Exists { .. } => "exists",
            Self::GetData { .. } => "getData",
            Self::SetData { .. } => "setData",
            Self::GetChildren { with_stat: false, .. } => "getChildren",
            Self::GetChildren { with_stat: true, .. } => "getChildren2",
            Self::Check { .. } => "check",
            Self::Multi(_) => "multi",
            Self::Sync { .. } => "sync",
            Self::Ping => "ping",
            Self::SetWatches(_) => "setWatches",
            Self::CloseSession => "closeSession",
        }
    }

    /// Whether the leader makes a transaction of it, so that its answer waits for a commit.
    /// Source: `CommitProcessor.java`, `needCommit`.
    pub const fn is_write(&self) -> bool {
        match self {
            Self::Create { .. }
            | Self::Delete { .. }
            | Self::SetData { .. }
            | Self::Check { .. }
            | Self::Multi(_)
            | Self::CloseSession => true,
            Self::Exists { .. }
            | Self::GetData { .. }
            | Self::GetChildren { .. }
            | Self::Sync { .. }
            | Self::Ping
            | Self::SetWatches(_) => false,
        }
    }
}

/// What is known of a node. Source: `zookeeper.jute`, `Stat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stat {
    /// The transaction that created it.
    pub czxid: Zxid,
    /// The transaction that last wrote its data.
    pub mzxid: Zxid,
    /// The transaction that last created or deleted a child of it.
    pub pzxid: Zxid,
    /// When it was created: Unix milliseconds on the leader's wall clock.
    pub ctime_ms: u64,
    /// When its data were last written: Unix milliseconds on the leader's wall clock.
    pub mtime_ms: u64,
    /// How often its data have been written.
    pub version: i32,
    /// How often children of it have been created or deleted.
    pub cversion: i32,
    /// The session whose end ends it.
    pub ephemeral_owner: SessionId,
    /// How many bytes it holds.
    pub data_length: u32,
    /// How many children it has.
    pub num_children: u32,
}

/// What a request was answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// To what has nothing to tell: `delete`, `ping`, `setWatches`, `check`, `closeSession`.
    Done,
    /// To `create` and `create2`.
    Created {
        /// The node's path, with its number if it is sequential.
        path: Path,
        /// Of the new node.
        stat: Option<Stat>,
    },
    /// To `exists` and `setData`.
    Stat(Stat),
    /// To `getData`.
    Data {
        /// What the node holds.
        data: Bytes,
        /// Its stat.
        stat: Stat,
    },
    /// To `getChildren` and `getChildren2`.
    Children {
        /// Their names, in order. The real server's come in none.
        names: Vec<Path>,
        /// The node's stat.
        stat: Option<Stat>,
    },
    /// To `sync`.
    Synced {
        /// What was asked for.
        path: Path,
    },
    /// To `multi`: of each part. When one failed, none was carried out.
    Multi(Vec<Result<Answer, ErrorCode>>),
}

/// What a watch tells. Source: `Watcher.java`, `Event.EventType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// There is such a node now.
    NodeCreated,
    /// There is no such node any longer.
    NodeDeleted,
    /// The node's data have been written.
    NodeDataChanged,
    /// The node has other children now.
    NodeChildrenChanged,
}

/// A watch has fired, and is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WatchedEvent {
    /// What has happened.
    pub kind: EventKind,
    /// To which node.
    pub path: Path,
}
