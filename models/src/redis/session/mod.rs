//! What a server keeps for each connection, and what it does before and after it carries a command
//! out: transactions, subscriptions, pauses, clients that wait.
//!
//! No network: a connection, its arguments and the clocks go in, replies, pushes and closings come
//! out, in their order ([`Sessions::take_output`]).
//!
//! ```text
//! dispatch       from arguments to a handler: what is refused, queued, put off
//! connection     the state of one connection
//! output         what goes out
//! transaction    MULTI EXEC DISCARD WATCH UNWATCH
//! pubsub         SUBSCRIBE PUBLISH PUBSUB and their like
//! blocking       who waits: WAIT, CLIENT PAUSE, and how they go on
//! client/        CLIENT
//! config/        CONFIG
//! info           INFO ROLE
//! cluster        CLUSTER READONLY READWRITE ASKING, and what a node of a cluster does
//! replicas       PSYNC REPLCONF, and a master's cron
//! following      REPLICAOF ROLE, and a replica's way to its master
//! migrate        MIGRATE
//! resp3          replies to those who have asked for the newer protocol
//! greeting       HELLO AUTH RESET QUIT COMMAND
//! debug          DEBUG SLEEP
//! idle           who is silent for too long
//! ```
//!
//! What differs from Redis 7.0.15: there are no users and no passwords; clients are not tracked for caching; output
//! buffers have no limit; `redis.setresp` is not known. A client that listens for events of keys and changes keys in one transaction is told of each event before the reply, which Redis says first
//! for some commands (`EXPIRE`, `HSET`). Where the order of a reply is that of a hash table there
//! (`UNSUBSCRIBE` of everything, patterns that fit one message, `CONFIG GET`), here it is the order of
//! subscription, of the names, of the table.

mod blocking;
pub(super) mod client;
pub(super) mod cluster;
pub(super) mod config;
mod connection;
pub(super) mod debug;
pub(super) mod dispatch;
pub(super) mod following;
pub(super) mod greeting;
mod idle;
pub(super) mod info;
pub(super) mod migrate;
mod output;
pub(super) mod pubsub;
pub(super) mod replicas;
pub(super) mod resp3;
pub(super) mod transaction;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use self::blocking::Pause;
use self::config::Config;
use self::connection::{End, Session};
use self::info::{Identity, Statistics};
pub(super) use self::migrate::Begin;
use self::migrate::Migration;
pub(super) use self::output::Outgoing;
use self::output::Output;
use super::cluster::Cluster;
use super::engine::{Data, Engine};
use super::propagation::Passed;
use super::replication::{Out, Replication};
use super::resp::Reply;
use super::server::RedisSettings;
use super::settings::Persistence;
use super::unix_time::seconds;
use crate::machine::{Boot, ConnectionId, NodeId};
use crate::note::Note;
use crate::time::LocalClock;

pub(super) use self::blocking::wait;

/// What carries out a command that is about a connection; gives what is to be answered last.
pub(crate) type SessionHandler = fn(&mut Call<'_>, &[Bytes]) -> Option<Reply>;

/// A command that is being carried out for a connection.
pub(crate) struct Call<'a> {
    sessions: &'a mut Sessions,
    engine: &'a mut Engine,
    /// The connection's place in the list.
    at: usize,
}

impl Call<'_> {
    fn session(&mut self) -> &mut Session {
        &mut self.sessions.list[self.at]
    }

    fn connection(&self) -> ConnectionId {
        self.sessions.list[self.at].connection
    }

    fn data(&mut self) -> &mut Data {
        &mut self.engine.data
    }

    /// Says something to the client though it wants no replies, as subscriptions do.
    fn push(&mut self, message: Reply) {
        self.sessions.push(self.at, message);
    }
}

/// All connections of a server.
#[derive(Debug)]
pub(super) struct Sessions {
    /// In the order of their numbers.
    list: Vec<Session>,
    /// What `CLIENT ID` will give to the next one.
    next_id: i64,
    /// Some are to be closed.
    ending: bool,
    pause: Pause,
    /// How many wait for something.
    blocked: usize,
    /// Those whose command the pause holds back, in the order in which they sent it.
    postponed: Vec<ConnectionId>,
    /// Those that wait no longer and have not gone on yet.
    unblocked: VecDeque<ConnectionId>,
    config: Config,
    identity: Identity,
    statistics: Statistics,
    clock: LocalClock,
    output: Output,
    /// Who follows this server, and whom it follows.
    replication: Replication,
    /// The server's part in its cluster, if it is in one.
    cluster: Option<Box<Cluster>>,
    /// Keys that are on their way to another server.
    migration: Option<Box<Migration>>,
    /// The connection that keys went on last, and to whom.
    kept_for_migration: Option<(NodeId, ConnectionId)>,
    /// What is to be written to the file.
    for_file: Vec<Passed>,
    /// The data are others: the file has to be made anew from this.
    replaced: Option<Arc<[Arc<[Bytes]>]>>,
    /// The configuration is to be written to its file.
    is_config_rewritten: bool,
    /// What is to be written down.
    notes: Vec<Note>,
    /// For how long the thread is to sleep before it goes on.
    sleep: Duration,
    /// Which connection was looked at last whether it is idle.
    next_looked_at: usize,
}

impl Sessions {
    /// The first two numbers go to clients of the server's own, which carry out what scripts and
    /// functions call. Source: `eval.c`, `scriptingInit`, and `functions.c`, `createEngineCtx`; measured.
    const FIRST_ID: i64 = 3;

    /// A server that starts: nobody has connected.
    pub(super) fn new(boot: &Boot, settings: RedisSettings) -> Self {
        Self {
            list: Vec::new(),
            next_id: Self::FIRST_ID,
            ending: false,
            pause: Pause::default(),
            blocked: 0,
            postponed: Vec::new(),
            unblocked: VecDeque::new(),
            config: Config::new(settings),
            identity: Identity::new(boot),
            statistics: Statistics::default(),
            clock: boot.clock,
            output: Output::default(),
            replication: Replication::new(boot),
            cluster: None,
            migration: None,
            kept_for_migration: None,
            for_file: Vec::new(),
            replaced: None,
            is_config_rewritten: false,
            notes: Vec::new(),
            sleep: Duration::ZERO,
            next_looked_at: 0,
        }
    }

    /// The settings as `CONFIG SET` has left them.
    pub(super) fn settings(&self) -> &RedisSettings {
        self.config.settings()
    }

    /// Somebody has connected.
    pub(super) fn open(&mut self, connection: ConnectionId, peer: Option<NodeId>, now: LocalClock) {
        self.clock = now;
        self.place(connection, peer);
    }

    /// A connection is gone.
    pub(super) fn close(&mut self, connection: ConnectionId, engine: &mut Engine) {
        if let Ok(at) = self.find(connection) {
            self.leave(at, engine);
            self.list.remove(at);
        }
    }

    /// For how long the thread is to sleep before it does anything else, the replies included.
    pub(super) fn take_sleep(&mut self) -> Duration {
        std::mem::take(&mut self.sleep)
    }

    /// What is to go out, in its order.
    pub(super) fn take_output(&mut self) -> std::vec::Drain<'_, Outgoing> {
        self.output.drain()
    }

    /// What is to be written to the file, in its order.
    pub(super) fn take_for_file(&mut self) -> std::vec::Drain<'_, Passed> {
        self.for_file.drain(..)
    }

    /// All that the file is to hold, if it has to be made anew.
    pub(super) fn take_replaced(&mut self) -> Option<Arc<[Arc<[Bytes]>]>> {
        self.replaced.take()
    }

    /// Whom the server follows, if that is to be written to its file.
    pub(super) fn take_config(&mut self) -> Option<Option<NodeId>> {
        let is_rewritten = std::mem::take(&mut self.is_config_rewritten);
        is_rewritten.then(|| self.replication.master.as_ref().map(|master| master.node))
    }

    /// What is to be written down.
    pub(super) fn take_notes(&mut self) -> std::vec::Drain<'_, Note> {
        self.notes.drain(..)
    }

    /// What replication has to send, in its order: the stream last.
    pub(super) fn take_replication(&mut self) -> Option<std::vec::Drain<'_, Out>> {
        let backlog_bytes = self.settings().replication.backlog_bytes;
        self.replication.send_stream(backlog_bytes);
        self.replication.has_out().then(|| self.replication.take_out())
    }

    /// True when replication has to come round once in a second.
    pub(super) const fn need_replication_cron(&self) -> bool {
        self.replication.needs_cron()
    }

    /// True when every change is written to a file.
    fn keeps_file(&self) -> bool {
        self.settings().persistence != Persistence::None
    }

    /// Counts a key that has expired, for `INFO`.
    pub(super) fn count_expired(&mut self) {
        self.statistics.expired_keys += 1;
    }

    /// Counts a key that was evicted, for `INFO`.
    pub(super) fn count_evicted(&mut self) {
        self.statistics.evicted_keys += 1;
    }

    fn find(&self, connection: ConnectionId) -> Result<usize, usize> {
        self.list.binary_search_by_key(&connection, |session| session.connection)
    }

    /// The place of a connection; who was not announced connects just now.
    fn place(&mut self, connection: ConnectionId, peer: Option<NodeId>) -> usize {
        self.find(connection).unwrap_or_else(|at| {
            let session = Session::new(connection, self.next_id, peer, seconds(self.clock.wall));
            self.next_id += 1;
            self.statistics.connections += 1;
            self.list.insert(at, session);
            at
        })
    }

    /// Answers a command, unless the client does not want to hear it.
    fn say(&mut self, at: usize, reply: Reply) {
        if let Reply::Error(text) = &reply {
            self.statistics.count_error(text);
        }
        if self.list[at].wants_replies() {
            self.tell(at, reply);
        }
    }

    /// Says something that is no answer.
    fn push(&mut self, at: usize, message: Reply) {
        let message = self.list[at].protocol.push(message);
        self.tell(at, message);
    }

    fn tell(&mut self, at: usize, message: Reply) {
        let now_s = seconds(self.clock.wall);
        let session = &mut self.list[at];
        match session.end {
            End::Open => {
                // Source: `networking.c`, `writeToClient`: to be told something is not to be idle.
                session.active_s = now_s;
                if let Some(reply) = session.readable(message) {
                    self.output.tell(session.connection, reply);
                }
            }
            // It hears nothing more, but that something was to be written closes it.
            End::AfterReply => {
                session.end = End::Written;
                self.ending = true;
            }
            End::Written | End::Now => {}
        }
    }

    /// Sends what was published.
    fn push_published(&mut self, engine: &mut Engine) {
        if !engine.data.channels.has_published() {
            return;
        }
        for (connection, message) in engine.data.channels.take_published() {
            if let Ok(at) = self.find(connection) {
                self.push(at, message);
            }
        }
    }

    /// Ends a connection: after what it is being told, or at once. It stays in the list until the
    /// event loop sleeps.
    fn end(&mut self, at: usize, end: End, engine: &mut Engine) {
        let session = &mut self.list[at];
        session.end = end;
        if end == End::Now {
            self.output.forget(session.connection);
            self.leave(at, engine);
        } else if session.array.is_some() || self.output.has_any_for(session.connection) {
            session.end = End::Written;
        }
        self.ending = true;
    }

    /// Closes the connections that have ended. Who was to be told something first counts until then:
    /// whoever publishes meanwhile still reaches it, in name.
    ///
    /// Source: `networking.c`, `writeToClient`.
    fn close_ended(&mut self, engine: &mut Engine) {
        if !std::mem::take(&mut self.ending) {
            return;
        }
        let mut at = 0;
        while let Some(session) = self.list.get(at) {
            if matches!(session.end, End::Open | End::AfterReply) {
                at += 1;
            } else {
                self.output.close(session.connection);
                self.leave(at, engine);
                self.list.remove(at);
            }
        }
    }

    /// Nothing in the server knows the connection any more, but the list.
    fn leave(&mut self, at: usize, engine: &mut Engine) {
        let session = &mut self.list[at];
        let connection = session.connection;
        for (kind, name) in session.subscriptions.take_all() {
            engine.data.channels.unsubscribe(kind, &name, connection);
        }
        engine.data.watched.forget(connection);
        let is_replica = std::mem::take(&mut session.is_replica);
        if session.blocked.take().is_some() {
            self.blocked -= 1;
            self.postponed.retain(|other| *other != connection);
        }
        if is_replica {
            self.forget_replica(connection, engine);
        }
    }
}

#[cfg(test)]
mod tests;
