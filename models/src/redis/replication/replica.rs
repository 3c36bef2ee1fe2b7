//! What a master knows of a replica.

use crate::machine::{ConnectionId, NodeId};

/// How far a replica is. Source: `server.h`, `SLAVE_STATE_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It waits for a copy to begin: `wait_bgsave`, `SLAVE_STATE_WAIT_BGSAVE_START`.
    Waiting,
    /// A copy is under way to it: `wait_bgsave`, `SLAVE_STATE_WAIT_BGSAVE_END`.
    Copying,
    /// It has its copy, or needed none.
    Online {
        /// The stream goes to it: after a copy not before its first word, which says that it has loaded
        /// it. Source: `repl_start_cmd_stream_on_ack`.
        is_streamed: bool,
    },
}

/// A replica.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) connection: ConnectionId,
    pub(crate) peer: NodeId,
    /// The port that it has named: `slave_listening_port`.
    pub(crate) port: u16,
    pub(crate) phase: Phase,
    /// Up to which offset the stream was sent to it, or is part of its copy.
    pub(crate) sent: i64,
    /// Up to which offset it has said that it is: `repl_ack_off`.
    pub(crate) acknowledged: i64,
    /// When it was last heard of: Unix seconds, `repl_ack_time`.
    pub(crate) heard_s: i64,
    /// When it asked for its copy: Unix seconds, `lastinteraction`.
    pub(crate) asked_s: i64,
}

impl Replica {
    /// True when it counts as one that has its data.
    pub(crate) const fn is_online(&self) -> bool {
        matches!(self.phase, Phase::Online { .. })
    }

    /// Its state as `INFO` shows it. Source: `replstateToString`.
    pub(crate) const fn state(&self) -> &'static str {
        match self.phase {
            Phase::Waiting | Phase::Copying => "wait_bgsave",
            Phase::Online { .. } => "online",
        }
    }
}
