//! What everybody does and believes at a moment of the run, followed record by record.

use std::collections::{BTreeMap, BTreeSet};

use fencepost_faults::{Action, Groups};
use fencepost_models::machine::{ConnectionId, NodeId};
use fencepost_models::note::{Name, Note};
use fencepost_models::redis::address;

use super::client::Client;
use super::ensemble::{Ensemble, Role};
use super::glyph::Glyph;
use super::requests::answers;
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

/// The state of a node's process.
#[derive(Clone, Copy, Debug, Default)]
struct Process {
    paused_since: Option<SimTime>,
    is_down: bool,
    has_no_power: bool,
}

/// A request for a connection that is still open.
#[derive(Clone, Copy, Debug)]
struct Request {
    opener: NodeId,
    since: SimTime,
}

/// Everybody's state after the records that were applied.
pub struct State<'a> {
    pub run: &'a Run,
    pub cast: &'a Cast,
    pub stock: Option<u64>,
    pub sold: u64,
    clients: BTreeMap<NodeId, Client>,
    processes: BTreeMap<NodeId, Process>,
    /// Whose each lock's key is on each server, as far as anybody knows, and when it expires.
    keys: BTreeMap<(NodeId, Name), (Option<NodeId>, Option<u64>)>,
    /// Who came with a value first: replicas get it from other servers.
    values: BTreeMap<Name, NodeId>,
    ensemble: Ensemble<'a>,
    peers: BTreeMap<ConnectionId, (NodeId, NodeId)>,
    requests: BTreeMap<ConnectionId, Request>,
    /// Who has asked whom for a connection and got none at once, since it last had one.
    unanswered: BTreeSet<(NodeId, NodeId)>,
    /// The faults that have begun and are not over.
    active: BTreeSet<FaultId>,
    /// When each request for a connection came to its end, whatever came of it.
    answers: BTreeMap<ConnectionId, SimTime>,
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
            ensemble: Ensemble::new(&cast.sessions),
            peers: BTreeMap::new(),
            requests: BTreeMap::new(),
            unanswered: BTreeSet::new(),
            active: BTreeSet::new(),
            answers: answers(&run.history),
        }
    }

    pub const fn ensemble(&self) -> &Ensemble<'a> {
        &self.ensemble
    }

    pub const fn history(&self) -> &'a History {
        &self.run.history
    }

    pub fn name(&self, node: NodeId) -> &'a str {
        self.run.history.name(node)
    }

    /// Whether a node only watches others: a Sentinel.
    pub fn is_watcher(&self, node: NodeId) -> bool {
        let Cast { clients, servers, .. } = &self.cast;
        self.name(node).starts_with("sentinel-")
            && !clients.contains(&node)
            && !servers.contains(&node)
    }

    /// A text with the nodes' names in place of their addresses and ports.
    pub fn with_names(&self, text: &str) -> String {
        let is_port = |word: &str| matches!(word, "6379" | "26379");
        let named = |word: &str| {
            let (ip, port) = word.split_once(':').unwrap_or((word, ""));
            let node = address::node(ip.as_bytes(), port.as_bytes());
            node.map_or_else(|| word.to_owned(), |node| self.name(node).to_owned())
        };
        let mut words: Vec<String> =
            text.split(' ').filter(|word| !is_port(word)).map(named).collect();
        // `slave ip:port ip port` names one node twice.
        words.dedup();
        words.join(" ")
    }

    /// The message whose delivery brought a record about.
    pub fn brought_by(&self, record: &Record) -> Option<&'a Envelope> {
        self.history().brought_by(record).map(|message| self.history().message(message))
    }

    /// Whether a server took it from a file when it started: time brought it, not a message.
    pub fn is_loaded(&self, record: &Record) -> bool {
        let cause = record.cause.and_then(|cause| self.history().record(cause));
        cause.is_some_and(|cause| matches!(cause.event, Event::TimerFired))
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

    pub fn has_no_power(&self, node: NodeId) -> bool {
        self.processes.get(&node).is_some_and(|process| process.has_no_power)
    }

    /// Whether a fault that is in force cuts the way, or the way back.
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        let cuts = |fault: &FaultId| self.action(*fault).is_some_and(|it| self.cuts(it, from, to));
        self.active.iter().any(cuts)
    }

    /// Whether an action cuts the way between two nodes, or the way back.
    pub fn cuts(&self, action: &Action, one: NodeId, other: NodeId) -> bool {
        let (Action::Partition(groups) | Action::OneWayPartition(groups)) = action else {
            return false;
        };
        let (one, other) = (self.name(one), self.name(other));
        joins(groups, one, other) || joins(groups, other, one)
    }

    /// Since when a connection has been asked for, if it is still open whether it comes about.
    pub fn asked_since(&self, node: NodeId, connection: ConnectionId) -> Option<SimTime> {
        let request = self.requests.get(&connection)?;
        (request.opener == node).then_some(request.since)
    }

    /// When a request for a connection comes to its end; `None` for never.
    pub fn answered_at(&self, connection: ConnectionId) -> Option<SimTime> {
        self.answers.get(&connection).copied()
    }

    /// Whether a node has asked that peer before and got no connection since.
    pub fn is_unanswered(&self, node: NodeId, peer: NodeId) -> bool {
        self.unanswered.contains(&(node, peer))
    }

    pub fn is_waiting(&self, node: NodeId) -> bool {
        self.clients.get(&node).is_some_and(|client| client.is_waiting())
    }

    /// The lock that a client believes it holds, the last one it got.
    pub fn held_by(&self, node: NodeId) -> Option<&Name> {
        self.clients.get(&node)?.held_last()
    }

    /// Who has a hold of that number, in words.
    pub fn holder(&self, node: NodeId, hold: u32) -> String {
        let thread = self.clients.get(&node).and_then(|client| client.thread_of(hold));
        self.history().thread_name(node, thread.unwrap_or(0))
    }

    pub fn believes(&self, node: NodeId, lock: &Name) -> bool {
        self.clients.get(&node).is_some_and(|client| client.holds(lock))
    }

    /// Whose the key is on that server; `None` when it is not there or nobody's known.
    pub fn owner(&self, server: NodeId, key: &Name) -> Option<NodeId> {
        self.keys.get(&(server, key.clone())).and_then(|(owner, _)| *owner)
    }

    /// When the key expires on that server, by its own wall clock in Unix milliseconds.
    pub fn expiry(&self, server: NodeId, key: &Name) -> Option<u64> {
        self.keys.get(&(server, key.clone())).and_then(|(_, expiry)| *expiry)
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
            Event::FaultBegan(fault) => {
                self.active.insert(fault);
                match self.action(fault) {
                    Some(Action::Pause { .. }) => self.pause(node, record.at),
                    Some(Action::Crash { .. }) => self.go_down(node),
                    Some(Action::PowerLoss { .. }) => self.lose_power(node),
                    _ => {}
                }
            }
            Event::FaultEnded(fault) => {
                self.active.remove(&fault);
            }
            Event::Paused => self.pause(node, record.at),
            Event::Resumed => self.process(node).paused_since = None,
            Event::Crashed => self.go_down(node),
            Event::PowerLost => self.lose_power(node),
            Event::Started { .. } => *self.process(node) = Process::default(),
            Event::Connecting { connection, peer } => {
                self.peers.insert(connection, (node, peer));
                self.requests.insert(connection, Request { opener: node, since: record.at });
            }
            Event::Connected(connection) => {
                self.requests.remove(&connection);
                if let Some(peer) = self.peer(node, connection) {
                    self.unanswered.remove(&(node, peer));
                }
            }
            Event::Closed(connection) | Event::ConnectionLost { connection, .. }
                if self.asked_since(node, connection).is_some() =>
            {
                self.requests.remove(&connection);
                if let Some(peer) = self.peer(node, connection) {
                    self.unanswered.insert((node, peer));
                }
            }
            Event::Noted(note) => self.enter(record, self.history().note(note)),
            _ => {}
        }
    }

    fn enter(&mut self, record: &Record, note: &Note) {
        match note {
            Note::KeySet { key, value, expires_at_ms } if self.cast.locks.contains(key) => {
                let owner = self.bringer(record, value);
                if let Some(owner) = owner {
                    self.values.entry(value.clone()).or_insert(owner);
                }
                self.keys.insert((record.node, key.clone()), (owner, *expires_at_ms));
            }
            Note::KeyDeleted { key } | Note::KeyExpired { key } | Note::KeyEvicted { key } => {
                self.keys.remove(&(record.node, key.clone()));
            }
            Note::ZnodeCreated { .. } | Note::ZnodeDeleted { .. } | Note::ZooKeeper { .. } => {
                self.ensemble.enter(record.node, note);
            }
            Note::StockInitial { stock } => self.stock = Some(*stock),
            Note::WriteTaken { after, .. } => {
                self.stock = Some(*after);
                self.sold += 1;
            }
            Note::StockWritten { after, .. } => self.stock = Some(*after),
            Note::OrderRecorded { .. } => self.sold += 1,
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
        let process = self.process(node);
        *process = Process { paused_since: None, is_down: true, ..*process };
        self.requests.retain(|_, request| request.opener != node);
        if let Some(client) = self.clients.get_mut(&node) {
            *client = Client::default();
        }
        self.keys.retain(|(server, _), _| *server != node);
        self.ensemble.go_down(node);
    }

    fn lose_power(&mut self, node: NodeId) {
        self.go_down(node);
        self.process(node).has_no_power = true;
    }

    /// What a client's lane shows.
    pub fn client_cell(&self, node: NodeId) -> Glyph {
        match (self.failure(node), self.belief(node)) {
            (None, belief) => belief,
            (Some(Glyph::Paused), Glyph::Doubly) => Glyph::PausedDoubly,
            (Some(Glyph::Paused), Glyph::Holds) => Glyph::PausedHolder,
            (Some(failure), _) => failure,
        }
    }

    /// What a client believes or is about, whether its process runs or not.
    pub fn belief(&self, node: NodeId) -> Glyph {
        let Some(client) = self.clients.get(&node) else { return Glyph::Idle };
        if client.locks().any(|lock| self.believers(lock) > 1) {
            Glyph::Doubly
        } else if client.held_last().is_some() {
            Glyph::Holds
        } else if client.is_waiting() {
            Glyph::Waits
        } else if client.has_read() {
            Glyph::Reads
        } else {
            Glyph::Idle
        }
    }

    fn believers(&self, lock: &Name) -> usize {
        self.clients.values().filter(|client| client.holds(lock)).count()
    }

    /// The sign of a node that does not run; none while it runs.
    pub fn failure(&self, node: NodeId) -> Option<Glyph> {
        if self.is_down(node) {
            Some(Glyph::Down)
        } else {
            self.paused_since(node).map(|_| Glyph::Paused)
        }
    }

    /// What a server's lane shows.
    pub fn server_cell(&self, node: NodeId) -> Cell {
        self.failure(node).map_or_else(|| self.lock_on(node), Cell::Sign)
    }

    /// Whose the lock is on a server, or the server's role where others say that.
    pub fn lock_on(&self, node: NodeId) -> Cell {
        let mut locks = self.cast.locks.iter();
        if let Some(role) = self.ensemble.role(node) {
            return match role {
                Role::Looks => Cell::Sign(Glyph::Looks),
                Role::Follows => Cell::Sign(Glyph::Follows),
                Role::Leads => match locks.find_map(|lock| self.ensemble.holder(lock)) {
                    None => Cell::Sign(Glyph::NoKey),
                    Some(holder) => self.owner_cell(holder),
                },
            };
        }
        match locks.find_map(|lock| self.keys.get(&(node, lock.clone()))) {
            None => Cell::Sign(Glyph::NoKey),
            Some((owner, _)) => self.owner_cell(*owner),
        }
    }

    /// The sign of what is somebody's, or nobody's known.
    fn owner_cell(&self, owner: Option<NodeId>) -> Cell {
        let place = owner.and_then(|owner| self.cast.clients.iter().position(|one| *one == owner));
        place.map_or(Cell::Sign(Glyph::Stranger), |place| Cell::Owner(place + 1))
    }
}

/// Whether a cut between the groups lies between two nodes: the first in the one group, the second
/// in the other, which is everybody else when it is empty.
fn joins(groups: &Groups, one: &str, other: &str) -> bool {
    let is_in = |names: &[String], name: &str| names.iter().any(|known| known == name);
    let is_other = match groups.other.as_slice() {
        [] => !is_in(&groups.one, other),
        names => is_in(names, other),
    };
    is_in(&groups.one, one) && is_other
}
