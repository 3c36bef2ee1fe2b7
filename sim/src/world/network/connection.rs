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
    /// How often the request has been repeated, and when it was sent last.
    pub syn_attempt: u8,
    pub syn_sent_at: SimTime,
    ends: [End; 2],
    streams: [Stream; 2],
}

impl Connection {
    pub fn new(opener: NodeId, listener: NodeId) -> Self {
        Self {
            opener,
            listener,
            reset: false,
            syn_attempt: 0,
            syn_sent_at: SimTime::ZERO,
            ends: [End::Opening; 2],
            streams: [Stream::default(), Stream::default()],
        }
    }

    /// The listener's kernel has a new request in hand; what it had before is forgotten.
    pub fn begin_handshake(&mut self) {
        *self.end_mut(self.listener) = End::Opening;
        self.streams = [Stream::default(), Stream::default()];
    }

    #[inline]
    pub fn is_between(&self, node: NodeId) -> bool {
        self.opener == node || self.listener == node
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
    /// The last segment that was sent again, and when it arrives: what was sent after it may
    /// still be under way from before, and come earlier.
    resent: Option<(Segment, SimTime)>,
    /// What came earlier than that, in order, and is held back by the receiving kernel.
    early: Vec<Segment>,
}

impl Stream {
    #[inline]
    pub fn is_blocked(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// An arriving segment has to wait for one that was sent before it.
    #[inline]
    pub fn is_blocked_before(&self, segment: Segment) -> bool {
        self.waiting.front().is_some_and(|first| *first < segment)
    }

    /// Lets a segment wait; true when it is the only one, and the timer is to be set.
    ///
    /// One that was already under way when the link was cut comes before those that were sent
    /// since.
    pub fn block(&mut self, segment: Segment) -> bool {
        let place = self.waiting.partition_point(|other| *other < segment);
        self.waiting.insert(place, segment);
        self.waiting.len() == 1
    }

    /// All that waited has been sent again, this segment last.
    pub fn resent(&mut self, last: Segment) {
        self.resent = Some((last, self.last_arrival));
    }

    /// The moment until which the receiving kernel holds an arriving segment back, because one
    /// that was sent before it is still missing.
    #[inline]
    pub fn hold_back(&mut self, now: SimTime, segment: Segment) -> Option<SimTime> {
        let missing = self.resent.filter(|(last, _)| *last < segment);
        if missing.is_none() && self.early.first().is_none_or(|first| *first > segment) {
            return None;
        }
        let place = self.early.partition_point(|other| *other < segment);
        self.early.insert(place, segment);
        Some(missing.map_or(now, |(_, complete_at)| complete_at.max(now)))
    }

    /// A segment is here: it is not held back any more, nor does it hold others back.
    #[inline]
    pub fn release(&mut self, segment: Segment) {
        if self.resent.is_some_and(|(last, _)| last == segment) {
            self.resent = None;
        }
        if !self.early.is_empty() {
            self.early.retain(|other| *other != segment);
        }
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
    ///
    /// Nobody knows when the last segment of a stream was sent, and an empty host has no use for
    /// it: it is lost. The first one is no less there than the messages that follow it.
    pub fn was_still_inside(&self, kernel: &Kernel, segment: Segment) -> bool {
        let Some(lost_at) = self.power_lost_at else {
            return false;
        };
        let message = match segment {
            Segment::Open => return false,
            Segment::Message(message) => message,
            Segment::Fin => return true,
        };
        let sent_at = kernel.history.sent_at(kernel.history.message(message));
        let half = kernel.now.saturating_since(sent_at) / 2;
        sent_at + half > lost_at
    }
}
