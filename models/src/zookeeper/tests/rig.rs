//! An ensemble on a small network, for tests of what its servers do together: messages take a while and keep
//! their order, disks keep what was synced, processes crash, hosts lose their power, links can be cut.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::disk::Disk;
use crate::machine::{
    Boot, CloseReason, ConnectionId, Context, DiskToken, Effect, Input, Machine, NodeId, TimerId,
};
use crate::message::Message;
use crate::note::Note;
use crate::process::{Host, Process};
use crate::random::Random;
use crate::time::{LocalClock, Mono, Wall};
use crate::zookeeper::EnsembleSettings;
use crate::zookeeper::protocol::Packet;
use crate::zookeeper::server::Server;

const MILLI: u64 = 1_000_000;

/// Who the clients are. They are no machines: a test does what they do.
const CLIENTS: NodeId = NodeId(999);

enum Event {
    Started,
    Accepted { connection: ConnectionId, peer: NodeId },
    Connected { connection: ConnectionId },
    Message { connection: ConnectionId, message: Message },
    Closed { connection: ConnectionId, reason: CloseReason },
    Timer { timer: TimerId, at: Mono },
    Synced { file: &'static str, content: Vec<u8>, token: DiskToken },
    DiskDone(DiskToken),
}

struct Line {
    ends: [NodeId; 2],
    /// When the last message to each end arrives.
    last: BTreeMap<NodeId, u64>,
    /// The host of an end has lost its power, and does not know the connection any longer.
    forgotten_by: Option<NodeId>,
    /// An end has closed it; what was sent before is still under way.
    is_closed: bool,
}

/// Servers 1 to N on the nodes 1 to N.
pub(super) struct Rig {
    pub(super) settings: EnsembleSettings,
    machines: BTreeMap<NodeId, Server>,
    /// Clients that are machines: recipes.
    processes: BTreeMap<NodeId, Process>,
    disks: BTreeMap<NodeId, Disk>,
    /// How often each process has been started: what was meant for an earlier one is dropped.
    starts: BTreeMap<NodeId, u32>,
    queue: BTreeMap<(u64, u64), (NodeId, u32, Event)>,
    timers: BTreeMap<(NodeId, TimerId), Mono>,
    lines: BTreeMap<ConnectionId, Line>,
    cut: BTreeSet<(NodeId, NodeId)>,
    held: VecDeque<(NodeId, NodeId, Event)>,
    pub(super) heard: BTreeMap<ConnectionId, VecDeque<Packet>>,
    pub(super) notes: Vec<(u64, NodeId, Note)>,
    pub(super) sync_takes_ms: u64,
    random: Random,
    now: u64,
    sequence: u64,
    next_connection: u32,
}

impl Rig {
    /// An ensemble that has just been started.
    pub(super) fn of(servers: u16, seed: u64, adjust: impl FnOnce(&mut EnsembleSettings)) -> Self {
        let mut settings = EnsembleSettings::new((1..=servers).map(NodeId));
        adjust(&mut settings);
        let mut rig = Self {
            settings,
            machines: BTreeMap::new(),
            processes: BTreeMap::new(),
            disks: BTreeMap::new(),
            starts: BTreeMap::new(),
            queue: BTreeMap::new(),
            timers: BTreeMap::new(),
            lines: BTreeMap::new(),
            cut: BTreeSet::new(),
            held: VecDeque::new(),
            heard: BTreeMap::new(),
            notes: Vec::new(),
            sync_takes_ms: 1,
            random: Random::new(seed, 77),
            now: 1_700_000_000_000 * MILLI,
            sequence: 0,
            next_connection: 1,
        };
        (1..=servers).for_each(|server| rig.start(server));
        rig
    }

    pub(super) fn servers(&self) -> u16 {
        u16::try_from(self.settings.servers.len()).unwrap()
    }

    pub(super) fn server(&self, server: u16) -> Option<&Server> {
        self.machines.get(&NodeId(server))
    }

    pub(super) const fn now_ms(&self) -> u64 {
        self.now / MILLI
    }

    /// Starts a server's process, with the files that the last one has left.
    pub(super) fn start(&mut self, server: u16) {
        let node = NodeId(server);
        let incarnation = *self.starts.entry(node).and_modify(|one| *one += 1).or_insert(0);
        let boot = Boot {
            node,
            incarnation,
            random: Random::new(u64::from(server), u64::from(incarnation)),
            files: self.disks.entry(node).or_default().files(),
            clock: self.clock(),
        };
        self.machines.insert(node, Server::new(&boot, self.settings.clone()));
        self.push(0, node, Event::Started);
    }

    /// Starts a client's process, on a node that no server has.
    pub(super) fn start_process<F: Future<Output = ()> + 'static>(
        &mut self,
        node: u16,
        main: impl FnOnce(Host) -> F,
    ) {
        let node = NodeId(node);
        let random = Random::new(self.random.bits(), u64::from(node.0));
        let files = BTreeMap::new();
        let boot = Boot { node, incarnation: 0, random, files, clock: self.clock() };
        self.processes.insert(node, Process::new(boot, main));
        self.push(0, node, Event::Started);
    }

    /// Whether a client's process has come to its end.
    pub(super) fn is_finished(&self, node: u16) -> bool {
        self.processes.get(&NodeId(node)).is_none_or(Process::is_finished)
    }

    /// Cuts a node off from all servers.
    pub(super) fn cut_off(&mut self, node: u16) {
        for server in 1..=self.servers() {
            let (one, other) = (NodeId(node), NodeId(server));
            self.cut.extend([(one, other), (other, one)]);
        }
    }

    /// Lets nothing that servers say get to a node, which they go on hearing.
    pub(super) fn deafen(&mut self, node: u16) {
        self.cut.extend((1..=self.servers()).map(|server| (NodeId(server), NodeId(node))));
    }

    /// Ends a server's process: what it wrote is kept, its peers hear of it.
    pub(super) fn crash(&mut self, server: u16) {
        let node = NodeId(server);
        self.end(node);
        let its = self.lines.iter().filter(|(_, line)| line.ends.contains(&node));
        let its: Vec<ConnectionId> = its.map(|(connection, _)| *connection).collect();
        its.into_iter().for_each(|connection| self.close(node, connection));
    }

    /// Ends a server's host: what it did not sync is lost, and its peers hear nothing.
    pub(super) fn lose_power(&mut self, server: u16) {
        let node = NodeId(server);
        self.end(node);
        self.disks.entry(node).or_default().lose_power();
        self.held.retain(|(from, _, _)| *from != node);
        for line in self.lines.values_mut().filter(|line| line.ends.contains(&node)) {
            line.forgotten_by = Some(node);
        }
    }

    fn end(&mut self, node: NodeId) {
        self.machines.remove(&node);
        *self.starts.entry(node).or_insert(0) += 1;
        self.timers.retain(|(of, _), _| *of != node);
    }

    pub(super) fn is_up(&self, server: u16) -> bool {
        self.machines.contains_key(&NodeId(server))
    }

    /// Cuts a server off from the others, not from clients.
    pub(super) fn isolate(&mut self, server: u16) {
        for other in (1..=self.servers()).filter(|other| *other != server) {
            let (one, other) = (NodeId(server), NodeId(other));
            self.cut.extend([(one, other), (other, one)]);
        }
    }

    /// Lets nothing that a server says get to the others.
    pub(super) fn silence(&mut self, server: u16) {
        let others = (1..=self.servers()).filter(|other| *other != server);
        self.cut.extend(others.map(|other| (NodeId(server), NodeId(other))));
    }

    /// Joins all that was cut; what has waited gets through.
    pub(super) fn heal(&mut self) {
        self.cut.clear();
        for (from, to, event) in std::mem::take(&mut self.held) {
            self.send(from, to, event);
        }
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, millis: u64) {
        let end = self.now + millis * MILLI;
        while let Some(entry) = self.queue.first_entry()
            && entry.key().0 <= end
        {
            self.now = entry.key().0;
            let (node, start, event) = entry.remove();
            if self.starts.get(&node).is_none_or(|latest| *latest == start) {
                self.deliver(node, event);
            }
        }
        self.now = end;
    }

    /// A client's connection to a server.
    pub(super) fn connect(&mut self, server: u16) -> ConnectionId {
        let connection = ConnectionId(self.next_connection);
        self.next_connection += 1;
        self.open(connection, CLIENTS, NodeId(server));
        connection
    }

    pub(super) fn tell(&mut self, connection: ConnectionId, packet: Packet) {
        self.write(CLIENTS, connection, Message::ZooKeeper(Arc::new(packet)));
    }

    pub(super) fn hang_up(&mut self, connection: ConnectionId) {
        self.close(CLIENTS, connection);
    }

    pub(super) fn is_open(&self, connection: ConnectionId) -> bool {
        let line = self.lines.get(&connection);
        line.is_some_and(|line| line.forgotten_by.is_none() && !line.is_closed)
    }

    fn open(&mut self, connection: ConnectionId, from: NodeId, to: NodeId) {
        let line =
            Line { ends: [from, to], last: BTreeMap::new(), forgotten_by: None, is_closed: false };
        self.lines.insert(connection, line);
        if !self.machines.contains_key(&to) {
            return self.close(to, connection);
        }
        self.send(from, to, Event::Accepted { connection, peer: from });
        if from != CLIENTS {
            // The answer comes the way back.
            self.push(2 * MILLI, from, Event::Connected { connection });
            if self.cut.contains(&(from, to)) {
                let last = self.queue.pop_last();
                self.held.extend(last.map(|(_, (node, _, event))| (node, node, event)));
            }
        }
    }

    const fn clock(&self) -> LocalClock {
        LocalClock { wall: Wall::from_nanos(self.now), mono: Mono::from_nanos(self.now) }
    }

    fn push(&mut self, after: u64, node: NodeId, event: Event) {
        self.sequence += 1;
        let start = self.starts.get(&node).copied().unwrap_or(0);
        self.queue.insert((self.now + after, self.sequence), (node, start, event));
    }

    /// Sends something that arrives after all that was sent that way on the same connection.
    fn send(&mut self, from: NodeId, to: NodeId, event: Event) {
        if self.cut.contains(&(from, to)) {
            return self.held.push_back((from, to, event));
        }
        let latency = self.random.range(MILLI / 5..=2 * MILLI);
        let connection = match &event {
            Event::Accepted { connection, .. }
            | Event::Connected { connection }
            | Event::Message { connection, .. }
            | Event::Closed { connection, .. } => Some(*connection),
            _ => None,
        };
        let mut at = self.now + latency;
        if let Some(line) = connection.and_then(|connection| self.lines.get_mut(&connection)) {
            let last = line.last.entry(to).or_insert(0);
            at = at.max(*last + 1);
            *last = at;
        }
        self.push(at - self.now, to, event);
    }

    fn write(&mut self, from: NodeId, connection: ConnectionId, message: Message) {
        let Some(line) = self.lines.get_mut(&connection).filter(|line| !line.is_closed) else {
            return;
        };
        let to = if line.ends[0] == from { line.ends[1] } else { line.ends[0] };
        if line.forgotten_by != Some(to) {
            return self.send(from, to, Event::Message { connection, message });
        }
        if self.machines.contains_key(&to) {
            line.is_closed = true;
            let reason = CloseReason::Reset;
            self.send(to, from, Event::Closed { connection, reason });
        }
    }

    fn close(&mut self, by: NodeId, connection: ConnectionId) {
        let Some(line) = self.lines.get_mut(&connection).filter(|line| !line.is_closed) else {
            return;
        };
        line.is_closed = true;
        let peer = if line.ends[0] == by { line.ends[1] } else { line.ends[0] };
        if line.forgotten_by.is_none() {
            let reason = CloseReason::ByPeer;
            self.send(by, peer, Event::Closed { connection, reason });
        }
    }

    fn deliver(&mut self, node: NodeId, event: Event) {
        if node == CLIENTS {
            if let Event::Message { connection, message: Message::ZooKeeper(packet) } = event {
                let packet = Arc::unwrap_or_clone(packet);
                self.heard.entry(connection).or_default().push_back(packet);
            }
            return;
        }
        let input = match &event {
            Event::Started => Input::Started,
            Event::Accepted { connection, peer } => {
                Input::Accepted { connection: *connection, peer: *peer }
            }
            Event::Connected { connection } if !self.is_open(*connection) => return,
            Event::Connected { connection } => Input::Connected { connection: *connection },
            Event::Message { connection, message } => {
                Input::Message { connection: *connection, message }
            }
            Event::Closed { connection, reason } => {
                Input::Closed { connection: *connection, reason: *reason }
            }
            Event::Timer { timer, at } => {
                if self.timers.get(&(node, *timer)) != Some(at) {
                    return;
                }
                self.timers.remove(&(node, *timer));
                Input::Timer(*timer)
            }
            Event::Synced { file, content, token } => {
                self.disks.entry(node).or_default().synced(file, content);
                Input::DiskDone(*token)
            }
            Event::DiskDone(token) => Input::DiskDone(*token),
        };
        let clock = self.clock();
        let mut outbox = Vec::new();
        let machine: &mut dyn Machine = match self.machines.get_mut(&node) {
            Some(server) => server,
            None => match self.processes.get_mut(&node) {
                Some(process) => process,
                None => return,
            },
        };
        machine.handle(input, &mut Context::new(clock, &mut self.next_connection, &mut outbox));
        for effect in outbox {
            self.carry_out(node, effect);
        }
    }

    fn carry_out(&mut self, node: NodeId, effect: Effect) {
        match effect {
            Effect::Connect { connection, peer } => self.open(connection, node, peer),
            Effect::Send { connection, message } => self.write(node, connection, message),
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
                match self.disks.entry(node).or_default().apply(operation) {
                    Some((file, content)) => {
                        let takes = self.sync_takes_ms * MILLI;
                        self.push(takes, node, Event::Synced { file, content, token });
                    }
                    None => self.push(MILLI / 100, node, Event::DiskDone(token)),
                }
            }
            Effect::Note(note) => self.notes.push((self.now_ms(), node, note)),
            Effect::Because(_) => {}
        }
    }
}
