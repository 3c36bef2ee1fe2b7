//! What is yet to happen, in order of time and, at the same time, of being asked for.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use fencepost_models::machine::{ConnectionId, DiskToken, NodeId, TimerId};

use super::history::{FaultId, MessageId};
use super::time::SimTime;

/// Which way over a connection: from the end that opened it, or towards it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the opener.
    Forth,
    /// Towards the opener.
    Back,
}

/// What travels in one direction of a connection, in order: of two segments of a stream, the
/// lesser was sent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// The opener's answer to the answer, which completes the connection at the listener.
    Open,
    /// A message.
    Message(MessageId),
    /// The end of the stream.
    Fin,
}

/// What is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upcoming {
    /// A segment reaches the other host.
    Arrival { connection: ConnectionId, direction: Direction, segment: Segment },
    /// A reset reaches a host.
    ResetArrival { connection: ConnectionId, node: NodeId },
    /// A sender's retransmission timer fires.
    Retransmission { connection: ConnectionId, direction: Direction },
    /// A request for a connection reaches the other host; `attempt` counts from 0.
    Syn { connection: ConnectionId, attempt: u8 },
    /// It is sent (again).
    SynAttempt { connection: ConnectionId, attempt: u8 },
    /// The answer to it reaches the opener.
    SynAck { connection: ConnectionId, accepted: bool },
    /// A machine's timer is due.
    Timer { node: NodeId, timer: TimerId, generation: u32 },
    /// A disk operation is done.
    DiskDone { node: NodeId, incarnation: u32, token: DiskToken },
    /// A node starts, for the first time.
    Start { node: NodeId },
    /// A fault begins.
    FaultBegins(FaultId),
    /// A fault ends.
    FaultEnds(FaultId),
}

struct Entry {
    at: SimTime,
    sequence: u64,
    upcoming: Upcoming,
}

impl Entry {
    fn key(&self) -> (SimTime, u64) {
        (self.at, self.sequence)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// The queue of what is to happen.
#[derive(Default)]
pub struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    sequence: u64,
}

impl Queue {
    #[inline]
    pub fn push(&mut self, at: SimTime, upcoming: Upcoming) {
        let sequence = self.sequence;
        self.sequence += 1;
        self.heap.push(Reverse(Entry { at, sequence, upcoming }));
    }

    #[inline]
    pub fn next_at(&self) -> Option<SimTime> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    #[inline]
    pub fn pop(&mut self) -> Option<(SimTime, Upcoming)> {
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.upcoming))
    }
}
