//! Whom this server follows: `REPLICAOF`, the handshake with a master, what the master says.
//!
//! Source: `replication.c`.

use std::sync::Arc;

use bytes::Bytes;

use super::{Call, Sessions};
use crate::machine::{ConnectionId, NodeId};
use crate::message::Message;
use crate::note::Note;
use crate::redis::address;
use crate::redis::commands::{error, integer};
use crate::redis::engine::Engine;
use crate::redis::keyspace::Database;
use crate::redis::number::parse_i64;
use crate::redis::replication::link::{Awaited, Link};
use crate::redis::replication::{Master, Replica, Standing};
use crate::redis::resp::Reply;
use crate::redis::unix_time::seconds;
use crate::time::LocalClock;

/// `REPLICAOF host port`, `REPLICAOF NO ONE`. Source: `replicaofCommand`.
pub(in crate::redis) fn replicaof(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    if call.sessions.is_in_cluster() {
        return Some(Reply::error("ERR REPLICAOF not allowed in cluster mode."));
    }
    let is_no_one =
        arguments[1].eq_ignore_ascii_case(b"no") && arguments[2].eq_ignore_ascii_case(b"one");
    if is_no_one {
        call.sessions.stop_following(call.engine);
        return Some(Reply::OK);
    }
    if call.session().is_replica {
        let text = "ERR Command is not valid when client is a replica.";
        return Some(Reply::error(text));
    }
    let is_port = integer(&arguments[2]).is_ok_and(|port| (0..=65_535).contains(&port));
    if !is_port {
        return Some(Reply::error("ERR Invalid master port"));
    }
    let Some(master) = address::node(&arguments[1], &arguments[2]) else {
        return Some(error([b"fencepost: no node has the address ", &arguments[1][..]].concat()));
    };
    if call.sessions.replication.master.as_ref().is_some_and(|present| present.node == master) {
        return Some(Reply::status("OK Already connected to specified master"));
    }
    call.sessions.follow(master, call.engine);
    Some(Reply::OK)
}

/// `ROLE`. Source: `roleCommand`.
pub(in crate::redis) fn role(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    let bulk = |text: String| Reply::Bulk(Bytes::from(text));
    let replication = &call.sessions.replication;
    Some(Reply::Array(match &replication.master {
        None => {
            let online = replication.replicas.iter().filter(|replica| replica.is_online());
            let show = |replica: &Replica| {
                Reply::Array(vec![
                    bulk(address::host(replica.peer)),
                    bulk(replica.port.to_string()),
                    bulk(replica.acknowledged.to_string()),
                ])
            };
            let replicas = Reply::Array(online.map(show).collect());
            vec![bulk("master".to_owned()), Reply::Int(replication.offset), replicas]
        }
        Some(master) => vec![
            bulk("slave".to_owned()),
            bulk(address::host(master.node)),
            Reply::Int(i64::from(address::redis_port(master.node))),
            bulk(master.state().to_owned()),
            Reply::Int(if master.is_connected() { replication.offset } else { -1 }),
        ],
    }))
}

impl Sessions {
    /// The server starts as a replica. It knows of no history that its master could go on with.
    pub(in crate::redis) fn start_following(&mut self, master: NodeId) {
        self.replication.master = Some(Master::new(master, false));
    }

    /// The server follows a master from now on. Its own replicas stay for now: they may be able to go on
    /// as well. Source: `replicationSetMaster`.
    pub(in crate::redis) fn follow(&mut self, node: NodeId, engine: &mut Engine) {
        let before = self.replication.master.take();
        // A master's own history may be a part of that of its new master: it asks to go on with it.
        // Source: `replicationCacheMasterUsingMyself`.
        let can_continue = before.as_ref().is_none_or(|master| master.can_continue);
        if let Some(connection) = before.as_ref().and_then(Master::connection) {
            self.replication.close(connection);
        }
        self.disconnect_blocked(engine);
        let mut master = Master::new(node, can_continue);
        // The history may go on without naming its database again. Source: `server.cached_master`.
        master.database = before.as_ref().map(|master| master.database).unwrap_or_default();
        master.down_since_s = before.map_or(0, |master| match master.is_connected() {
            true => seconds(self.clock.wall).cast_signed(),
            false => master.down_since_s,
        });
        self.replication.master = Some(master);
        self.notes.push(Note::ReplicaOf { master: node });
        self.direct_propagation(engine);
        self.set_standing(engine);
        self.replication.connect(seconds(self.clock.wall).cast_signed());
    }

    /// The server follows nobody any more: it is a master, and goes on with the history that it has under
    /// a new identity. Its replicas have to hear of that. Source: `replicationUnsetMaster`.
    pub(in crate::redis) fn stop_following(&mut self, engine: &mut Engine) {
        let Some(master) = self.replication.master.take() else { return };
        if let Some(connection) = master.connection() {
            self.replication.close(connection);
        }
        self.replication.identity.shift(self.replication.offset);
        self.disconnect_replicas(engine);
        self.replication.forget_selection();
        self.replication.without_replicas_since_s = seconds(self.clock.wall).cast_signed();
        self.notes.push(Note::Promoted);
        self.direct_propagation(engine);
        self.count_good_replicas(engine);
    }

    /// What the cron of a replica does: it gives up a master that is silent, begins a connection, says how
    /// far it is. Source: `replicationCron`.
    pub(super) fn follow_cron(&mut self, engine: &mut Engine, timeout_s: u32) {
        let now_s = seconds(self.clock.wall).cast_signed();
        let Some(master) = &self.replication.master else { return };
        let is_silent = now_s - master.heard_s > i64::from(timeout_s);
        if is_silent && let Some(connection) = master.connection() {
            self.replication.close(connection);
            self.lose_master(engine);
            self.replication.connect(now_s);
        }
        match self.replication.master.as_ref().map(|master| master.link) {
            Some(Link::None) => self.replication.connect(now_s),
            Some(Link::Connected(connection)) => self.send_acknowledgement(connection),
            _ => {}
        }
    }

    /// The connection that was asked for has a number.
    pub(in crate::redis) fn is_connecting(&mut self, connection: ConnectionId) {
        if let Some(master) = &mut self.replication.master {
            master.is_connecting(connection);
        }
    }

    /// True when a connection is the one to the master.
    #[inline]
    pub(in crate::redis) fn is_masters(&self, connection: ConnectionId) -> bool {
        match &self.replication.master {
            None => false,
            Some(master) => master.connection() == Some(connection),
        }
    }

    /// The connection to the master is open. Source: `syncWithMaster`.
    pub(in crate::redis) fn master_connected(&mut self, connection: ConnectionId) {
        self.await_answer(connection, Awaited::Ping, &["PING"]);
    }

    /// The connection to the master is gone. One that was in use is tried again at once, any other one by
    /// the next cron. Source: `replicationHandleMasterDisconnection`, `syncWithMaster`.
    pub(in crate::redis) fn master_closed(&mut self, engine: &mut Engine, now: LocalClock) {
        self.clock = now;
        let Some(master) = &self.replication.master else { return };
        // A copy that breaks off is asked for again at once. Source: `readSyncBulkPayload`.
        let at_once = matches!(master.link, Link::Connected(_) | Link::Transfer(_));
        self.lose_master(engine);
        if at_once {
            self.replication.connect(seconds(now.wall).cast_signed());
        }
    }

    fn lose_master(&mut self, engine: &mut Engine) {
        let now_s = seconds(self.clock.wall).cast_signed();
        if let Some(master) = &mut self.replication.master {
            if master.is_connected() {
                master.down_since_s = now_s;
            }
            master.link = Link::None;
        }
        self.set_standing(engine);
    }

    /// The master has said something.
    pub(in crate::redis) fn hear_master(
        &mut self,
        connection: ConnectionId,
        message: &Message,
        engine: &mut Engine,
        now: LocalClock,
    ) {
        self.clock = now;
        let Some(master) = &mut self.replication.master else { return };
        master.heard_s = seconds(now.wall).cast_signed();
        match (master.link, message) {
            (Link::Connected(_), Message::RedisStream(commands)) => {
                self.obey(connection, commands, engine);
            }
            (Link::Transfer(_), Message::RedisSnapshot(copy)) => {
                self.take_copy(connection, copy, engine)
            }
            // A master that is not ready for a copy yet says that it is there. Source: `replicationCron`,
            // `is_presync`; `slaveTryPartialResynchronization`, `PSYNC_WAIT_REPLY`.
            (
                Link::Handshake(_, Awaited::Psync) | Link::Transfer(_),
                Message::RedisStream(nothing),
            ) if nothing.is_empty() => {}
            (Link::Handshake(_, awaited), Message::RedisReply(reply)) => {
                self.go_on_with_handshake(connection, awaited, reply, engine);
            }
            // Nothing else comes from a master that keeps to the protocol.
            _ => self.give_up(connection, engine),
        }
    }

    /// Source: `syncWithMaster`.
    fn go_on_with_handshake(
        &mut self,
        connection: ConnectionId,
        awaited: Awaited,
        reply: &Reply,
        engine: &mut Engine,
    ) {
        match (awaited, reply) {
            (Awaited::Ping, Reply::Status(_)) => {
                let port = address::redis_port(self.identity.node()).to_string();
                self.await_answer(
                    connection,
                    Awaited::Port,
                    &["REPLCONF", "listening-port", &port],
                );
                self.tell_master(connection, &["REPLCONF", "capa", "eof", "capa", "psync2"]);
            }
            (Awaited::Port, _) => {
                self.set_link(Link::Handshake(connection, Awaited::Capabilities));
            }
            (Awaited::Capabilities, _) => self.ask_for_data(connection),
            (Awaited::Psync, Reply::Status(text)) => {
                let words: Vec<&[u8]> = text.split(|byte| *byte == b' ').collect();
                match words[..] {
                    [b"FULLRESYNC", id, offset] => self.expect_copy(connection, id, offset),
                    [b"CONTINUE", id] => self.resume(connection, id, engine),
                    _ => self.give_up(connection, engine),
                }
            }
            _ => self.give_up(connection, engine),
        }
    }

    /// Asks for what is missing, or for all of it. Source: `slaveTryPartialResynchronization`.
    fn ask_for_data(&mut self, connection: ConnectionId) {
        let replication = &self.replication;
        let can_continue = replication.master.as_ref().is_some_and(|master| master.can_continue);
        let (id, first) = match can_continue {
            true => (replication.identity.id().to_owned(), (replication.offset + 1).to_string()),
            false => ("?".to_owned(), "-1".to_owned()),
        };
        self.await_answer(connection, Awaited::Psync, &["PSYNC", &id, &first]);
    }

    fn expect_copy(&mut self, connection: ConnectionId, id: &[u8], offset: &[u8]) {
        let id = String::from_utf8_lossy(id).into_owned();
        if let Some(master) = &mut self.replication.master {
            master.announced = parse_i64(offset).map(|offset| (id, offset));
            master.link = Link::Transfer(connection);
        }
    }

    /// The master goes on where this server is; under another identity, if it has become a master in the
    /// meantime. Source: `slaveTryPartialResynchronization`, `replicationResurrectCachedMaster`.
    fn resume(&mut self, connection: ConnectionId, id: &[u8], engine: &mut Engine) {
        let id = String::from_utf8_lossy(id);
        if id != self.replication.identity.id() {
            self.replication.identity.follow_on(&id, self.replication.offset);
            self.disconnect_replicas(engine);
        }
        self.replication.create_backlog();
        self.is_in_step(connection, false, engine);
    }

    /// All that the server has is replaced by its master's. Source: `readSyncBulkPayload`.
    fn take_copy(
        &mut self,
        connection: ConnectionId,
        copy: &Arc<[Arc<[Bytes]>]>,
        engine: &mut Engine,
    ) {
        let announced = self.replication.master.as_mut().and_then(|master| master.announced.take());
        let Some((id, offset)) = announced else {
            return self.give_up(connection, engine);
        };
        self.disconnect_replicas(engine);
        self.replication.backlog = None;
        engine.replace_all(copy, self.clock.wall);
        self.replaced = self.keeps_file().then(|| copy.clone());
        self.for_file.clear();
        self.replication.identity.take_over(id);
        self.replication.offset = offset;
        self.replication.create_backlog();
        // A copy is followed by a stream that names its database: see `begin_copies`.
        if let Some(master) = &mut self.replication.master {
            master.database = Database::default();
        }
        self.is_in_step(connection, true, engine);
        // The master sends nothing more before it hears that the copy is loaded.
        self.send_acknowledgement(connection);
    }

    fn is_in_step(&mut self, connection: ConnectionId, full: bool, engine: &mut Engine) {
        let offset = u64::try_from(self.replication.offset).unwrap_or(0);
        if let Some(master) = &mut self.replication.master {
            master.link = Link::Connected(connection);
            master.can_continue = true;
            master.down_since_s = 0;
            self.notes.push(Note::Synced { master: master.node, full, offset });
        }
        self.set_standing(engine);
    }

    /// Carries out what the master has, and passes it on as it came. A transaction comes in one piece,
    /// and counts when it is whole.
    ///
    /// Source: `networking.c`, `commandProcessed`; `replicationFeedStreamFromMasterStream`.
    fn obey(&mut self, connection: ConnectionId, commands: &[Arc<[Bytes]>], engine: &mut Engine) {
        let database = self.replication.master.as_ref().map(|master| master.database);
        engine.data.keyspace.select(database.unwrap_or_default());
        engine.data.standing.obeys = true;
        engine.set_wall(self.clock.wall);
        let mut in_transaction = false;
        for arguments in commands {
            match &arguments[..] {
                [name] if &name[..] == b"MULTI" => in_transaction = true,
                [name] if &name[..] == b"EXEC" => in_transaction = false,
                [name, option, ..] if &name[..] == b"REPLCONF" && &option[..] == b"GETACK" => {
                    self.send_acknowledgement(connection);
                }
                // The reply has nobody to go to.
                _ => drop(engine.execute(arguments, self.clock.wall)),
            }
            self.replication.append(arguments);
            if !in_transaction {
                engine.end_unit();
            }
        }
        engine.data.standing.obeys = false;
        let database = engine.data.keyspace.selected();
        if let Some(master) = &mut self.replication.master {
            master.database = database;
        }
        self.push_published(engine);
    }

    /// Source: `replicationSendAck`.
    fn send_acknowledgement(&mut self, connection: ConnectionId) {
        let offset = self.replication.offset.to_string();
        self.tell_master(connection, &["REPLCONF", "ACK", &offset]);
    }

    /// The handshake has failed: the next cron begins anew. Source: `syncWithMaster`.
    fn give_up(&mut self, connection: ConnectionId, engine: &mut Engine) {
        self.replication.close(connection);
        self.lose_master(engine);
    }

    fn await_answer(&mut self, connection: ConnectionId, awaited: Awaited, words: &[&str]) {
        self.set_link(Link::Handshake(connection, awaited));
        self.tell_master(connection, words);
    }

    fn set_link(&mut self, link: Link) {
        if let Some(master) = &mut self.replication.master {
            master.link = link;
        }
    }

    fn tell_master(&mut self, connection: ConnectionId, words: &[&str]) {
        let words = words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes()));
        self.replication.send(connection, Message::Redis(words.collect()));
    }

    /// What commands have to know of the server's standing.
    pub(in crate::redis) fn set_standing(&mut self, engine: &mut Engine) {
        let settings = self.settings().replication;
        let replication = &self.replication;
        let (is_replica, is_connected) = match &replication.master {
            None => (false, false),
            Some(master) => (true, master.is_connected()),
        };
        // Source: `checkGoodReplicasStatus`.
        let lacks_replicas = !is_replica
            && settings.min_replicas_max_lag_s > 0
            && replication.good_replicas < settings.min_replicas_to_write;
        engine.data.standing = Standing {
            is_replica,
            is_read_only: is_replica && settings.read_only,
            is_stale: is_replica && !is_connected && !settings.serve_stale_data,
            lacks_replicas,
            obeys: engine.data.standing.obeys,
        };
    }

    /// Whoever waits for something that a replica cannot give is told so and hung up on; a command that a
    /// pause holds back is looked at anew later. Source: `blocked.c`, `disconnectAllBlockedClients`.
    fn disconnect_blocked(&mut self, engine: &mut Engine) {
        const UNBLOCKED: Reply = Reply::error(
            "UNBLOCKED force unblock from blocking operation, instance state changed (master -> \
             replica?)",
        );
        for at in 0..self.list.len() {
            if self.waits_for_replicas(at) {
                self.say(at, UNBLOCKED);
                self.unblock(at);
                self.end(at, super::connection::End::AfterReply, engine);
            }
        }
    }
}
