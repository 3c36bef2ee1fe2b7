//! A server that is a node of a cluster: what it hands to [`Cluster`], and what it does for it.
//!
//! What differs from Redis 7.0.15: a pause during a manual failover ends one that a client has asked for.
//!
//! Source: `cluster.c`, unless said otherwise.

use bytes::Bytes;

use super::blocking::{Pause, PauseKind};
use super::connection::Session;
use super::{Call, Sessions};
use crate::machine::{ConnectionId, Context, DiskToken};
use crate::redis::channels::{Kind, Published};
use crate::redis::cluster::{
    BusMessage, Cluster, Facts, KeySpec, Keys, Order, Query, Reach, SlotSet, Turn, key_slot,
};
use crate::redis::commands::{Command, Flags, count};
use crate::redis::engine::{Engine, OnlyDatabase};
use crate::redis::keyspace::Database;
use crate::redis::replication::Replication;
use crate::redis::resp::Reply;
use crate::redis::settings::ReplicationSettings;
use crate::redis::unix_time::{millis, seconds};
use crate::time::LocalClock;

/// What the server is, as far as the cluster asks.
fn facts<'a>(
    replication: &Replication,
    settings: ReplicationSettings,
    keys: &'a dyn Keys,
    now: LocalClock,
) -> Facts<'a> {
    let now_s = seconds(now.wall).cast_signed();
    let (offset, silent_since_s) = match &replication.master {
        None => (replication.offset, now_s),
        // Source: `replicationGetSlaveOffset`.
        Some(master) if master.is_connected() => (replication.offset, master.heard_s),
        Some(master) if master.can_continue => (replication.offset, master.down_since_s),
        Some(master) => (0, master.down_since_s),
    };
    Facts {
        offset: u64::try_from(offset).unwrap_or(0),
        follows: replication.master.is_some(),
        master_silent_s: u64::try_from(now_s - silent_since_s).unwrap_or(0),
        repl_ping_replica_period_s: settings.ping_period_s,
        keys,
    }
}

impl Sessions {
    /// The server is a node of a cluster from its start on.
    pub(in crate::redis) fn join_cluster(&mut self, cluster: Cluster, engine: &mut Engine) {
        engine.data.channels.join_cluster();
        self.cluster = Some(Box::new(cluster));
    }

    /// True for a node of a cluster, which has work by the clock without end.
    pub(in crate::redis) const fn is_in_cluster(&self) -> bool {
        self.cluster.is_some()
    }

    /// True when a connection is one of the bus.
    #[inline]
    pub(in crate::redis) fn is_of_bus(&self, connection: ConnectionId) -> bool {
        self.cluster.as_ref().is_some_and(|cluster| cluster.has_line(connection))
    }

    /// Lets the cluster do something, and does what follows for the server.
    fn with_cluster<T>(
        &mut self,
        engine: &mut Engine,
        act: impl FnOnce(&mut Cluster, Turn<'_>) -> T,
    ) -> Option<T> {
        engine.set_wall(self.clock.wall);
        let settings = self.settings().replication;
        let keys = OnlyDatabase(&engine.data);
        let facts = facts(&self.replication, settings, &keys, self.clock);
        let turn = Turn { facts, now_ms: millis(self.clock.wall) };
        let result = act(self.cluster.as_mut()?, turn);
        self.obey_cluster(engine);
        Some(result)
    }

    fn obey_cluster(&mut self, engine: &mut Engine) {
        let orders = self.cluster.as_mut().map(|cluster| cluster.take_orders());
        for order in orders.into_iter().flatten() {
            match order {
                Order::Follow(master) => {
                    let is_followed =
                        |present: &crate::redis::replication::Master| present.node == master;
                    if !self.replication.master.as_ref().is_some_and(is_followed) {
                        self.follow(master, engine);
                    }
                }
                Order::Lead => self.stop_following(engine),
                Order::PauseWrites { until_ms } => {
                    let pause = Pause::new(PauseKind::Write, until_ms);
                    self.set_pause(pause, engine);
                }
                Order::ResumeWrites => self.set_pause(Pause::default(), engine),
                Order::DeleteKeys(slots) => {
                    let keys = OnlyDatabase(&engine.data);
                    let lost: Vec<Bytes> =
                        slots.iter().flat_map(|slot| keys.of_slot(slot)).collect();
                    engine.data.keyspace.select(Database::default());
                    for key in &lost {
                        engine.data.drop_key(key);
                    }
                }
                Order::DeleteAllKeys => engine.data.delete_all(),
                Order::DropShardChannels(slots) => self.drop_shard_channels(&slots, engine),
                Order::Publish { channel, message, sharded } => {
                    let channels = &mut engine.data.channels;
                    match sharded {
                        true => channels.publish_to_shard(&channel, &message),
                        false => channels.publish(&channel, &message),
                    };
                    self.push_published(engine);
                }
            }
        }
    }

    /// The process has started.
    pub(in crate::redis) fn start_cluster(&mut self, engine: &mut Engine, now: LocalClock) {
        self.clock = now;
        self.with_cluster(engine, |cluster, turn| {
            cluster.start();
            cluster.verify_keys(turn);
        });
    }

    /// A message of the bus has come. With the first one a connection is no client's any more.
    pub(in crate::redis) fn hear_bus(
        &mut self,
        connection: ConnectionId,
        message: &BusMessage,
        engine: &mut Engine,
        now: LocalClock,
    ) {
        self.clock = now;
        if !self.is_of_bus(connection) {
            let peer = self.find(connection).ok().and_then(|at| self.list[at].peer);
            self.close(connection, engine);
            let Some(peer) = peer else { return };
            self.with_cluster(engine, |cluster, _| cluster.accept(connection, peer));
        }
        self.with_cluster(engine, |cluster, turn| cluster.receive(connection, message, turn));
    }

    /// A connection of the bus is open.
    pub(in crate::redis) fn bus_connected(
        &mut self,
        connection: ConnectionId,
        engine: &mut Engine,
        now: LocalClock,
    ) {
        self.clock = now;
        self.with_cluster(engine, |cluster, turn| cluster.connected(connection, turn));
    }

    /// A connection of the bus is gone.
    pub(in crate::redis) fn bus_closed(&mut self, connection: ConnectionId, engine: &mut Engine) {
        self.with_cluster(engine, |cluster, _| cluster.closed(connection));
    }

    /// What the cluster does ten times in a second.
    pub(in crate::redis) fn cluster_cron(&mut self, engine: &mut Engine, now: LocalClock) {
        self.clock = now;
        self.with_cluster(engine, |cluster, turn| cluster.cron(turn));
    }

    /// The event loop is about to sleep.
    pub(super) fn cluster_before_sleep(&mut self, engine: &mut Engine) {
        self.with_cluster(engine, |cluster, turn| cluster.before_sleep(turn));
    }

    /// Sends what has come up on the bus, and has `nodes.conf` written.
    pub(in crate::redis) fn flush_cluster(&mut self, context: &mut Context<'_>) {
        if let Some(cluster) = &mut self.cluster {
            cluster.flush(context);
        }
    }

    /// The disk is done with something; true when `nodes.conf` was written.
    pub(in crate::redis) fn cluster_disk_done(&mut self, token: DiskToken) -> bool {
        self.cluster.as_mut().is_some_and(|cluster| cluster.disk_done(token))
    }

    /// True while `nodes.conf` is being written: the thread waits for it.
    pub(in crate::redis) fn is_cluster_blocking(&self) -> bool {
        self.cluster.as_ref().is_some_and(|cluster| cluster.is_blocking())
    }

    /// A node of a cluster has one database. Source: `db.c`, `selectCommand`, `swapdbCommand`,
    /// `moveCommand`.
    pub(super) fn refuses_database(&self, command: &Command, arguments: &[Bytes]) -> Option<Reply> {
        self.cluster.as_ref()?;
        let text = match command.full_name {
            "select" if arguments.get(1).is_some_and(|number| &number[..] != b"0") => {
                "ERR SELECT is not allowed in cluster mode"
            }
            "swapdb" => "ERR SWAPDB is not allowed in cluster mode",
            "move" => "ERR MOVE is not allowed in cluster mode",
            _ => return None,
        };
        Some(Reply::error(text))
    }

    /// Why a command is not carried out here, if it is not. A transaction that is open is spoilt by
    /// that; an `EXEC` is its end.
    ///
    /// Source: `server.c`, `processCommand`.
    pub(super) fn redirect(
        &mut self,
        at: usize,
        command: &Command,
        arguments: &[Bytes],
        engine: &mut Engine,
    ) -> Option<Reply> {
        let cluster = self.cluster.as_ref()?;
        let session = &self.list[at];
        let is_exec = command.full_name == "exec";
        let queued = session.transaction.as_ref().filter(|_| is_exec);
        if command.keys == KeySpec::None && queued.is_none() {
            return None;
        }
        let writes = command.flags.any_of(Flags::WRITE);
        let query = Query {
            writes,
            queue_writes: session.queued_for(command).any.any_of(Flags::WRITE),
            is_asking: session.is_asking || command.full_name == "restore-asking",
            is_readonly: session.is_readonly,
            is_migrate: command.full_name == "migrate",
            is_shard_channel: matches!(
                command.full_name,
                "ssubscribe" | "sunsubscribe" | "spublish"
            ),
        };
        let keys = OnlyDatabase(&engine.data);
        let own = command.keys.keys(arguments);
        let of_queue = queued.into_iter().flat_map(|transaction| transaction.keys());
        let refusal = cluster.check(own.chain(of_queue), query, &keys).err()?;
        let connection = session.connection;
        if let Some(transaction) = &mut self.list[at].transaction {
            transaction.fail();
        }
        if is_exec {
            self.list[at].transaction = None;
            engine.data.watched.forget(connection);
        }
        Some(refusal.reply())
    }

    /// Carries out what may run a script, which looks at the slots of the keys that it reaches for.
    pub(super) fn run_within_reach(
        &mut self,
        at: usize,
        engine: &mut Engine,
        run: impl FnOnce(&mut Engine) -> Reply,
    ) -> Reply {
        let Some(cluster) = self.cluster.take() else { return run(engine) };
        let Session { is_asking, is_readonly, .. } = self.list[at];
        engine.data.reach = Some(Reach { cluster, is_asking, is_readonly });
        let reply = run(engine);
        self.cluster = engine.data.reach.take().map(|reach| reach.cluster);
        reply
    }

    /// What was published, by a client or by its script, is handed to the other nodes.
    pub(super) fn publish_in_cluster(&mut self, engine: &mut Engine) {
        for Published { channel, message, is_sharded } in engine.data.channels.take_for_nodes() {
            self.with_cluster(engine, |cluster, turn| {
                cluster.publish(channel, message, is_sharded, turn);
            });
        }
    }

    /// Who listens to a channel of a lost slot is told that it does no longer. Source: `cluster.c`,
    /// `removeChannelsInSlot`; `pubsub.c`, `pubsubShardUnsubscribeAllClients`.
    fn drop_shard_channels(&mut self, slots: &SlotSet, engine: &mut Engine) {
        for at in 0..self.list.len() {
            let lost: Vec<Bytes> = self.list[at].subscriptions.of(Kind::Shard).to_vec();
            for name in lost.into_iter().filter(|name| slots.contains(key_slot(name))) {
                let session = &mut self.list[at];
                session.subscriptions.remove(Kind::Shard, &name);
                engine.data.channels.unsubscribe(Kind::Shard, &name, session.connection);
                let left = count(session.subscriptions.count(Kind::Shard));
                let word = Reply::Bulk(Bytes::from_static(b"sunsubscribe"));
                self.push(at, Reply::Array(vec![word, Reply::Bulk(name), left]));
            }
        }
    }
}

impl Session {
    /// A command is over, carried out or not: what `ASKING` allowed is, too. Source: `networking.c`,
    /// `commandProcessed`, `resetClient`.
    pub(super) fn end_asking(&mut self) {
        let is_over = self.transaction.is_none() && self.blocked.is_none();
        if is_over && self.last_command != "asking" {
            self.is_asking = false;
        }
    }
}

const NOT_IN_CLUSTER: Reply = Reply::error("ERR This instance has cluster support disabled");

/// `CLUSTER …`
pub(in crate::redis) fn cluster(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    let reply =
        call.sessions.with_cluster(call.engine, |cluster, turn| cluster.command(arguments, turn));
    Some(reply.unwrap_or_else(|| Cluster::refusal(arguments).unwrap_or(NOT_IN_CLUSTER)))
}

/// `ASKING`: the next command may be about a slot that is on its way here.
pub(in crate::redis) fn asking(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    set_flag(call, |session| session.is_asking = true)
}

/// `READONLY`: reads are taken here though this is a replica.
pub(in crate::redis) fn readonly(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    set_flag(call, |session| session.is_readonly = true)
}

/// `READWRITE`
pub(in crate::redis) fn readwrite(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    set_flag(call, |session| session.is_readonly = false)
}

fn set_flag(call: &mut Call<'_>, set: impl FnOnce(&mut Session)) -> Option<Reply> {
    if !call.sessions.is_in_cluster() {
        return Some(NOT_IN_CLUSTER);
    }
    set(call.session());
    Some(Reply::OK)
}
