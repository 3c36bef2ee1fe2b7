//! Servers joined by a small network, for tests of what they do together: messages take a millisecond,
//! timers are exact, a link can be cut. What the world adds to that, faults above all, is not here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use crate::machine::{
    Boot, CloseReason, ConnectionId, Context, DiskOperation, DiskToken, Effect, Files, Input,
    Machine, NodeId, TimerId,
};
use crate::message::Message;
use crate::note::Note;
use crate::random::Random;
use crate::redis::resp::Reply;
use crate::time::{LocalClock, Mono, Wall};

const MILLI: u64 = 1_000_000;

/// Who asks the servers for something.
const CLIENT: NodeId = NodeId(999);

enum Event {
    Started,
    Accepted { connection: ConnectionId, peer: NodeId },
    Connected { connection: ConnectionId },
    Message { connection: ConnectionId, message: Message },
    Closed { connection: ConnectionId },
    Timer { timer: TimerId, at: Mono },
    DiskDone(DiskToken),
}

/// Machines on a network.
pub(crate) struct Rig {
    machines: BTreeMap<NodeId, Box<dyn Machine>>,
    files: BTreeMap<NodeId, Files>,
    queue: BTreeMap<(u64, u64), (NodeId, Event)>,
    timers: BTreeMap<(NodeId, TimerId), Mono>,
    connections: BTreeMap<ConnectionId, [NodeId; 2]>,
    /// Links that let nothing through, one way; what is sent waits for their end.
    cut: BTreeSet<(NodeId, NodeId)>,
    held: VecDeque<(NodeId, NodeId, Event)>,
    replies: Vec<(ConnectionId, Reply)>,
    pub(crate) notes: Vec<(NodeId, Note)>,
    /// By how much wall clocks are wrong, in milliseconds.
    offsets_ms: BTreeMap<NodeId, i64>,
    now: u64,
    sequence: u64,
    next_connection: u32,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self {
            machines: BTreeMap::new(),
            files: BTreeMap::new(),
            queue: BTreeMap::new(),
            timers: BTreeMap::new(),
            connections: BTreeMap::new(),
            cut: BTreeSet::new(),
            held: VecDeque::new(),
            replies: Vec::new(),
            notes: Vec::new(),
            offsets_ms: BTreeMap::new(),
            now: 1_700_000_000_000 * MILLI,
            sequence: 0,
            next_connection: 1,
        }
    }

    /// Starts a process on a node, with the files that the last one there has left.
    pub(crate) fn start(
        &mut self,
        node: u16,
        incarnation: u32,
        make: impl FnOnce(Boot) -> Box<dyn Machine>,
    ) {
        let node = NodeId(node);
        let boot = Boot {
            node,
            incarnation,
            random: Random::new(u64::from(node.0), u64::from(incarnation)),
            files: self.files.get(&node).cloned().unwrap_or_default(),
            clock: self.clock(node),
        };
        self.machines.insert(node, make(boot));
        self.push(0, node, Event::Started);
    }

    /// Ends a node's process; its peers hear of it.
    pub(crate) fn kill(&mut self, node: u16) {
        let node = NodeId(node);
        self.machines.remove(&node);
        self.timers.retain(|(of, _), _| *of != node);
        let its = |ends: &&[NodeId; 2]| ends.contains(&node);
        let connections: Vec<_> =
            self.connections.iter().filter(|(_, ends)| its(ends)).map(|(id, _)| *id).collect();
        for connection in connections {
            self.close(node, connection);
        }
    }

    /// Cuts two nodes off from each other.
    pub(crate) fn cut(&mut self, one: u16, other: u16) {
        self.cut.extend([(NodeId(one), NodeId(other)), (NodeId(other), NodeId(one))]);
    }

    /// Joins all that was cut; what has waited gets through.
    pub(crate) fn heal(&mut self) {
        self.cut.clear();
        for (from, to, event) in std::mem::take(&mut self.held) {
            self.send(from, to, event);
        }
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, millis: u64) {
        let end = self.now + millis * MILLI;
        while let Some(entry) = self.queue.first_entry()
            && entry.key().0 <= end
        {
            self.now = entry.key().0;
            let (node, event) = entry.remove();
            self.deliver(node, &event);
        }
        self.now = end;
    }

    /// Asks a server for something and waits for the answer, for three seconds at most.
    pub(crate) fn ask(&mut self, node: u16, line: &str) -> Option<Reply> {
        let connection = self.client(node);
        self.tell(connection, line);
        let reply = self.hear(connection, 3000);
        self.close(CLIENT, connection);
        reply
    }

    /// A client's connection to a server.
    pub(crate) fn client(&mut self, node: u16) -> ConnectionId {
        let connection = ConnectionId(self.next_connection);
        self.next_connection += 1;
        self.connections.insert(connection, [CLIENT, NodeId(node)]);
        self.push(MILLI, NodeId(node), Event::Accepted { connection, peer: CLIENT });
        connection
    }

    /// True until somebody closes a connection.
    pub(crate) fn is_open(&self, connection: ConnectionId) -> bool {
        self.connections.contains_key(&connection)
    }

    /// Sends a command, its words parted by spaces.
    pub(crate) fn tell(&mut self, connection: ConnectionId, line: &str) {
        let words = line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes()));
        self.tell_words(connection, words.collect());
    }

    /// Sends a command, if the connection is still open.
    pub(crate) fn tell_words(&mut self, connection: ConnectionId, words: Arc<[Bytes]>) {
        let Some([_, server]) = self.connections.get(&connection).copied() else { return };
        let message = Message::Redis(words);
        self.send(CLIENT, server, Event::Message { connection, message });
    }

    /// True when there is an answer on a connection that nobody has heard yet.
    #[allow(dead_code, reason = "for the transcripts, which use this file too")]
    pub(crate) fn has_heard(&self, connection: ConnectionId) -> bool {
        self.replies.iter().any(|(on, _)| *on == connection)
    }

    /// Waits for an answer on a connection.
    pub(crate) fn hear(&mut self, connection: ConnectionId, at_most_ms: u64) -> Option<Reply> {
        for _ in 0..=at_most_ms {
            let place = self.replies.iter().position(|(on, _)| *on == connection);
            if let Some(place) = place {
                return Some(self.replies.remove(place).1);
            }
            self.pass(1);
        }
        None
    }

    /// A field of `INFO`.
    pub(crate) fn info(&mut self, node: u16, field: &str) -> Option<String> {
        let Some(Reply::Bulk(text)) = self.ask(node, "INFO") else { return None };
        let text = String::from_utf8_lossy(&text).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.map(str::to_owned)
    }

    /// Sets a node's wall clock by so many milliseconds.
    pub(crate) fn jump(&mut self, node: u16, by_ms: i64) {
        *self.offsets_ms.entry(NodeId(node)).or_default() += by_ms;
    }

    fn clock(&self, node: NodeId) -> LocalClock {
        let offset_ms = self.offsets_ms.get(&node).copied().unwrap_or(0);
        let wall = self.now.saturating_add_signed(offset_ms * MILLI.cast_signed());
        LocalClock { wall: Wall::from_nanos(wall), mono: Mono::from_nanos(self.now) }
    }

    fn push(&mut self, after: u64, node: NodeId, event: Event) {
        self.sequence += 1;
        self.queue.insert((self.now + after, self.sequence), (node, event));
    }

    fn send(&mut self, from: NodeId, to: NodeId, event: Event) {
        if self.cut.contains(&(from, to)) {
            self.held.push_back((from, to, event));
        } else {
            self.push(MILLI, to, event);
        }
    }

    fn close(&mut self, by: NodeId, connection: ConnectionId) {
        if let Some([one, other]) = self.connections.remove(&connection) {
            let peer = if one == by { other } else { one };
            self.send(by, peer, Event::Closed { connection });
        }
    }

    fn deliver(&mut self, node: NodeId, event: &Event) {
        if node == CLIENT {
            if let Event::Message { connection, message: Message::RedisReply(reply) } = event {
                self.replies.push((*connection, reply.clone()));
            }
            return;
        }
        let input = match event {
            Event::Started => Input::Started,
            Event::Accepted { connection, peer } => {
                Input::Accepted { connection: *connection, peer: *peer }
            }
            Event::Connected { connection } => Input::Connected { connection: *connection },
            Event::Message { connection, message } => {
                Input::Message { connection: *connection, message }
            }
            Event::Closed { connection } => {
                Input::Closed { connection: *connection, reason: CloseReason::ByPeer }
            }
            Event::Timer { timer, at } => {
                if self.timers.get(&(node, *timer)) != Some(at) {
                    return;
                }
                self.timers.remove(&(node, *timer));
                Input::Timer(*timer)
            }
            Event::DiskDone(token) => Input::DiskDone(*token),
        };
        let clock = self.clock(node);
        let mut outbox = Vec::new();
        let Some(machine) = self.machines.get_mut(&node) else { return };
        machine.handle(input, &mut Context::new(clock, &mut self.next_connection, &mut outbox));
        for effect in outbox {
            self.carry_out(node, effect);
        }
    }

    fn carry_out(&mut self, node: NodeId, effect: Effect) {
        match effect {
            Effect::Connect { connection, peer } => {
                self.connections.insert(connection, [node, peer]);
                if !self.machines.contains_key(&peer) {
                    return self.close(peer, connection);
                }
                self.send(node, peer, Event::Accepted { connection, peer: node });
                // The answer takes its time as well, and does not come while the way is cut.
                if self.cut.contains(&(node, peer)) {
                    self.held.push_back((node, node, Event::Connected { connection }));
                } else {
                    self.push(2 * MILLI, node, Event::Connected { connection });
                }
            }
            Effect::Send { connection, message } => {
                let Some(ends) = self.connections.get(&connection) else { return };
                let peer = if ends[0] == node { ends[1] } else { ends[0] };
                self.send(node, peer, Event::Message { connection, message });
            }
            Effect::Close { connection } => self.close(node, connection),
            Effect::SetTimer { timer, at } => {
                self.timers.insert((node, timer), at);
                let after = at.as_nanos().saturating_sub(self.now);
                self.push(after, node, Event::Timer { timer, at });
            }
            Effect::CancelTimer { timer } => {
                self.timers.remove(&(node, timer));
            }
            Effect::Disk { token, operation } => {
                if let DiskOperation::Replace { file, bytes } = operation {
                    self.files.entry(node).or_default().insert(file, bytes);
                }
                self.push(0, node, Event::DiskDone(token));
            }
            Effect::Note(note) => self.notes.push((node, note)),
            Effect::Because(_) => {}
        }
    }
}
