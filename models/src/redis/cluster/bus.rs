//! What nodes say to each other.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use smallvec::SmallVec;

use super::{Flags, NodeName, SlotSet};
use crate::machine::NodeId;

/// A message of the cluster bus: `clusterMsg`.
///
/// Each says who its sender is and what it claims, whatever else it is about. Left out are what the
/// model has only one of (version, length, ports, host names) and the modules' messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BusMessage {
    /// Whose it is.
    pub sender: NodeName,
    /// The greatest epoch that the sender has seen.
    pub current_epoch: u64,
    /// The epoch of its claim, or, from a replica, of its master's.
    pub config_epoch: u64,
    /// How far its data reach, in bytes of the replication stream.
    pub offset: u64,
    /// The slots that it claims, or, from a replica, that its master does.
    pub slots: SlotSet,
    /// Its master, when it is a replica.
    pub master: Option<NodeName>,
    /// What it is.
    pub flags: Flags,
    /// It believes that the cluster works: `CLUSTER_OK`.
    pub is_ok: bool,
    /// A master that has paused its clients for a manual failover: `CLUSTERMSG_FLAG0_PAUSED`.
    pub is_paused: bool,
    /// A vote is asked for though the master works: `CLUSTERMSG_FLAG0_FORCEACK`.
    pub force_ack: bool,
    /// What it is about.
    pub body: Body,
}

/// What a message is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// Asks whether the receiver is there.
    Ping(Gossip),
    /// Says that the sender is there; comes unasked as well, when something has changed.
    Pong(Gossip),
    /// Asks to be taken into the receiver's cluster, and whether it is there.
    Meet(Gossip),
    /// Most masters have not reached a node.
    Fail {
        /// Which.
        about: NodeName,
    },
    /// A published message.
    Publish {
        /// Where.
        channel: Bytes,
        /// What.
        message: Bytes,
        /// On a channel of a shard.
        sharded: bool,
    },
    /// A replica asks for a vote.
    FailoverAuthRequest,
    /// A master gives its vote.
    FailoverAuthAck,
    /// The sender claims slots that somebody else has taken over.
    Update {
        /// Who.
        about: NodeName,
        /// Under which epoch.
        config_epoch: u64,
        /// Its slots.
        slots: SlotSet,
    },
    /// A replica asks its master to pause clients for a manual failover.
    ManualFailoverStart,
}

/// What a node tells about others.
pub type Gossip = SmallVec<[GossipEntry; 4]>;

/// What a node tells about another: `clusterMsgDataGossip`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GossipEntry {
    /// Which.
    pub name: NodeName,
    /// Where it is, if that is known.
    pub address: Option<NodeId>,
    /// What it is, and what is thought of it.
    pub flags: Flags,
    /// When it was heard of last: Unix seconds on the teller's wall clock.
    pub pong_received_s: u32,
}

impl Body {
    /// The kinds of messages, in the order of their numbers, as `CLUSTER INFO` names them. Source:
    /// `cluster.c`, `clusterGetMessageTypeString`; the modules' messages are left out.
    pub(super) const KINDS: [&'static str; 10] = [
        "ping",
        "pong",
        "meet",
        "fail",
        "publish",
        "auth-req",
        "auth-ack",
        "update",
        "mfstart",
        "publishshard",
    ];

    /// The place of its kind in [`Body::KINDS`].
    pub(super) const fn kind(&self) -> usize {
        match self {
            Self::Ping(_) => 0,
            Self::Pong(_) => 1,
            Self::Meet(_) => 2,
            Self::Fail { .. } => 3,
            Self::Publish { sharded: false, .. } => 4,
            Self::FailoverAuthRequest => 5,
            Self::FailoverAuthAck => 6,
            Self::Update { .. } => 7,
            Self::ManualFailoverStart => 8,
            Self::Publish { sharded: true, .. } => 9,
        }
    }
}

impl BusMessage {
    /// The message's name: its kind's, with `bus-` before it, since Redis has a command `PING` too.
    pub fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match &self.body {
            Body::Ping(_) => "bus-ping",
            Body::Pong(_) => "bus-pong",
            Body::Meet(_) => "bus-meet",
            Body::Fail { .. } => "bus-fail",
            Body::Publish { sharded: false, .. } => "bus-publish",
            Body::FailoverAuthRequest => "bus-auth-req",
            Body::FailoverAuthAck => "bus-auth-ack",
            Body::Update { .. } => "bus-update",
            Body::ManualFailoverStart => "bus-mfstart",
            Body::Publish { sharded: true, .. } => "bus-publishshard",
        })
    }
}
