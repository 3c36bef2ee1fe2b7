//! Clients that wait: for the end of a pause, for replicas. And how they go on.
//!
//! Nothing here has a timer of its own. As in Redis, whoever's time is over is looked for whenever
//! the event loop comes round: after any input, and at the latest with the next `serverCron`. The
//! deadlines are on the wall clock.
//!
//! Source: `blocked.c`; `timeout.c`; `networking.c`, `pauseClients`; `server.c`, `beforeSleep`.

use std::sync::Arc;

use bytes::Bytes;

use super::connection::{End, Session};
use super::{Call, Sessions};
use crate::redis::commands::{self, integer};
use crate::redis::engine::Engine;
use crate::redis::resp::Reply;
use crate::redis::unix_time::millis;
use crate::time::LocalClock;

/// Why a client waits.
#[derive(Debug)]
pub(super) enum Blocked {
    /// Its command is held back by a pause.
    Postponed(Arc<[Bytes]>),
    /// It has sent `WAIT`.
    ForReplicas {
        /// Until when; for ever if it is `None`. Unix milliseconds.
        until_ms: Option<i64>,
        /// How many.
        wanted: i64,
        /// What they have to have: an offset of the stream.
        offset: i64,
    },
}

impl Blocked {
    /// True when it has to be looked at before long.
    pub(super) fn has_deadline(&self) -> bool {
        matches!(self, Self::ForReplicas { until_ms: Some(_), .. })
    }
}

/// What a pause holds back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PauseKind {
    /// There is none.
    #[default]
    Off,
    /// Commands that may change something.
    Write,
    /// All commands.
    All,
}

/// `CLIENT PAUSE`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pause {
    kind: PauseKind,
    /// The last millisecond of the pause, in Unix time.
    until_ms: i64,
}

impl Pause {
    /// One that lasts through a millisecond in Unix time.
    pub(super) const fn new(kind: PauseKind, until_ms: i64) -> Self {
        Self { kind, until_ms }
    }

    pub(super) fn kind(self) -> PauseKind {
        self.kind
    }

    pub(super) fn is_on(self) -> bool {
        self.kind != PauseKind::Off
    }
}

/// `WAIT numreplicas timeout`: milliseconds, 0 is for ever. Source: `replication.c`, `waitCommand`.
pub(in crate::redis) fn wait(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    const ON_REPLICA: Reply = Reply::error(
        "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a \
         replica is configured to be writable (which is not the default) writes to replicas are just \
         local and are not propagated.",
    );
    if call.sessions.replication.master.is_some() {
        return Some(ON_REPLICA);
    }
    let wanted = match integer(&arguments[1]) {
        Ok(wanted) => wanted,
        Err(error) => return Some(error),
    };
    let until_ms = match deadline(&arguments[2], call.sessions.clock) {
        Ok(until_ms) => until_ms,
        Err(error) => return Some(error),
    };
    let offset = call.session().written_to;
    let acknowledged = call.sessions.replication.acknowledged(offset);
    if acknowledged >= wanted || call.session().transaction.is_some() {
        return Some(Reply::Int(acknowledged));
    }
    call.sessions.block(call.at, Blocked::ForReplicas { until_ms, wanted, offset });
    call.sessions.replication.is_ack_wanted = true;
    None
}

/// When a timeout in milliseconds will be over; `None` for 0. Source: `timeout.c`,
/// `getTimeoutFromObjectOrReply`.
pub(super) fn deadline(argument: &[u8], now: LocalClock) -> Result<Option<i64>, Reply> {
    const NOT_AN_INTEGER: Reply = Reply::error("ERR timeout is not an integer or out of range");
    let timeout_ms = integer(argument).map_err(|_| NOT_AN_INTEGER)?;
    match timeout_ms {
        0 => Ok(None),
        1.. => Ok(Some(millis(now.wall).saturating_add(timeout_ms))),
        _ => Err(Reply::error("ERR timeout is negative")),
    }
}

impl Sessions {
    /// True when somebody waits whose time will be over: `serverCron` must come round.
    pub(in crate::redis) fn need_cron(&self) -> bool {
        let waits = |session: &Session| session.blocked.as_ref().is_some_and(Blocked::has_deadline);
        self.pause.is_on()
            || self.blocked > 0 && self.list.iter().any(waits)
            || self.has_idle_limit()
            || self.replication.is_copying()
    }

    /// The event loop is about to sleep: who has waited long enough goes on, and who has been told
    /// the last is hung up on.
    ///
    /// Source: `evict.c`, `startEvictionTimeProc`, whose timer is over at once; `server.c`,
    /// `beforeSleep`: the timeouts, then the pause (which the fast expiry cycle
    /// looks at), then those who wait no longer, then what is to be written.
    pub(in crate::redis) fn before_sleep(&mut self, engine: &mut Engine, now: LocalClock) {
        self.clock = now;
        self.cluster_before_sleep(engine);
        engine.evict_if_due(now.wall);
        self.push_published(engine);
        if self.blocked > 0 {
            self.end_waits();
            self.end_satisfied_waits();
        }
        if self.pause.is_on() && self.pause.until_ms < millis(now.wall) {
            self.set_pause(Pause::default(), engine);
        }
        while let Some(connection) = self.unblocked.pop_front() {
            while let Ok(at) = self.find(connection)
                && let Some(arguments) = self.next_command(at)
            {
                self.process(at, &arguments, engine);
            }
        }
        if !(self.pause.is_on() && self.replication.is_ack_wanted) {
            self.ask_for_acknowledgements();
        }
        self.close_ended(engine);
        self.pass_on(engine);
    }

    /// The next command of a connection, unless it waits or has ended.
    fn next_command(&mut self, at: usize) -> Option<Arc<[Bytes]>> {
        let session = &mut self.list[at];
        let goes_on = session.blocked.is_none() && session.end == End::Open;
        if goes_on { session.waiting.pop_front() } else { None }
    }

    /// A client waits from now on.
    pub(super) fn block(&mut self, at: usize, why: Blocked) {
        let session = &mut self.list[at];
        if matches!(why, Blocked::Postponed(_)) {
            self.postponed.push(session.connection);
        }
        session.blocked = Some(why);
        self.blocked += 1;
    }

    /// A client waits no longer; it goes on before the event loop sleeps. What was held back comes
    /// before what has arrived since.
    pub(super) fn unblock(&mut self, at: usize) {
        let session = &mut self.list[at];
        match session.blocked.take() {
            Some(Blocked::Postponed(arguments)) => {
                session.waiting.push_front(arguments);
                self.postponed.retain(|other| *other != session.connection);
            }
            Some(Blocked::ForReplicas { .. }) => session.end_command(),
            None => return,
        }
        self.blocked -= 1;
        self.unblocked.push_back(session.connection);
    }

    /// Who waits for replicas and whose time is over is told how many there are: the earliest first.
    fn end_waits(&mut self) {
        let now_ms = millis(self.clock.wall);
        let mut over: Vec<(i64, i64, i64, usize)> = Vec::new();
        for (at, session) in self.list.iter().enumerate() {
            if let Some(Blocked::ForReplicas { until_ms: Some(until_ms), offset, .. }) =
                session.blocked
                && until_ms < now_ms
            {
                over.push((until_ms, session.id, offset, at));
            }
        }
        over.sort_unstable();
        for (_, _, offset, at) in over {
            let acknowledged = self.replication.acknowledged(offset);
            self.say(at, Reply::Int(acknowledged));
            self.unblock(at);
        }
    }

    /// Who waits for replicas and has enough of them goes on: who came last comes first. Source:
    /// `replication.c`, `waitCommand`, which puts a client at the head of the list, and
    /// `processClientsWaitingReplicas`.
    fn end_satisfied_waits(&mut self) {
        let mut satisfied: Vec<(i64, i64, usize)> = Vec::new();
        for (at, session) in self.list.iter().enumerate() {
            if let Some(Blocked::ForReplicas { wanted, offset, .. }) = session.blocked {
                let acknowledged = self.replication.acknowledged(offset);
                if acknowledged >= wanted {
                    satisfied.push((session.id, acknowledged, at));
                }
            }
        }
        satisfied.sort_unstable();
        for (_, acknowledged, at) in satisfied.into_iter().rev() {
            self.say(at, Reply::Int(acknowledged));
            self.unblock(at);
        }
    }

    /// Whether a connection waits for replicas.
    pub(super) fn waits_for_replicas(&self, at: usize) -> bool {
        matches!(self.list[at].blocked, Some(Blocked::ForReplicas { .. }))
    }

    /// Begins, changes or ends the pause. Source: `networking.c`, `updateClientPauseTypeAndEndTime`.
    pub(super) fn set_pause(&mut self, pause: Pause, engine: &mut Engine) {
        let before = std::mem::replace(&mut self.pause, pause);
        engine.data.constant_until_ms = pause.is_on().then_some(pause.until_ms);
        if pause.kind < before.kind {
            for connection in std::mem::take(&mut self.postponed) {
                if let Ok(at) = self.find(connection) {
                    self.unblock(at);
                }
            }
        }
    }
}

/// `CLIENT PAUSE timeout [WRITE | ALL]`: a pause that is there already is only made longer and
/// stricter. Source: `networking.c`, `clientCommand` and `pauseClients`.
pub(super) fn pause(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    let kind = match &arguments[3..] {
        [] => PauseKind::All,
        [mode] if mode.eq_ignore_ascii_case(b"write") => PauseKind::Write,
        [mode] if mode.eq_ignore_ascii_case(b"all") => PauseKind::All,
        [_] => return Some(Reply::error("ERR CLIENT PAUSE mode must be WRITE or ALL")),
        _ => return Some(commands::wrong_subcommand(arguments)),
    };
    let until_ms = match deadline(&arguments[2], call.sessions.clock) {
        Ok(until_ms) => until_ms.unwrap_or(0),
        Err(error) => return Some(error),
    };
    let old = call.sessions.pause;
    let mut pause = Pause { kind: kind.max(old.kind), until_ms: until_ms.max(old.until_ms) };
    if pause.until_ms < millis(call.sessions.clock.wall) {
        pause = Pause::default();
    }
    call.sessions.set_pause(pause, call.engine);
    Some(Reply::OK)
}

/// `CLIENT UNPAUSE`
pub(super) fn unpause(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    call.sessions.set_pause(Pause::default(), call.engine);
    Some(Reply::OK)
}

/// `CLIENT UNBLOCK id [TIMEOUT | ERROR]`: only a client that has sent `WAIT` can be told to go on. A
/// real server crashes when the client is paused.
///
/// Source: `networking.c`, `clientCommand`; `blocked.c`, `replyToBlockedClientTimedOut`.
pub(super) fn unblock(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    let as_error = match &arguments[3..] {
        [] => false,
        [reason] if reason.eq_ignore_ascii_case(b"timeout") => false,
        [reason] if reason.eq_ignore_ascii_case(b"error") => true,
        [_] => return Some(Reply::error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
        _ => return Some(commands::wrong_subcommand(arguments)),
    };
    let id = match integer(&arguments[2]) {
        Ok(id) => id,
        Err(error) => return Some(error),
    };
    let sessions = &mut *call.sessions;
    let is_meant = |session: &Session| session.id == id && session.end == End::Open;
    let at = sessions.list.iter().position(is_meant);
    let Some((at, Some(Blocked::ForReplicas { offset, .. }))) =
        at.map(|at| (at, sessions.list[at].blocked.as_ref()))
    else {
        return Some(Reply::Int(0));
    };
    let offset = *offset;
    let reply = if as_error {
        Reply::error("UNBLOCKED client unblocked via CLIENT UNBLOCK")
    } else {
        Reply::Int(sessions.replication.acknowledged(offset))
    };
    sessions.say(at, reply);
    sessions.unblock(at);
    Some(Reply::Int(1))
}
