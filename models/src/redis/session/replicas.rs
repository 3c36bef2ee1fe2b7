//! Who follows this server: `PSYNC`, `REPLCONF`, and what a master does once in a second.
//!
//! Source: `replication.c`.

use std::sync::Arc;

use bytes::Bytes;

use super::connection::{End, Session};
use super::{Call, Sessions};
use crate::machine::{ConnectionId, NodeId};
use crate::message::Message;
use crate::redis::address::REDIS_PORT;
use crate::redis::commands::{SYNTAX_ERROR, error, integer};
use crate::redis::engine::Engine;
use crate::redis::number::parse_i64;
use crate::redis::propagation::Listeners;
use crate::redis::replication::{Phase, Replica};
use crate::redis::resp::Reply;
use crate::redis::unix_time::seconds;
use crate::time::LocalClock;

/// `PSYNC replicationid offset`: the connection is a replica's from now on.
///
/// Source: `syncCommand`, `masterTryPartialResynchronization`.
pub(in crate::redis) fn psync(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    const NO_MASTER_LINK: Reply =
        Reply::error("NOMASTERLINK Can't SYNC while not connected with my master");
    if call.session().is_replica {
        return None;
    }
    let replication = &call.sessions.replication;
    if replication.master.as_ref().is_some_and(|master| !master.is_connected()) {
        return Some(NO_MASTER_LINK);
    }
    let first = match integer(&arguments[2]) {
        Ok(first) => first,
        Err(error) => return Some(error),
    };
    let reaches = replication.backlog.as_ref().is_some_and(|backlog| backlog.reaches(first));
    if reaches && replication.identity.is_known(&arguments[1], first) {
        go_on(call, first - 1);
    } else {
        begin_anew(call);
    }
    None
}

/// The replica is sent what it has missed after an offset.
fn go_on(call: &mut Call<'_>, offset: i64) {
    let connection = call.connection();
    call.add_replica(Phase::Online { is_streamed: true }, offset);
    let sessions = &mut *call.sessions;
    let text = format!("CONTINUE {}", sessions.replication.identity.id());
    sessions.replication.say(connection, Reply::Status(text.into()));
    sessions.count_good_replicas(call.engine);
}

/// The replica waits for a copy.
fn begin_anew(call: &mut Call<'_>) {
    call.add_replica(Phase::Waiting, 0);
    let replication = &mut call.sessions.replication;
    if replication.replicas.len() == 1 && replication.backlog.is_none() {
        replication.identity.begin_anew();
        replication.create_backlog();
    }
    let sessions = &mut *call.sessions;
    sessions.direct_propagation(call.engine);
    // Source: `syncCommand`, case 3: with `repl-diskless-sync` and a delay the cron begins the copy.
    if sessions.settings().replication.sync_delay_s == 0 && !sessions.replication.is_copying() {
        sessions.begin_copies(call.engine);
    }
}

/// `REPLCONF option value …`
pub(in crate::redis) fn replconf(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    let ([], pairs) = arguments[1..].as_rchunks::<2>() else {
        return Some(SYNTAX_ERROR);
    };
    for [option, value] in pairs {
        match &option.to_ascii_lowercase()[..] {
            b"listening-port" => match integer(value) {
                Ok(port) => call.session().replica_port = port as u16,
                Err(error) => return Some(error),
            },
            // What a replica of this version can is taken for granted.
            b"capa" | b"ip-address" | b"rdb-only" => {}
            b"ack" => {
                acknowledge(call, value);
                return None;
            }
            // Only a master may ask for it, and what it says comes another way.
            b"getack" => return None,
            _ => return Some(error([b"Unrecognized REPLCONF option: ", &option[..]].concat())),
        }
    }
    Some(Reply::OK)
}

/// A replica says how far it is; with its first word after a copy, that it has loaded it.
fn acknowledge(call: &mut Call<'_>, offset: &[u8]) {
    let connection = call.connection();
    let now_s = seconds(call.sessions.clock.wall).cast_signed();
    let Some(offset) = parse_i64(offset) else { return };
    let Some(replica) = call.sessions.replication.replica_mut(connection) else { return };
    replica.acknowledged = replica.acknowledged.max(offset);
    replica.heard_s = now_s;
    let has_loaded = match replica.phase {
        Phase::Copying => true,
        Phase::Online { is_streamed } => !is_streamed,
        Phase::Waiting => false,
    };
    if has_loaded {
        replica.phase = Phase::Online { is_streamed: true };
        call.sessions.count_good_replicas(call.engine);
    }
}

impl Call<'_> {
    /// The connection belongs to a replica. Its peer need not have been told in a test.
    fn add_replica(&mut self, phase: Phase, sent: i64) {
        let now_s = seconds(self.sessions.clock.wall).cast_signed();
        let session = self.session();
        session.is_replica = true;
        let replica = Replica {
            connection: session.connection,
            peer: session.peer.unwrap_or(NodeId(0)),
            port: session.replica_port,
            phase,
            sent,
            acknowledged: 0,
            heard_s: now_s,
            asked_s: now_s,
        };
        self.sessions.replication.replicas.push(replica);
    }
}

impl Sessions {
    /// What replication does once in a second. Source: `replicationCron`, in its order.
    pub(in crate::redis) fn replication_cron(&mut self, engine: &mut Engine, now: LocalClock) {
        self.clock = now;
        let settings = self.settings().replication;
        let now_s = seconds(now.wall).cast_signed();
        self.follow_cron(engine, settings.timeout_s);
        let runs = self.replication.cron_runs;
        self.replication.cron_runs += 1;
        // It would move the offset that a replica waits for to take over.
        let is_taken_over = self.pause.is_on()
            && self.cluster.as_ref().is_some_and(|cluster| cluster.is_in_manual_failover());
        if runs.is_multiple_of(u64::from(settings.ping_period_s.max(1)))
            && !self.replication.replicas.is_empty()
            && !is_taken_over
        {
            self.replication.feed_word(&word("PING"));
        }
        // Whoever waits for a copy is not to believe that the master is gone: an empty line.
        self.replication.reassure_waiting();
        let is_silent = |replica: &&Replica| {
            replica.is_online() && now_s - replica.heard_s > i64::from(settings.timeout_s)
        };
        let silent = self.replication.replicas.iter().filter(is_silent);
        let silent: Vec<ConnectionId> = silent.map(|replica| replica.connection).collect();
        for connection in silent {
            self.end_connection(connection, engine);
        }
        self.forget_backlog(now_s, engine);
        let is_waiting = |replica: &&Replica| replica.phase == Phase::Waiting;
        let longest = self.replication.replicas.iter().filter(is_waiting);
        let longest = longest.map(|replica| now_s - replica.asked_s).max();
        if longest.is_some_and(|waited_s| waited_s >= i64::from(settings.sync_delay_s))
            && !self.replication.is_copying()
        {
            self.begin_copies(engine);
        }
        self.count_good_replicas(engine);
    }

    /// A master that has had no replica for long keeps nothing for them. What it writes from then on
    /// has no offset, so that it is another history. Source: `replicationCron`.
    fn forget_backlog(&mut self, now_s: i64, engine: &mut Engine) {
        let ttl_s = i64::from(self.settings().replication.backlog_ttl_s);
        let replication = &mut self.replication;
        if ttl_s > 0
            && replication.listens()
            && replication.replicas.is_empty()
            && now_s - replication.without_replicas_since_s > ttl_s
        {
            replication.identity.begin_anew();
            replication.backlog = None;
            self.direct_propagation(engine);
        }
    }

    /// Everybody who waits for a copy is sent one. Source: `startBgsaveForReplication`,
    /// `rdbSaveToSlavesSockets`, `replicationSetupSlaveForFullResync`.
    fn begin_copies(&mut self, engine: &mut Engine) {
        self.pass_on(engine);
        let replication = &mut self.replication;
        let offset = replication.offset;
        let text = Bytes::from(format!("FULLRESYNC {} {offset}", replication.identity.id()));
        let copy: Arc<[_]> = engine.copy().into();
        let mut asked = Vec::new();
        for replica in &mut replication.replicas {
            if replica.phase == Phase::Waiting {
                replica.phase = Phase::Copying;
                replica.sent = offset;
                asked.push(replica.connection);
            }
        }
        for connection in asked {
            replication.say(connection, Reply::Status(text.clone()));
            replication.send(connection, Message::RedisSnapshot(copy.clone()));
        }
        replication.forget_selection();
    }

    /// The processes that made copies are done. Source: `server.c`, `checkChildrenDone`;
    /// `updateSlavesWaitingBgsave`, `replicaPutOnline`.
    pub(in crate::redis) fn end_copies(&mut self, engine: &mut Engine, now: LocalClock) {
        if !self.replication.is_copying() {
            return;
        }
        self.clock = now;
        for replica in &mut self.replication.replicas {
            if replica.phase == Phase::Copying {
                replica.phase = Phase::Online { is_streamed: false };
                replica.heard_s = seconds(now.wall).cast_signed();
            }
        }
        self.count_good_replicas(engine);
    }

    /// Counts the replicas in step, if that matters. Source: `refreshGoodSlavesCount`.
    pub(super) fn count_good_replicas(&mut self, engine: &mut Engine) {
        let settings = self.settings().replication;
        if settings.min_replicas_to_write > 0 && settings.min_replicas_max_lag_s > 0 {
            let now_s = seconds(self.clock.wall).cast_signed();
            self.replication.count_good(now_s, settings.min_replicas_max_lag_s);
        }
        self.set_standing(engine);
    }

    /// All replicas are hung up on: they are to ask anew. Source: `disconnectSlaves`.
    pub(super) fn disconnect_replicas(&mut self, engine: &mut Engine) {
        let connections: Vec<ConnectionId> =
            self.replication.replicas.iter().map(|replica| replica.connection).collect();
        for connection in connections {
            self.end_connection(connection, engine);
        }
    }

    fn end_connection(&mut self, connection: ConnectionId, engine: &mut Engine) {
        if let Ok(at) = self.find(connection) {
            self.end(at, End::Now, engine);
        }
    }

    /// A connection is gone that may have been a replica's.
    pub(super) fn forget_replica(&mut self, connection: ConnectionId, engine: &mut Engine) {
        let now_s = seconds(self.clock.wall).cast_signed();
        if self.replication.forget(connection, now_s) {
            self.count_good_replicas(engine);
        }
    }

    /// Asks the replicas how far they are, if a client waits for them: through the stream, so that it is
    /// asked after what was written. Source: `sendGetackToReplicas`.
    pub(super) fn ask_for_acknowledgements(&mut self) {
        if std::mem::take(&mut self.replication.is_ack_wanted) {
            let words = ["REPLCONF", "GETACK", "*"];
            let words = words.map(|word| Bytes::from_static(word.as_bytes()));
            self.replication.feed_word(&Arc::from(words));
        }
    }

    /// What has been carried out is passed on: to the file, if there is one, and to the replicas.
    pub(in crate::redis) fn pass_on(&mut self, engine: &mut Engine) {
        if !engine.data.propagation.is_ready() {
            return;
        }
        let keeps_file = self.keeps_file();
        for passed in engine.take_propagated() {
            self.replication.feed(&passed);
            if keeps_file && !passed.is_for_replicas_alone {
                self.for_file.push(passed);
            }
        }
    }

    /// Who is to be told what is carried out from now on.
    pub(in crate::redis) fn direct_propagation(&mut self, engine: &mut Engine) {
        let listeners = match engine.data.is_loading {
            true => Listeners::default(),
            false => Listeners { file: self.keeps_file(), replicas: self.replication.listens() },
        };
        engine.data.propagation.set_listeners(listeners);
    }
}

impl Session {
    /// The port that a replica names where it names none.
    pub(super) const NO_PORT: u16 = REDIS_PORT;
}

fn word(word: &'static str) -> Arc<[Bytes]> {
    Arc::new([Bytes::from_static(word.as_bytes())])
}
