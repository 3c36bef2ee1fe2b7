//! One connection: its two ends and its two streams.

use std::time::Duration;

use fencepost_models::machine::NodeId;

use super::{MAX_RETRANSMISSION_TIMEOUT, RETRANSMISSION_TIMEOUT, Waiting};
use crate::world::kernel::Kernel;
use crate::world::queue::{Direction, Segment};
use crate::world::time::SimTime;

/// What one host has of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Not there yet.
    Opening,
    /// Open.
    Open,
    /// Closed, by its process or by the news from the other end.
    Closed,
    /// Forgotten: the host has lost its power since.
    Vanished,
}

pub(super) struct Connection {
    pub opener: NodeId,
    pub listener: NodeId,
    /// Reset from outside: whatever is under way is lost.
    pub reset: bool,
    ends: [End; 2],
    streams: [Stream; 2],
}

impl Connection {
    pub fn new(opener: NodeId, listener: NodeId) -> Self {
        Self {
            opener,
            listener,
            reset: false,
            ends: [End::Opening; 2],
            streams: [Stream::default(), Stream::default()],
        }
    }

    #[inline]
    pub fn direction_from(&self, node: NodeId) -> Direction {
        if node == self.opener { Direction::Forth } else { Direction::Back }
    }

    pub fn peer_of(&self, node: NodeId) -> NodeId {
        if node == self.opener { self.listener } else { self.opener }
    }

    /// Sender and receiver of a direction.
    #[inline]
    pub fn ends_of(&self, direction: Direction) -> (NodeId, NodeId) {
        match direction {
            Direction::Forth => (self.opener, self.listener),
            Direction::Back => (self.listener, self.opener),
        }
    }

    pub fn joins(&self, one: NodeId, other: NodeId) -> bool {
        (self.opener, self.listener) == (one, other) || (self.opener, self.listener) == (other, one)
    }

    #[inline]
    pub fn end_of(&self, node: NodeId) -> End {
        self.ends[usize::from(node != self.opener)]
    }

    pub fn end_mut(&mut self, node: NodeId) -> &mut End {
        &mut self.ends[usize::from(node != self.opener)]
    }

    #[inline]
    pub fn stream_mut(&mut self, direction: Direction) -> &mut Stream {
        &mut self.streams[usize::from(direction == Direction::Back)]
    }
}

/// One direction of a connection.
#[derive(Default)]
pub(super) struct Stream {
    /// When the last segment so far arrives: none may overtake it.
    pub last_arrival: SimTime,
    /// How often the first waiting segment has been retransmitted in vain.
    pub attempts: u8,
    /// When the sending host lost its power.
    pub power_lost_at: Option<SimTime>,
    waiting: Waiting,
}

impl Stream {
    #[inline]
    pub fn is_blocked(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Lets a segment wait; true when it is the first, whose timer is to be set.
    pub fn block(&mut self, segment: Segment) -> bool {
        self.waiting.push_back(segment);
        self.waiting.len() == 1
    }

    /// Takes out all that waits.
    pub fn unblock(&mut self) -> Waiting {
        self.attempts = 0;
        std::mem::take(&mut self.waiting)
    }

    /// The time until the next retransmission: doubled with each attempt, up to the kernel's limit.
    pub fn timeout(&self) -> Duration {
        (RETRANSMISSION_TIMEOUT * (1 << self.attempts.min(16))).min(MAX_RETRANSMISSION_TIMEOUT)
    }

    /// The sending host loses its power: what waits is lost.
    pub fn lose_power(&mut self, now: SimTime) -> Waiting {
        self.power_lost_at = Some(now);
        self.unblock()
    }

    /// Whether an arriving segment had not left its host when that lost its power. The first half
    /// of the way counts as the sender's: its queueing discipline, its network card, its switch.
    pub fn was_still_inside(&self, kernel: &Kernel, segment: Segment) -> bool {
        let (Some(lost_at), Segment::Message(message)) = (self.power_lost_at, segment) else {
            return true;
        };
        let sent_at = kernel.history.message(message).sent_at;
        let half = kernel.now.saturating_since(sent_at) / 2;
        sent_at + half > lost_at
    }
}
