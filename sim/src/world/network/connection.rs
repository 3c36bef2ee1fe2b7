//! The connections: each with its two ends and its two streams.

use std::collections::{BTreeMap, BTreeSet};

use fencepost_models::machine::{ConnectionId, NodeId};

use super::stream::Stream;
use crate::world::queue::Direction;
use crate::world::time::SimTime;

/// What one host has of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Not there yet.
    Opening,
    /// Open.
    Open,
    /// Closed by its process, by the news from the other end, or with its host's power.
    Closed,
}

pub(super) struct Connection {
    pub opener: NodeId,
    pub listener: NodeId,
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
            syn_attempt: 0,
            syn_sent_at: SimTime::ZERO,
            ends: [End::Opening; 2],
            streams: Default::default(),
        }
    }

    /// The listener's kernel has a new request in hand; what it had before is forgotten.
    pub fn begin_handshake(&mut self) {
        *self.end_mut(self.listener) = End::Opening;
        self.streams = Default::default();
    }

    #[inline]
    pub fn is_between(&self, node: NodeId) -> bool {
        self.opener == node || self.listener == node
    }

    #[inline]
    pub fn direction_from(&self, node: NodeId) -> Direction {
        if node == self.opener { Direction::Forth } else { Direction::Back }
    }

    #[inline]
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

    #[inline]
    pub fn end_of(&self, node: NodeId) -> End {
        self.ends[usize::from(node != self.opener)]
    }

    #[inline]
    pub fn end_mut(&mut self, node: NodeId) -> &mut End {
        &mut self.ends[usize::from(node != self.opener)]
    }

    /// Whether the process on a node has asked for the connection, or been told of it, and has
    /// not done with it. A listener's kernel says nothing before the handshake is complete.
    pub fn is_known_to(&self, node: NodeId) -> bool {
        match self.end_of(node) {
            End::Opening => node == self.opener,
            End::Open => true,
            End::Closed => false,
        }
    }

    /// Closes one end. An opener that gives up while it is still waiting for the answer leaves
    /// nothing behind at the other end either: it will refuse that answer.
    pub fn shut(&mut self, node: NodeId) {
        if node == self.opener && self.end_of(node) == End::Opening {
            self.ends = [End::Closed; 2];
        }
        *self.end_mut(node) = End::Closed;
    }

    /// Neither host has it any more.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.ends == [End::Closed; 2]
    }

    #[inline]
    pub fn streams(&self) -> &[Stream; 2] {
        &self.streams
    }

    #[inline]
    pub fn stream_mut(&mut self, direction: Direction) -> &mut Stream {
        &mut self.streams[usize::from(direction == Direction::Back)]
    }
}

/// All connections that there have been. Their numbers are never reused, and a process may name
/// any of them at any time: who its two nodes were is kept, in [`size_of::<Connection>()`] bytes
/// without any heap behind them.
pub(super) struct Connections {
    all: Vec<Option<Connection>>,
    /// In a run that goes on for days: the first that `all` holds, and those before it that are not over.
    first: u32,
    old: BTreeMap<ConnectionId, Connection>,
    /// Of each node, those that are not over.
    live: Vec<BTreeSet<ConnectionId>>,
}

const _: () = assert!(size_of::<Option<Connection>>() <= 48, "each one stays until the end");

impl Connections {
    pub fn new(nodes: usize) -> Self {
        Self { all: Vec::new(), first: 0, old: BTreeMap::new(), live: vec![BTreeSet::new(); nodes] }
    }

    pub fn insert(&mut self, id: ConnectionId, connection: Connection) {
        for node in [connection.opener, connection.listener] {
            self.live[usize::from(node.0)].insert(id);
        }
        let place = id.0.wrapping_sub(self.first) as usize;
        if self.all.len() <= place {
            self.all.resize_with(place + 1, || None);
        }
        self.all[place] = Some(connection);
    }

    #[inline]
    pub fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        match id.0.checked_sub(self.first) {
            Some(place) => self.all.get_mut(place as usize)?.as_mut(),
            None => self.old.get_mut(&id),
        }
    }

    /// Those that are not over.
    pub fn not_over(&self) -> impl Iterator<Item = &Connection> {
        let all = self.all.iter().flatten().chain(self.old.values());
        all.filter(|connection| !connection.is_over())
    }

    /// Lets go of those that are over: a process that names one of them will be told nothing.
    pub fn forget_over(&mut self) {
        let first = self.first;
        self.first = first.wrapping_add(self.all.len() as u32);
        let numbered = (first..).map(ConnectionId).zip(self.all.drain(..));
        self.old.extend(numbered.filter_map(|(id, connection)| Some((id, connection?))));
        self.old.retain(|_, connection| !connection.is_over());
    }

    /// A node's connections that are not over, in order.
    pub fn live_of(&self, node: NodeId) -> Vec<ConnectionId> {
        self.live[usize::from(node.0)].iter().copied().collect()
    }

    /// Those of them that lead to another node.
    pub fn live_between(&self, one: NodeId, other: NodeId) -> Vec<ConnectionId> {
        let theirs = &self.live[usize::from(other.0)];
        self.live[usize::from(one.0)].intersection(theirs).copied().collect()
    }

    /// Takes one that is over off the lists of its nodes.
    pub fn retire(&mut self, id: ConnectionId) {
        let Some(connection) = self.get_mut(id) else {
            return;
        };
        for node in [connection.opener, connection.listener] {
            self.live[usize::from(node.0)].remove(&id);
        }
    }

    /// How much memory they take, in bytes.
    pub fn memory(&self) -> u64 {
        ((self.all.len() + self.old.len()) * size_of::<Option<Connection>>()) as u64
    }
}
