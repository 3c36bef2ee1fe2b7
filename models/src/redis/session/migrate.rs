//! `MIGRATE`: keys go to another server, and the *only thread* waits until that one has answered. What the
//! target has is deleted then, and passed on as a `DEL`; without an answer a key stays, and may be in both
//! places.
//!
//! What differs from Redis 7.0.15: one connection is kept for later, for the last target and for as long as it
//! lasts; nothing is tried a second time after a connection that was kept has broken; there are no passwords.
//!
//! Source: `cluster.c`, `migrateCommand`, `migrateGetSocket`.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::{Call, Sessions};
use crate::machine::{ConnectionId, NodeId};
use crate::message::Message;
use crate::redis::address;
use crate::redis::commands::{SYNTAX_ERROR, dump, integer, is_option};
use crate::redis::engine::Engine;
use crate::redis::resp::Reply;

/// Keys that are on their way.
#[derive(Debug)]
pub(in crate::redis) struct Migration {
    client: ConnectionId,
    pub(in crate::redis) target: NodeId,
    /// What is to be sent once there is a connection.
    leaving: Vec<Leaving>,
    /// Those that were sent and not answered yet, in their order.
    keys: VecDeque<Bytes>,
    /// Something was sent.
    is_sent: bool,
    replaces: bool,
    is_copy: bool,
    timeout: Duration,
    /// Those that the target has.
    moved: Vec<Bytes>,
    error: Option<Reply>,
}

/// A key that is to go: with its value, which nobody can change in the meantime.
#[derive(Debug)]
struct Leaving {
    key: Bytes,
    payload: Bytes,
    expires_at_ms: Option<i64>,
}

/// `MIGRATE host port key 0 timeout [COPY] [REPLACE] [KEYS key …]`: milliseconds, 1000 where that is 0.
pub(in crate::redis) fn migrate(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    match begin(call, arguments) {
        Ok(reply) => reply,
        Err(error) => Some(error),
    }
}

fn begin(call: &mut Call<'_>, arguments: &[Bytes]) -> Result<Option<Reply>, Reply> {
    let (mut is_copy, mut replaces) = (false, false);
    let mut keys: &[Bytes] = &arguments[3..4];
    let mut options = &arguments[6..];
    while let [option, rest @ ..] = options {
        match option {
            option if is_option(option, "copy") => is_copy = true,
            option if is_option(option, "replace") => replaces = true,
            option if is_option(option, "keys") && arguments[3].is_empty() => {
                keys = rest;
                break;
            }
            option if is_option(option, "keys") => {
                return Err(Reply::error(
                    "ERR When using MIGRATE KEYS option, the key argument must be set to the empty \
                     string",
                ));
            }
            _ => return Err(SYNTAX_ERROR),
        }
        options = rest;
    }
    let timeout_ms = integer(&arguments[5])?;
    integer(&arguments[4])?;
    let mut leaving = Vec::new();
    for key in keys {
        let Some(payload) = call.data().read(key).map(dump) else { continue };
        let expires_at_ms = call.data().keyspace.expiry(key);
        leaving.push(Leaving { key: key.clone(), payload, expires_at_ms });
    }
    if leaving.is_empty() {
        return Ok(Some(Reply::status("NOKEY")));
    }
    let Some(target) = address::node(&arguments[1], &arguments[2]) else {
        return Err(Reply::error("IOERR error or timeout connecting to the client"));
    };
    let client = call.connection();
    let timeout = Duration::from_millis(match timeout_ms {
        1.. => timeout_ms.unsigned_abs(),
        _ => 1000,
    });
    call.sessions.migration = Some(Box::new(Migration {
        client,
        target,
        leaving,
        keys: VecDeque::new(),
        is_sent: false,
        replaces,
        is_copy,
        timeout,
        moved: Vec::new(),
        error: None,
    }));
    Ok(None)
}

/// What the server has to do for a migration that has begun.
pub(in crate::redis) enum Begin {
    /// To connect with the target.
    Connect(NodeId),
    /// To send these on the connection that was kept.
    Send(ConnectionId),
}

impl Sessions {
    /// True while keys are on their way: the thread waits.
    pub(in crate::redis) const fn is_migrating(&self) -> bool {
        self.migration.is_some()
    }

    /// A migration has begun: what to do, and for how long to wait at most. A connection that is not there in
    /// time is not noticed before something could not be written to it either, which takes as long once more.
    /// Source: `connection.c`, `connSocketBlockingConnect`.
    pub(in crate::redis) fn begin_migration(&self) -> Option<(Begin, Duration)> {
        let migration = self.migration.as_ref()?;
        Some(match self.kept_for_migration {
            Some((target, connection)) if target == migration.target => {
                (Begin::Send(connection), migration.timeout)
            }
            _ => (Begin::Connect(migration.target), migration.timeout.saturating_mul(2)),
        })
    }

    /// How long each answer is waited for.
    pub(in crate::redis) fn migration_timeout(&self) -> Option<Duration> {
        self.migration.as_ref().map(|migration| migration.timeout)
    }

    /// The connection of a migration has a number; the one that was kept is given up, if it goes
    /// elsewhere.
    pub(in crate::redis) fn keep_for_migration(
        &mut self,
        target: NodeId,
        connection: ConnectionId,
    ) -> Option<ConnectionId> {
        self.kept_for_migration.replace((target, connection)).map(|(_, old)| old)
    }

    /// Whether a connection is that of migrations.
    #[inline]
    pub(in crate::redis) fn is_for_migration(&self, connection: ConnectionId) -> bool {
        self.kept_for_migration.is_some_and(|(_, kept)| kept == connection)
    }

    /// What is to be sent on it, now that it is open: keys whose time has not come in the meantime, with what
    /// is left of it. Nothing, when there are none.
    pub(in crate::redis) fn take_migrating(&mut self, now_ms: i64) -> Vec<Message> {
        let name = if self.is_in_cluster() { "RESTORE-ASKING" } else { "RESTORE" };
        let Some(migration) = &mut self.migration else { return Vec::new() };
        let mut messages = Vec::new();
        for Leaving { key, payload, expires_at_ms } in std::mem::take(&mut migration.leaving) {
            let left_ms = match expires_at_ms {
                None => 0,
                Some(at_ms) if at_ms < now_ms => continue,
                Some(at_ms) => (at_ms - now_ms).max(1),
            };
            let ttl = Bytes::from(left_ms.to_string());
            let words = [Bytes::from_static(name.as_bytes()), key.clone(), ttl, payload];
            let replace = migration.replaces.then(|| Bytes::from_static(b"REPLACE"));
            messages.push(Message::Redis(words.into_iter().chain(replace).collect()));
            migration.keys.push_back(key);
        }
        migration.is_sent = !messages.is_empty();
        messages
    }

    /// The target has answered; true when that was the last answer.
    pub(in crate::redis) fn migration_answered(&mut self, reply: &Reply) -> bool {
        let Some(migration) = &mut self.migration else { return false };
        let Some(key) = migration.keys.pop_front() else { return true };
        match reply {
            Reply::Error(text) => {
                let head = b"ERR Target instance replied with error: ";
                let text = Bytes::from([&head[..], text].concat());
                migration.error.get_or_insert(Reply::Error(text));
            }
            _ => migration.moved.push(key),
        }
        migration.keys.is_empty()
    }

    /// The migration is over, answered or not. What the target has is deleted here, and passed on as a
    /// `DEL`; what it has not said that it has stays, and may be in both places.
    pub(in crate::redis) fn end_migration(&mut self, engine: &mut Engine) {
        let Some(migration) = self.migration.take() else { return };
        let Migration { client, leaving, keys, is_sent, is_copy, moved, error, .. } = *migration;
        if !is_copy && !moved.is_empty() {
            let words = std::iter::once(Bytes::from_static(b"DEL"));
            let command: Vec<Bytes> = words.chain(moved).collect();
            engine.execute(&command, self.clock.wall);
            engine.end_unit();
            self.pass_on(engine);
        }
        const NOT_WRITTEN: Reply =
            Reply::error("IOERR error or timeout writing to target instance");
        const NO_ANSWER: Reply = Reply::error("IOERR error or timeout reading to target instance");
        let reply = match error {
            Some(error) => error,
            None if keys.is_empty() && leaving.is_empty() => Reply::OK,
            None if is_sent => NO_ANSWER,
            None => NOT_WRITTEN,
        };
        if let Ok(at) = self.find(client) {
            self.say(at, reply);
        }
    }

    /// The connection of migrations, which is kept no longer.
    pub(in crate::redis) const fn take_kept(&mut self) -> Option<(NodeId, ConnectionId)> {
        self.kept_for_migration.take()
    }

    /// The connection of migrations is gone.
    pub(in crate::redis) fn lose_migration(&mut self) {
        self.kept_for_migration = None;
    }
}
