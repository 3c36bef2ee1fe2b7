//! A node, as another one knows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{BusMessage, Flags, NodeName, SlotSet};
use crate::machine::{ConnectionId, NodeId};

/// A node, as this one knows it: `clusterNode`. Times are Unix milliseconds on the wall clock, as
/// Redis keeps them; 0 for never.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: NodeName,
    /// Where it is; none with [`Flags::NOADDR`].
    pub(super) address: Option<NodeId>,
    pub(super) flags: Flags,
    /// The epoch of its claim, as far as it is known.
    pub(super) config_epoch: u64,
    /// The slots that it serves, as far as this node thinks. A slot is in one node's set at most.
    pub(super) slots: SlotSet,
    /// Its master, when it is a replica and its master is known.
    pub(super) master: Option<NodeName>,
    pub(super) created_ms: i64,
    /// When the ping was sent to which no pong has come yet; 0 when there is none.
    pub(super) ping_sent_ms: i64,
    pub(super) pong_received_ms: i64,
    /// When anything came from it.
    pub(super) data_received_ms: i64,
    pub(super) failed_ms: i64,
    /// When this node voted for one of its replicas.
    pub(super) voted_ms: i64,
    /// Since when it has been without a working replica.
    pub(super) orphaned_ms: i64,
    /// How far its data reach.
    pub(super) offset: u64,
    /// The connection that this node has opened to it.
    pub(super) link: Option<Link>,
    /// The connection that it has opened to this node.
    pub(super) inbound: Option<ConnectionId>,
    /// Who has said that it fails, and when.
    pub(super) failure_reports: BTreeMap<NodeName, i64>,
}

/// A connection that this node has opened to another: `clusterLink`.
#[derive(Debug)]
pub(super) struct Link {
    /// Its number, once the server has asked for it.
    pub(super) connection: Option<ConnectionId>,
    pub(super) created_ms: i64,
    pub(super) state: LinkState,
}

/// How far a connection has come.
#[derive(Debug)]
pub(super) enum LinkState {
    /// It is being opened; what is to be said then.
    Opening(Vec<Arc<BusMessage>>),
    Open,
}

impl Node {
    pub(super) fn new(name: NodeName, address: Option<NodeId>, flags: Flags, now_ms: i64) -> Self {
        Self {
            name,
            address,
            flags,
            config_epoch: 0,
            slots: SlotSet::EMPTY,
            master: None,
            created_ms: now_ms,
            ping_sent_ms: 0,
            pong_received_ms: 0,
            data_received_ms: 0,
            failed_ms: 0,
            voted_ms: 0,
            orphaned_ms: 0,
            offset: 0,
            link: None,
            inbound: None,
            failure_reports: BTreeMap::new(),
        }
    }

    pub(super) const fn is_master(&self) -> bool {
        self.flags.any_of(Flags::MASTER)
    }

    pub(super) const fn is_replica(&self) -> bool {
        self.flags.any_of(Flags::REPLICA)
    }

    /// Most masters have not reached it.
    pub(super) const fn has_failed(&self) -> bool {
        self.flags.any_of(Flags::FAIL)
    }

    /// This node has not reached it, or most masters have not.
    pub(super) const fn is_failing(&self) -> bool {
        self.flags.any_of(Flags::FAIL.with(Flags::PFAIL))
    }

    pub(super) const fn is_in_handshake(&self) -> bool {
        self.flags.any_of(Flags::HANDSHAKE)
    }

    /// A master with slots: one that counts, and that votes.
    pub(super) const fn is_voter(&self) -> bool {
        self.is_master() && !self.slots.is_empty()
    }
}
