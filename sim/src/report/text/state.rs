//! What everybody does and believes at a moment of the run, followed record by record.

use std::collections::BTreeMap;

use fencepost_faults::Action;
use fencepost_models::machine::{ConnectionId, NodeId};
use fencepost_models::note::{Name, Note};

use super::glyph::Glyph;
use crate::report::cast::Cast;
use crate::world::history::{Envelope, Event, FaultId, History, Record};
use crate::world::{Run, SimTime};

/// A sign in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A sign of the table.
    Sign(Glyph),
    /// The buyer of that number.
    Owner(usize),
}

/// What a client is about.
#[derive(Clone, Debug, Default)]
struct Client {
    is_waiting: bool,
    /// It has read the stock; its order is still open.
    has_read: bool,
    /// The locks that it believes it holds, each as often as it acquired it.
    held: Vec<Name>,
}

/// The state of a node's process.
#[derive(Clone, Copy, Debug, Default)]
struct Process {
    paused_since: Option<SimTime>,
    is_down: bool,
}

/// Everybody's state after the records that were applied.
pub struct State<'a> {
    pub run: &'a Run,
    pub cast: &'a Cast,
    pub stock: Option<u64>,
    pub sold: u64,
    clients: BTreeMap<NodeId, Client>,
    processes: BTreeMap<NodeId, Process>,
    /// Whose each lock's key is on each server, as far as anybody knows.
    keys: BTreeMap<(NodeId, Name), Option<NodeId>>,
    /// Who came with a value first: replicas get it from other servers.
    values: BTreeMap<Name, NodeId>,
    peers: BTreeMap<ConnectionId, (NodeId, NodeId)>,
}

impl<'a> State<'a> {
    pub fn new(run: &'a Run, cast: &'a Cast) -> Self {
        let clients = cast.clients.iter().map(|node| (*node, Client::default())).collect();
        Self {
            run,
            cast,
            stock: None,
            sold: 0,
            clients,
            processes: BTreeMap::new(),
            keys: BTreeMap::new(),
            values: BTreeMap::new(),
            peers: BTreeMap::new(),
        }
    }

    pub const fn history(&self) -> &'a History {
        &self.run.history
    }

    pub fn name(&self, node: NodeId) -> &'a str {
        self.run.history.name(node)
    }

    /// The message whose delivery brought a record about.
    pub fn brought_by(&self, record: &Record) -> Option<&'a Envelope> {
        match self.history().record(record.cause?)?.event {
            Event::Delivered(message) => Some(self.history().message(message)),
            _ => None,
        }
    }

    /// A fault's action, if the plan has that fault.
    pub fn action(&self, fault: FaultId) -> Option<&'a Action> {
        self.run.faults.get(fault.0 as usize).map(|outcome| &outcome.fault.action)
    }

    pub fn paused_since(&self, node: NodeId) -> Option<SimTime> {
        self.processes.get(&node)?.paused_since
    }

    pub fn is_down(&self, node: NodeId) -> bool {
        self.processes.get(&node).is_some_and(|process| process.is_down)
    }

    pub fn is_waiting(&self, node: NodeId) -> bool {
        self.clients.get(&node).is_some_and(|client| client.is_waiting)
    }

    /// The lock that a client believes it holds, the last one it got.
    pub fn held_by(&self, node: NodeId) -> Option<&Name> {
        self.clients.get(&node)?.held.last()
    }

    pub fn believes(&self, node: NodeId, lock: &Name) -> bool {
        self.clients.get(&node).is_some_and(|client| client.held.contains(lock))
    }

    /// Whose the key is on that server; `None` when it is not there or nobody's known.
    pub fn owner(&self, server: NodeId, key: &Name) -> Option<NodeId> {
        self.keys.get(&(server, key.clone())).copied().flatten()
    }

    /// Whose value a server is given: the sender's, or his who had it first.
    pub fn bringer(&self, record: &Record, value: &Name) -> Option<NodeId> {
        let sender = self.brought_by(record).map(|envelope| envelope.from);
        let client = sender.filter(|sender| self.clients.contains_key(sender));
        client.or_else(|| self.values.get(value).copied())
    }

    /// Who is at the other end of a node's connection.
    pub fn peer(&self, node: NodeId, connection: ConnectionId) -> Option<NodeId> {
        let (one, other) = *self.peers.get(&connection)?;
        Some(if one == node { other } else { one })
    }

    pub fn apply(&mut self, record: &Record) {
        let node = record.node;
        match record.event {
            Event::FaultBegan(fault) => match self.action(fault) {
                Some(Action::Pause { .. }) => self.pause(node, record.at),
                Some(Action::Crash { .. } | Action::PowerLoss { .. }) => self.go_down(node),
                _ => {}
            },
            Event::Paused => self.pause(node, record.at),
            Event::Resumed => self.process(node).paused_since = None,
            Event::Crashed | Event::PowerLost => self.go_down(node),
            Event::Started { .. } => *self.process(node) = Process::default(),
            Event::Connecting { connection, peer } => {
                self.peers.insert(connection, (node, peer));
            }
            Event::Noted(note) => self.enter(record, self.history().note(note)),
            _ => {}
        }
    }

    fn enter(&mut self, record: &Record, note: &Note) {
        match note {
            Note::KeySet { key, value, .. } if self.cast.locks.contains(key) => {
                let owner = self.bringer(record, value);
                if let Some(owner) = owner {
                    self.values.entry(value.clone()).or_insert(owner);
                }
                self.keys.insert((record.node, key.clone()), owner);
            }
            Note::KeyDeleted { key } | Note::KeyExpired { key } => {
                self.keys.remove(&(record.node, key.clone()));
            }
            Note::StockInitial { stock } => self.stock = Some(*stock),
            Note::WriteTaken { after, .. } => {
                self.stock = Some(*after);
                self.sold += 1;
            }
            _ => {
                if let Some(client) = self.clients.get_mut(&record.node) {
                    client.enter(note);
                }
            }
        }
    }

    fn process(&mut self, node: NodeId) -> &mut Process {
        self.processes.entry(node).or_default()
    }

    fn pause(&mut self, node: NodeId, at: SimTime) {
        let process = self.process(node);
        if !process.is_down {
            process.paused_since.get_or_insert(at);
        }
    }

    /// A process is gone, with its beliefs; a server's keys too, until it says that it has them.
    fn go_down(&mut self, node: NodeId) {
        *self.process(node) = Process { paused_since: None, is_down: true };
        if let Some(client) = self.clients.get_mut(&node) {
            *client = Client::default();
        }
        self.keys.retain(|(server, _), _| *server != node);
    }

    /// What a client's lane shows.
    pub fn client_cell(&self, node: NodeId) -> Glyph {
        let Some(client) = self.clients.get(&node) else { return Glyph::Idle };
        let holds = !client.held.is_empty();
        if self.is_down(node) {
            Glyph::Down
        } else if self.paused_since(node).is_some() {
            if holds { Glyph::PausedHolder } else { Glyph::Paused }
        } else if client.held.iter().any(|lock| self.believers(lock) > 1) {
            Glyph::Doubly
        } else if holds {
            Glyph::Holds
        } else if client.is_waiting {
            Glyph::Waits
        } else if client.has_read {
            Glyph::Reads
        } else {
            Glyph::Idle
        }
    }

    fn believers(&self, lock: &Name) -> usize {
        self.clients.values().filter(|client| client.held.contains(lock)).count()
    }

    /// What a server's lane shows.
    pub fn server_cell(&self, node: NodeId) -> Cell {
        if self.is_down(node) {
            return Cell::Sign(Glyph::Down);
        }
        if self.paused_since(node).is_some() {
            return Cell::Sign(Glyph::Paused);
        }
        let mut locks = self.cast.locks.iter();
        let key = locks.find_map(|lock| self.keys.get(&(node, lock.clone())));
        match key {
            None => Cell::Sign(Glyph::NoKey),
            Some(None) => Cell::Sign(Glyph::Stranger),
            Some(Some(owner)) => match self.cast.clients.iter().position(|one| one == owner) {
                Some(place) => Cell::Owner(place + 1),
                None => Cell::Sign(Glyph::Stranger),
            },
        }
    }
}

impl Client {
    fn enter(&mut self, note: &Note) {
        match note {
            Note::Acquiring { .. } => self.is_waiting = true,
            Note::Acquired { lock, .. } => {
                self.is_waiting = false;
                self.held.push(lock.clone());
            }
            Note::Releasing { lock, .. } | Note::Abandoned { lock, .. } => {
                if let Some(place) = self.held.iter().rposition(|held| held == lock) {
                    self.held.remove(place);
                }
            }
            Note::LockLost { lock, .. } => self.held.retain(|held| held != lock),
            Note::StockSeen { .. } => self.has_read = true,
            Note::OrderPlaced { .. }
            | Note::OrderRefused { .. }
            | Note::OrderUnknown { .. }
            | Note::SoldOut => self.has_read = false,
            _ => {}
        }
    }
}
