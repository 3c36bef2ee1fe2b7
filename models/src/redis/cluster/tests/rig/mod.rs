//! Hosts, each with a [`Cluster`] and a server that only pretends: it has keys, a replication offset
//! and a master that it follows. Messages take a millisecond; what is cut off waits.

mod network;
mod seen;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::machine::{Boot, ConnectionId, Context, DiskToken, Files, NodeId};
use crate::message::Message;
use crate::random::Random;
use crate::redis::cluster::{
    BusMessage, Cluster, ClusterSettings, Facts, Keys, Order, SlotSet, Turn, key_slot,
};
use crate::redis::resp::Reply;
use crate::time::{LocalClock, Mono, Wall};

/// When the story begins, on everybody's wall clock.
pub(super) const START_MS: u64 = 1_767_225_600_000;

const LATENCY_MS: u64 = 1;
const CRON_MS: u64 = 100;

/// The keys that a server pretends to have.
#[derive(Debug, Default)]
pub(super) struct TestKeys(pub(super) BTreeSet<Bytes>);

impl Keys for TestKeys {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn contains(&self, key: &[u8]) -> bool {
        self.0.contains(key)
    }

    fn slots(&self) -> SlotSet {
        self.0.iter().map(|key| key_slot(key)).collect()
    }

    fn of_slot(&self, slot: u16) -> Vec<Bytes> {
        self.0.iter().filter(|key| key_slot(key) == slot).cloned().collect()
    }
}

/// A server.
pub(super) struct Host {
    pub(super) cluster: Cluster,
    pub(super) is_up: bool,
    pub(super) keys: TestKeys,
    pub(super) offset: u64,
    /// A replica whose stream has stopped.
    pub(super) is_lagging: bool,
    pub(super) follows: Option<NodeId>,
    /// When its master was heard of last.
    pub(super) heard_ms: u64,
    pub(super) is_paused: bool,
    /// Since when, what happened, about what.
    pub(super) notes: Vec<(u64, &'static str, String)>,
    pub(super) orders: Vec<Order>,
    /// Calls to a disk that does not answer.
    held_disk: Option<Vec<DiskToken>>,
    files: Files,
    synced: Files,
    incarnation: u32,
}

/// What is under way.
#[derive(Clone, Debug)]
enum Event {
    Cron(usize),
    Connect { connection: ConnectionId, from: usize, to: usize },
    Data { connection: ConnectionId, from: usize, to: usize, message: Message },
    Close { connection: ConnectionId, from: usize, to: usize, refused: bool },
}

/// What is told to a host.
enum Told<'a> {
    Start,
    Cron,
    Connected(ConnectionId),
    Closed(ConnectionId),
    Message(ConnectionId, usize, &'a BusMessage),
    Command(&'a [Bytes]),
    Verify,
    Publish(&'a str, bool),
}

pub(super) struct Rig {
    pub(super) now_ms: u64,
    pub(super) hosts: Vec<Host>,
    /// How many messages of each name were delivered.
    pub(super) delivered: BTreeMap<String, usize>,
    /// All that was said, and by whom.
    pub(super) said: Vec<(usize, Arc<BusMessage>)>,
    settings: ClusterSettings,
    queue: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    next_connection: u32,
    /// Who is connected with whom.
    connections: BTreeMap<ConnectionId, (usize, usize)>,
    /// Which hosts are on the other side.
    apart: BTreeSet<usize>,
    held: VecDeque<Event>,
    seed: u64,
}

impl Rig {
    /// A cluster of three masters and three replicas with a node timeout of five seconds, as
    /// `redis-cli --cluster create` leaves it, after it has found itself.
    pub(super) fn new(seed: u64) -> Self {
        let mut rig = Self::of(3, 3, seed, |_| {});
        rig.run(6_000);
        rig
    }

    /// A cluster before its first moment.
    pub(super) fn of(
        masters: u16,
        replicas: u16,
        seed: u64,
        change: impl FnOnce(&mut ClusterSettings),
    ) -> Self {
        let nodes: Vec<NodeId> = (0..masters + replicas).map(NodeId).collect();
        let (masters, replicas) = nodes.split_at(masters.into());
        let mut settings = ClusterSettings {
            node_timeout: Duration::from_secs(5),
            ..ClusterSettings::of(masters, replicas)
        };
        change(&mut settings);
        Self::with(nodes.len(), settings, seed)
    }

    /// Nodes that know whom the settings name.
    pub(super) fn with(nodes: usize, settings: ClusterSettings, seed: u64) -> Self {
        let mut rig = Self {
            now_ms: START_MS,
            hosts: Vec::new(),
            delivered: BTreeMap::new(),
            said: Vec::new(),
            settings,
            queue: BTreeMap::new(),
            sequence: 0,
            next_connection: 0,
            connections: BTreeMap::new(),
            apart: BTreeSet::new(),
            held: VecDeque::new(),
            seed,
        };
        for place in 0..nodes {
            let host = rig.boot(place, 0, Files::new());
            rig.hosts.push(host);
            rig.tell(place, Told::Start);
            rig.push(1 + 7 * place as u64, Event::Cron(place));
        }
        rig
    }

    fn boot(&self, place: usize, incarnation: u32, files: Files) -> Host {
        let node = NodeId(place as u16);
        let random = Random::new(self.seed, place as u64 + 1000 * u64::from(incarnation));
        let mut boot =
            Boot { node, incarnation, random, files: files.clone(), clock: self.clock() };
        let cluster = Cluster::new(&mut boot, self.settings.clone()).expect("a good file");
        Host {
            cluster,
            is_up: true,
            keys: TestKeys::default(),
            offset: 100,
            is_lagging: false,
            follows: None,
            heard_ms: self.now_ms,
            is_paused: false,
            notes: Vec::new(),
            orders: Vec::new(),
            held_disk: None,
            synced: files.clone(),
            files,
            incarnation,
        }
    }

    fn clock(&self) -> LocalClock {
        let nanos = self.now_ms * 1_000_000;
        LocalClock { wall: Wall::from_nanos(nanos), mono: Mono::from_nanos(nanos) }
    }

    fn push(&mut self, after_ms: u64, event: Event) {
        self.sequence += 1;
        self.queue.insert((self.now_ms + after_ms, self.sequence), event);
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, ms: u64) {
        let end_ms = self.now_ms + ms;
        self.run_until(end_ms, |_| false);
        self.now_ms = end_ms;
    }

    /// Lets time pass until something is so; says for how many milliseconds, or none when it did not
    /// come about.
    pub(super) fn wait(&mut self, most_ms: u64, is_so: impl Fn(&Self) -> bool) -> Option<u64> {
        let start_ms = self.now_ms;
        self.run_until(start_ms + most_ms, &is_so);
        is_so(self).then(|| self.now_ms - start_ms)
    }

    fn run_until(&mut self, end_ms: u64, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self)
            && let Some(entry) = self.queue.first_entry()
            && entry.key().0 <= end_ms
        {
            let ((at_ms, _), event) = entry.remove_entry();
            self.now_ms = at_ms;
            self.take(event);
        }
    }

    /// Tells a host something, and carries out what it answers.
    fn tell(&mut self, place: usize, told: Told<'_>) -> Option<Reply> {
        self.replicate(place);
        let host = &mut self.hosts[place];
        let facts = Facts {
            offset: host.offset,
            follows: host.follows.is_some(),
            master_silent_s: self.now_ms / 1000 - host.heard_ms / 1000,
            repl_ping_replica_period_s: 10,
            keys: &host.keys,
        };
        let turn = Turn { facts, now_ms: self.now_ms as i64 };
        let cluster = &mut host.cluster;
        let mut reply = None;
        match told {
            Told::Start => cluster.start(),
            Told::Cron => cluster.cron(turn),
            Told::Connected(connection) => cluster.connected(connection, turn),
            Told::Closed(connection) => cluster.closed(connection),
            Told::Message(connection, from, message) => {
                if !cluster.has_line(connection) {
                    cluster.accept(connection, NodeId(from as u16));
                }
                cluster.receive(connection, message, turn);
            }
            Told::Verify => cluster.verify_keys(turn),
            Told::Publish(channel, sharded) => {
                let channel = Bytes::copy_from_slice(channel.as_bytes());
                cluster.publish(channel, Bytes::from("hello"), sharded, turn);
            }
            Told::Command(arguments) => reply = Some(cluster.command(arguments, turn)),
        }
        cluster.before_sleep(turn);
        let mut outbox = Vec::new();
        let clock = self.clock();
        let mut context = Context::new(clock, &mut self.next_connection, &mut outbox);
        self.hosts[place].cluster.flush(&mut context);
        self.obey(place);
        for effect in outbox {
            self.carry_out(place, effect);
        }
        reply
    }

    /// A replica that can reach its master has what that has.
    fn replicate(&mut self, place: usize) {
        let Some(master) = self.hosts[place].follows else { return };
        let master = usize::from(master.0);
        let is_near = self.apart.contains(&place) == self.apart.contains(&master);
        if self.hosts[master].is_up && is_near && !self.hosts[place].is_lagging {
            self.hosts[place].offset = self.hosts[master].offset;
            self.hosts[place].heard_ms = self.now_ms;
        }
    }

    fn obey(&mut self, place: usize) {
        let host = &mut self.hosts[place];
        for order in host.cluster.take_orders() {
            match &order {
                Order::Follow(master) => host.follows = Some(*master),
                Order::Lead => host.follows = None,
                Order::PauseWrites { .. } => host.is_paused = true,
                Order::ResumeWrites => host.is_paused = false,
                Order::DeleteKeys(slots) => {
                    host.keys.0.retain(|key| !slots.contains(key_slot(key)));
                }
                Order::DeleteAllKeys => host.keys.0.clear(),
                Order::DropShardChannels(_) | Order::Publish { .. } => {}
            }
            host.orders.push(order);
        }
    }

    /// Starts it again, with the files that it had, or, after a power loss, those that were synced.
    pub(super) fn restart(&mut self, place: usize, after_power_loss: bool) {
        let host = &self.hosts[place];
        let files = if after_power_loss { host.synced.clone() } else { host.files.clone() };
        let (incarnation, notes) = (host.incarnation + 1, host.notes.clone());
        self.hosts[place] = Host { notes, ..self.boot(place, incarnation, files) };
        self.tell(place, Told::Start);
    }
}
