//! Replication: what a master tells its replicas, and what a replica knows of its master.
//!
//! A master passes each write on after it has been carried out and without waiting for anybody: what
//! it acknowledges need not have reached a replica. The stream of writes has an identity and an
//! offset in bytes, so that a replica that comes back can ask for what it has missed; the last part of
//! the stream, the backlog, is kept for that. A replica that is made a master goes on with the same
//! stream under a new identity, and knows the old one up to where it was.
//!
//! Here are the states and the numbers, without network or timers; `session/replicas` and
//! `session/following` drive them for a server.
//!
//! ```text
//! identity   which history of writes this is, and which one it continues
//! backlog    the last part of the stream
//! stream     commands as they travel
//! replica    what a master knows of each replica
//! link       a replica's way to its master
//! standing   what it means for commands
//! ```
//!
//! What differs from Redis 7.0.15:
//!
//! * Whoever sends `PSYNC` is a Redis of the same version: it understands a copy without a length
//!   (`capa eof`) and `+CONTINUE` with an identity (`capa psync2`). `SYNC` is not known.
//! * The copy of a full resynchronisation is one message, which is ready when it begins and is loaded at once.
//! * A partial resynchronisation begins where a command begins; it always does between servers that carry
//!   out commands whole.
//! * The backlog keeps whole commands, so that it may be longer than its size by one of them, and what a
//!   slow replica has still to be sent. There is no limit to that (`client-output-buffer-limit`).
//! * `FAILOVER` is not known. A writable replica's own keys with an expiry are not tracked
//!   (`expireSlaveKeys`): they are removed when somebody writes to them.
//! * Nothing is kept over a restart: without an RDB file a process begins with a new identity.
//!
//! * `CONFIG REWRITE` does not hold up the server until its file is synced, as it does in Redis: a promotion can
//!   be seen before it is on disk.
//!
//! Source: `replication.c`.

mod backlog;
mod identity;
pub(crate) mod link;
mod replica;
mod standing;
mod stream;

use std::sync::Arc;

use bytes::Bytes;

use self::backlog::Backlog;
pub(crate) use self::identity::Identity;
pub(crate) use self::link::Master;
pub(crate) use self::replica::{Phase, Replica};
pub(crate) use self::standing::Standing;
use super::keyspace::Database;
use super::propagation::Passed;
use super::resp::{Reply, encoded_len};
use crate::machine::{Boot, ConnectionId, NodeId};
use crate::message::Message;

/// What is to go out, in its order.
#[derive(Debug)]
pub(crate) enum Out {
    /// A message on a connection.
    Send {
        /// On which.
        connection: ConnectionId,
        /// What.
        message: Message,
    },
    /// A connection of this server's own is closed.
    Close {
        /// Which one.
        connection: ConnectionId,
    },
    /// A connection to a master is opened; [`Master::is_connecting`] is told its number.
    Connect {
        /// To whom.
        master: NodeId,
    },
}

/// A server's part in replication.
#[derive(Debug)]
pub(crate) struct Replication {
    /// Which history of writes this is.
    pub(crate) identity: Identity,
    /// Up to which byte of it this server is: `server.master_repl_offset`.
    pub(crate) offset: i64,
    /// The last part of it; `None` while nobody has ever asked for it.
    pub(crate) backlog: Option<Backlog>,
    /// The database that was named last in the stream: `server.slaveseldb`.
    selected: Option<Database>,
    /// Who follows this server, in the order in which they came.
    pub(crate) replicas: Vec<Replica>,
    /// Whom this server follows; `None` for a master.
    pub(crate) master: Option<Master>,
    /// How many replicas are in step, as of the last count: `server.repl_good_slaves_count`.
    pub(crate) good_replicas: u32,
    /// Somebody waits for the replicas' acknowledgement: `server.get_ack_from_slaves`.
    pub(crate) is_ack_wanted: bool,
    /// Since when a master has had no replica: Unix seconds, `server.repl_no_slaves_since`.
    pub(crate) without_replicas_since_s: i64,
    /// How often the cron has run, `replication_cron_loops`.
    pub(crate) cron_runs: u64,
    out: Vec<Out>,
}

impl Replication {
    /// A server that starts.
    pub(crate) fn new(boot: &Boot) -> Self {
        Self {
            identity: Identity::new(boot),
            offset: 0,
            backlog: None,
            selected: None,
            replicas: Vec::new(),
            master: None,
            good_replicas: 0,
            is_ack_wanted: false,
            without_replicas_since_s: 0,
            cron_runs: 0,
            out: Vec::new(),
        }
    }

    /// True when writes are to be collected for the stream.
    pub(crate) const fn listens(&self) -> bool {
        self.master.is_none() && self.backlog.is_some()
    }

    /// True when it is worth while to come round once in a second.
    pub(crate) const fn needs_cron(&self) -> bool {
        self.master.is_some() || self.backlog.is_some() || !self.replicas.is_empty()
    }

    /// True when a copy is under way to a replica, which the next round of `serverCron` notices.
    pub(crate) fn is_copying(&self) -> bool {
        self.replicas.iter().any(|replica| replica.phase == Phase::Copying)
    }

    /// Puts a write into the stream, with the `SELECT` that it needs. Source: `replicationFeedSlaves`.
    pub(crate) fn feed(&mut self, passed: &Passed) {
        if !self.listens() {
            return;
        }
        if self.selected != Some(passed.database) {
            self.selected = Some(passed.database);
            self.append(&stream::select(passed.database));
        }
        self.append(&passed.arguments);
    }

    /// Puts a command into a master's stream that is about no database: `PING`, `REPLCONF GETACK`.
    pub(crate) fn feed_word(&mut self, arguments: &Arc<[Bytes]>) {
        if self.listens() {
            self.append(arguments);
        }
    }

    /// The stream is longer by a command: a master's own, or one that a replica was sent and passes on
    /// as it is. Source: `feedReplicationBuffer`, `replicationFeedStreamFromMasterStream`.
    pub(crate) fn append(&mut self, arguments: &Arc<[Bytes]>) {
        let length = encoded_len(arguments) as i64;
        self.offset += length;
        if let Some(backlog) = &mut self.backlog {
            backlog.append(arguments.clone(), length);
        }
    }

    /// Makes the backlog, if there is none. Source: `createReplicationBacklog`.
    pub(crate) fn create_backlog(&mut self) {
        let offset = self.offset;
        self.backlog.get_or_insert_with(|| Backlog::after(offset));
    }

    /// The next write names its database again. Source: `server.slaveseldb = -1`.
    pub(crate) const fn forget_selection(&mut self) {
        self.selected = None;
    }

    /// What the replicas have still to be sent goes out, a message for each; what is not needed any
    /// more is dropped from the backlog.
    pub(crate) fn send_stream(&mut self, backlog_size: u64) {
        let Some(backlog) = &mut self.backlog else { return };
        let mut last: Option<(i64, Message)> = None;
        let mut needed = self.offset;
        for replica in &mut self.replicas {
            if replica.phase == (Phase::Online { is_streamed: true }) && replica.sent < self.offset
            {
                let message = match &last {
                    Some((from, message)) if *from == replica.sent => message.clone(),
                    _ => Message::RedisStream(backlog.after_offset(replica.sent).collect()),
                };
                last = Some((replica.sent, message.clone()));
                replica.sent = self.offset;
                self.out.push(Out::Send { connection: replica.connection, message });
            }
            if replica.phase != Phase::Waiting {
                needed = needed.min(replica.sent);
            }
        }
        backlog.trim(backlog_size, needed);
    }

    /// Sends an empty line to each replica that waits for a copy to begin. Source: `replicationCron`, `is_presync`.
    pub(crate) fn reassure_waiting(&mut self) {
        let waiting = self.replicas.iter().filter(|replica| replica.phase == Phase::Waiting);
        let empty = |replica: &Replica| Out::Send {
            connection: replica.connection,
            message: Message::RedisStream([].into()),
        };
        self.out.extend(waiting.map(empty));
    }

    /// Says something on a connection.
    pub(crate) fn say(&mut self, connection: ConnectionId, reply: Reply) {
        self.send(connection, Message::RedisReply(reply));
    }

    /// Sends a message on a connection.
    pub(crate) fn send(&mut self, connection: ConnectionId, message: Message) {
        self.out.push(Out::Send { connection, message });
    }

    /// Closes a connection of this server's own.
    pub(crate) fn close(&mut self, connection: ConnectionId) {
        self.out.push(Out::Close { connection });
    }

    /// Opens a connection to the master. Source: `connectWithMaster`.
    pub(crate) fn connect(&mut self, now_s: i64) {
        if let Some(master) = &mut self.master {
            master.begin(now_s);
            self.out.push(Out::Connect { master: master.node });
        }
    }

    /// What is to go out since this was last called.
    pub(crate) fn take_out(&mut self) -> std::vec::Drain<'_, Out> {
        self.out.drain(..)
    }

    /// True when something is to go out.
    pub(crate) const fn has_out(&self) -> bool {
        !self.out.is_empty()
    }

    /// A replica by its connection.
    pub(crate) fn replica_mut(&mut self, connection: ConnectionId) -> Option<&mut Replica> {
        self.replicas.iter_mut().find(|replica| replica.connection == connection)
    }

    /// A replica's connection is gone; true if it was one's.
    pub(crate) fn forget(&mut self, connection: ConnectionId, now_s: i64) -> bool {
        let before = self.replicas.len();
        self.replicas.retain(|replica| replica.connection != connection);
        let is_one = self.replicas.len() < before;
        if is_one && self.replicas.is_empty() {
            self.without_replicas_since_s = now_s;
        }
        is_one
    }

    /// How many replicas have acknowledged the stream up to an offset. Source:
    /// `replicationCountAcksByOffset`.
    pub(crate) fn acknowledged(&self, offset: i64) -> i64 {
        let has = |replica: &&Replica| replica.is_online() && replica.acknowledged >= offset;
        self.replicas.iter().filter(has).count() as i64
    }

    /// Counts the replicas that are in step. Source: `refreshGoodSlavesCount`.
    pub(crate) fn count_good(&mut self, now_s: i64, lag_most_s: u32) {
        let is_good = |replica: &&Replica| {
            replica.is_online() && now_s - replica.heard_s <= i64::from(lag_most_s)
        };
        self.good_replicas = self.replicas.iter().filter(is_good).count() as u32;
    }
}

#[cfg(test)]
mod tests;
