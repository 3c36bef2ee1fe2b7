//! Redis Cluster: what `cluster.c` of Redis 7.0.15 adds to a server.
//!
//! Each node knows all nodes and calls each of them again and again. From that alone follows all
//! else: who has failed, who replaces whom, which claim to a slot counts. There is no leader and no
//! log; a claim has an epoch, and the greater epoch wins, so that *what was written at the loser is
//! lost*. Replication is asynchronous here too.
//!
//! ```text
//! settings  name  flags  node  nodes   who there is
//! bus  links  gossip  receive  cron    what is said, on which connection, how it is taken, when
//! failure  state                       who has failed, and whether the cluster works
//! epochs  claims  slots/               whose slots are whose
//! election/  manual  migration         replicas that become masters, or change theirs
//! conf                                 what is kept on disk
//! commands/                            `CLUSTER`
//! turn  out                            what the server tells and is told, and what goes out
//! ```
//!
//! # What differs from Redis 7.0.15
//!
//! * Nodes of a new cluster may know each other from the start ([`ClusterSettings::nodes`]), as
//!   `redis-cli --cluster create` leaves them; `CLUSTER MEET` works all the same.
//! * A name follows from the node and is not drawn. Addresses are nodes: a port says nothing.
//! * Between two hosts a connection is refused after a round trip. On one host Redis learns of it at
//!   once and counts the attempt as a ping, so that it gives up on a process that has ended half a
//!   node timeout sooner.
//! * Where Redis goes through a hash table, nodes come in the order of their names.
//! * `MIGRATE` is not here: it is a command of the server, `session/migrate.rs`.
//! * No modules, host names, TLS, `CLUSTER LINKS`, `CLUSTER HELP`, and no limits of buffers.
//!
//! Source, unless said otherwise: `cluster.c` and `cluster.h`.
//!
//! [`Message::ClusterBus`]: crate::message::Message::ClusterBus

mod bus;
mod claims;
mod commands;
mod conf;
mod cron;
mod election;
mod epochs;
mod failure;
mod flags;
mod gossip;
mod links;
mod manual;
mod migration;
mod name;
mod node;
mod nodes;
mod out;
mod receive;
mod settings;
mod slots;
mod state;
mod turn;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

pub use self::bus::{Body, BusMessage, Gossip, GossipEntry};
pub(crate) use self::conf::{BadConf, CONF_FILE};
use self::election::Election;
pub use self::flags::Flags;
use self::links::Line;
use self::manual::Manual;
pub use self::name::NodeName;
use self::node::Node;
use self::out::Out;
pub use self::settings::{ClusterSettings, KnownNode};
pub(crate) use self::slots::{KeySpec, Query, Reach};
pub use self::slots::{SLOTS, SlotSet, key_slot};
pub(crate) use self::turn::{Facts, Keys, Order, Turn};
use crate::machine::{Boot, ConnectionId};
use crate::random::Random;
use crate::redis::unix_time::millis;

/// A server's part in its cluster: `server.cluster`.
///
/// It has no timers and no sockets. Everything is called with a [`Turn`], which carries the server's
/// [`Facts`]. After each call the server carries out the [`Order`]s ([`Cluster::take_orders`]), one after
/// the other, before it does anything else. What goes out is kept until [`Cluster::flush`].
///
/// | when | what to call |
/// |---|---|
/// | the process is made | [`Cluster::new`]; an error ends the process. A replica follows nobody yet: the first [`Order::Follow`] comes from the cron |
/// | it starts | [`Cluster::start`] |
/// | it has loaded its append-only file | [`Cluster::verify_keys`]. While it loads, the cron does not run, and what comes on the bus waits |
/// | `serverCron`, every 100 ms without end (`run_with_period(100)`) | [`Cluster::cron`] |
/// | a message of the bus comes | where [`Cluster::has_line`] says no, [`Cluster::accept`], and no client is behind the connection any longer; then [`Cluster::receive`] |
/// | a connection with a line is open, or gone | [`Cluster::connected`], [`Cluster::closed`] |
/// | `beforeSleep`, the first thing at the end of every turn | [`Cluster::before_sleep`] |
/// | what has come up is sent, after that | [`Cluster::flush`] |
/// | the disk is done | [`Cluster::disk_done`]. While [`Cluster::is_blocking`], nothing goes out and nothing is taken, as with an append-only file that is synced for each reply |
/// | a command that names keys ([`KeySpec`]), or an `EXEC` with those of all its commands; unless it comes from the master or the append-only file | [`Cluster::check`]: its `reply` is the answer. An `EXEC` drops its transaction, any other command makes it fail |
/// | `CLUSTER` | [`Cluster::command`] |
/// | `PUBLISH` and `SPUBLISH`, once carried out here | [`Cluster::publish`] |
///
/// `READONLY`, `READWRITE` and `ASKING` set and clear flags of the client, see [`Query`]: the next
/// command that is not `ASKING` clears the latter, unless a transaction is open. `SELECT` of another
/// database than 0, `SWAPDB` and `REPLICAOF` are refused.
#[derive(Debug)]
pub(crate) struct Cluster {
    settings: ClusterSettings,
    /// The node timeout.
    timeout_ms: i64,
    myself: Node,
    others: BTreeMap<NodeName, Node>,
    /// The connections of the bus.
    lines: BTreeMap<ConnectionId, Line>,
    /// Nodes that are not taken in again before a second on the wall clock.
    forgotten: BTreeMap<NodeName, i64>,
    current_epoch: u64,
    last_vote_epoch: u64,
    /// The cluster works, as this node sees it.
    is_ok: bool,
    /// How many masters have slots; majorities are of these.
    size: usize,
    /// When the state was looked at first.
    first_looked_ms: Option<i64>,
    /// When this node last found itself with the minority.
    among_minority_ms: i64,
    /// Slots whose owner has stopped to claim them, and nobody else does yet.
    not_claimed: SlotSet,
    /// Slots that leave this node, and for whom.
    migrating: BTreeMap<u16, NodeName>,
    /// Slots that come to this node, and from whom.
    importing: BTreeMap<u16, NodeName>,
    election: Election,
    manual: Manual,
    /// How many nodes this one had not reached at its last turn.
    pfail_nodes: usize,
    /// How often [`Cluster::cron`] has run.
    turns: u64,
    todo: Todo,
    /// How many calls to the disk are under way.
    disk_calls: u32,
    statistics: Statistics,
    orders: Vec<Order>,
    out: Vec<Out>,
    random: Random,
}

/// What is to be done before the event loop sleeps: `todo_before_sleep`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Todo {
    failover: bool,
    manual: bool,
    update_state: bool,
    save: bool,
    sync: bool,
}

impl Todo {
    const fn save_and_sync(&mut self) {
        self.save = true;
        self.sync = true;
    }

    const fn save_and_update_state(&mut self) {
        self.save = true;
        self.update_state = true;
    }
}

/// How many messages of each kind there were.
#[derive(Debug, Default)]
struct Statistics {
    sent: [u64; Body::KINDS.len()],
    received: [u64; Body::KINDS.len()],
}

impl Cluster {
    /// The part of a process that starts. Source: `cluster.c`, `clusterInit`.
    ///
    /// # Errors
    ///
    /// `nodes.conf` cannot be read. The process ends.
    pub(crate) fn new(boot: &mut Boot, settings: ClusterSettings) -> Result<Self, BadConf> {
        let now_ms = millis(boot.clock.wall);
        let flags = Flags::MYSELF.with(Flags::MASTER);
        let timeout_ms = i64::try_from(settings.node_timeout.as_millis()).unwrap_or(i64::MAX / 8);
        let mut cluster = Self {
            timeout_ms: timeout_ms.min(i64::MAX / 8),
            myself: Node::new(NodeName::of(boot.node), Some(boot.node), flags, now_ms),
            others: BTreeMap::new(),
            lines: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            current_epoch: 0,
            last_vote_epoch: 0,
            is_ok: false,
            size: 1,
            first_looked_ms: None,
            among_minority_ms: 0,
            not_claimed: SlotSet::EMPTY,
            migrating: BTreeMap::new(),
            importing: BTreeMap::new(),
            election: Election::default(),
            manual: Manual::default(),
            pfail_nodes: 0,
            turns: 0,
            todo: Todo::default(),
            disk_calls: 0,
            statistics: Statistics::default(),
            orders: Vec::new(),
            out: Vec::new(),
            // Another stream of the process's own.
            random: Random::new(boot.random.bits(), 0),
            settings,
        };
        match boot.files.get(CONF_FILE).filter(|file| !file.is_empty()) {
            Some(file) => cluster.load(file, now_ms)?,
            None => {
                let known = std::mem::take(&mut cluster.settings.nodes);
                cluster.introduce(&known, now_ms);
                cluster.todo.save_and_sync();
            }
        }
        cluster.mark_masters();
        if cluster.settings.replica_no_failover {
            cluster.myself.flags.set(Flags::NOFAILOVER);
        }
        Ok(cluster)
    }

    /// The process has started: writes `nodes.conf` when there was none.
    pub(crate) fn start(&mut self) {
        if self.todo.save {
            self.save(true);
        }
    }

    /// The data are loaded. A master takes the slots of keys that it has found there and nobody
    /// serves; what others serve it marks as coming, so that an operator sees it.
    ///
    /// Source: `cluster.c`, `verifyClusterConfigWithData`.
    pub(crate) fn verify_keys(&mut self, turn: Turn<'_>) {
        if self.myself.is_replica() {
            return;
        }
        let strange = turn.facts.keys.slots().minus(&self.myself.slots);
        let strange = strange.minus(&self.importing.keys().copied().collect());
        if strange.is_empty() {
            return;
        }
        let mut free = strange.clone();
        for node in self.others.values() {
            let held = strange.intersection(&node.slots);
            self.importing.extend(held.iter().map(|slot| (slot, node.name)));
            free = free.minus(&held);
        }
        self.give_slots(self.myself.name, &free);
        self.save(true);
    }

    /// What has to be done before the event loop sleeps. Redis comes round at once when that has made
    /// something to send, so what it leaves for the next time is done at once here; but not what waits
    /// for the replication stream.
    ///
    /// Source: `cluster.c`, `clusterBeforeSleep`.
    pub(crate) fn before_sleep(&mut self, turn: Turn<'_>) {
        loop {
            let todo = std::mem::take(&mut self.todo);
            if todo == Todo::default() {
                return;
            }
            if todo.manual {
                if self.myself.is_replica() {
                    self.go_on_with_manual(turn);
                    self.go_on_with_election(turn);
                }
            } else if todo.failover {
                self.go_on_with_election(turn);
            }
            if todo.update_state {
                self.update_state(turn);
            }
            if todo.save {
                self.save(todo.sync);
            }
            if self.todo == (Todo { manual: true, ..Todo::default() }) {
                return;
            }
        }
    }

    /// What the server has to do now.
    pub(crate) fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    /// A message was published here: tells the other nodes, or those of the shard. Source:
    /// `cluster.c`, `clusterPropagatePublish`.
    pub(crate) fn publish(
        &mut self,
        channel: Bytes,
        message: Bytes,
        sharded: bool,
        turn: Turn<'_>,
    ) {
        let message = self.compose(Body::Publish { channel, message, sharded }, turn);
        if !sharded {
            return self.broadcast(message);
        }
        let master = self.myself.master.unwrap_or(self.myself.name);
        let message = Arc::new(message);
        let is_near = |node: &&Node| node.name == master || node.master == Some(master);
        let near: Vec<_> = self.others.values().filter(is_near).map(|node| node.name).collect();
        for name in near {
            self.send(name, Arc::clone(&message));
        }
    }
}

#[cfg(test)]
mod tests;
