//! What is yet to happen, in order of time and, at the same time, of being asked for.

use fencepost_models::machine::{ConnectionId, DiskToken, NodeId};

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

impl Segment {
    /// The message that it is.
    pub const fn message(self) -> Option<MessageId> {
        match self {
            Self::Message(message) => Some(message),
            Self::Open | Self::Fin => None,
        }
    }
}

/// What is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upcoming {
    /// A segment that left at `left_at` reaches the other host.
    Arrival { connection: ConnectionId, direction: Direction, segment: Segment, left_at: SimTime },
    /// It is the turn of a segment that reached the other host ahead of it.
    InTurn { connection: ConnectionId, direction: Direction },
    /// A reset reaches a host.
    ResetArrival { connection: ConnectionId, node: NodeId },
    /// A sender's retransmission timer fires.
    Retransmission { connection: ConnectionId, direction: Direction },
    /// A request for a connection reaches the other host.
    Syn { connection: ConnectionId },
    /// It is sent (again); `attempt` counts from 0.
    SynAttempt { connection: ConnectionId, attempt: u8 },
    /// The answer to it reaches the opener.
    SynAck { connection: ConnectionId, accepted: bool },
    /// A node's next timer may be due; `incarnation` is that of the process that set it.
    Alarm { node: NodeId, incarnation: u32 },
    /// A disk operation is done.
    DiskDone { node: NodeId, incarnation: u32, token: DiskToken },
    /// A node starts, for the first time.
    Start { node: NodeId },
    /// A fault begins.
    FaultBegins(FaultId),
    /// A fault ends.
    FaultEnds(FaultId),
}

/// A place in the order of what happens at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn(u64);

/// The queue of what is to happen: a heap with four children per item, of 16 bytes each.
///
/// An item is one number: the time in its upper half, below it the sequence number, lowest the
/// place of what is to happen. So to compare is one comparison, and to move is to move two
/// registers, whatever an [`Upcoming`] grows to. Next to std's heap of whole entries that is worth
/// 4 % of a run with eight nodes, and more with more of them.
#[derive(Default)]
pub struct Queue {
    heap: Vec<u128>,
    upcoming: Vec<Upcoming>,
    free: Vec<u32>,
    sequence: u64,
    /// The first item has been taken and is still there. An event mostly brings about another one:
    /// that goes into the root, and the heap is put in order once, not twice.
    root_is_vacant: bool,
}

/// The bits of a place, so as many events can wait: [`Queue::is_full`] is true long before. The 36
/// bits above them number the events, of which there are fewer than 2^36, since a history numbers
/// what they bring about with 32.
const PLACE_BITS: u32 = 28;

/// How many children an item has: a heap half as deep, its children in one cache line.
const ARITY: usize = 4;

impl Queue {
    /// Inlined whatever its size: an [`Upcoming`] that is built somewhere else and copied from
    /// there makes the processor wait for its single fields to be written.
    #[inline(always)]
    pub fn push(&mut self, at: SimTime, upcoming: Upcoming) {
        let turn = self.reserve();
        self.push_in_turn(at, turn, upcoming);
    }

    /// The turn of what is asked for now, among all that happens at the same time.
    #[inline]
    pub fn reserve(&mut self) -> Turn {
        self.sequence += 1;
        Turn(self.sequence)
    }

    /// Pushes what was asked for when its turn was reserved.
    #[inline(always)]
    pub fn push_in_turn(&mut self, at: SimTime, turn: Turn, upcoming: Upcoming) {
        let place = match self.free.pop() {
            Some(place) => {
                self.upcoming[place as usize] = upcoming;
                place
            }
            None => {
                self.upcoming.push(upcoming);
                self.upcoming.len() as u32 - 1
            }
        };
        let key =
            u128::from(at.as_nanos()) << 64 | u128::from(turn.0 << PLACE_BITS | u64::from(place));
        if std::mem::take(&mut self.root_is_vacant) {
            self.sift_down(key);
        } else {
            self.heap.push(key);
            self.sift_up(self.heap.len() - 1, key);
        }
    }

    #[inline]
    pub fn next_at(&mut self) -> Option<SimTime> {
        self.fill_root();
        self.heap.first().map(|key| at(*key))
    }

    #[inline]
    pub fn pop(&mut self) -> Option<(SimTime, Upcoming)> {
        self.fill_root();
        let first = *self.heap.first()?;
        self.root_is_vacant = true;
        let place = place(first);
        self.free.push(place as u32);
        Some((at(first), self.upcoming[place]))
    }

    /// Moves the last item into the root, if nothing was pushed since the root was taken. Whoever asks
    /// for the next time and then for the item finds it filled the second time.
    #[inline]
    fn fill_root(&mut self) {
        if std::mem::take(&mut self.root_is_vacant) {
            self.fill_vacant_root();
        }
    }

    #[inline(never)]
    fn fill_vacant_root(&mut self) {
        if let Some(last) = self.heap.pop()
            && !self.heap.is_empty()
        {
            self.sift_down(last);
        }
    }

    /// All that is yet to happen, in no order.
    pub fn waiting(&self) -> impl Iterator<Item = &Upcoming> {
        let taken = usize::from(self.root_is_vacant);
        self.heap.iter().skip(taken).map(|key| &self.upcoming[place(*key)])
    }

    /// How much memory the queue takes, in bytes.
    pub fn memory(&self) -> u64 {
        (self.upcoming.len() * (size_of::<Upcoming>() + size_of::<u128>())) as u64
    }

    /// Half of the places are taken: a run that goes on like this has lost its way.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.heap.len() >= 1 << (PLACE_BITS - 1)
    }

    #[inline]
    fn sift_up(&mut self, mut hole: usize, key: u128) {
        let heap = &mut self.heap[..];
        while hole > 0 {
            let parent = (hole - 1) / ARITY;
            if heap[parent] <= key {
                break;
            }
            heap[hole] = heap[parent];
            hole = parent;
        }
        heap[hole] = key;
    }

    /// Puts a key into the place of the first.
    #[inline]
    fn sift_down(&mut self, key: u128) {
        let heap = &mut self.heap[..];
        let mut hole = 0;
        loop {
            let first = hole * ARITY + 1;
            let children = &heap[first.min(heap.len())..(first + ARITY).min(heap.len())];
            let least = children.iter().enumerate().min_by_key(|(_, child)| **child);
            let Some((offset, least)) = least.filter(|(_, least)| **least < key) else {
                break;
            };
            heap[hole] = *least;
            hole = first + offset;
        }
        heap[hole] = key;
    }
}

#[inline]
const fn at(key: u128) -> SimTime {
    SimTime::from_nanos((key >> 64) as u64)
}

#[inline]
const fn place(key: u128) -> usize {
    (key as u32 & ((1 << PLACE_BITS) - 1)) as usize
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use proptest::prelude::*;

    use super::*;

    /// A push at a time, or (for `None`) a pop.
    fn steps() -> impl Strategy<Value = Vec<Option<u64>>> {
        let time = prop_oneof![0..4_u64, 0..1000_u64, Just(u64::MAX)];
        proptest::collection::vec(proptest::option::weighted(0.6, time), 0..400)
    }

    fn alarm(number: u32) -> Upcoming {
        Upcoming::Alarm { node: NodeId(1), incarnation: number }
    }

    fn number_of(upcoming: Upcoming) -> u32 {
        match upcoming {
            Upcoming::Alarm { incarnation, .. } => incarnation,
            _ => u32::MAX,
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_is_what_a_plain_heap_gives(steps in steps()) {
            let mut queue = Queue::default();
            let mut plain = BinaryHeap::new();
            for (number, step) in steps.into_iter().enumerate() {
                let number = number as u32;
                if let Some(nanos) = step {
                    queue.push(SimTime::from_nanos(nanos), alarm(number));
                    plain.push(Reverse((nanos, number)));
                } else {
                    let wanted = plain.pop();
                    let wanted =
                        wanted.map(|Reverse((nanos, n))| (SimTime::from_nanos(nanos), alarm(n)));
                    prop_assert_eq!(queue.next_at(), wanted.map(|(at, _)| at));
                    prop_assert_eq!(queue.pop(), wanted);
                }
                let mut waiting: Vec<_> = queue.waiting().copied().map(number_of).collect();
                let mut wanted: Vec<_> = plain.iter().map(|Reverse((_, number))| *number).collect();
                waiting.sort_unstable();
                wanted.sort_unstable();
                prop_assert_eq!(waiting, wanted);
            }
            while let Some(Reverse((nanos, number))) = plain.pop() {
                let wanted = Some((SimTime::from_nanos(nanos), alarm(number)));
                prop_assert_eq!(queue.pop(), wanted);
            }
            prop_assert_eq!(queue.pop(), None);
            prop_assert_eq!(queue.next_at(), None);
        }
    }

    #[test]
    fn places_are_used_again() {
        let mut queue = Queue::default();
        for round in 0..1000 {
            queue.push(SimTime::from_nanos(round), alarm(0));
            queue.push(SimTime::from_nanos(round), alarm(1));
            assert_eq!(queue.pop().map(|(_, upcoming)| upcoming), Some(alarm(0)));
            assert_eq!(queue.pop().map(|(_, upcoming)| upcoming), Some(alarm(1)));
        }
        assert!(queue.memory() < 1000, "{}", queue.memory());
    }
}
