//! Messages: what travels over a connection between a client and a server, or between servers.

use std::sync::Arc;

use serde::Serialize;

use super::{Answer, ErrorCode, Op, Password, ServerId, SessionId, WatchedEvent, Zxid};
use crate::zookeeper::election::Notification;
use crate::zookeeper::tree::DataTree;
use crate::zookeeper::txn::Proposal;

/// One message of ZooKeeper's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packet {
    /// Client: begins a session, or takes one up.
    Connect(Connect),
    /// Server: the session has begun, or goes on; or it is over ([`Connected::session`] is none then).
    Connected(Connected),
    /// Client: a request.
    Request {
        /// The client's number for it.
        xid: i32,
        /// What it asks for.
        op: Op,
    },
    /// Server: the answer to a request.
    Reply {
        /// The client's number for the request.
        xid: i32,
        /// The last transaction that this server has carried out.
        zxid: Zxid,
        /// The answer.
        result: Result<Answer, ErrorCode>,
    },
    /// Server: a watch has fired.
    Event(WatchedEvent),
    /// Between servers: who has opened a connection for elections.
    ElectionHello(ServerId),
    /// Between servers: a vote.
    Notification(Notification),
    /// Between a leader and a follower.
    Quorum(Quorum),
}

/// What a client says first. Source: `zookeeper.jute`, `ConnectRequest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Connect {
    /// The last transaction that it has heard of: a server that is behind it refuses.
    pub last_zxid_seen: Zxid,
    /// After how many milliseconds of silence its session is to end.
    pub timeout_ms: u32,
    /// Its session, if it has one.
    pub session: SessionId,
    /// The session's password.
    pub password: Password,
}

/// What it is answered. Source: `zookeeper.jute`, `ConnectResponse`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Connected {
    /// After how many milliseconds of silence the session ends; 0 when it is over.
    pub timeout_ms: u32,
    /// The session; none when it is over.
    pub session: SessionId,
    /// What takes it up again.
    pub password: Password,
}

/// What a leader and its followers say. Source: `Leader.java`, `QuorumPacket` in `zookeeper.jute`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quorum {
    /// Follower: who it is, and the last epoch that it has accepted.
    FollowerInfo {
        /// Who.
        server: ServerId,
        /// The epoch.
        accepted_epoch: u32,
    },
    /// Leader: the epoch that begins.
    LeaderInfo {
        /// The epoch.
        epoch: u32,
    },
    /// Follower: accepts the epoch, and says what it has.
    AckEpoch {
        /// The last transaction that it has logged.
        last_zxid: Zxid,
        /// The epoch of the last leader that it had the whole log of; `None` when it had accepted this
        /// one before.
        current_epoch: Option<u32>,
    },
    /// Leader: what the follower has is the beginning of what there is; the rest follows.
    Diff {
        /// Up to which transaction.
        zxid: Zxid,
    },
    /// Leader: what the follower has after this transaction was never agreed on.
    Trunc {
        /// The last that it may keep.
        zxid: Zxid,
    },
    /// Leader: everything there is.
    Snap {
        /// The tree, and the last transaction that it holds.
        tree: Arc<SnapshotTree>,
    },
    /// Leader: a transaction.
    Proposal(Arc<Proposal>),
    /// Leader: it is agreed on.
    Commit {
        /// Which.
        zxid: Zxid,
    },
    /// Leader: that is all, the epoch can begin.
    NewLeader {
        /// Its first number.
        zxid: Zxid,
    },
    /// Leader: enough are agreed; serve clients.
    UpToDate,
    /// Follower: has what was sent, on disk.
    Ack {
        /// Up to which transaction.
        zxid: Zxid,
    },
    /// Leader: are you there?
    Ping,
    /// Follower: is there, and has heard of these sessions since the last time.
    Pong {
        /// The sessions, with their timeouts in milliseconds.
        touched: Vec<(SessionId, u32)>,
    },
    /// Follower: a client comes with this session. Is it alive?
    Revalidate {
        /// Which.
        session: SessionId,
        /// Its timeout, in milliseconds.
        timeout_ms: u32,
    },
    /// Leader: the answer.
    Revalidated {
        /// Which.
        session: SessionId,
        /// Whether it is alive.
        is_valid: bool,
    },
    /// Follower: a request of a client.
    Request {
        /// Whose.
        session: SessionId,
        /// Which of its requests.
        cxid: i32,
        /// What it asks for.
        request: Forwarded,
    },
    /// Leader: the follower has been sent all that was committed when it asked.
    Sync,
}

/// What a follower passes on to the leader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forwarded {
    /// A client's own request.
    Op(Op),
    /// A session begins, with this timeout in milliseconds.
    CreateSession {
        /// The timeout.
        timeout_ms: u32,
    },
}

/// A whole tree, which a history shows by its last transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotTree(pub DataTree);

impl Serialize for SnapshotTree {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.last_zxid().serialize(serializer)
    }
}

impl Packet {
    /// The message's name: a request's, `reply`, `event`, or what ZooKeeper calls a packet between servers.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Connected(_) => "connected",
            Self::Request { op, .. } => op.name(),
            Self::Reply { .. } => "reply",
            Self::Event(_) => "event",
            Self::ElectionHello(_) => "hello",
            Self::Notification(_) => "notification",
            Self::Quorum(packet) => packet.name(),
        }
    }
}

impl Quorum {
    /// Source: `Leader.java`, `getPacketType`.
    const fn name(&self) -> &'static str {
        match self {
            Self::FollowerInfo { .. } => "followerinfo",
            Self::LeaderInfo { .. } => "leaderinfo",
            Self::AckEpoch { .. } => "ackepoch",
            Self::Diff { .. } => "diff",
            Self::Trunc { .. } => "trunc",
            Self::Snap { .. } => "snap",
            Self::Proposal(_) => "proposal",
            Self::Commit { .. } => "commit",
            Self::NewLeader { .. } => "newleader",
            Self::UpToDate => "uptodate",
            Self::Ack { .. } => "ack",
            Self::Ping | Self::Pong { .. } => "quorum-ping",
            Self::Revalidate { .. } | Self::Revalidated { .. } => "revalidate",
            Self::Request { .. } => "request",
            Self::Sync => "quorum-sync",
        }
    }
}
