//! The network: connections as TCP gives them, over links that faults can cut, slow and hold.
//!
//! * While a connection is up, messages arrive, once and in order: what comes ahead of its turn
//!   waits in the receiving kernel.
//! * A segment that meets a cut is retransmitted with back-off until the cut heals; what is sent
//!   after it waits behind it. After [`MAX_RETRANSMISSIONS`] the sender's kernel gives up.
//! * A process that ends closes its connections once everything it wrote has gone out; a host
//!   that loses its power says nothing at all, and only after it is up again does it answer a
//!   retransmission with a reset.
//! * A connection is made by three segments: the listener has it when the third one arrives. A
//!   kernel that has no such connection answers with a reset.
//!
//! Acknowledgements are not simulated: in a one-way cut the data that gets through counts as
//! acknowledged, so a sender whose data arrives never gives up for want of them. One message is
//! one segment; there are no windows and no half-closed connections.

mod connection;
mod ending;
mod faults;
mod handshake;
mod link;
mod stream;
mod transmission;

use std::time::Duration;

use fencepost_models::machine::{CloseReason, ConnectionId, NodeId};

use self::connection::Connections;
use self::faults::Holds;
use self::link::Links;
pub use self::link::{Latency, LinkId};
use super::history::MessageId;
use super::kernel::Kernel;
use super::queue::{Segment, Upcoming};

/// The first retransmission timeout. Linux, `include/net/tcp.h`: `TCP_RTO_MIN` is 200 ms, and
/// with round trips of a few milliseconds the timeout stays there.
pub const RETRANSMISSION_TIMEOUT: Duration = Duration::from_millis(200);

/// The longest one. Linux, `include/net/tcp.h`: `TCP_RTO_MAX`, 120 s.
pub const MAX_RETRANSMISSION_TIMEOUT: Duration = Duration::from_secs(120);

/// How often a segment is retransmitted before the kernel gives up, after 924.6 s in all. Linux,
/// `Documentation/networking/ip-sysctl.rst`: `tcp_retries2`, 15.
pub const MAX_RETRANSMISSIONS: u8 = 15;

/// The first timeout of a connection request. Linux, `include/net/tcp.h`: `TCP_TIMEOUT_INIT`, 1 s.
pub const SYN_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a request is repeated before the kernel gives up, after 127 s in all. Linux,
/// `Documentation/networking/ip-sysctl.rst`: `tcp_syn_retries`, 6.
pub const MAX_SYN_RETRIES: u8 = 6;

/// Something a process is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    Accepted { connection: ConnectionId, peer: NodeId },
    Connected { connection: ConnectionId },
    Message { connection: ConnectionId, message: MessageId },
    Closed { connection: ConnectionId, reason: CloseReason },
}

/// What the network must know of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostState {
    /// It has power.
    pub powered: bool,
    /// Its process runs (or is paused) and takes connections.
    pub listening: bool,
}

/// All links and connections.
pub struct Network {
    links: Links,
    connections: Connections,
    hosts: Vec<HostState>,
    holds: Holds,
}

impl Network {
    /// A network among so many nodes, each link with the same latency.
    pub fn new(nodes: usize, seed: u64, latency: Latency) -> Self {
        Self {
            links: Links::new(nodes, seed, latency),
            connections: Connections::new(nodes),
            hosts: vec![HostState { powered: true, listening: false }; nodes],
            holds: Holds::default(),
        }
    }

    /// Gives one link (one way) a latency of its own; nothing happens when there is no such link.
    pub fn set_latency(&mut self, link: LinkId, latency: Latency) {
        if self.links.reach(link.from) && self.links.reach(link.to) {
            self.links.way_mut(link.from, link.to).latency = latency;
        }
    }

    /// What the network knows of a host.
    pub fn host(&mut self, node: NodeId) -> &mut HostState {
        &mut self.hosts[usize::from(node.0)]
    }

    /// The messages of which connections keep an account, beside those that are to arrive.
    pub fn under_way(&self) -> impl Iterator<Item = MessageId> {
        let streams = self.connections.not_over().flat_map(|one| one.streams());
        streams.flat_map(|stream| stream.segments()).filter_map(Segment::message)
    }

    /// Forgets connections that are over.
    pub fn forget_over(&mut self) {
        self.connections.forget_over();
    }

    /// How much memory the connections take, in bytes.
    pub fn memory(&self) -> u64 {
        self.connections.memory()
    }

    /// Something of the network's own is due. Returns whom to tell what.
    pub fn happen(
        &mut self,
        kernel: &mut Kernel,
        upcoming: Upcoming,
    ) -> Option<(NodeId, Handover)> {
        match upcoming {
            Upcoming::Arrival { connection, direction, segment, left_at } => {
                self.arrive(kernel, connection, direction, segment, left_at)
            }
            Upcoming::InTurn { connection, direction } => {
                self.in_turn(kernel, connection, direction)
            }
            Upcoming::Retransmission { connection, direction } => {
                self.retransmit(kernel, connection, direction)
            }
            Upcoming::ResetArrival { connection, node } => {
                self.end(kernel, connection, node, CloseReason::Reset)
            }
            Upcoming::SynAttempt { connection, attempt } => {
                self.attempt_syn(kernel, connection, attempt)
            }
            Upcoming::Syn { connection } => self.syn(kernel, connection),
            Upcoming::SynAck { connection, accepted } => self.syn_ack(kernel, connection, accepted),
            _ => None,
        }
    }
}
